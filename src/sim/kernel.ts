/**
 * The kernel owns time and order. It takes one event, runs its callback and everything that the callback caused to become
 * runnable, and only then takes the next; so the process that runs is always known, in a plain variable, and a run is a
 * function of its case.
 */
import type { Micros, NodeId, Random, StoryEvent, Timer } from '../ports.js';
import type { Limits, Strategy } from '../run.js';
import { RollingHash, type TraceEvent, type TraceListener, type WorldEvent } from '../trace.js';
import { inPlaceDrain, macrotask } from './drain.js';
import { EventQueue, QueuedEvent } from './event-queue.js';
import type { Explorer } from './explorer.js';
import type { Host, Incarnation, Scheduled } from './host.js';
import { Process } from './process.js';
import { type Chooser, chooserOf } from './schedule.js';
import type { Judge } from './seams.js';

export interface KernelOptions {
  readonly random: Random;
  readonly strategy: Strategy;
  readonly quantumMicros: Micros;
  readonly limits: Limits;
  /** `fallback` uses a macrotask per event even where microtasks can be drained in place. */
  readonly drain?: 'auto' | 'fallback';
  /** Sees every event of the trace but packets. */
  readonly listeners?: readonly TraceListener[];
  /** Sees every event of the trace, packets included. Absent: nothing is recorded and only the hash is paid for. */
  readonly recorder?: TraceListener;
  /** Chooses instead of the strategy, in a search through all schedules. */
  readonly explorer?: Explorer;
  /** Called before each event runs, so that a watchdog can tell where a run hangs. */
  readonly onProgress?: (events: number, simMicros: Micros, node: NodeId) => void;
  /** A program threw, or its promise was rejected and nobody looked. */
  readonly onCrash: (process: Process, error: unknown) => void;
  readonly onKill: (process: Process, reason: string) => void;
}

/** Why a run ended by itself. */
export type Ending =
  | { readonly kind: 'stopped' }
  /** Nothing is left that could ever happen. */
  | { readonly kind: 'idle' }
  | { readonly kind: 'limit'; readonly limit: keyof Limits };

const INERT: Scheduled = { cancel: () => {} };
/** Events between two returns to the host's event loop, so that its signals and messages are served during long runs. */
const EVENTS_PER_TURN = 20_000;

export class Kernel implements Host {
  /** The process whose code is running, undefined while the world acts. */
  current: Process | undefined;
  /** Choices taken so far where more than one event was ready. */
  readonly decisions: number[] = [];
  judge: Judge = NO_FAULTS;

  readonly #options: KernelOptions;
  readonly #queue = new EventQueue();
  readonly #ready: QueuedEvent[] = [];
  readonly #chooser: Chooser;
  readonly #hash = new RollingHash();
  readonly #listeners: readonly TraceListener[];
  readonly #recorder: TraceListener | undefined;
  readonly #quantum: Micros;
  readonly #eventsMax: number;
  readonly #queueMax: number;
  readonly #onProgress: KernelOptions['onProgress'];
  readonly #explorer: Explorer | undefined;
  #now: Micros = 0;
  #sequence = 0;
  #events = 0;
  #traceEvents = 0;
  #cause = -1;
  #ending: Ending | undefined;
  #processes = 0;

  constructor(options: KernelOptions) {
    this.#options = options;
    this.#chooser = chooserOf(options.strategy, options.random.fork('schedule'));
    this.#listeners = options.listeners ?? [];
    this.#recorder = options.recorder;
    this.#quantum = options.quantumMicros;
    this.#eventsMax = options.limits.events;
    this.#queueMax = options.limits.queueLength;
    this.#onProgress = options.onProgress;
    this.#explorer = options.explorer;
  }

  now(): Micros {
    return this.#now;
  }

  get eventsRun(): number {
    return this.#events;
  }

  get traceEvents(): number {
    return this.#traceEvents;
  }

  /** Digest of everything up to now. */
  traceHash(): string {
    return this.#hash.digest();
  }

  random(label: string): Random {
    return this.#options.random.fork(label);
  }

