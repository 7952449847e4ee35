/**
 * Catches what code under test throws where nobody can catch it: rejections that nobody handles, and errors out of `nextTick`
 * and `queueMicrotask` callbacks. Without it the test runner's listeners would see them, or the process would end.
 *
 * What was found on Node 20, 22, 24 and 26, with the queue drained in place by `process._tickCallback()`:
 * - `unhandledRejection` is emitted inside that call, when all ticks and microtasks are done. So a rejection that gets its handler
 *   later in the same step, by a microtask or a tick, is never reported, and the process whose step it was is still the running one.
 * - A handler attached in a later step comes too late, as in production, where Node ends the process by then. Node then emits
 *   `rejectionHandled` too, for a promise that the host knows nothing of; it is kept from the host's listeners as well.
 * - An error out of a `nextTick` callback leaves `_tickCallback()` with Node's stack of async contexts unbalanced, and Node aborts
 *   the whole process at the next chance ("async hook stack has become corrupted"); the drain cannot repair it. The error must
 *   not leave the callback at all. Listeners of `EventTarget` that throw come by the same way.
 * - An error out of a `queueMicrotask` callback never reaches the drain: Node hands it to `uncaughtException` at once.
 * - With the flag `--unhandled-rejections=strict` Node raises `uncaughtException` before anyone is asked; run without it.
 */
import { type Callable, globalObject, syncImports } from './guard/gate.js';
import { type Entry, Swap } from './guard/swap.js';

/**
 * Told of each stray error. Returning `false` says that it is not the simulation's: it goes where it would have gone. Must not
 * throw. The promise is the rejected one; for an error that was thrown it is one made for it.
 */
export type Caught = (reason: unknown, promise: Promise<unknown>) => boolean | undefined | void;

/** The browser's event for a rejection that nobody handled. */
interface UnhandledRejectionEvent extends Event {
  readonly reason: unknown;
  readonly promise: Promise<unknown>;
}

/** What Node and browsers have of event targets at the global object. */
interface EventSource {
  addEventListener?(type: string, listener: (event: UnhandledRejectionEvent) => void, options: { readonly capture: true }): void;
  removeEventListener?(type: string, listener: (event: UnhandledRejectionEvent) => void, options: { readonly capture: true }): void;
}

/** The badge of the catcher that is installed. */
let installed: object | undefined;

/** A rejected promise that nobody will hear of: it tells `caught` of an error in the one form that it knows. */
function handledRejection(reason: unknown): Promise<unknown> {
  const promise = Promise.reject<unknown>(reason);
  promise.catch(() => undefined);
  return promise;
}

/** Comes before the host's listeners between `install` and `uninstall`; they stay registered and see what `caught` declines. */
export class RejectionCatcher {
  readonly #caught: Caught;
  readonly #badge = {};
  readonly #swap: Swap;
  /** Promises that were reported, so that their late handlers are not announced to the host. */
  readonly #reported = new WeakSet<object>();

  constructor(caught: Caught) {
    this.#caught = caught;
    this.#swap = new Swap([
      { name: 'process', locate: () => globalObject('process'), entries: (target) => [this.#emit(target), this.#queue('nextTick')] },
      { name: 'globalThis', locate: () => globalThis, entries: () => [this.#queue('queueMicrotask')] },
    ]);
  }

  /** Throws when another is installed in this thread: it could not be told whose an error is. */
  install(): void {
    if (installed !== undefined) throw new Error('a RejectionCatcher is installed in this thread already: uninstall it first');
    this.#swap.put();
    installed = this.#badge;
    (globalThis as EventSource).addEventListener?.('unhandledrejection', this.#inBrowser, { capture: true });
    syncImports();
  }

  /** Puts everything back. Does nothing when this one is not installed, so that it may stand in a `finally`. */
  uninstall(): void {
    if (installed !== this.#badge) return;
    installed = undefined;
    (globalThis as EventSource).removeEventListener?.('unhandledrejection', this.#inBrowser, { capture: true });
    try {
      this.#swap.putBack();
    } finally {
      syncImports();
    }
  }

  /** True when the error was the simulation's. */
  #takes(reason: unknown, promise: Promise<unknown>): boolean {
    return installed === this.#badge && this.#caught(reason, promise) !== false;
  }

  /** A browser tells of a rejection in a task of its own, after the step that it belongs to: the process that runs may be another by then. */
  readonly #inBrowser = (event: UnhandledRejectionEvent): void => {
    if (!this.#takes(event.reason, event.promise)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };

  /** Node looks `process.emit` up for each event; the listeners themselves need not be touched. */
  #emit(target: object): Entry {
    const emitOver = (original: () => Callable): Callable => {
      const takes = (name: unknown, subject: unknown, promise: unknown): boolean => {
        if (name === 'rejectionHandled') return installed === this.#badge && this.#reported.has(subject as object);
        if (name !== 'unhandledRejection' || !this.#takes(subject, promise as Promise<unknown>)) return false;
        this.#reported.add(promise as object);
        return true;
      };
      return function emit(this: unknown, ...args) {
        return takes(args[0], args[1], args[2]) || Reflect.apply(original(), this, args);
      };
    };
    return {
      key: 'emit',
      replace: (own) => ({ ...own, value: emitOver(() => own.value as Callable) }),
      // Read when it is called: the class that `process` inherits it from may be changed meanwhile.
      cover: () => ({
        value: emitOver(() => Reflect.get(Object.getPrototypeOf(target) as object, 'emit') as Callable),
        writable: true,
        enumerable: false,
        configurable: true,
      }),
    };
  }

  /** A function that queues callbacks, such that no error leaves a callback unless it is the host's. */
  #queue(key: 'nextTick' | 'queueMicrotask'): Entry {
    return {
      key,
      replace: (own) => {
        const original = own.value as Callable;
        const contain = (callback: Callable): Callable => {
          const takes = (error: unknown): boolean => this.#takes(error, handledRejection(error));
          return function (this: unknown, ...args) {
            try {
              Reflect.apply(callback, this, args);
            } catch (error) {
              if (!takes(error)) throw error;
            }
          };
        };
        const queue = {
          [key](this: unknown, ...args: unknown[]): unknown {
            const [callback, ...rest] = args;
            return Reflect.apply(original, this, typeof callback === 'function' ? [contain(callback as Callable), ...rest] : args);
          },
        };
        return { ...own, value: queue[key] };
      },
    };
  }
}
