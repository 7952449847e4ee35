/** Checks one run against every spec while it goes on. It only reads along: a divergence ends the walk that shows it, not the run. */
import type { SpecVariable } from '../../reports/reporter.js';
import type { Mapping, Observation, Walks } from '../../specs/mapping.js';
import type { SpecReport, Violation } from '../../src/run.js';
import { Audience } from '../../src/sim/promises.js';
import type { TraceEvent } from '../../src/trace.js';
import { Bits } from './bits.js';
import { summaryOf, summaryText } from './state-summary.js';
import { addIds, type Answer, type Belief, type Tracker } from './tracker.js';

/** What the walks of some runs have shown of a module. */
export interface Coverage {
  /** States that lie on some explanation of what was told up to some event. */
  readonly states: Bits;
  /** Steps of the graph, in the same sense. */
  readonly steps: Bits;
  /** States that were the only explanation right after some event. */
  readonly certain: Bits;
}

/** A walk that was told of something that the spec does not allow. */
export interface Divergence {
  readonly module: string;
  readonly walk: string;
  /** Key of the observation. */
  readonly told: string;
  /** How many observations explained the walk before it, and the key of the last of them. */
  readonly steps: number;
  readonly after: string | undefined;
  /** What the states have in common that explained the walk so far, and how many there are. */
  readonly variables: readonly SpecVariable[];
  readonly states: number;
  /** Labels of the told steps that were allowed. */
  readonly allowed: readonly string[];
  readonly event: TraceEvent;
}

/** A divergence, put into words when it is among the first. */
interface Found {
  readonly event: TraceEvent;
  readonly tell: () => Divergence;
}

interface Walk {
  readonly name: string;
  /** Undefined after a divergence, and where the model is too small: then nothing is judged any more. */
  belief: Belief | undefined;
  steps: number;
  after: string | undefined;
}

/** Divergences told in full; later ones are counted. Each is the first of its walk, and most often the first explains the rest. */
const TOLD_MAX = 10;
/**
 * Events that wait until they are followed. A module that goes on alone finds its states where it left them, in the nearest memory:
 * following each event through all modules at once takes three times as long.
 */
const WAITING_MAX = 2_048;
const ALLOWED_TOLD_MAX = 12;

export class Conformance {
  readonly #divergences: Divergence[] = [];
  readonly #parts: readonly Part[];
  readonly #audience: Audience<Part>;
  readonly #found: Found[] = [];
  #waiting = 0;
  #mistake: { readonly error: unknown } | undefined;

  constructor(trackers: readonly Tracker[]) {
    this.#parts = trackers.map((tracker) => new Part(tracker, (found) => this.#found.push(found)));
    this.#audience = new Audience(this.#parts);
  }

