import { expect, test } from 'vitest';
import { mutantsPage, plainScore, scoreOfPromises, scoreWithTests, staleVerdicts, tallyOf } from './page.js';
import type { MutantResult } from './results.js';
import { type MutantVerdict, verdicts as written } from './verdicts.js';

const base = {
  file: 'src/kelpie/lease.ts',
  mutator: 'ConditionalExpression',
  span: { start: { line: 11, column: 2 }, end: { line: 11, column: 9 } },
  original: 'a || b',
  replacement: 'true',
  runs: 100,
  sample: { oneIn: 40, seed: 7 },
  seconds: 10,
};
const killed = (key: string, by: string, attempts: number): MutantResult => ({ ...base, key, status: 'killed', by, detail: '', attempts });
const survived = (key: string, change: Partial<typeof base> = {}): MutantResult => ({
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
const results = [killed('k1', 'single-activation', 3), survived('s1'), survived('s2'), survived('s3'), unreached('u1'), refused('n1')];

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
  const page = mutantsPage({ keys, verdicts, results: [...results, killed('k2', 'liveness', 9), killed('k3', 'liveness', 1)] });
  expect(page).toContain(
    '8 mutants of 10 were drawn (8: one in 40, drawn from seed 7). 1 of them do not compile and count for nothing; of the',
  );
  expect(page).toContain('7 others the storm killed 3, 3 survived, and 1 are in code that none of its runs reached. The mean is 10 s of');
  expect(page).toContain('- 42 % are killed by the storm');
  expect(page).toContain('- 60 % without the 1 equivalent ones and the 1 that only');
  expect(page).toContain('- 80 % of these with the 1 that tests beside the file kill.');
  expect(page).toContain('| `src/kelpie/lease.ts` | 9 | 1 | 7 | 3 | 3 | 1 | 42 % | 60 % | 80 % |');
  expect(page).toContain('| `src/kelpie/registry.ts` | 1 | 0 | 0 | 0 | 0 | 0 | - | - | - |');
  expect(page).toMatch(/\| liveness \| 2 \| 1 \|\n\| single-activation \| 1 \| 3 \|/);
  expect(page).toContain('| `s1` | lease.ts:12 | `a \\|\\| b` | `true` | 42 | equivalent: both are the same |');
  expect(page).toContain('| `u1` | lease.ts:12 | `a \\|\\| b` | `true` | 0 |  |');
  for (const absent of ['gone', 'n1']) expect(page).not.toContain(absent);
});

test('code is shown on one line, shortened, in a fence that it does not close', () => {
  const long = survived('s9', { original: `{\n  ${'call(a);\n  '.repeat(20)}}`, replacement: '``' });
  const page = mutantsPage({ keys: new Map([[base.file, ['s9']]]), verdicts: [], results: [long] });
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
