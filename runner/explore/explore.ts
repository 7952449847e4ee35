/**
 * Searches all schedules and fault choices of a small case, to a bound. Every run starts anew and follows a route of choices; what it
 * met becomes new routes. Runs go out in batches of one size, and what a batch found is taken in when all of it is there, in order: so
 * the search is the same on any number of workers.
 */
import type { Case } from '../../src/run.js';
import type { CaseVerdict } from '../case-verdict.js';
import { type Attempt, WatchedPool } from '../watched-pool.js';
import type { ExploreAnswer, ExploreOrder } from './explore-worker.js';
import type { Explored, Search } from './explored-run.js';
import { Odometer, type Route } from './odometer.js';
import { StateTable } from './state-table.js';

export interface ExploreOptions {
  readonly runsMax: number;
  readonly workers: number;
  readonly signal: AbortSignal;
  /** The module that exports the catalogue; the project's own when absent. */
  readonly catalogueUrl?: URL;
  readonly hangTimeoutMs?: number;
  readonly onBatch?: (found: ExploreReport) => void;
}

/** Why a search ended before it was through. */
export type CutShort = 'failure' | 'runs' | 'interrupted';

export interface ExploreReport {
  readonly runs: number;
  /** Runs that ended in a state where another had been. */
  readonly cut: number;
  readonly states: number;
  /** Routes found up to now, taken or not: how much there is to do, as far as it is known. */
  readonly routes: number;
  /** Fewest turns away from the first way that were not yet tried all; undefined when nothing is left. */
  readonly turns: number | undefined;
  /** Decisions of all runs that came to their end, and how many of them were no branch points, being beyond the depth. */
  readonly decisions: number;
  readonly beyond: number;
  /** Decisions of the run that had most. */
  readonly longest: number;
  readonly cutShort: CutShort | undefined;
  readonly failure: Failure | undefined;
}

export interface Failure {
  readonly route: Route;
  /** Absent where the run took its worker with it or hung. */
  readonly found?: { readonly case: Case; readonly verdict: CaseVerdict };
}

const WORKER = new URL('explore-worker.js', import.meta.url);
/** Independent of the number of workers. */
const BATCH = 64;
/** Room for three quarters of a million states, in 12 MB. */
const STATES = 2 ** 20;

/** Rejects for what cannot be searched, and for a broken assertion of the simulator; being interrupted is in the report. */
export async function explore(search: Search, options: ExploreOptions): Promise<ExploreReport> {
  const { runsMax, signal } = options;
  const pool = new WatchedPool(options);
  const catalogueUrl = (options.catalogueUrl ?? new URL('../catalogue.js', import.meta.url)).href;
  const table = new StateTable(STATES);
  const odometer = new Odometer();
  const counts = { runs: 0, cut: 0, decisions: 0, beyond: 0, longest: 0 };
  const report = (cutShort: CutShort | undefined, failure?: Failure): ExploreReport => ({
    ...counts,
    states: table.size,
    routes: odometer.known,
    turns: odometer.turns,
    cutShort,
    failure,
  });
  const run = (route: Route): Promise<Attempt<ExploreAnswer>> =>
    pool.run<ExploreOrder, ExploreAnswer>(WORKER, { search, route, table: table.buffer, catalogueUrl });

  try {
    while (odometer.waiting > 0) {
      if (counts.runs >= runsMax) return report('runs');
      const routes = odometer.take(Math.min(BATCH, runsMax - counts.runs));
      const attempts = await Promise.all(routes.map(run));
      for (const [index, route] of routes.entries()) {
        const attempt = attempts[index] as Attempt<ExploreAnswer>; // one for each route
        counts.runs++;
        if (attempt.kind === 'died') return report('failure', { route });
        const { answer } = attempt;
        if (answer.kind === 'refused') throw new Error(answer.reason);
        const { explored } = answer;
        takeIn(explored, route, table, odometer, counts);
        if (explored.failing !== undefined) {
          return report('failure', { route, found: { case: explored.failing, verdict: explored.verdict } });
        }
      }
      options.onBatch?.(report(undefined));
    }
    return report(undefined);
  } catch (error) {
    if (signal.aborted) return report('interrupted');
    throw error;
  } finally {
    await pool.end();
  }
}

interface Counts {
  cut: number;
  decisions: number;
  beyond: number;
  longest: number;
}

function takeIn(explored: Explored, route: Route, table: StateTable, odometer: Odometer, counts: Counts): void {
  const { points, isCut, decisions, branches } = explored;
  // A run of the same batch may have been here in the meantime: what follows is its to search.
  const met = points.findIndex(({ position, state, left }) => position >= route.length && table.has(state, left));
  const own = met < 0 ? points : points.slice(0, met);
  for (const { position, state, left } of own) if (position >= route.length) table.put(state, left);
  odometer.branch(route, own);
  counts.longest = Math.max(counts.longest, decisions);
  if (isCut || met >= 0) {
    counts.cut++;
    return;
  }
  counts.decisions += decisions;
  counts.beyond += decisions - branches;
}