  /** Shows the next event of the run to every mapping that hears its type. */
  observe(event: TraceEvent): void {
    for (const part of this.#audience.of(event.body.type)) part.waiting.push(event);
    if (++this.#waiting >= WAITING_MAX) this.#catchUp();
  }

  /** The first divergences, in the order of the events that showed them. */
  get divergences(): readonly Divergence[] {
    this.#catchUp();
    return this.#divergences;
  }

  /** The divergences as broken promises of the run. */
  violations(): readonly Violation[] {
    return this.divergences.map(violationOf);
  }

  /** Throws what a mapping threw that is wrong in itself: a RangeError for steps that its module does not have. */
  report(): Record<string, SpecReport> {
    this.#catchUp();
    if (this.#mistake !== undefined) throw this.#mistake.error;
    return Object.fromEntries(this.#parts.map((part) => [part.tracker.module, part.report()]));
  }

  /** By module. */
  coverage(): ReadonlyMap<string, Coverage> {
    this.#catchUp();
    return new Map(this.#parts.map((part) => [part.tracker.module, part.coverage()]));
  }

  /** Each module follows all that waits before the next one begins. */
  #catchUp(): void {
    if (this.#waiting === 0) return;
    this.#waiting = 0;
    try {
      for (const part of this.#parts) part.catchUp();
    } catch (error) {
      // The program under test tells its events right now; what is thrown here would look like its own crash.
      this.#mistake ??= { error };
    }
    const found = this.#found.splice(0).sort((a, b) => a.event.index - b.event.index);
    for (const { tell } of found.slice(0, TOLD_MAX - this.#divergences.length)) this.#divergences.push(tell());
  }
}

/** One module in one run. */
class Part implements Walks {
  readonly tracker: Tracker;
  readonly waiting: TraceEvent[] = [];
  readonly hears: Mapping['hears'];
  readonly #fold: { observe(event: TraceEvent): void };
  readonly #diverged: (found: Found) => void;
  readonly #run: number;
  readonly #walks = new Map<string, Walk>();
  readonly #answers: Answer[] = [];
  readonly #left = new Map<string, number>();
  #event: TraceEvent | undefined;
  #coverage: { readonly steps: number; readonly coverage: Coverage } | undefined;
  #steps = 0;
  #divergences = 0;

  constructor(tracker: Tracker, diverged: (found: Found) => void) {
    this.tracker = tracker;
    this.hears = tracker.mapping.hears;
    this.#diverged = diverged;
    this.#run = tracker.newRun();
    this.#fold = tracker.mapping.start(this);
  }

  /** Nothing waits afterwards, whatever is thrown. */
  catchUp(): void {
    for (const event of this.waiting.splice(0)) {
      this.#event = event;
      this.#fold.observe(event);
    }
  }

  see(name: string, observation: Observation): void {
    const walk = this.#walks.get(name) ?? this.#begin(name);
    if (walk.belief === undefined) return;
    const answer = this.tracker.step(walk.belief, observation);
    this.#steps++;
    if (answer.run !== this.#run) {
      answer.run = this.#run;
      this.#answers.push(answer);
    }
    if (answer.next === undefined) this.#diverge(walk, walk.belief, observation);
    walk.belief = answer.next;
    walk.after = observation.key;
    walk.steps++;
  }

  leave(name: string, why: string): void {
    const walk = this.#walks.get(name) ?? this.#begin(name);
    if (walk.belief === undefined) return;
    walk.belief = undefined;
    this.#left.set(why, (this.#left.get(why) ?? 0) + 1);
  }

  report(): SpecReport {
    return {
      steps: this.#steps,
      states: this.coverage().states.count(),
      divergences: this.#divergences,
      walks: this.#walks.size,
      left: Object.fromEntries([...this.#left].sort(([a], [b]) => (a < b ? -1 : 1))),
    };
  }

  /** Adding up takes as long as many steps, so it is done once for what the walks have shown by now. */
  coverage(): Coverage {
    const known = this.#coverage;
    if (known?.steps === this.#steps) return known.coverage;
    const coverage = this.#addedUp();
    this.#coverage = { steps: this.#steps, coverage };
    return coverage;
  }

  #addedUp(): Coverage {
    const { graph } = this.tracker;
    const states = new Bits(graph.states.length);
    const steps = new Bits(graph.steps);
    const certain = new Bits(graph.states.length);
    for (const answer of this.#answers) {
      addIds(states, answer.states);
      addIds(steps, answer.steps);
      const only = answer.next?.states.length === 1 ? answer.next.states[0] : undefined;
      if (only !== undefined) certain.add(only);
    }
    return { states, steps, certain };
  }

  #begin(name: string): Walk {
    const walk: Walk = { name, belief: this.tracker.begin(), steps: 0, after: undefined };
    this.#walks.set(name, walk);
    return walk;
  }

  #diverge({ name, steps, after }: Walk, belief: Belief, observation: Observation): void {
    this.#divergences++;
    const event = this.#event;
    if (event === undefined) throw new Error(`the mapping of ${this.tracker.module} tells of a step before it is shown an event`);
    const tell = (): Divergence => ({
      module: this.tracker.module,
      walk: name,
      told: observation.key,
      steps,
      after,
      variables: summaryOf(belief.states, this.tracker.graph),
      states: belief.states.length,
      allowed: this.tracker.allowed(belief),
      event,
    });
    this.#diverged({ event, tell });
  }
}

function violationOf({ module, walk, told, steps, after, variables, states, allowed, event }: Divergence): Violation {
  const more = allowed.length > ALLOWED_TOLD_MAX ? ` and ${allowed.length - ALLOWED_TOLD_MAX} more` : '';
  const where = states === 1 ? 'the state' : `one of the ${states} states`;
  const before =
    after === undefined ? 'at its beginning' : steps === 1 ? `after ${after}` : `after ${steps} steps, the last of them ${after}`;
  return {
    invariant: module,
    promise: `what is told of ${module} is a walk through its states`,
    expected: `one of ${allowed.slice(0, ALLOWED_TOLD_MAX).join(', ')}${more}, in ${where} with ${summaryText(variables)}`,
    seen: `${told} by ${event.body.type}, in the walk ${walk} ${before}`,
    atMicros: event.at,
    nodes: event.node === '' ? [] : [event.node],
    event: event.index,
    spec: `${module}!Next`,
  };
}
