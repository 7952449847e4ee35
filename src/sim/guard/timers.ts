/**
 * Timers of simulated processes: the global functions, `node:timers`, `node:timers/promises` and `AbortSignal.timeout`, all on
 * the simulated monotonic clock. The handles have the methods of Node's, on every platform, because the programs are Node's.
 */
import type { Random, Timer } from '../../ports.js';
import {
  type Ambient,
  builtin,
  type Callable,
  eachRule,
  globalObject,
  globalValue,
  memberOf,
  prototypeOf,
  type Rule,
  rules,
} from './gate.js';
import type { Section } from './swap.js';

const MILLIS_MAX = 2 ** 31 - 1;

/** A delay as Node reads it: at least one millisecond; what is not a number or too long becomes one; fractions are cut. */
function delayMicros(millis: unknown): number {
  const wanted = Number(millis);
  return (wanted >= 1 && wanted <= MILLIS_MAX ? Math.trunc(wanted) : 1) * 1000;
}

/** Live timers that were asked for their number, by the life of a process. */
interface Numbers {
  last: number;
  readonly timers: Map<number, SimulatedTimer>;
}

const numbersByLife = new WeakMap<Random, Numbers>();

function numbersOf(ambient: Ambient): Numbers {
  const known = numbersByLife.get(ambient.random);
  if (known !== undefined) return known;
  const made: Numbers = { last: 0, timers: new Map() };
  numbersByLife.set(ambient.random, made);
  return made;
}

/** TypeScript's libraries of this age do not all know it; Node 20 and current browsers have it. */
const DISPOSE: symbol = (Symbol as { dispose?: symbol }).dispose ?? Symbol.for('nodejs.dispose');

/** What `setTimeout`, `setInterval` and `setImmediate` give a simulated process. */
class SimulatedTimer {
  readonly #ambient: Ambient;
  readonly #micros: number;
  readonly #repeats: boolean;
  readonly #fire: (timer: SimulatedTimer) => void;
  #pending: Timer | undefined;
  #number: number | undefined;
  #cleared = false;
  #held = true;

  constructor(ambient: Ambient, micros: number, repeats: boolean, fire: (timer: SimulatedTimer) => void) {
    this.#ambient = ambient;
    this.#micros = micros;
    this.#repeats = repeats;
    this.#fire = fire;
    this.#arm();
  }

  #arm(): void {
    this.#pending = this.#ambient.after(this.#micros, () => {
      this.#pending = undefined;
      // An interval is armed before its callback runs, so that the callback can clear it.
      if (this.#repeats) this.#arm();
      else this.#forget();
      this.#fire(this);
    });
  }

  #forget(): void {
    if (this.#number !== undefined) numbersOf(this.#ambient).timers.delete(this.#number);
  }

  close(): this {
    this.#cleared = true;
    this.#pending?.cancel();
    this.#pending = undefined;
    this.#forget();
    return this;
  }

  /** Starts the wait again, also for a timer that fired; does nothing for one that was cleared, as in Node. */
  refresh(): this {
    if (this.#cleared) return this;
    this.#pending?.cancel();
    this.#arm();
    return this;
  }

  /** Whether a timer holds its process open has no meaning in a simulation; the answer is kept for programs that ask. */
  ref(): this {
    this.#held = true;
    return this;
  }

  unref(): this {
    this.#held = false;
    return this;
  }

  hasRef(): boolean {
    return this.#held;
  }

  /** A number that `clearTimeout` understands; the same sequence in every run. */
  [Symbol.toPrimitive](): number {
    if (this.#number === undefined) {
      const numbers = numbersOf(this.#ambient);
      numbers.last += 1;
      this.#number = numbers.last;
      if (!this.#cleared) numbers.timers.set(this.#number, this);
    }
    return this.#number;
  }

  [DISPOSE](): void {
    this.close();
  }
}

function startTimer(api: string, repeats: boolean, micros: (args: readonly unknown[]) => number, extra: number): Rule {
  return {
    kind: 'served',
    api,
    remedy: 'use platform.clock.after, or platform.clock.sleep',
    // Node's own complaint about what is no function.
    passes: ([callback]) => typeof callback !== 'function',
    serve: ({ ambient, args }) => {
      const callback = args[0] as Callable;
      const given = args.slice(extra);
      return new SimulatedTimer(ambient, micros(args), repeats, (timer) => Reflect.apply(callback, timer, given));
    },
  };
}

function clearTimer(api: string): Rule {
  return {
    kind: 'served',
    api,
    remedy: 'use the Timer of platform.clock.after',
    // Clearing nothing is common in clean-up code and touches nothing.
    passes: ([handle]) => handle === undefined || handle === null,
    serve: ({ ambient, original, receiver, args: [handle] }) => {
      if (handle instanceof SimulatedTimer) handle.close();
      else if (typeof handle === 'number' || typeof handle === 'string') numbersOf(ambient).timers.get(Number(handle))?.close();
      else Reflect.apply(original, receiver, [handle]);
    },
  };
}

interface WaitOptions {
  readonly signal?: AbortSignal;
}

/** The error that Node's promised functions reject with when their signal is aborted. */
function abortError(signal: AbortSignal): Error {
  return Object.assign(new Error('The operation was aborted', { cause: signal.reason }), { name: 'AbortError', code: 'ABORT_ERR' });
}

function wait(ambient: Ambient, micros: number, value: unknown, options: unknown): Promise<unknown> {
  const signal = (options as WaitOptions | undefined)?.signal;
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(abortError(signal));
      return;
    }
    const abort = (): void => {
      timer.close();
      if (signal !== undefined) reject(abortError(signal));
    };
    const timer = new SimulatedTimer(ambient, micros, false, () => {
      signal?.removeEventListener('abort', abort);
      resolve(value);
    });
    signal?.addEventListener('abort', abort, { once: true });
  });
}

