/**
 * One run of a search through all schedules and fault choices: follows a given list of choices, takes the first alternative from
 * there on, and names every state in which it chose, so that a state that was searched before need not be searched again.
 *
 * A state is named by its causal history (Mazurkiewicz traces, as in Godefroid's "Partial-Order Methods", 1996) and not by its
 * contents, which nobody could see whole: programs keep theirs in closures and pending promises. Every component (a node with all its
 * lives, the database, each service) has a history: a hash over the steps it took, each with its simulated time, what it was, and the
 * history, at that moment, of whoever scheduled it. A component is a deterministic program, so equal histories mean equal contents,
 * and what is still to happen follows from the histories too. Two orders of steps that do not touch each other's component give equal
 * histories; two steps of one component, or steps that pass anything on, do not commute. On this rest the cuts:
 *
 * - A step changes the component that it belongs to and those that the kernel says went on or died in it, and nothing else. An event
 *   of the world belongs to the address whose message it carries; any other touches everything, as a barrier.
 * - Sending changes nothing at the receiver before the message is there, and the network keeps each pair's messages in order.
 * - Promises fold the story in the order of its telling, so the order of what any of them hears is part of the state. Convergence
 *   is asked about what became of each node, and not in which order nodes told of it; and specs are followed in the runs that are made,
 *   but no order is tried for their sake alone.
 * - The healthy network draws no chance per message, and faults answer only what they were scripted to.
 *
 * Most orders need not be tried at all: what a node does reaches no other at the same instant, so the orders of steps of each one
 * component are tried, one component after the other. Only where steps of an instant turn out to be entangled (one reached into
 * another component, or two components told things that one judge hears) are all orders of that instant tried: dynamic partial-order
 * reduction (Flanagan and Godefroid, POPL 2005), coarse and within one instant. What the world itself does (it boots nodes, begins
 * faults, heals) comes before everything that is ready together with it: that is a bound of the search, and no finding of it.
 */
import type { Micros, NodeId, StoryEvent } from '../ports.js';
import { mix } from '../trace.js';
import type { QueuedEvent } from './event-queue.js';

/** What the kernel tells a search, and asks it. */
export interface Explorer {
  /** Events of one line take effect in the order of scheduling, whichever of them runs first. */
  scheduled(event: QueuedEvent, now: Micros, line: object | undefined): void;
  /** The event is about to run; false ends the run. */
  begins(event: QueuedEvent, now: Micros): boolean;
  /** A node goes on, or dies, in an event that may belong to somebody else. */
  touched(node: NodeId): void;
  /** Something was told to those who judge. */
  told(body: StoryEvent, now: Micros): void;
  /** An index of `ready`, which holds at least two events. */
  choose(ready: readonly QueuedEvent[], now: Micros): number;
}

/** 64 bits in two lanes. */
export interface Digest {
  readonly a: number;
  readonly b: number;
}

/** A moment at which the run could have gone on in `choices` ways. */
export interface DecisionPoint {
  readonly kind: 'schedule' | 'fault';
  /** How many branch points came before it. */
  readonly position: number;
  /** How many schedule decisions from here on are branch points. */
  readonly left: number;
  readonly choices: number;
  /** The first of them are steps of one component; the others matter only where the instant is entangled. */
  readonly own: number;
  readonly entangled: boolean;
  readonly state: Digest;
}

export interface ExplorationOptions {
  /** What to choose at the first branch points; the first alternative from there on. */
  readonly choices: readonly number[];
  /** How long after the beginning of the chaos phase decisions count; what is before is getting ready, the same in every run. */
  readonly readyMicros: Micros;
  /** So many schedule decisions are branch points, and all of faults; others take the first alternative and are counted only. */
  readonly depth: number;
  /** Whether all that follows from this state with so many branch points left is searched already: then the run ends there. */
  isSearched(state: Digest, left: number): boolean;
  /** Each judge, as the types of events that it hears; undefined is all. */
  readonly audiences: readonly (readonly string[] | undefined)[];
}

/** What a step turned out to be. */
interface Step {
  readonly components: readonly string[];
  /** Types of events told. */
  readonly told: readonly string[];
}

interface Origin {
  readonly at: Micros;
  /** Steps without passing of time since `at` began: what was caused later comes later. */
  readonly generation: number;
  readonly history: Digest;
}

const SEED: Digest = { a: 0x9e3779b9 | 0, b: 0x85ebca6b | 0 };
const MESSAGE_TO = 'message to ';

/** Both lanes see all of the other side. */
const fold = (one: Digest, other: Digest): Digest => {
  const a = mix(one.a ^ other.a, other.b);
  return { a, b: mix(one.b + other.b, a ^ other.a) };
};
const foldNumber = (one: Digest, value: number): Digest => fold(one, { a: value | 0, b: Math.floor(value / 2 ** 32) | 0 });

/** Texts are few and come often. */
const texts = new Map<string, Digest>();
function digestOf(text: string): Digest {
  let digest = texts.get(text);
  if (digest === undefined) {
    digest = SEED;
    for (let i = 0; i < text.length; i++) digest = foldNumber(digest, text.charCodeAt(i));
    texts.set(text, digest);
  }
  return digest;
}

