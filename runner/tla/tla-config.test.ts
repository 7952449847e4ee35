import { expect, test } from 'vitest';
import { ModelCheckError } from './model-checker.js';
import { parseConfig } from './tla-config.js';

test('reads what is checked, and what comments say beside it', () => {
  const text = [
    '\\* expects: NoSplitBrain',
    'SPECIFICATION Spec \\* the whole',
    'CONSTANTS',
    '    Nodes = {"n1", "n2"}',
    '    Bug = "None"',
    '(* INVARIANT Other',
    '*)',
    'INVARIANTS TypeOK',
    '    NoSplitBrain',
    'INVARIANT Third',
    'CHECK_DEADLOCK FALSE',
  ].join('\n');
  expect(parseConfig(text, 'A.cfg')).toEqual({
    specification: 'Spec',
    constants: ['Nodes = {"n1", "n2"}', 'Bug = "None"'],
    invariants: ['TypeOK', 'NoSplitBrain', 'Third'],
    properties: [],
    checkDeadlock: false,
    expects: 'NoSplitBrain',
  });
});

test('checks deadlock unless told otherwise, and knows properties and their engine', () => {
  const parsed = parseConfig('\\* engine: tlc\nINIT Init\nNEXT Next\nPROPERTIES\n  A B\n', 'A.cfg');
  expect(parsed).toMatchObject({ init: 'Init', next: 'Next', properties: ['A', 'B'], checkDeadlock: true, engine: 'tlc' });
  expect(parsed.expects).toBeUndefined();
});

test.each(['CONSTRAINT Small', 'SYMMETRY Perms', 'ACTION_CONSTRAINT A', 'VIEW v'])('refuses %s, which cuts the model', (line) => {
  expect(() => parseConfig(`SPECIFICATION Spec\n${line}\n`, 'A.cfg')).toThrow(/^A\.cfg has (CONSTRAINT|SYMMETRY|ACTION_CONSTRAINT|VIEW):/);
});

test('refuses what begins with no keyword', () => {
  expect(() => parseConfig('Spec\n', 'A.cfg')).toThrow(
    new ModelCheckError('config', "A.cfg begins with 'Spec' instead of a keyword such as SPECIFICATION"),
  );
});
