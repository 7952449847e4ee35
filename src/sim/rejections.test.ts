import { nextTick } from 'node:process';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { macrotask } from './drain.js';
import { RejectionCatcher } from './rejections.js';

/** Node's own drain of ticks and microtasks, as the kernel uses it. */
const drain = (process as unknown as { _tickCallback(): void })._tickCallback;

let caught: { readonly reason: unknown; readonly promise: Promise<unknown>; readonly inside: boolean }[] = [];
/** Whether the step under test runs, which in a kernel says whose the error is. */
let inside = false;
const answer = { mine: true };
const catcher = new RejectionCatcher((reason, promise) => {
  if (!answer.mine) return false;
  caught.push({ reason, promise, inside });
  return undefined;
});

/** What listeners of the host hear meanwhile; the test runner has its own beside them. */
let heard: string[] = [];
const hostListeners = {
  unhandledRejection: (reason: unknown) => void heard.push(`unhandledRejection ${String(reason)}`),
  rejectionHandled: () => void heard.push('rejectionHandled'),
  uncaughtException: (error: unknown) => void heard.push(`uncaughtException ${String(error)}`),
} as const;

/** Runs steps one after another, each drained before the next, outside of all microtasks as in the kernel. */
function steps(...bodies: (() => void)[]): Promise<void> {
  return new Promise((resolve, reject) => {
    macrotask(() => {
      try {
        for (const body of bodies) {
          inside = true;
          body();
          drain.call(process);
          inside = false;
        }
        resolve();
      } catch (error) {
        reject(error);
      } finally {
        inside = false;
      }
    });
  });
}

const turn = (): Promise<void> => new Promise((resolve) => macrotask(resolve));

beforeEach(() => {
  caught = [];
  heard = [];
  answer.mine = true;
  for (const [event, listener] of Object.entries(hostListeners)) process.on(event, listener);
  catcher.install();
});

afterEach(() => {
  catcher.uninstall();
  for (const [event, listener] of Object.entries(hostListeners)) process.off(event, listener);
});

describe('a rejection that nobody handles', () => {
  it('is caught within its step, and the host hears nothing', async () => {
    const error = new Error('lost');
    let promise: Promise<unknown> | undefined;
    await steps(() => {
      promise = Promise.reject(error);
    });
    expect(caught).toEqual([{ reason: error, promise, inside: true }]);
    await turn();
    expect(heard).toEqual([]);
  });

  it('is caught also where the platform drains by itself', async () => {
    void Promise.reject(new Error('lost'));
    await turn();
    expect(caught.map(({ reason }) => String(reason))).toEqual(['Error: lost']);
    expect(heard).toEqual([]);
  });

  it('is none when its handler comes later in the same step', async () => {
    await steps(() => {
      const byMicrotask = Promise.reject(new Error('a'));
      const byTick = Promise.reject(new Error('b'));
      void Promise.resolve()
        .then(() => undefined)
        .then(() => byMicrotask.catch(() => undefined));
      process.nextTick(() => queueMicrotask(() => void byTick.catch(() => undefined)));
    });
    expect(caught).toEqual([]);
  });

  it('is one when its handler comes in a later step, of which the host hears nothing either', async () => {
    let promise: Promise<unknown> = Promise.resolve();
    await steps(
      () => {
        promise = Promise.reject(new Error('late'));
      },
      () => void promise.catch(() => undefined),
    );
    await turn();
    expect(caught).toHaveLength(1);
    expect(heard).toEqual([]);
  });

  it('goes to the host when it is declined, as does word of its late handler', async () => {
    answer.mine = false;
    // The test runner would fail this test for it, as it should for one of its own.
    const others = process.listeners('unhandledRejection').filter((listener) => listener !== hostListeners.unhandledRejection);
    for (const listener of others) process.off('unhandledRejection', listener);
    try {
      let promise: Promise<unknown> = Promise.resolve();
      await steps(
        () => {
          promise = Promise.reject(new Error('of the host'));
        },
        () => void promise.catch(() => undefined),
      );
      await turn();
    } finally {
      for (const listener of others) process.on('unhandledRejection', listener);
    }
    expect(caught).toEqual([]);
    expect(heard).toEqual(['unhandledRejection Error: of the host', 'rejectionHandled']);
  });
});

