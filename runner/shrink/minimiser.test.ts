/** Against judges that are plain predicates, so that what is smallest is known. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Case, Operation } from '../../src/run.js';
import type { CaseVerdict } from '../case-verdict.js';
import { type Bounds, Minimiser } from './minimiser.js';

const UNBOUNDED: Bounds = { runs: 1_000_000, wallMs: Number.POSITIVE_INFINITY };
const FAILS: CaseVerdict = { verdict: 'violation', invariant: 'x', signature: 'x', traceHash: 'f', events: 1, effects: 'e' };
const PASSES: CaseVerdict = { ...FAILS, verdict: 'pass', invariant: null, signature: 'pass' };

function caseOf(ids: readonly number[]): Case {
  const operations = ids.map((id): Operation => ({ client: 1, atMicros: id, kind: 'do' }));
  return { workload: { nodes: 1, clients: 1, operations } } as unknown as Case; // the minimiser looks into nothing else
}
const idsOf = (run: Case): number[] => run.workload.operations.map(({ atMicros }) => atMicros);

async function thinned(from: readonly number[], fails: (ids: readonly number[]) => boolean, atOnce = 1, bounds = UNBOUNDED) {
  const judged: string[] = [];
  const minimiser = new Minimiser(
    caseOf(from),
    FAILS,
    async (run) => {
      judged.push(idsOf(run).join());
      return fails(idsOf(run)) ? FAILS : PASSES;
    },
    atOnce,
    bounds,
  );
  await minimiser.thinOut(
    (run) => run.workload.operations,
    (run, operations) => ({ ...run, workload: { ...run.workload, operations } }),
  );
  return { ids: idsOf(minimiser.best), judged, minimiser };
}

const range = (length: number): number[] => Array.from({ length }, (_, id) => id);

describe('thinning out', () => {
  test('finds the members that are needed, wherever they stand and however many', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 60 }), fc.uniqueArray(fc.nat(59), { maxLength: 8 }), async (length, wanted) => {
        const needed = wanted.filter((id) => id < length).sort((a, b) => a - b);
        const { ids } = await thinned(range(length), (left) => needed.every((id) => left.includes(id)));
        expect(ids).toEqual(needed);
      }),
      { numRuns: 200 },
    );
  });

  test('leaves a list of which no single member can be spared, whatever the judge', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 14 }), fc.nat(1_000), async (length, salt) => {
        // Any judge that fails for the whole list; it need not be monotonic.
        const fails = (left: readonly number[]): boolean =>
          left.length === length ||
          (left.reduce((sum, id) => Math.imul(sum + id + salt, 2_654_435_761) >>> 0, 7) % 3 === 0 && left.length > 0);
        const { ids } = await thinned(range(length), fails);
        expect(fails(ids)).toBe(true);
        for (const spared of ids) expect(fails(ids.filter((id) => id !== spared))).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  test('comes to the same, however many are judged at once', async () => {
    const fails = (left: readonly number[]): boolean => left.includes(3) && left.length % 3 !== 1;
    const [alone, together] = [await thinned(range(40), fails, 1), await thinned(range(40), fails, 5)];
    expect(together.ids).toEqual(alone.ids);
  });

  test('judges nothing twice', async () => {
    const { judged } = await thinned(range(30), (left) => [4, 17, 18].every((id) => left.includes(id)));
    expect(new Set(judged).size).toBe(judged.length);
  });

  test('costs far fewer runs than there are members, where few are needed', async () => {
    const { minimiser } = await thinned(range(1_000), (left) => left.includes(700));
    expect(minimiser.runs).toBeLessThan(60);
  });

  test('ends at its bound with what it has', async () => {
    const { ids, minimiser } = await thinned(range(100), (left) => left.includes(1) && left.includes(98), 1, { ...UNBOUNDED, runs: 10 });
    expect(minimiser.exhausted).toBe(true);
    expect(minimiser.runs).toBe(10);
    expect(ids).toContain(1);
    expect(ids.length).toBeLessThan(100);
  });
});

test('what changes nothing is not taken, though it fails alike', async () => {
  const minimiser = new Minimiser(caseOf([1, 2]), FAILS, async () => FAILS, 1, UNBOUNDED);
  expect(await minimiser.takeAll((best) => [best, caseOf(idsOf(best))])).toBe(false);
  expect(minimiser.runs).toBe(0);
  // Nor what was the best once.
  expect(await minimiser.takeAll((best) => [caseOf(idsOf(best).length === 2 ? [1] : [1, 2])])).toBe(true);
  expect({ ids: idsOf(minimiser.best), runs: minimiser.runs }).toEqual({ ids: [1], runs: 1 });
});

test('what fails in another way is not taken', async () => {
  const other: CaseVerdict = { ...FAILS, invariant: 'y' };
  const minimiser = new Minimiser(caseOf([1, 2]), FAILS, async () => other, 1, UNBOUNDED);
  expect(await minimiser.takeFirst([caseOf([1])])).toBe(false);
  expect(idsOf(minimiser.best)).toEqual([1, 2]);
});
