/** The thread of a case pool: runs one case an order, and brings its verdict back. Loaded by `case-pool.ts` only. */
import type { Case } from '../src/run.js';
import { type CaseVerdict, verdictOf } from './case-verdict.js';
import { EffectsHash } from './effects.js';
import { loadCatalogue, simulateCase, tellingProgress } from './simulate-case.js';
import { Seat, type SeatBuffers } from './storm/seat.js';

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

// What programs under test print must not get into the one JSON document on stdout.
process.stdout.write = process.stderr.write.bind(process.stderr);

// Only verdicts go back, and Kelpie throws an error for every conflict.
Error.stackTraceLimit = 0;

let seat: Seat | undefined;
process.on('exit', () => seat?.exit());

/** Rejects for a broken assertion of the simulator. */
export default async function judge(order: CaseOrder): Promise<CaseAnswer> {
  const own = new Seat(order.seat);
  seat = own;
  const catalogue = await loadCatalogue(order.catalogueUrl);
  if (typeof catalogue === 'string') return { kind: 'refused', reason: catalogue };
  own.begin(0);
  const effects = new EffectsHash();
  const simulated = await simulateCase(order.run, catalogue, {
    muted: order.muted,
    listeners: [effects.listener],
    onProgress: tellingProgress(own.progress),
  });
  if (typeof simulated === 'string') return { kind: 'refused', reason: simulated };
  return { kind: 'done', verdict: verdictOf(simulated.run, effects.digest()) };
}
