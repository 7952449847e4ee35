import fc from 'fast-check';
import { expect, it } from 'vitest';
import { OrderGraph } from './order-graph.js';

const NODES = 7;
const edges = fc.array(fc.record({ from: fc.nat(NODES - 1), to: fc.nat(NODES - 1), free: fc.boolean() }), { maxLength: 12 });

/** The fewest edges with a reason on any way back, by trying all ways. */
function fewestReasons(all: readonly { readonly from: number; readonly to: number; readonly free: boolean }[]): number {
  const distance = Array.from({ length: NODES }, () => Array.from({ length: NODES }, () => Number.POSITIVE_INFINITY));
  const shorten = (from: number, to: number, length: number): void => {
    const row = distance[from];
    if (row !== undefined) row[to] = Math.min(row[to] ?? Number.POSITIVE_INFINITY, length);
  };
  for (const { from, to, free } of all) shorten(from, to, free ? 0 : 1);
  // Floyd and Warshall (1962).
  for (let k = 0; k < NODES; k++)
    for (let i = 0; i < NODES; i++)
      for (let j = 0; j < NODES; j++)
        shorten(i, j, (distance[i]?.[k] ?? Number.POSITIVE_INFINITY) + (distance[k]?.[j] ?? Number.POSITIVE_INFINITY));
  return Math.min(...distance.map((row, i) => row[i] ?? Number.POSITIVE_INFINITY));
}

it('finds a cycle if and only if there is one, with the fewest reasons', () => {
  let cycles = 0;
  fc.assert(
    fc.property(edges, (all) => {
      const graph = new OrderGraph();
      for (let i = 0; i < NODES; i++) graph.add();
      for (const { from, to, free } of all) graph.link(from, to, free ? undefined : 'because');
      const fewest = fewestReasons(all);
      const cycle = graph.cycle();
      expect(cycle !== undefined).toBe(Number.isFinite(fewest));
      if (cycle === undefined) return;
      cycles++;
      expect(cycle.filter(({ why }) => why !== undefined)).toHaveLength(fewest);
      // It is a way round: each edge goes on where the one before ended.
      for (const [i, { from }] of cycle.entries()) expect(from).toBe(cycle.at(i - 1)?.to);
    }),
    { numRuns: 2_000 },
  );
  expect(cycles).toBeGreaterThan(200);
});
