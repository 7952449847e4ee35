/**
 * Writes down who asks the host for time, chance or locale while a simulation runs, past the guard: a function that was taken out of
 * its object before the guard was installed is ours, because this is put in place before the program under test is loaded. For good,
 * so only for a process that does nothing else.
 */

export interface AmbientCall {
  /** As messages call it: `Date.now`. */
  readonly api: string;
  readonly stack: string;
  /** Index of the trace event told last before it; -1 before the first. */
  readonly after: number;
}

/** The last ones count: those before the event that differs. */
const CALLS_MAX = 1_000;
/** A recorder needs the callers of callers, not all of them. */
const STACK_FRAMES = 20;

type Callable = (this: unknown, ...args: unknown[]) => unknown;

export class AmbientWatch {
  /** Index of the trace event told last; the owner keeps it true. Nothing is written down while it is undefined. */
  at: number | undefined;
  readonly #calls: AmbientCall[] = [];

  /** Puts itself in the place of every known source of ambient time, chance and locale of this thread. */
  install(): void {
    Error.stackTraceLimit = Math.max(Error.stackTraceLimit, STACK_FRAMES);
    const { crypto, performance, process } = globalThis;
    this.#wrap(Date, 'Date', ['now']);
    this.#wrap(Date.prototype, 'Date.prototype', ['getTimezoneOffset', 'getHours', 'getDate', 'toString', 'toLocaleString']);
    this.#wrap(Math, 'Math', ['random']);
    this.#wrap(performance, 'performance', ['now']);
    this.#wrap(process, 'process', ['hrtime', 'cpuUsage', 'memoryUsage', 'uptime']);
    this.#wrap(process.hrtime, 'process.hrtime', ['bigint']);
    this.#wrap(crypto, 'crypto', ['getRandomValues', 'randomUUID']);
    this.#wrap(globalThis, '', ['setTimeout', 'setInterval', 'setImmediate']);
    this.#wrap(String.prototype, 'String.prototype', ['localeCompare', 'toLocaleUpperCase', 'toLocaleLowerCase']);
    this.#wrap(Number.prototype, 'Number.prototype', ['toLocaleString']);
    this.#wrap(WeakRef.prototype, 'WeakRef.prototype', ['deref']);
    for (const name of ['Date', 'FinalizationRegistry'] as const) this.#wrapClass(name);
  }

  /** The latest calls up to an event, the nearest first. */
  before(index: number): readonly AmbientCall[] {
    return this.#calls.filter(({ after }) => after < index).reverse();
  }

  clear(): void {
    this.#calls.length = 0;
  }

  #wrap(owner: object, name: string, keys: readonly string[]): void {
    for (const key of keys) {
      const original: unknown = Reflect.get(owner, key);
      if (typeof original !== 'function') continue;
      const api = name === '' ? key : `${name}.${key}`;
      const seen = (): void => this.#seen(api);
      const watched = new Proxy(original as Callable, {
        apply(target, receiver, args: unknown[]) {
          seen();
          return Reflect.apply(target, receiver, args);
        },
      });
      Reflect.defineProperty(owner, key, { value: watched, writable: true, configurable: true });
    }
  }

  #wrapClass(name: 'Date' | 'FinalizationRegistry'): void {
    const seen = (): void => this.#seen(`new ${name}`);
    const watched = new Proxy(globalThis[name], {
      construct(target, args: unknown[], newTarget) {
        // A date of a given moment asks for nothing.
        if (name !== 'Date' || args.length === 0) seen();
        return Reflect.construct(target, args, newTarget) as object;
      },
    });
    Reflect.defineProperty(globalThis, name, { value: watched, writable: true, configurable: true });
  }

  #seen(api: string): void {
    if (this.at === undefined) return;
    const stack = new Error(api).stack ?? '';
    // The first line says `Error`, the next ones are this method, the closure and the trap.
    if (isHost(stack.split('\n')[4] ?? '')) return;
    this.#calls.push({ api, stack: programFrames(stack), after: this.at });
    if (this.#calls.length > CALLS_MAX) this.#calls.shift();
  }
}

/** The simulator turns the host's event loop, and Node does what it is asked: neither is the program under test. */
const HOST_PLACES = [
  new URL('..', import.meta.url).href,
  new URL('../../src/sim/', import.meta.url).href,
  new URL('../../src/trace.js', import.meta.url).href,
  'node:',
  '(<anonymous>)',
];

const isHost = (frame: string): boolean => HOST_PLACES.some((place) => frame.includes(place));

/** What a stack says of the program under test, without what stands below and above it. */
export const programFrames = (stack: string): string =>
  stack
    .split('\n')
    .filter((line, at) => at > 0 && !isHost(line))
    .join('\n');
