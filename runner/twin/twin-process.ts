/**
 * The other process of a twin check: runs cases one after the other, in an environment that must not matter. Forked by `twin.ts` only.
 * The program under test is loaded when the first case comes, so that a watch on ambient calls can be in place before it.
 */
import type { Case, Verdict } from '../../src/run.js';
import { encodeEvent, type TraceEvent } from '../../src/trace.js';
import { loadCatalogue, simulateCase, type Watching } from '../simulate-case.js';
import { AmbientWatch, programFrames } from './ambient-watch.js';

export interface TwinOrder {
  readonly id: number;
  readonly run: Case;
  /** Whether promises and specs are looked at too. */
  readonly judged: boolean;
  /** `trace`: every event as text too. A number: where the event of this index was told, and what was asked of the host before. */
  readonly want: 'hash' | 'trace' | number;
}

export interface TwinSight {
  /** Where the event was told; empty when there was no such event. */
  readonly stack: string;
  /** Calls past the guard, as `api` and stack, the nearest first. */
  readonly ambient: readonly string[];
}

export type TwinAnswer =
  | {
      readonly id: number;
      readonly kind: 'simulated';
      readonly verdict: Verdict;
      readonly traceHash: string;
      readonly events: number;
      /** Empty unless wanted. */
      readonly trace: readonly string[];
      readonly sight?: TwinSight;
    }
  | { readonly id: number; readonly kind: 'refused'; readonly reason: string };

/** What the parent says on the command line, as one JSON argument. */
export interface TwinSettings {
  readonly catalogueUrl: string;
  /** Forces garbage collection, and turns the event loop by macrotasks. */
  readonly different: boolean;
}

/** A minor collection moves what is young, which takes about a millisecond. */
const EVENTS_PER_MINOR_COLLECTION = 1_000;
/** A full one clears weak references too, and takes as long as a run: some runs have one, at a place that differs from run to run. */
const EVENTS_PER_FULL_COLLECTION = 101_000;
const AMBIENT_NAMED_MAX = 3;

const settings = JSON.parse(process.argv[2] ?? '') as TwinSettings;
const watch = new AmbientWatch();
let watching = false;

async function answer({ id, run, judged, want }: TwinOrder): Promise<TwinAnswer> {
  const wantsSight = typeof want === 'number';
  // Only before the program is loaded: the parent forks a process of its own for that.
  if (wantsSight && !watching) watch.install();
  watching ||= wantsSight;
  const catalogue = await loadCatalogue(settings.catalogueUrl);
  if (typeof catalogue === 'string') return { id, kind: 'refused', reason: catalogue };
  let stack = '';
  watch.clear();
  const recorder = ({ index }: TraceEvent): void => {
    watch.at = index;
    if (index === want) stack = programFrames(new Error('told here').stack ?? '');
  };
  const options: Watching = {
    judged,
    record: want === 'trace',
    ...(wantsSight ? { recorder } : {}),
    ...(settings.different ? { drain: 'fallback', onProgress: collectNowAndThen } : {}),
  };
  const simulated = await simulateCase(run, catalogue, options);
  watch.at = undefined;
  if (typeof simulated === 'string') return { id, kind: 'refused', reason: simulated };
  const { verdict, traceHash, events } = simulated.run;
  const sight: TwinSight = {
    stack,
    ambient: wantsSight
      ? watch
          .before(want)
          .slice(0, AMBIENT_NAMED_MAX)
          .map(({ api, stack: from }) => `${api}\n${from}`)
      : [],
  };
  return { id, kind: 'simulated', verdict, traceHash, events, trace: simulated.trace.map(encodeEvent), ...(wantsSight ? { sight } : {}) };
}

/** Events of all runs of this process. */
let eventsSeen = 0;

function collectNowAndThen(): void {
  eventsSeen++;
  if (eventsSeen % EVENTS_PER_FULL_COLLECTION === 0) globalThis.gc?.();
  else if (eventsSeen % EVENTS_PER_MINOR_COLLECTION === 0) globalThis.gc?.({ type: 'minor' });
}

process.on('message', (order: TwinOrder) => {
  // A broken assertion of the simulator ends this process, and so becomes the answer.
  void answer(order).then((reply) => process.send?.(reply));
});
// Ctrl-C reaches every process of a terminal's group: the parent hears it too, and ends this one.
process.on('SIGINT', () => {});
// The parent is gone.
process.on('disconnect', () => process.exit());
