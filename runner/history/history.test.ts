import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseEdn } from './edn.js';
import { readInvocations } from './history-file.js';
import { checkHistory, type HistoryModelName } from './history-models.js';

const example = (name: string): string => readFileSync(new URL(`examples/${name}`, import.meta.url), 'utf8');
const check = (model: HistoryModelName, text: string, stepsMax = 10_000) => checkHistory(model, 'h', readInvocations('h', text), stepsMax);
const lines = (...entries: readonly string[]): string => entries.join('\n');

describe('EDN', () => {
  it.each([
    ['{:a 1, :b [1 -2.5 3N nil true]}', [{ a: 1, b: [1, -2.5, 3, null, true] }]],
    ['#jepsen.history.Op{:f :read} ; comment\n#{1 2} (a b)', [{ f: 'read' }, [1, 2], ['a', 'b']]],
    ['{1 10, [2 3] 4} #_ {:not this} "a\\n\\u0041\\""', [{ 1: 10, '[2,3]': 4 }, 'a\nA"']],
    ['', []],
  ])('reads %s', (text, values) => {
    expect(parseEdn(text).values).toEqual(values);
  });

  it('knows the line of each map', () => {
    const { values, lines: at } = parseEdn('; first\n{:a "x\ny"}\n\n{:b 1}');
    expect(values.map((value) => at.get(value))).toEqual([2, 5]);
  });

  it.each([
    ['{:a 1', 1, /the file ends.*'\{' of line 1/],
    ['\n[1 2}', 2, /'\}'.*'\[' of line 2/],
    ['{:a}', 1, /key "a" without a value/],
    ['{:a 1}}', 1, /nothing has opened/],
    ['"abc', 1, /does not end/],
    ['"\\q"', 1, /stands for nothing/],
    ['#_', 1, /nothing follows/],
    ['['.repeat(300), 1, /nested more than 200/],
  ])('refuses %s', (text, line, message) => {
    expect(() => parseEdn(text)).toThrow(expect.objectContaining({ line, message: expect.stringMatching(message) }));
  });
});

describe('histories', () => {
  it('finds a stale read, and passes over the nemesis', () => {
    const { result, operations, invocationOf } = check('register', example('register-stale-read.edn'));
    expect(operations).toBe(3);
    if (result.verdict !== 'no') throw new Error(result.verdict);
    expect(invocationOf(result.stuck).call.line).toBe(7);
    expect(result.prefix.map((operation) => invocationOf(operation).call.line)).toEqual([2, 5]);
    expect(result.states).toEqual(['2']);
  });

  it('reads a vector of maps, in which an unknown compare-and-set took effect and a failed one did not', () => {
    expect(check('cas', example('cas.edn')).result.verdict).toBe('yes');
    expect(check('cas', example('cas.edn').replace(':value 3,', ':value 4,')).result.verdict).toBe('no');
  });

  it('reads JSON lines and a JSON array', () => {
    const text = example('kv.jsonl');
    expect(check('kv', text).result.verdict).toBe('yes');
    expect(check('kv', `[${text.trim().split('\n').join(',')}]`).result.verdict).toBe('yes');
    expect(
      check('kv', text.replace('"value":["x",null],"process":1,"time":8', '"value":["x",1],"process":1,"time":8')).result.verdict,
    ).toBe('no');
  });

  const call = (f: string, asked: string, answered: string, process = 0): string =>
    lines(
      `{:type :invoke, :process ${process}, :f :${f}, :value ${asked}}`,
      `{:type :ok, :process ${process}, :f :${f}, :value ${answered}}`,
    );

  it.each([
    [
      'list-append',
      [call('append', '[x 1]', '[x 1]'), call('read', '[x nil]', '[x [1]]')],
      [call('append', '[x 1]', '[x 1]'), call('read', '[x nil]', '[x []]')],
    ],
    [
      'set',
      [call('add', '1', '1'), call('add', '2', '2'), call('remove', '1', '1'), call('read', 'nil', '#{2}')],
      [call('add', '1', '1'), call('read', 'nil', '#{}')],
    ],
    [
      'ledger',
      [
        call('deposit', '{:to 0 :amount 9}', 'nil'),
        call('transfer', '{:from 0 :to 1 :amount 4}', 'nil'),
        call('read', 'nil', '{0 5, 1 4}'),
        call('balance', '[1 nil]', '[1 4]'),
      ],
      [call('deposit', '{:to 0 :amount 9}', 'nil'), call('transfer', '{:from 0 :to 1 :amount 10}', 'nil')],
    ],
    [
      'agent',
      [call('create', '[g 1]', 'nil'), call('update', '[g 2]', 'nil'), call('get', '[g nil]', '[g 2]'), call('delete', '[g nil]', 'nil')],
      [call('update', '[g 2]', 'nil')],
    ],
  ] as const)('knows %s', (model, good, bad) => {
    expect(check(model, lines(...good)).result.verdict).toBe('yes');
    expect(check(model, lines(...bad)).result.verdict).toBe('no');
  });

  it('says unknown at its bound', () => {
    expect(check('register', example('register-stale-read.edn'), 1).result.verdict).toBe('unknown');
  });

  it.each([
    ['', /^h has no operation/],
    ['{:type :maybe, :process 0, :f :read}', /^h, line 1: field type is "maybe"; it must be one of/],
    ['{:type :invoke, :f :read}', /line 1: field process is missing/],
    ['{:type :invoke, :process 0}', /line 1: field f is missing/],
    [
      lines('{:type :invoke, :process 0, :f :read}', '{:type :invoke, :process 0, :f :read}'),
      /line 2: field process: 0 invokes read while its read of line 1/,
    ],
    ['{:type :ok, :process 0, :f :read}', /line 1: field type: ok of process 0, which has invoked nothing/],
    [lines('{:type :invoke, :process 0, :f :read}', '{:type :ok, :process 0, :f :write}'), /line 2: field f: write ends the read/],
    ['{:type :invoke, :process 0, :f :jump}', /line 1: field f: this model has no jump; it has read, write/],
    ['{"type":"invoke",\n', /line 1: this is no JSON/],
    ['[{"type":"invoke","process":0,"f":"read"},\n{"type":}]', /line 2: this is no JSON/],
    ['[\n{"type":"invoke","process":"[","f":"re\\"ad"},\n\n {"type":"later"}]', /line 4: field process is missing/],
    ['[{"type":"invoke"},\n]', /line 2: this is no JSON/],
    ['[{"type":"invoke"}\n', /line 2: the file ends, and the array in it does not/],
    ['[{"type":"invoke"}\n}', /line 2: here the array should end/],
    ['[{"type":"invoke"}]\n12', /line 1: here the array should end/],
    ['{:type :invoke', /line 1: the file ends/],
    ['12', /line 1: 12 is no map/],
  ])('refuses %j', (text, message) => {
    expect(() => check('register', text)).toThrow(expect.objectContaining({ name: 'UsageError', message: expect.stringMatching(message) }));
  });

  it('names the field of a value that a model cannot have', () => {
    expect(() => check('kv', '{:type :invoke, :process 0, :f :get, :value 1}')).toThrow(
      /line 1: field value of get is 1; it must be a key and a value/,
    );
  });
});