export class Exploration implements Explorer {
  /** The branch points in the order met, those of the given choices too. */
  readonly points: DecisionPoint[] = [];
  /** What the kernel was answered, from the beginning of the run: replays it. */
  readonly indexes: number[] = [];
  readonly #options: ExplorationOptions;
  readonly #origins = new WeakMap<QueuedEvent, Origin>();
  readonly #lines = new WeakMap<QueuedEvent, object>();
  #histories = new Map<string, Digest>();
  /** Where components that were not heard of since the last barrier begin. */
  #epoch: Digest = SEED;
  #story: Digest = SEED;
  /** The history of the step that runs: its event, and what it has touched so far. */
  #step: Digest = SEED;
  #stepTouched: string[] = [];
  #stepTold: string[] = [];
  #instant: Step[] = [];
  #instantAt: Micros = 0;
  /** The branch points of this instant, each with how many of its steps came before. */
  #open: { readonly point: DecisionPoint; readonly before: number }[] = [];
  #stepAt: Micros = 0;
  #stepGeneration = 0;
  #stepScheduled = 0;
  #beginsAt: Micros = Number.POSITIVE_INFINITY;
  #phase: 'before' | 'chaos' | 'after' = 'before';
  #decisions = 0;
  #schedules = 0;
  #branches = 0;
  #isCut = false;

  constructor(options: ExplorationOptions) {
    this.#options = options;
  }

  /** Decisions of the chaos phase up to now. */
  get decisions(): number {
    return this.#decisions;
  }

  /** Those that could have gone another way in this search. */
  get branches(): number {
    return this.#branches;
  }

  /** The run ended in a state that was searched before. */
  get isCut(): boolean {
    return this.#isCut;
  }

