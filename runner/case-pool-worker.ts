/** The thread of a case pool: runs one case an order, and brings its verdict back. Loaded by `case-pool.ts` only. */
import type { Case } from '../src/run.js';
import { type CaseVerdict, verdictOf } from './case-verdict.js';
import { EffectsHash } from './effects.js';
import { sitDown } from './pool-thread.js';
import { loadCatalogue, simulateCase, tellingProgress } from './simulate-case.js';
import type { SeatBuffers } from './storm/seat.js';

export interface CaseOrder {
  readonly run: Case;
  readonly muted: readonly string[];
  readonly seat: SeatBuffers;
  /** A module that exports `catalogue`. */
  readonly catalogueUrl: string;
}

export type CaseAnswer =
  | { readonly kind: 'done'; readonly verdict: CaseVerdict }
  /** The case and the catalogue do not fit together. */
  | { readonly kind: 'refused'; readonly reason: string };

/** Rejects for a broken assertion of the simulator. */
export default async function judge(order: CaseOrder): Promise<CaseAnswer> {
  const seat = sitDown(order.seat);
  const catalogue = await loadCatalogue(order.catalogueUrl);
  if (typeof catalogue === 'string') return { kind: 'refused', reason: catalogue };
  seat.begin(0);
  const effects = new EffectsHash();
  const simulated = await simulateCase(order.run, catalogue, {
    muted: order.muted,
    listeners: [effects.listener],
    onProgress: tellingProgress(seat.progress),
  });
  if (typeof simulated === 'string') return { kind: 'refused', reason: simulated };
  return { kind: 'done', verdict: verdictOf(simulated.run, effects.digest()) };
}
