/** The thread of a storm: runs batch after batch, and brings back little of each run. Loaded by the pool of `storm.ts` only. */
import type { Catalogue } from '../catalogue.js';
import { VisitCounts, type Visits } from '../conformance/visits.js';
import { keepAlive, sitDown } from '../pool-thread.js';
import { loadCatalogue, simulateCase, tellingProgress } from '../simulate-case.js';
import { caseAt, type Plan } from './plan.js';
import type { SeatBuffers } from './seat.js';
import { resultOf, type SeedResult } from './seed-result.js';

export interface BatchOrder {
  readonly plan: Plan;
  /** Positions in the plan. */
  readonly positions: readonly number[];
  readonly seat: SeatBuffers;
  /** A module that exports `catalogue`. */
  readonly catalogueUrl: string;
}

export type BatchAnswer =
  | { readonly kind: 'done'; readonly results: readonly SeedResult[]; readonly visits: readonly Visits[] }
  /** The plan and the catalogue do not fit together. */
  | { readonly kind: 'refused'; readonly reason: string };

/** Rejects for a broken assertion of the simulator; the seat tells in which run. */
export default async function runBatch(order: BatchOrder): Promise<BatchAnswer> {
  const seat = sitDown(order.seat);
  const catalogue: Catalogue | string = await loadCatalogue(order.catalogueUrl);
  if (typeof catalogue === 'string') return { kind: 'refused', reason: catalogue };
  const results: SeedResult[] = [];
  const visits = new VisitCounts();
  const onProgress = tellingProgress(seat.progress);
  for (const [nth, position] of order.positions.entries()) {
    seat.begin(nth);
    const simulated = await simulateCase(caseAt(order.plan, position, catalogue), catalogue, { onProgress, keeper: keepAlive });
    if (typeof simulated === 'string') return { kind: 'refused', reason: simulated };
    visits.addRun(position, simulated.conformance.coverage());
    results.push(resultOf(simulated.run, position));
  }
  return { kind: 'done', results, visits: visits.visits() };
}