  scheduled(event: QueuedEvent, now: Micros, line: object | undefined): void {
    if (line !== undefined) this.#lines.set(event, line);
    if (this.#phase === 'before') return;
    const history = foldNumber(this.#step, ++this.#stepScheduled);
    this.#origins.set(event, { at: now, generation: this.#stepAt === now ? this.#stepGeneration + 1 : 0, history });
  }

  begins(event: QueuedEvent, now: Micros): boolean {
    if (this.#isCut) return false;
    this.#enter(now);
    if (this.#phase === 'before') return true;
    this.#endStep();
    this.#enterInstant(now);
    const { at, generation, history } = this.#originOf(event);
    this.#stepAt = now;
    this.#stepGeneration = at === now ? generation : 0;
    this.#stepScheduled = 0;
    this.#step = fold(fold(foldNumber(SEED, now), digestOf(event.what)), history);
    const component = componentOf(event);
    if (component === undefined) this.#barrier();
    else this.touched(component);
    return true;
  }

  touched(node: NodeId): void {
    if (this.#phase === 'before' || this.#stepTouched.includes(node)) return;
    this.#stepTouched.push(node);
    this.#step = fold(this.#step, this.#historyOf(node));
  }

  told(body: StoryEvent, now: Micros): void {
    this.#stepTold.push(body.type);
    if (body.type !== 'phase') return;
    if ('phase' in body && body.phase === 'chaos') this.#beginsAt = now + this.#options.readyMicros;
    else if (this.#phase === 'chaos') this.#phase = 'after';
    else this.#beginsAt = Number.POSITIVE_INFINITY;
  }

  choose(ready: readonly QueuedEvent[], now: Micros): number {
    this.#enter(now);
    const index = this.#phase === 'before' ? 0 : this.#choose(ready, now);
    this.indexes.push(index);
    return index;
  }

  /** The run is over: its last instant may not be whole. */
  end(): void {
    this.#endStep();
    this.#endInstant(true);
  }

  /** One of `choices` ways for what happens in the step that runs. 0, the healthy one, outside of the chaos phase. */
  chooseFault(choices: number): number {
    if (this.#phase !== 'chaos') return 0;
    const choice = this.#decide('fault', choices, choices, fold(this.#state(), this.#step));
    this.#step = foldNumber(this.#step, choice);
    return choice;
  }

  #enter(now: Micros): void {
    if (this.#phase === 'before' && now >= this.#beginsAt) this.#phase = 'chaos';
  }

  #choose(ready: readonly QueuedEvent[], now: Micros): number {
    const candidates = this.#candidates(ready);
    const [first] = candidates;
    if (first === undefined) throw new Error('a choice without alternatives');
    const components = candidates.map((index) => componentOf(ready[index] as QueuedEvent)); // candidates index ready
    const world = candidates[components.indexOf(undefined)];
    if (world !== undefined) return world;
    if (candidates.length === 1 || this.#phase !== 'chaos') return first;
    this.#endStep();
    this.#enterInstant(now);
    const own = candidates.filter((_, i) => components[i] === components[0]);
    const ways = [...own, ...candidates.filter((_, i) => components[i] !== components[0])];
    const index = ways[this.#decide('schedule', ways.length, own.length, foldNumber(this.#state(), now))];
    if (index === undefined) throw new Error('a choice that is no alternative');
    return index;
  }

  /**
   * Indexes of events whose order matters, in an order that depends on histories alone: equal states have equal alternatives. Timers
   * and messages of one process come in their order anyway, and so do those of a line; only the first of them is an alternative.
   */
  #candidates(ready: readonly QueuedEvent[]): number[] {
    const candidates: number[] = [];
    for (const [index, event] of ready.entries()) {
      const line = this.#lines.get(event);
      const isLater = candidates.some((before) => {
        const other = ready[before];
        if (other === undefined || other.owner !== event.owner) return false;
        if (line !== undefined) return this.#lines.get(other) === line;
        return other.what === event.what && (event.what === 'timer' || event.what === 'message');
      });
      if (!isLater) candidates.push(index);
    }
    const origins = ready.map((event) => this.#originOf(event));
    return candidates.sort((one, other) => {
      const first = origins[one] ?? UNKNOWN; // candidates index ready
      const second = origins[other] ?? UNKNOWN;
      return (
        first.at - second.at ||
        first.generation - second.generation ||
        first.history.a - second.history.a ||
        first.history.b - second.history.b
      );
    });
  }

  #decide(kind: DecisionPoint['kind'], choices: number, own: number, state: Digest): number {
    const { choices: given, depth, isSearched } = this.#options;
    this.#decisions++;
    const left = Math.max(0, depth - this.#schedules);
    if (kind === 'schedule') this.#schedules++;
    if (this.#isCut || (kind === 'schedule' && left === 0)) return 0;
    const position = this.#branches++;
    const wanted = given[position];
    if (wanted === undefined && isSearched(state, left)) {
      this.#isCut = true;
      return 0;
    }
    if (wanted !== undefined && wanted >= choices) {
      throw new Error(`decision ${position} has ${choices} ways, and way ${wanted} was to be taken: the same choices led elsewhere`);
    }
    this.#open.push({ point: { kind, position, left, choices, own, entangled: false, state }, before: this.#instant.length });
    return wanted ?? 0;
  }

  #enterInstant(now: Micros): void {
    if (now === this.#instantAt) return;
    this.#endInstant(false);
    this.#instantAt = now;
  }

  /** Now it is known what the steps of this instant had to do with each other. */
  #endInstant(isCutShort: boolean): void {
    for (const { point, before } of this.#open) {
      this.points.push({ ...point, entangled: isCutShort || this.#areEntangled(this.#instant.slice(before)) });
    }
    this.#open = [];
    this.#instant = [];
  }

  #areEntangled(steps: readonly Step[]): boolean {
    if (steps.some(({ components }) => components.length > 1)) return true;
    const telling = steps.filter(({ told }) => told.length > 0);
    return this.#options.audiences.some((hears) => {
      const heard = telling.filter(({ told }) => hears === undefined || told.some((type) => hears.includes(type)));
      return new Set(heard.map(({ components }) => components[0])).size > 1;
    });
  }

  #originOf(event: QueuedEvent): Origin {
    // What was scheduled before the search began was scheduled alike in all runs.
    return this.#origins.get(event) ?? { at: 0, generation: 0, history: { a: 0, b: event.sequence } };
  }

  #historyOf(component: string): Digest {
    return this.#histories.get(component) ?? fold(this.#epoch, digestOf(component));
  }

  #endStep(): void {
    for (const component of this.#stepTouched) this.#histories.set(component, fold(this.#step, digestOf(component)));
    if (this.#stepTouched.length > 0) this.#instant.push({ components: this.#stepTouched, told: this.#stepTold });
    this.#stepTouched = [];
    // What was told follows from the history of the step; that it was told now, and not before, is new.
    if (this.#stepTold.some((type) => this.#isHeard(type))) this.#story = fold(this.#story, this.#step);
    this.#stepTold = [];
  }

  #barrier(): void {
    this.#step = fold(this.#step, this.#state());
    this.#epoch = this.#step;
    this.#histories = new Map();
  }

  #isHeard(type: string): boolean {
    return this.#options.audiences.some((hears) => hears === undefined || hears.includes(type));
  }

  /** Adds histories up, so that the order in which components were first heard of does not matter. */
  #state(): Digest {
    let a = 0;
    let b = 0;
    for (const [component, history] of this.#histories) {
      const own = fold(history, digestOf(component));
      a = (a + own.a) | 0;
      b = (b + own.b) | 0;
    }
    return fold(fold(fold(SEED, { a, b }), this.#epoch), this.#story);
  }
}

const UNKNOWN: Origin = { at: 0, generation: 0, history: SEED };

/** Whose step it is; undefined where it may be everybody's. A boot may tidy up in the database what the life before left there. */
function componentOf(event: QueuedEvent): string | undefined {
  if (event.owner !== undefined) return event.what === 'boot' ? undefined : event.owner.node;
  return event.what.startsWith(MESSAGE_TO) ? event.what.slice(MESSAGE_TO.length) : undefined;
}