  newProcess(node: NodeId, life: number, clock: Process['clock']): Process {
    return new Process(node, life, ++this.#processes, clock);
  }

  /** @param line what holds the things that such events take in their order, whichever of the events runs first. */
  after(micros: Micros, owner: Incarnation | undefined, what: string, callback: () => void, line?: object): Scheduled {
    let at = this.#now + micros;
    // Rounding up to the grid makes more events ready together, which is what gives a strategy something to choose.
    if (this.#quantum > 1 && micros > 0) at = Math.ceil(at / this.#quantum) * this.#quantum;
    return this.#schedule(at, owner as Process | undefined, what, callback, line);
  }

  /** A timer of a program. It keeps its exact time, for timers of one process must fire in the order of their deadlines. */
  timer(micros: Micros, owner: Process, callback: () => void): Timer {
    return this.#schedule(this.#now + micros, owner, 'timer', callback);
  }

  cancel(event: QueuedEvent): void {
    if (event.callback === undefined) return;
    // A ready or parked event is skipped when its turn comes.
    if (event.at > this.#now) this.#queue.cancel(event);
    else event.callback = undefined;
  }

  tell(owner: Incarnation | undefined, event: WorldEvent): void {
    this.trace(owner, event);
  }

  /** Adds to the trace, and makes the new event the cause of what follows in this step. */
  trace(owner: Incarnation | undefined, body: StoryEvent): void {
    if (owner !== undefined && !owner.alive) return;
    const index = this.#traceEvents++;
    const hash = this.#hash;
    hash.int(this.#now);
    hash.int(owner === undefined ? 0 : (owner as Process).number);
    hash.value(body);
    const cause = this.#cause;
    this.#cause = index;
    if (this.#explorer !== undefined) this.#explorer.told(body, this.#now);
    if (this.#listeners.length === 0 && this.#recorder === undefined) return;
    const event: TraceEvent = { index, at: this.#now, node: owner?.node ?? '', life: owner?.life ?? 0, cause, body };
    this.#recorder?.(event);
    for (const listener of this.#listeners) listener(event);
  }

  /** As `trace`, for packets: too many to show to listeners, and hashed by their numbers. */
  tracePacket(owner: Incarnation | undefined, kind: 'send' | 'deliver' | 'lose', message: number, body: () => WorldEvent): void {
    if (owner !== undefined && !owner.alive) return;
    const index = this.#traceEvents++;
    this.#hash.int(this.#now);
    this.#hash.int(message * 4 + (kind === 'send' ? 1 : kind === 'deliver' ? 2 : 3));
    const cause = this.#cause;
    this.#cause = index;
    this.#recorder?.({ index, at: this.#now, node: owner?.node ?? '', life: owner?.life ?? 0, cause, body: body() });
  }

  kill(owner: Incarnation, reason: string): void {
    const process = owner as Process;
    if (!process.alive) return;
    this.#explorer?.touched(process.node);
    this.tell(process, { type: 'kill', reason });
    process.alive = false;
    process.parked.length = 0;
    process.stopHandler = undefined;
    this.#options.onKill(process, reason);
  }

  /** The world goes on; the process does not, until `resume`. */
  pause(process: Process): void {
    process.paused = true;
  }

  resume(process: Process): void {
    process.paused = false;
    for (const event of process.parked.splice(0)) {
      if (event.callback !== undefined) this.#ready.push(event);
    }
  }

  /**
   * Lets a process go on within an event of the world (a message arrived), or in an event of its own where it is paused or a
   * fault wants to be asked first.
   */
  runAs(process: Process, what: string, callback: () => void): void {
    if (!process.alive) return;
    if (process.paused || this.judge.active('step')) {
      this.#schedule(this.#now, process, what, callback);
      return;
    }
    process.steps++;
    this.#explorer?.touched(process.node);
    this.current = process;
    this.#guarded(process, callback);
  }

  /** Ends the run after the current event. */
  stop(): void {
    this.#ending ??= { kind: 'stopped' };
  }

  /** Runs until stopped, idle or at a limit. May be called again when more was scheduled since. */
  run(): Promise<Ending> {
    this.#ending = undefined;
    return new Promise((resolve, reject) => {
      const turn = (): void => {
        try {
          // In place draining works only outside of microtasks, so every turn starts in a macrotask.
          const drain = this.#options.drain === 'fallback' ? undefined : inPlaceDrain();
          if (drain === undefined) this.#turnByMacrotasks(resolve, reject);
          else if (this.#turnInPlace(drain)) resolve(this.#end());
          else macrotask(turn);
        } catch (error) {
          reject(error);
        }
      };
      macrotask(turn);
    });
  }

  #turnInPlace(drain: () => void): boolean {
    for (let i = 0; i < EVENTS_PER_TURN; i++) {
      if (!this.#step()) return true;
      drain();
      this.current = undefined;
    }
    return this.#ending !== undefined;
  }

  #turnByMacrotasks(resolve: (ending: Ending) => void, reject: (error: unknown) => void): void {
    const next = (): void => {
      try {
        this.current = undefined;
        if (this.#step()) macrotask(next);
        else resolve(this.#end());
      } catch (error) {
        reject(error);
      }
    };
    next();
  }

  #end(): Ending {
    this.current = undefined;
    return this.#ending ?? { kind: 'idle' };
  }

  /** Runs one event; false when the run is over. */
  #step(): boolean {
    for (;;) {
      if (this.#ending !== undefined) return false;
      const event = this.#take();
      if (event === undefined) return false;
      const callback = event.callback;
      if (callback === undefined) continue;
      const process = event.owner;
      if (process !== undefined) {
        if (!process.alive) continue;
        if (process.paused) {
          process.parked.push(event);
          continue;
        }
        if (this.judge.active('step') && !this.#mayStep(process, event)) continue;
        process.steps++;
      }
      if (++this.#events > this.#eventsMax) {
        this.#ending = { kind: 'limit', limit: 'events' };
        return false;
      }
      if (this.#explorer !== undefined && !this.#explorer.begins(event, this.#now)) {
        this.#ending = { kind: 'stopped' };
        return false;
      }
      event.callback = undefined;
      this.#hash.step(this.#now, event.sequence);
      this.#cause = event.cause;
      this.current = process;
      if (this.#onProgress !== undefined) this.#onProgress(this.#events, this.#now, process === undefined ? '' : process.node);
      if (process === undefined) callback();
      else this.#guarded(process, callback);
      return true;
    }
  }

  #guarded(process: Process, callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.#options.onCrash(process, error);
    }
  }

  #mayStep(process: Process, event: QueuedEvent): boolean {
    if (event.putOff) return true;
    const verdict = this.judge.ask({ seam: 'step', node: process.node, step: process.steps, what: event.what });
    if (verdict === undefined) return true;
    switch (verdict.kind) {
      case 'crash':
        this.kill(process, 'fault at a suspension point');
        return false;
      case 'delay':
        // The same event, so that whoever holds it can still cancel it.
        event.putOff = true;
        event.at = this.#now + verdict.micros;
        if (verdict.micros > 0) this.#queue.push(event);
        else this.#ready.push(event);
        return false;
    }
  }

  /** The next event by time, and by choice where several are ready. */
  #take(): QueuedEvent | undefined {
    const ready = this.#ready;
    if (ready.length === 0) {
      const first = this.#queue.pop();
      if (first === undefined) {
        this.#ending = { kind: 'idle' };
        return undefined;
      }
      if (first.at > this.#options.limits.simMicros) {
        this.#ending = { kind: 'limit', limit: 'simMicros' };
        return undefined;
      }
      this.#now = first.at;
      if (this.#queue.peek()?.at !== first.at) return first;
      ready.push(first);
    }
    // Resumed and zero-delay events join those of the same time that are still in the queue.
    while (this.#queue.peek()?.at === this.#now) ready.push(this.#queue.pop() as QueuedEvent); // peek saw it
    if (ready.length > 1) this.#dropSettled(ready);
    if (ready.length <= 1) return ready.pop() ?? this.#take();
    let index = this.#choose(ready);
    const chosen = ready[index] as QueuedEvent; // #choose bounds it
    // Timers of one process fire in the order of their deadlines, and messages that have reached it are read in their order.
    if (chosen.what === 'timer' || chosen.what === 'message') {
      index = ready.findIndex((event) => event.what === chosen.what && event.owner === chosen.owner);
    }
    this.decisions.push(index);
    return ready.splice(index, 1)[0];
  }

  #choose(ready: readonly QueuedEvent[]): number {
    if (this.judge.active('schedule')) {
      const verdict = this.judge.ask({ seam: 'schedule', nodes: ready.map((event) => event.owner?.node ?? '') });
      if (verdict !== undefined) return Math.min(verdict.index, ready.length - 1);
    }
    if (this.#explorer !== undefined) return this.#explorer.choose(ready, this.#now);
    return this.#chooser.choose(ready, this.#events);
  }

  /** Cancelled events and those of dead processes are no choice. */
  #dropSettled(ready: QueuedEvent[]): void {
    let kept = 0;
    for (const event of ready) {
      if (event.callback !== undefined && (event.owner === undefined || event.owner.alive)) ready[kept++] = event;
    }
    ready.length = kept;
  }

  #schedule(at: Micros, owner: Process | undefined, what: string, callback: () => void, line?: object): Scheduled {
    if (owner !== undefined && !owner.alive) return INERT;
    const event = new QueuedEvent(at, ++this.#sequence, owner, what, this.#cause, callback, this);
    if (this.#explorer !== undefined) this.#explorer.scheduled(event, this.#now, line);
    if (at <= this.#now) this.#ready.push(event);
    else this.#queue.push(event);
    if (this.#queue.length + this.#ready.length > this.#queueMax) this.#ending ??= { kind: 'limit', limit: 'queueLength' };
    return event;
  }
}

const NO_FAULTS: Judge = {
  ask: () => undefined,
  active: () => false,
  hold: () => {
    throw new Error('nothing can be held where no fault is active');
  },
};
