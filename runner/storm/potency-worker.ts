/** The thread of a potency check: what a run told, step by step, or whether it tells the same with some faults muted. Loaded by `potency-pool.ts` only. */
import type { Case } from '../../src/run.js';
import type { TraceEvent } from '../../src/trace.js';
import { EffectsHash, isEffect } from '../effects.js';
import { keepAlive, sitDown } from '../pool-thread.js';
import { loadCatalogue, simulateCase, tellingProgress } from '../simulate-case.js';
import type { SeatBuffers } from './seat.js';

export interface PotencyOrder {
  readonly run: Case;
  /** Labels of faults that do nothing. */
  readonly muted: readonly string[];
  /** What the whole run told. Absent: that is asked for. */
  readonly whole?: Steps;
  readonly seat: SeatBuffers;
  /** A module that exports `catalogue`. */
  readonly catalogueUrl: string;
}

/** For each effect of a run, in order, 32 bits of the digest of all up to it. */
export type Steps = Int32Array;

export type PotencyAnswer =
  | { readonly kind: 'told'; readonly steps: Steps }
  | { readonly kind: 'compared'; readonly differs: boolean }
  /** The case and the catalogue do not fit together. */
  | { readonly kind: 'refused'; readonly reason: string };

/** Rejects for a broken assertion of the simulator. */
export default async function look({ run, muted, whole, seat: buffers, catalogueUrl }: PotencyOrder): Promise<PotencyAnswer> {
  const seat = sitDown(buffers);
  const catalogue = await loadCatalogue(catalogueUrl);
  if (typeof catalogue === 'string') return { kind: 'refused', reason: catalogue };
  seat.begin(0);
  const effects = new EffectsHash();
  const told: number[] = [];
  let step = 0;
  let differs = false;
  const simulated = await simulateCase(run, catalogue, {
    muted,
    judged: false,
    keeper: keepAlive,
    onProgress: tellingProgress(seat.progress),
    endsAt(event: TraceEvent) {
      if (!isEffect(event)) return false;
      effects.listener(event);
      if (whole === undefined) told.push(effects.lane());
      // What comes after the first difference is of no interest.
      else differs = whole[step++] !== effects.lane();
      return differs;
    },
  });
  if (typeof simulated === 'string') return { kind: 'refused', reason: simulated };
  if (whole === undefined) return { kind: 'told', steps: Int32Array.from(told) };
  return { kind: 'compared', differs: differs || step !== whole.length };
}
