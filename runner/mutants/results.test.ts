import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type MutantResult, outcomeOf, ResultStore } from './results.js';

const folder = mkdtempSync(join(tmpdir(), 'mutants-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const result = (key: string, change: Partial<MutantResult> = {}): MutantResult =>
  ({
    key,
    file: 'src/a.ts',
    mutator: 'BooleanLiteral',
    span: { start: { line: 0, column: 0 }, end: { line: 0, column: 4 } },
    original: 'true',
    replacement: 'false',
    digest: 'd',
    status: 'survived',
    attempts: 9,
    differing: 4,
    runs: 100,
    sample: { oneIn: 40, seed: 1 },
    seconds: 2,
    ...change,
  }) as MutantResult;

/** What becomes of `k1` when promises are better. */
function killedLater(sample: MutantResult['sample']): MutantResult {
  const { key, file, mutator, span, original, replacement, digest, runs, seconds } = result('k1');
  const found = { status: 'killed', by: 'single-activation', detail: 'two', attempts: 3 } as const;
  return { key, file, mutator, span, original, replacement, digest, runs, seconds, sample, ...found };
}

test('results are kept from run to run, the last one of each mutant', () => {
  const store = ResultStore.read(folder);
  store.note('src/a.ts', ['k1', 'k2', 'k3'], 'true');
  store.put(result('k1'));
  store.put(result('k2'));
  const again = ResultStore.read(folder);
  again.note('src/a.ts', ['k1', 'k2', 'k3'], 'true');
  again.put(killedLater(null));
  const { keys, results } = ResultStore.read(folder).current(() => 'true');
  expect(keys).toEqual(new Map([['src/a.ts', ['k1', 'k2', 'k3']]]));
  expect(results).toEqual([result('k2'), killedLater({ oneIn: 40, seed: 1 })]);
});

test('what was found of another text of a file is told once its mutants are known, and forgotten with those that are gone', () => {
  const store = ResultStore.read(folder);
  store.note('src/a.ts', ['k1'], 'true');
  store.put(result('k1'));
  store.note('src/b.ts', ['k9'], 'b');
  store.put(result('k9', { file: 'src/b.ts' }));
  const { keys, results } = store.current((file) => (file === 'src/a.ts' ? 'false' : 'b'));
  expect([...keys.keys()]).toEqual(['src/b.ts']);
  expect(results.map(({ key }) => key)).toEqual(['k9']);
  expect(store.current(() => undefined).results).toEqual([]);
  store.note('src/a.ts', ['k1', 'k2'], 'false');
  expect(store.current((file) => (file === 'src/a.ts' ? 'false' : 'b')).results.map(({ key }) => key)).toEqual(['k1', 'k9']);
  store.note('src/a.ts', ['k2'], 'false');
  store.note('src/a.ts', ['k1'], 'true');
  expect(store.current((file) => (file === 'src/a.ts' ? 'true' : 'b')).results.map(({ key }) => key)).toEqual(['k9']);
});

test('a file that holds something else is refused by its name', () => {
  ResultStore.read(folder).note('src/a.ts', [], '');
  writeFileSync(join(folder, 'results.json'), '{"version":2}');
  expect(() => ResultStore.read(folder)).toThrow(/results\.json holds no results of mutants.*delete it and run again/s);
});

test('what Stryker says becomes an outcome; a hang and a dead process are kills', () => {
  const killed = { status: 'Killed', statusReason: 'lease-exclusivity\nledger 7: expected one\nseen two', testsCompleted: 4 };
  const none = (): number => expect.unreachable('it survived nothing');
  expect(outcomeOf(killed, none)).toEqual({
    status: 'killed',
    by: 'lease-exclusivity',
    detail: 'ledger 7: expected one\nseen two',
    attempts: 4,
  });
  expect(outcomeOf({ status: 'Survived', testsCompleted: 80 }, () => 7)).toEqual({ status: 'survived', attempts: 80, differing: 7 });
  expect(outcomeOf({ status: 'NoCoverage' }, none)).toEqual({ status: 'unreached' });
  expect(outcomeOf({ status: 'Timeout' }, none)).toMatchObject({ status: 'killed', by: 'hang' });
  expect(outcomeOf({ status: 'RuntimeError', statusReason: 'out of memory' }, none)).toMatchObject({
    by: 'crash',
    detail: 'out of memory',
  });
  expect(outcomeOf({ status: 'CompileError', statusReason: 'TS2322' }, none)).toEqual({ status: 'refused', detail: 'TS2322' });
  expect(() => outcomeOf({ status: 'Ignored', statusReason: 'why' }, none)).toThrow("'Ignored' (why)");
});
