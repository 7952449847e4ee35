import { expect, test } from 'vitest';
import { drawnOf, mutantsPage, plainScore, scoreOfPromises, scoreWithTests, staleVerdicts, tallyOf, unread } from './page.js';
import type { MutantResult } from './results.js';
import { type MutantVerdict, verdicts as written } from './verdicts.js';

/** It draws every mutant of these tests but `z1`, `r1` and `o1`. */
const sample = { oneIn: 2, seed: 5_040 };
const base = {
  file: 'src/kelpie/lease.ts',
  mutator: 'ConditionalExpression',
  span: { start: { line: 11, column: 2 }, end: { line: 11, column: 9 } },
  original: 'a || b',
  replacement: 'true',
  digest: 'now',
  runs: 100,
  sample,
  seconds: 10,
};
const killed = (key: string, by: string, attempts: number): MutantResult => ({ ...base, key, status: 'killed', by, detail: '', attempts });
const survived = (key: string, change: Partial<typeof base & { differing: number }> = {}): MutantResult => ({
  differing: 5,
  ...base,
  ...change,
  key,
  status: 'survived',
  attempts: 42,
});
const unreached = (key: string): MutantResult => ({ ...base, key, status: 'unreached' });

const refused = (key: string): MutantResult => ({ ...base, key, status: 'refused', detail: 'TS2322' });

const verdicts: readonly MutantVerdict[] = [
  { key: 's1', kind: 'equivalent', why: 'both are the same' },
  { key: 's2', kind: 'telemetry', why: 'only a counter' },
  { key: 's3', kind: 'unit-tests', why: 'lease.test.ts' },
  { key: 'k1', kind: 'equivalent', why: 'it was killed after all' },
  { key: 'gone', kind: 'hole', why: 'no longer there' },
];
const digests = new Map([[base.file, 'now']]);
const results = [
  killed('k1', 'single-activation', 3),
  survived('s1', { differing: 0 }),
  survived('s2'),
  survived('s3'),
  unreached('u1'),
  refused('n1'),
];

test('each score says what it leaves out, and a verdict on a mutant that was killed counts for nothing', () => {
  const tally = tallyOf(results, verdicts);
  expect(tally).toEqual({
    refused: 1,
    run: 5,
    killed: 1,
    survived: 3,
    unreached: 1,
    read: { equivalent: 1, telemetry: 1, 'unit-tests': 1, hole: 0 },
  });
  expect([plainScore(tally), scoreOfPromises(tally), scoreWithTests(tally)]).toEqual([20, 33, 66]);
  expect(plainScore(tallyOf([], verdicts))).toBeNull();
});

test('the page has a row for each file, for each killer and for each survivor, with the verdict on it', () => {
  const keys = new Map([
    ['src/kelpie/registry.ts', ['r1']],
    ['src/kelpie/lease.ts', ['k1', 'k2', 'k3', 's1', 's2', 's3', 'u1', 'n1', 'z1']],
  ]);
  const page = mutantsPage({ digests, keys, verdicts, results: [...results, killed('k2', 'liveness', 9), killed('k3', 'liveness', 1)] });
  expect(page).toContain(
    '8 mutants of 10 were drawn (one in 2 from seed 5040). 1 of them do not compile and count for nothing; of the\n' +
      '7 others the storm killed 3, 3 survived, and 1 are in code that none of its runs reached. 1 of the survivors changed\n' +
      'the trace of no run. The mean is 10 s of one worker on the machine that wrote this.\n\n',
  );
  expect(page).toContain('- 42 % (15–75) are killed by the storm');
  expect(page).toContain('- 60 % (23–89) without the 1 equivalent ones and the 1 that only');
  expect(page).toContain('- 80 % (37–97) of these with the 1 that tests beside the file kill.');
  expect(page).toContain('| `src/kelpie/lease.ts` | 9 | 8 | 1 | 7 | 3 | 3 | 1 | 42 % (15–75) | 60 % (23–89) | 80 % (37–97) |');
  expect(page).toContain('| `src/kelpie/registry.ts` | 1 | 0 | 0 | 0 | 0 | 0 | 0 | - | - | - |');
  expect(page).toMatch(/\| liveness \| 2 \| 1 \|\n\| single-activation \| 1 \| 3 \|/);
  expect(page).toContain('| `s1` | lease.ts:12 | `a \\|\\| b` | `true` | 42 | 0 | equivalent: both are the same |');
  expect(page).toContain('| `u1` | lease.ts:12 | `a \\|\\| b` | `true` | 0 | 0 |  |');
  for (const absent of ['gone', 'n1']) expect(page).not.toContain(absent);
});

test('a score counts what a finished sample has drawn, and nothing that was chosen', () => {
  const own = ['k1', 's1', 's2', 's3', 'u1', 'n1', 'z1'];
  const asked: MutantResult = { ...killed('z1', 'liveness', 1), sample: null };
  const keys = new Map([[base.file, own]]);
  expect(drawnOf({ keys, results: [...results, asked] })).toEqual(results);
  const page = mutantsPage({ digests, keys, verdicts, results: [...results, asked] });
  expect(page).toContain('6 mutants of 7 were drawn');
  expect(page).toContain('1 more were asked for by their keys, or are of a sample that was not run to its end: they count in no score.');
  // One that the sample has drawn is missing.
  const unfinished = new Map([[base.file, [...own, 'k2']]]);
  expect(drawnOf({ keys: unfinished, results })).toEqual([]);
  expect(mutantsPage({ digests, keys: unfinished, verdicts, results })).toContain(
    '0 mutants of 8 were drawn (no sample has been run to its end)',
  );
  const edited = new Map([[base.file, 'later']]);
  expect(mutantsPage({ digests: edited, keys, verdicts, results })).toContain('6 results are of mutants whose file has changed since');
  // It counts when it was drawn, although it was asked for.
  const again = results.map((result) => (result.key === 's2' ? { ...result, sample: null } : result));
  expect(drawnOf({ keys, results: again })).toEqual(again);
});

test('what survives and has no verdict is unread', () => {
  expect(unread([...results, survived('s9')], verdicts).map(({ key }) => key)).toEqual(['u1', 's9']);
});

test('code is shown on one line, shortened, in a fence that it does not close', () => {
  const long = survived('s9', { original: `{\n  ${'call(a);\n  '.repeat(20)}}`, replacement: '``' });
  const page = mutantsPage({ digests, keys: new Map([[base.file, ['s9']]]), verdicts: [], results: [long] });
  expect(page).toMatch(/\| `\{ call\(a\); call\(a\);[^`\n]{0,70} …` \| ``` `` ``` \|/);
});

test('a verdict on code that is gone is stale', () => {
  expect(
    staleVerdicts(
      verdicts,
      new Map([
        ['a', ['s1', 's2']],
        ['b', ['s3', 'k1']],
      ]),
    ).map(({ key }) => key),
  ).toEqual(['gone']);
});

test('no mutant has two verdicts, and each says why', () => {
  const keys = written.map(({ key }) => key);
  expect(new Set(keys).size).toBe(keys.length);
  for (const { key, why } of written) {
    expect(key).toMatch(/^[0-9a-f]{8}$/);
    expect(why).not.toMatch(/^$|[|\n]/);
  }
});
