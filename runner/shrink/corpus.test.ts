import { expect, test } from 'vitest';
import { corpusPage, mediansOf, type ShrunkBug } from './corpus.js';
import type { Sizes } from './shrink.js';

const sizes = (operations: number, faults: number): Sizes => ({
  operations,
  faults,
  nodes: 3,
  clients: 2,
  knobs: 0,
  rareWays: 0,
  decisions: 0,
  chaosMicros: 1_500_000,
});

function shrunkBug(id: string, operations: number, faults: number, spare: readonly string[] = []): ShrunkBug {
  const found = { scenario: 'ledger', seed: 7, breaks: 'conservation', from: sizes(40, 9), runs: 120, seconds: 2.04, minimal: true };
  return { id, found: { ...found, to: sizes(operations, faults), spare } };
}

const rows = [shrunkBug('a', 1, 0), shrunkBug('b', 30, 3, ['c1 at 0 s: put | get']), shrunkBug('c', 2, 1), { id: 'missed' }];

test('medians are of those that were found', () => {
  expect(mediansOf(rows)).toEqual({ operations: 2, faults: 1, runs: 120, seconds: 2.04 });
});

test('the page has a row for each that was found, and names the others', () => {
  const page = corpusPage(rows, { from: 100, seeds: 4, scenarios: 25, untried: ['later'] });
  expect(page).toContain('Of 4 bugs 3 were found. At the median of these a failure comes down to **2 operations and 1 fault**');
  expect(page).toContain('| `a` | ledger 7 | conservation | 40 → 1 | 9 → 0 | 3 → 3 | 2 → 2 | 2 → 1.5 | 120 | 2.0 | nothing |');
  expect(page).toContain('| 40 → 30 | 9 → 3 | 3 → 3 | 2 → 2 | 2 → 1.5 | 120 | 2.0 | c1 at 0 s: put \\| get |');
  expect(page).toContain('No failure within these seeds: `missed`');
  expect(page).toContain('Not tried, for it was interrupted: `later`.');
});
