import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { TestResults } from './test-results.js';
import type { MutantVerdict } from './verdicts.js';

const folder = mkdtempSync(join(tmpdir(), 'tests-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const keys = new Set(['lives', 'hole', 'unread', 'text', 'claimed']);

test('what tests kill is measured: it fills in verdicts, ends holes and refutes claims', () => {
  const found = TestResults.read(folder, keys);
  found.put('lives', undefined);
  found.put('claimed', undefined);
  for (const key of ['hole', 'unread', 'text']) found.put(key, 'src/kelpie/wal/wal.test.ts');
  const verdicts: readonly MutantVerdict[] = [
    { key: 'lives', kind: 'hole', why: 'nobody sees it' },
    { key: 'hole', kind: 'hole', why: 'nobody saw it' },
    { key: 'text', kind: 'telemetry', why: 'a text' },
    { key: 'claimed', kind: 'unit-tests', why: 'wal.test.ts' },
  ];
  const again = TestResults.read(folder, keys);
  expect(again.killer('lives')).toBeNull();
  expect(again.killer('hole')).toBe('src/kelpie/wal/wal.test.ts');
  expect(again.killer('other')).toBeUndefined();
  expect(again.over(verdicts)).toEqual([
    verdicts[0],
    verdicts[2],
    verdicts[3],
    { key: 'hole', kind: 'unit-tests', why: 'wal/wal.test.ts' },
    { key: 'unread', kind: 'unit-tests', why: 'wal/wal.test.ts' },
  ]);
  expect(again.refuted(verdicts)).toEqual([verdicts[3]]);
});

test('what was found of a mutant that is gone is forgotten', () => {
  TestResults.read(folder, keys).put('hole', 'wal.test.ts');
  expect(TestResults.read(folder, new Set(['lives'])).killer('hole')).toBeUndefined();
});

test('a file that holds something else is refused by its name', () => {
  TestResults.read(folder, keys).put('hole', undefined);
  writeFileSync(join(folder, 'tests.json'), '{"version":0}');
  expect(() => TestResults.read(folder, keys)).toThrow(/tests\.json holds no results of tests.*delete it and run again/s);
});
