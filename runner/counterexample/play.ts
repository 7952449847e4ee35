/** Plays one counterexample with one assembly of the runtime, and judges the whole story that it told. */
import type { Invariant } from '../../invariants/invariant.js';
import type { KelpieParts } from '../../src/kelpie/parts.js';
import type { Micros } from '../../src/ports.js';
import type { Violation } from '../../src/run.js';
import type { TraceEvent } from '../../src/trace.js';
import { Departure } from './director.js';
import type { Direction, TakenStep } from './direction.js';
import { stage } from './stage.js';

export interface PlayedStep {
  /** The action of the model, with its arguments. */
  readonly action: string;
  /** What was done to make it happen. */
  readonly did: string;
  /** Indices of the events that were told meanwhile: from, and to before. */
  readonly events: readonly [from: number, to: number];
}

export interface Played {
  /** Those that were taken. */
  readonly steps: readonly PlayedStep[];
  /** Where the runtime did something else than the next step; undefined when all were taken. */
  readonly departure: { readonly action: string; readonly why: string } | undefined;
  /** Promises that the story breaks, the first breach of each. */
  readonly violations: readonly Violation[];
  readonly trace: readonly TraceEvent[];
}

/** Between two steps: commits that come closer than a millisecond share a version, and nobody can tell which was first. */
const APART_MICROS: Micros = 2_000;

/** Rejects when the run breaks down. */
export async function play(
  direction: Direction,
  steps: readonly TakenStep[],
  parts: KelpieParts,
  invariants: readonly Invariant[],
): Promise<Played> {
  const taken: PlayedStep[] = [];
  let departure: Played['departure'];
  const { clients, play: begin } = direction.begin();
  const { trace } = await stage({
    nodes: direction.nodes,
    serve: (platform) => direction.serve(platform, parts),
    clients,
    script: async (director) => {
      const played = begin(director);
      try {
        for (const [at, step] of steps.entries()) {
          const from = director.story.length;
          const did = await played.take(step, steps.slice(at + 1));
          await director.sleep(APART_MICROS);
          taken.push({ action: step.action.label, did, events: [from, director.story.length] });
        }
      } catch (error) {
        if (!(error instanceof Departure)) throw error;
        departure = { action: steps[taken.length]?.action.label ?? '', why: error.message };
      }
      try {
        await played.witness();
      } finally {
        played.end();
      }
    },
  });
  return { steps: taken, departure, violations: judged(trace, invariants), trace };
}

/** The first breach of each promise. Promises for the end of a run that had time to converge are not asked for. */
function judged(trace: readonly TraceEvent[], invariants: readonly Invariant[]): readonly Violation[] {
  return invariants.flatMap(({ id, promise, spec, kind, start }) => {
    if (kind !== 'always') return [];
    const fold = start();
    const about = { invariant: id, promise, ...(spec === undefined ? {} : { spec }) };
    for (const event of trace) {
      const breach = fold.observe(event);
      if (breach !== undefined) return [{ ...about, ...breach }];
    }
    const last = fold.finish?.();
    return last === undefined || last === 'unknown' ? [] : [{ ...about, ...last }];
  });
}