describe('an error out of a callback that nobody calls', () => {
  const sources: Record<string, () => void> = {
    nextTick: () => process.nextTick(() => fail()),
    'nextTick with arguments': () => process.nextTick((text: string) => fail(text), 'thrown'),
    'nextTick by its named import': () => nextTick(() => fail()),
    queueMicrotask: () => queueMicrotask(() => fail()),
    'a microtask of a tick': () => process.nextTick(() => queueMicrotask(() => fail())),
    'a listener of an EventTarget': () => {
      const target = new EventTarget();
      target.addEventListener('x', () => fail());
      target.dispatchEvent(new Event('x'));
    },
    'a listener of an AbortSignal': () => {
      const controller = new AbortController();
      controller.signal.addEventListener('abort', () => fail());
      controller.abort();
    },
    'a stream that nobody listens to': () => void new Readable({ read: () => undefined }).destroy(new Error('thrown')),
  };
  const fail = (text = 'thrown'): never => {
    throw new Error(text);
  };

  it.each(Object.entries(sources))('is caught within its step: %s', async (_name, source) => {
    let others = 0;
    await steps(() => {
      source();
      process.nextTick(() => others++);
      queueMicrotask(() => others++);
    });
    // Node aborts the process here when an error has left a tick; it takes this test with it.
    await turn();
    expect(caught.map(({ reason, inside: within }) => [String(reason), within])).toEqual([['Error: thrown', true]]);
    await expect(caught[0]?.promise).rejects.toThrow('thrown');
    expect(others).toBe(2);
    expect(heard).toEqual([]);
  });

  it('leaves the callback when it is declined', async () => {
    answer.mine = false;
    const others = process.listeners('uncaughtException').filter((listener) => listener !== hostListeners.uncaughtException);
    for (const listener of others) process.off('uncaughtException', listener);
    try {
      process.nextTick(() => fail('of the host'));
      await turn();
    } finally {
      for (const listener of others) process.on('uncaughtException', listener);
    }
    expect(caught).toEqual([]);
    expect(heard).toEqual(['uncaughtException Error: of the host']);
  });

  it('leaves it to the platform to complain about what is no function', () => {
    expect(() => process.nextTick('text' as never)).toThrow(TypeError);
    expect(() => queueMicrotask('text' as never)).toThrow(TypeError);
  });

  it('passes arguments on as the platform does', async () => {
    const seen: unknown[] = [];
    await steps(() => process.nextTick((...args: unknown[]) => seen.push(...args), 1, 'two'));
    expect(seen).toEqual([1, 'two']);
  });
});

describe('put back', () => {
  const state = (): unknown[] => [
    Object.getOwnPropertyDescriptor(process, 'emit'),
    Object.getOwnPropertyDescriptor(process, 'nextTick'),
    Object.getOwnPropertyDescriptor(globalThis, 'queueMicrotask'),
    nextTick,
    process.rawListeners('unhandledRejection'),
  ];

  // The test runner has an emit of its own on process; without it process inherits one.
  const ofRunner = Reflect.getOwnPropertyDescriptor(process, 'emit');
  const own = function (this: NodeJS.Process, ...args: unknown[]): unknown {
    return Reflect.apply(Reflect.get(Object.getPrototypeOf(process) as object, 'emit') as () => unknown, this, args);
  };

  function withEmit(descriptor: PropertyDescriptor | undefined): void {
    Reflect.deleteProperty(process, 'emit');
    if (descriptor !== undefined) Object.defineProperty(process, 'emit', descriptor);
  }

  it.each([
    ['inherits its emit', undefined],
    ['has an emit of its own', { value: own, configurable: true, enumerable: false, writable: true }],
  ])('is exact where process %s', async (_name, emit) => {
    catcher.uninstall();
    withEmit(emit);
    try {
      const before = state();
      catcher.install();
      const during = state();
      for (const index of [0, 1, 2, 3]) expect(during[index]).not.toEqual(before[index]);
      // The host's listeners stay where they are.
      expect(during[4]).toEqual(before[4]);
      expect(process.emit('unhandledRejection', new Error('direct'), Promise.resolve())).toBe(true);
      expect(process.emit('SIGUSR2')).toBe(false);
      const calls: number[] = [];
      process.nextTick(() => calls.push(1));
      catcher.uninstall();
      catcher.uninstall();
      const after = state();
      expect(after).toEqual(before);
      expect(after[3]).toBe(before[3]);
      expect(Reflect.getOwnPropertyDescriptor(process, 'emit')?.value).toBe(emit?.value);
      await turn();
      expect(calls).toEqual([1]);
      expect(caught).toHaveLength(1);
    } finally {
      catcher.uninstall();
      withEmit(ofRunner);
    }
  });

  it('refuses a second one in the thread', () => {
    const other = new RejectionCatcher(() => undefined);
    expect(() => other.install()).toThrow(/installed in this thread already/);
    other.uninstall();
    expect(Object.hasOwn(process, 'emit')).toBe(true);
  });
});
