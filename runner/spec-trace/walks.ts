/** What the events of one run say about the walks of its modules, kept to be checked as a whole. */
import type { Mapping, Observation, Told } from '../../specs/mapping.js';
import type { TraceEvent } from '../../src/trace.js';

/** One observation, and the event that told it. */
export interface Seen {
  readonly observation: Observation;
  readonly event: TraceEvent;
}

export interface RecordedWalk {
  readonly module: string;
  readonly name: string;
  readonly seen: readonly Seen[];
  /** Why it ended unjudged, when the model is too small for what came. */
  readonly left: string | undefined;
}

interface Recording {
  readonly seen: Seen[];
  left: string | undefined;
}

/** Records the walks of one module. */
export class WalkRecorder {
  readonly mapping: Mapping;
  readonly #walks = new Map<string, Recording>();
  readonly #observer: { observe(event: TraceEvent): void };
  #event: TraceEvent | undefined;

  constructor(mapping: Mapping) {
    this.mapping = mapping;
    this.#observer = mapping.start({
      see: (walk, observation) => {
        const recording = this.#walk(walk);
        // What comes after the end of a walk is of no walk.
        if (recording.left === undefined && this.#event !== undefined) recording.seen.push({ observation, event: this.#event });
      },
      leave: (walk, why) => {
        this.#walk(walk).left ??= why;
      },
    });
  }

  observe(event: TraceEvent): void {
    const { hears } = this.mapping;
    if (hears !== undefined && !hears.includes(event.body.type as Told['type'])) return;
    this.#event = event;
    this.#observer.observe(event);
  }

  /** In the order in which they were first named. */
  walks(): readonly RecordedWalk[] {
    return [...this.#walks].map(([name, { seen, left }]) => ({ module: this.mapping.module, name, seen, left }));
  }

  #walk(name: string): Recording {
    const known = this.#walks.get(name);
    if (known !== undefined) return known;
    const recording: Recording = { seen: [], left: undefined };
    this.#walks.set(name, recording);
    return recording;
  }
}
