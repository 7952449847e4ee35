import { expect, test } from 'vitest';
import type { KnownBug } from '../../scenarios/bugs/bug.js';
import type { CheckRow } from '../tla/check-all.js';
import { type Detection, detectionLine, detectionOf, detectionPage, runsMediansOf } from './detection.js';
import type { Chase, Finding } from './hunt.js';

const bug: KnownBug = { id: 'half-done', summary: 'it does half', spec: { module: 'Whole', config: 'Half' }, parts: (correct) => correct };

const finding = (change: Partial<Finding> = {}): Finding => ({
  scenario: 'a',
  seed: 7,
  verdict: 'violation',
  invariant: 'whole',
  ...change,
});

const chase = (seeds: number, found: Finding | undefined, seconds = 1): Chase => ({
  from: 1,
  seeds,
  runs: 2 * seeds,
  found,
  seconds,
  alsoWithout: [],
});

const check: CheckRow = {
  module: 'Whole',
  config: 'Whole_Half.cfg',
  engine: 'embedded',
  expected: 'violated',
  expectedInvariant: 'Wholeness',
  verdict: 'violated',
  ok: true,
  invariant: 'Wholeness',
  distinctStates: 3,
  depth: 2,
  seconds: 0,
  note: '',
};

test('the median counts a storm that found nothing as longer than all others', () => {
  const miss = chase(300, undefined);
  const found = (...chases: readonly Chase[]): Pick<Detection, 'found' | 'seedsMedian' | 'seeds'> => {
    const { found: isFound, seedsMedian, seeds } = detectionOf(bug, chases, check);
    return { found: isFound, seedsMedian, seeds };
  };
  expect(found(chase(9, finding()), chase(1, finding()), chase(4, finding()))).toEqual({ found: true, seedsMedian: 4, seeds: [9, 1, 4] });
  expect(found(chase(9, finding()), miss, chase(4, finding()))).toEqual({ found: true, seedsMedian: 9, seeds: [9, null, 4] });
  expect(found(miss, chase(4, finding()), miss)).toEqual({ found: false, seedsMedian: null, seeds: [null, 4, null] });
});

test('a row tells what caught it most often, and what the model checker says', () => {
  const chases = [
    chase(1, finding({ verdict: 'liveness', invariant: null, scenario: 'b' })),
    chase(2, finding(), 5),
    chase(3, finding(), 2),
  ];
  expect(detectionOf(bug, chases, check)).toEqual({
    id: 'half-done',
    summary: 'it does half',
    found: true,
    seedsMedian: 2,
    runsMedian: 4,
    seeds: [1, 2, 3],
    seconds: 2,
    invariant: 'whole',
    verdict: 'violation',
    scenarios: ['a', 'b'],
    spec: 'Whole/Half',
    specInvariant: 'Wholeness',
    agrees: true,
    alsoWithout: 0,
  });
  expect(detectionOf(bug, chases, { ...check, ok: false })).toMatchObject({ agrees: false });
  const { spec: _, ...unspecified } = bug;
  expect(detectionOf(unspecified, chases.slice(0, 1), undefined)).toMatchObject({
    spec: null,
    agrees: null,
    invariant: null,
    verdict: 'liveness',
  });
});

test('a gate reads from the page which bugs are found, and how soon', () => {
  const rows = [
    detectionOf(bug, [chase(12, finding())], check),
    detectionOf({ ...bug, id: 'not-at-all' }, [chase(300, undefined)], check),
    detectionOf({ ...bug, id: 'at-once' }, [chase(1, finding({ verdict: 'hang', invariant: null }))], check),
  ];
  const page = detectionPage(rows, { scenarios: ['a', 'b'], storms: 1, seeds: 300, bases: [1], untried: ['too-late'] });
  expect([...runsMediansOf(page)]).toEqual([
    ['half-done', 24],
    ['at-once', 2],
  ]);
  expect(page).toContain('2 of 3 bugs are found');
  expect(page).toContain('Not found: `not-at-all`.');
  expect(page).toContain('Not tried, for it was interrupted: `too-late`.');
  expect(page).toContain('| `at-once` | it does half | 1 | 2 | 1 | 1.0 | hang | a | Whole/Half (Wholeness) | yes |');
});

test('a line for people keeps its columns, found or not', () => {
  const lines = [
    detectionOf(bug, [chase(12, finding())], check),
    detectionOf({ ...bug, id: 'not-at-all' }, [chase(300, undefined)], check),
  ].map((row) => detectionLine(row));
  expect(lines.map((line) => line.indexOf('Whole/Half'))).toEqual(Array(2).fill(lines[0]?.indexOf('Whole/Half')));
});