/** Yields once for each interval that has passed, those that passed while the consumer was busy included, as Node's. */
async function* ticks(ambient: Ambient, micros: number, value: unknown, options: unknown): AsyncGenerator<unknown, void> {
  const signal = (options as WaitOptions | undefined)?.signal;
  let owed = 0;
  let wake: (() => void) | undefined;
  const abort = (): void => wake?.();
  const timer = new SimulatedTimer(ambient, micros, true, () => {
    owed += 1;
    wake?.();
  });
  signal?.addEventListener('abort', abort, { once: true });
  try {
    for (;;) {
      for (; owed > 0; owed -= 1) yield value;
      if (signal?.aborted === true) throw abortError(signal);
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    timer.close();
    signal?.removeEventListener('abort', abort);
  }
}

const SLEEP = 'use platform.clock.sleep';

const promised = {
  setTimeout: {
    kind: 'served',
    api: 'timers/promises.setTimeout',
    remedy: SLEEP,
    serve: ({ ambient, args: [millis, value, options] }) => wait(ambient, delayMicros(millis), value, options),
  },
  setImmediate: {
    kind: 'served',
    api: 'timers/promises.setImmediate',
    remedy: 'use platform.clock.sleep(0)',
    serve: ({ ambient, args: [value, options] }) => wait(ambient, 0, value, options),
  },
  setInterval: {
    kind: 'served',
    api: 'timers/promises.setInterval',
    remedy: 'use platform.clock.sleep in a loop',
    serve: ({ ambient, args: [millis, value, options] }) => ticks(ambient, delayMicros(millis), value, options),
  },
} as const satisfies Record<string, Rule>;

/** `util.promisify(setTimeout)` takes the promised twin from this property of the function. */
const PROMISIFY = Symbol.for('nodejs.util.promisify.custom');

const timers: Record<string, Rule> = {
  setTimeout: { ...startTimer('setTimeout', false, ([, millis]) => delayMicros(millis), 2), carries: { [PROMISIFY]: promised.setTimeout } },
  setInterval: startTimer('setInterval', true, ([, millis]) => delayMicros(millis), 2),
  setImmediate: { ...startTimer('setImmediate', false, () => 0, 1), carries: { [PROMISIFY]: promised.setImmediate } },
  clearTimeout: clearTimer('clearTimeout'),
  clearInterval: clearTimer('clearInterval'),
  clearImmediate: clearTimer('clearImmediate'),
};

/** The old way to start a timer on an object of one's own, in Node 20 and 22. */
const oldTimers = eachRule(['active', '_unrefActive', 'enroll', 'unenroll'], (name) => ({
  kind: 'refused',
  api: `timers.${name}`,
  remedy: 'use platform.clock.after',
}));

const scheduler: Record<string, Rule> = {
  wait: {
    kind: 'served',
    api: 'scheduler.wait',
    remedy: SLEEP,
    serve: ({ ambient, args: [millis, options] }) => wait(ambient, delayMicros(millis), undefined, options),
  },
  yield: {
    kind: 'served',
    api: 'scheduler.yield',
    remedy: 'use platform.clock.sleep(0)',
    serve: ({ ambient }) => wait(ambient, 0, undefined, undefined),
  },
};

const abortSignal: Record<string, Rule> = {
  timeout: {
    kind: 'served',
    api: 'AbortSignal.timeout',
    remedy: 'use an AbortController and platform.clock.after',
    passes: ([millis]) => !(Number(millis) >= 0 && Number(millis) <= Number.MAX_SAFE_INTEGER),
    serve: ({ ambient, args: [millis] }) => {
      const controller = new AbortController();
      ambient.after(Math.trunc(Number(millis)) * 1000, () => {
        controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
      });
      return controller.signal;
    },
  },
};

export const timerSections: readonly Section[] = [
  rules('globalThis', () => globalThis, timers),
  rules('timers', () => builtin('timers'), { ...timers, ...oldTimers }),
  rules('timers/promises', () => builtin('timers/promises'), promised),
  rules('scheduler', () => prototypeOf(memberOf(builtin('timers/promises'), 'scheduler') ?? globalValue('scheduler')), scheduler),
  rules('AbortSignal', () => globalObject('AbortSignal'), abortSignal),
];
