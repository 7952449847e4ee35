/** `check-history` as users call it: histories of others, judged from their files. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const bin = join(import.meta.dirname, '..', '..', 'dist', 'runner', 'cli.js');
const examples = join(import.meta.dirname, '..', 'history', 'examples');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kelpie-dst-history-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function checkHistory(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, 'check-history', ...args], { cwd: examples, encoding: 'utf8' });
  return { code: status, stdout, stderr };
}

function written(name: string, ...lines: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

describe('check-history', () => {
  test('accepts EDN in which operations succeed, fail and end unknown', () => {
    const { code, stdout, stderr } = checkHistory('cas.edn', '--model', 'cas');
    // The compare-and-set that failed took no effect and is no operation of the order.
    expect(stdout).toMatch(/^cas\.edn: linearizable \(4 operations, \d+ placements tried\)\n$/);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test('accepts JSON, one object a line or as an array, with the verdict as JSON', () => {
    const array = written(
      'array.json',
      '[',
      '{"type":"invoke","process":0,"f":"add","value":7},',
      '{"type":"ok","process":0,"f":"add","value":7}',
      ']',
    );
    for (const [args, operations] of [
      [['kv.jsonl', '--model', 'kv'], 4],
      [[array, '--model', 'set'], 1],
    ] as const) {
      const { code, stdout } = checkHistory(...args, '--json');
      expect(JSON.parse(stdout)).toEqual({ verdict: 'linearizable', operations, steps: expect.any(Number) });
      expect(code).toBe(0);
    }
  });

  test('tells the longest order that works and the operation that fits nowhere, with exit code 1', () => {
    const { code, stdout } = checkHistory('register-stale-read.edn', '--model', 'register');
    expect(stdout.replace(/\d+ placements/, 'N placements').split('\n')).toEqual([
      'register-stale-read.edn: not linearizable (3 operations, N placements tried)',
      '  The longest order that works has 2 operations:',
      '    line 2: process 0 write 1, ok 1 on line 3',
      '    line 5: process 1 write 2, ok 2 on line 6',
      '  The state was then 2.',
      '  This one had been answered and fits nowhere:',
      '    line 7: process 0 read null, ok 1 on line 8',
      '',
    ]);
    expect(code).toBe(1);
  });

  test('tells the same as JSON, and which key it is about', () => {
    const lost = written(
      'lost.jsonl',
      '{"type":"invoke","process":0,"f":"put","value":["x",1]}',
      '{"type":"ok","process":0,"f":"put","value":["x",1]}',
      '{"type":"invoke","process":0,"f":"put","value":["y",1]}',
      '{"type":"ok","process":0,"f":"put","value":["y",1]}',
      '{"type":"invoke","process":1,"f":"get","value":["x",null]}',
      '{"type":"ok","process":1,"f":"get","value":["x",null]}',
    );
    const { code, stdout } = checkHistory(lost, '--model', 'kv', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      verdict: 'not linearizable',
      operations: 3,
      part: expect.stringContaining('x'),
      prefix: [{ line: 1, process: '0', f: 'put', value: ['x', 1], answer: { line: 2, type: 'ok' } }],
      stuck: { line: 5, process: '1', f: 'get', answer: { line: 6, type: 'ok', value: ['x', null] } },
    });
    expect(code).toBe(1);
  });

  test('says unknown, and how to allow more, when the bound is reached before an answer', () => {
    const { code, stdout } = checkHistory('register-stale-read.edn', '--model', 'register', '--steps', '1');
    expect(stdout).toMatch(/: unknown \(3 operations.*\n.*more orders than 1 placements can try; allow more by --steps\n$/);
    expect(code).toBe(1);
    const asJson = checkHistory('register-stale-read.edn', '--model', 'register', '--steps', '1', '--json');
    expect(JSON.parse(asJson.stdout)).toMatchObject({ verdict: 'unknown', reason: 'the bound of steps was reached' });
  });

  test.each([
    [
      'cut.edn',
      ['{:type :invoke, :process 0, :f :read}', '{:type :ok, :process 0'],
      /cut\.edn, line 3: the file ends where the '\{' of line 2 is to be closed/,
    ],
    [
      'type.edn',
      ['{:type :maybe, :process 0, :f :read}'],
      /type\.edn, line 1: field type is "maybe"; it must be one of invoke, ok, fail, info/,
    ],
    [
      'orphan.jsonl',
      ['', '{"type":"ok","process":3,"f":"read","value":1}'],
      /orphan\.jsonl, line 2: .*invoked nothing; is a line missing\?/,
    ],
    [
      'jump.edn',
      ['{:type :invoke, :process 0, :f :jump}'],
      /line 1: field f: this model has no jump; it has read, write \(choose another by --model\)/,
    ],
    ['text.txt', ['hello'], /text\.txt, line 1: .*an operation has the fields type, process, f and value/],
    [
      'array.json',
      ['[', ' {"type":"invoke","process":0,"f":"read"},', ' {"type":"done","process":0,"f":"read"}]'],
      /array\.json, line 3: field type is "done"/,
    ],
    [
      'torn.json',
      ['[', ' {"type":"invoke","process":0,"f":"read"},', ' {"type":}]'],
      /torn\.json, line 3: this is no JSON.*write one array, or one object a line/,
    ],
    ['empty.edn', [], /empty\.edn has no operation; it must hold maps such as/],
  ])('refuses %s with exit code 2, naming the line and what to do', (name, lines, message) => {
    const { code, stdout, stderr } = checkHistory(written(name, ...lines), '--model', 'register');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  test.each([
    [['cas.edn'], /--model is missing; say what the operations were done to: register, cas/],
    [['cas.edn', '--model', 'cass'], /cass.*cas/],
    [['cas.edn', '--model', 'cas', '--steps', '0'], /--steps.*1/],
    [['nowhere.edn', '--model', 'cas'], /nowhere\.edn cannot be read .*give the path of a history/],
  ])('refuses %j with exit code 2', (args, message) => {
    const { code, stdout, stderr } = checkHistory(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });
});
