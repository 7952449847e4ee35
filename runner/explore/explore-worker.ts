/** The thread of a search: does one run an order. Loaded by `explore.ts` only. */
import { sitDown } from '../pool-thread.js';
import { loadCatalogue, type Refusal, tellingProgress } from '../simulate-case.js';
import type { SeatBuffers } from '../storm/seat.js';
import { type Explored, exploreRun, type Search } from './explored-run.js';
import type { Route } from './odometer.js';
import { StateTable } from './state-table.js';

export interface ExploreOrder {
  readonly search: Search;
  readonly route: Route;
  readonly seat: SeatBuffers;
  /** States searched before. */
  readonly table: SharedArrayBuffer;
  /** A module that exports `catalogue`. */
  readonly catalogueUrl: string;
}

export type ExploreAnswer = { readonly kind: 'done'; readonly explored: Explored } | { readonly kind: 'refused'; readonly reason: Refusal };

/** Rejects for a broken assertion of the simulator. */
export default async function explore({ search, route, seat: buffers, table, catalogueUrl }: ExploreOrder): Promise<ExploreAnswer> {
  const seat = sitDown(buffers);
  const catalogue = await loadCatalogue(catalogueUrl);
  if (typeof catalogue === 'string') return { kind: 'refused', reason: catalogue };
  seat.begin(0);
  const watching = { onProgress: tellingProgress(seat.progress) };
  const explored = await exploreRun(search, route, catalogue, new StateTable(table), watching);
  return typeof explored === 'string' ? { kind: 'refused', reason: explored } : { kind: 'done', explored };
}
