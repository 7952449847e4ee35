/** What TLC prints, taken from runs of it. */
import { expect, test } from 'vitest';
import { messageOf, parseFailure, parseOutput, parseState, TLC_CODE, traceOf } from './tlc-output.js';

const message = (code: number, kind: number, text: string): string =>
  `@!@!@STARTMSG ${code}:${kind} @!@!@\n${text}\n@!@!@ENDMSG ${code} @!@!@\n`;

test('messages, also those that stand in others, and what is loose', () => {
  const output = parseOutput(
    `loose\n${message(2185, 0, 'Starting...')}@!@!@STARTMSG 1000:1 @!@!@\nThe exception was\n: @!@!@STARTMSG 5006:0 @!@!@\nat line 3\n@!@!@ENDMSG 5006 @!@!@\n@!@!@ENDMSG 1000 @!@!@\nmore`,
  );
  expect(output.messages).toEqual([
    { code: 2185, isError: false, text: 'Starting...' },
    { code: 5006, isError: true, text: 'at line 3' },
    { code: 1000, isError: true, text: 'The exception was\n: ' },
  ]);
  expect(output.loose).toBe('loose\nmore');
  expect(messageOf(output, TLC_CODE.deadlock)).toBeUndefined();
});

test('a state, with values over several lines and a single variable without a bullet', () => {
  expect(parseState('/\\ log = << [ id |-> 1,\n     key |-> "k1" ] >>\n/\\ x = {}\n')).toEqual({
    log: [{ id: 1, key: 'k1' }],
    x: { $set: [] },
  });
  expect(parseState('x = 0\n')).toEqual({ x: 0 });
});

test('an error trace, of versions that tell arguments and of those that do not', () => {
  const output = parseOutput(
    message(2217, 4, '1: <Initial predicate>\nx = 0\n') +
      message(2217, 4, '2: <Claim("n1",2) line 14, col 15 to line 18, col 28 of module A>\nx = 1\n') +
      message(2217, 4, '3: <DstStep7 line 30, col 13 to line 30, col 20 of module A>\nx = 2\n'),
  );
  expect(traceOf(output)).toEqual([
    { label: undefined, state: { x: 0 } },
    { label: 'Claim("n1",2)', state: { x: 1 } },
    { label: 'DstStep7', state: { x: 2 } },
  ]);
});

test.each([
  [
    'a syntax error',
    'Parsing file /tmp/P.tla\n***Parse Error***\nEncountered "====" at line 6, column 1 and token "+" \n\nResidual stack trace follows:\n',
    ':6:1: Encountered "====" and token "+"',
  ],
  [
    'a semantic error',
    "\n*** Errors: 1\n\nline 5, col 14 to line 5, col 16 of module P\n\nUnknown operator: `Foo'.\n\n\n",
    ":5:14: Unknown operator: `Foo'.",
  ],
  ['an error without a place', 'Parsing file P.tla\nsomething else\n', ': something else'],
])('%s has its place', (_, loose, told) => expect(parseFailure({ messages: [], loose })).toBe(told));
