import { describe, expect, it } from 'vitest';
import type { Strategy } from '../run.js';
import { NodeClock } from './clock.js';
import { type Ending, Kernel, type KernelOptions } from './kernel.js';
import type { Process } from './process.js';
import { randomOf } from './random.js';

const LIMITS = { events: 100_000, simMicros: 1_000_000_000, queueLength: 10_000 };

function kernelOf(options: Partial<KernelOptions> = {}): { kernel: Kernel; crashes: [string, unknown][] } {
  const crashes: [string, unknown][] = [];
  const kernel = new Kernel({
    random: randomOf(1),
    strategy: { kind: 'fifo' },
    quantumMicros: 1,
    limits: LIMITS,
    onCrash: (process, error) => void crashes.push([process.node, error]),
    onKill: () => {},
    ...options,
  });
  return { kernel, crashes };
}

const processOf = (kernel: Kernel, node: string, life = 1): Process => kernel.newProcess(node, life, new NodeClock(0));

const sleep = (kernel: Kernel, process: Process, micros: number): Promise<void> =>
  new Promise((resolve) => void kernel.after(micros, process, 'sleep', resolve));

describe('quiescence', () => {
  for (const drain of ['auto', 'fallback'] as const) {
    it(`runs everything an event caused before the next event (${drain})`, async () => {
      const { kernel } = kernelOf({ drain });
      const log: string[] = [];
      const deep = async (name: string): Promise<void> => {
        for (let i = 0; i < 5; i++) await Promise.resolve();
        await new Promise<void>((resolve) => process.nextTick(resolve));
        await (async () => Promise.resolve())();
        log.push(`${name} at ${kernel.now()}`);
      };
      kernel.after(10, undefined, 'a', () => void deep('a'));
      kernel.after(10, undefined, 'b', () => void deep('b'));
      kernel.after(11, undefined, 'c', () => void deep('c'));
      await kernel.run();
      expect(log).toEqual(['a at 10', 'b at 10', 'c at 11']);
    });
  }

  it('gives the same hash and the same decisions with both ways to drain, for every strategy', async () => {
    const strategies: Strategy[] = [{ kind: 'fifo' }, { kind: 'random' }, { kind: 'pct', depth: 3, horizon: 100 }, { kind: 'pos' }];
    for (const strategy of strategies) {
      const results: [string, readonly number[], string][] = [];
      for (const drain of ['auto', 'fallback'] as const) {
        const { kernel } = kernelOf({ drain, strategy });
        const log: string[] = [];
        for (const name of ['n1', 'n2', 'n3']) {
          const node = processOf(kernel, name);
          kernel.after(0, node, 'start', () => {
            void (async () => {
              for (let i = 0; i < 10; i++) {
                await sleep(kernel, node, 5);
                await Promise.all([Promise.resolve(), sleep(kernel, node, 5)]);
                kernel.trace(node, { type: `step ${i}` });
                log.push(name);
              }
            })();
          });
        }
        await kernel.run();
        results.push([kernel.traceHash(), kernel.decisions, log.join()]);
      }
      expect(results[1]).toEqual(results[0]);
      expect(results[0]?.[2].split(',')).toHaveLength(30);
    }
  });
});

describe('strategies', () => {
  const orderOf = async (strategy: Strategy, seed: number): Promise<{ order: string; decisions: readonly number[]; hash: string }> => {
    const { kernel } = kernelOf({ strategy, random: randomOf(seed) });
    let order = '';
    for (const name of ['a', 'b', 'c', 'd']) {
      const node = processOf(kernel, name);
      for (let at = 1; at <= 3; at++) kernel.after(at * 10, node, 'step', () => void (order += name));
    }
    await kernel.run();
    return { order, decisions: kernel.decisions, hash: kernel.traceHash() };
  };

  it('fifo keeps the order of scheduling', async () => {
    expect((await orderOf({ kind: 'fifo' }, 1)).order).toBe('abcdabcdabcd');
  });

  for (const strategy of [{ kind: 'random' }, { kind: 'pct', depth: 3, horizon: 12 }, { kind: 'pos' }] as const) {
    it(`${strategy.kind} is a function of the seed, differs between seeds, and reaches every first step`, async () => {
      const seen = new Map<string, number>();
      for (let seed = 0; seed < 60; seed++) {
        const one = await orderOf(strategy, seed);
        expect(await orderOf(strategy, seed)).toEqual(one);
        seen.set(one.order, seed);
      }
      expect(seen.size).toBeGreaterThan(10);
      expect(new Set([...seen.keys()].map((order) => order[0])).size).toBe(4);
    });

    it(`replay of the decisions of ${strategy.kind} gives the same run`, async () => {
      const original = await orderOf(strategy, 5);
      const replayed = await orderOf({ kind: 'replay', decisions: original.decisions }, 5);
      expect(replayed).toEqual(original);
    });
  }

  it('pct runs the thread of highest priority until a change point', async () => {
    const { order } = await orderOf({ kind: 'pct', depth: 1, horizon: 12 }, 3);
    expect(order.slice(0, 4)).toBe(order.slice(4, 8));
    expect(order.slice(4, 8)).toBe(order.slice(8, 12));
  });

  it('never swaps timers of one process', async () => {
    for (let seed = 0; seed < 50; seed++) {
      const { kernel } = kernelOf({ strategy: { kind: 'random' }, random: randomOf(seed) });
      const node = processOf(kernel, 'n1');
      const log: number[] = [];
      for (let i = 0; i < 5; i++) kernel.timer(100, node, () => void log.push(i));
      await kernel.run();
      expect(log).toEqual([0, 1, 2, 3, 4]);
    }
  });

  it('a coarser grid makes more events ready together', async () => {
    const decisions = async (quantumMicros: number): Promise<number> => {
      const { kernel } = kernelOf({ strategy: { kind: 'random' }, quantumMicros });
      for (let i = 1; i <= 100; i++) kernel.after(i, undefined, 'step', () => {});
      await kernel.run();
      return kernel.decisions.length;
    };
    expect(await decisions(1)).toBe(0);
    expect(await decisions(50)).toBeGreaterThan(90);
  });
});

describe('processes', () => {
  it('a killed life never runs again: not a promise, timer or message', async () => {
    const { kernel } = kernelOf();
    const node = processOf(kernel, 'n1');
    const log: string[] = [];
    kernel.after(0, node, 'start', () => {
      void (async () => {
        for (;;) {
          await sleep(kernel, node, 10);
          log.push(`loop at ${kernel.now()}`);
        }
      })();
      kernel.timer(35, node, () => void log.push('timer'));
    });
    kernel.after(25, undefined, 'kill', () => kernel.kill(node, 'test'));
    kernel.after(30, undefined, 'message', () => kernel.runAs(node, 'message', () => void log.push('message')));
    const ending = await kernel.run();
    expect(log).toEqual(['loop at 10', 'loop at 20']);
    expect(ending.kind).toBe('idle');
  });

  it('a process that dies within its own step has no further effect', async () => {
    const events: string[] = [];
    const { kernel } = kernelOf({ listeners: [(event) => void events.push(event.body.type)] });
    const node = processOf(kernel, 'n1');
    kernel.after(0, node, 'start', () => {
      void (async () => {
        kernel.kill(node, 'at this very point');
        kernel.trace(node, { type: 'ghost' });
        await sleep(kernel, node, 1);
        events.push('went on');
      })();
    });
    await kernel.run();
    expect(events).toEqual(['kill']);
  });

  it('a paused process waits while the world goes on, and then runs what it missed in order', async () => {
    const { kernel } = kernelOf();
    const node = processOf(kernel, 'n1');
    const log: string[] = [];
    for (const at of [10, 20, 30]) kernel.timer(at, node, () => void log.push(`timer ${at} at ${kernel.now()}`));
    kernel.after(15, undefined, 'pause', () => kernel.pause(node));
    kernel.after(25, undefined, 'world', () => void log.push(`world at ${kernel.now()}`));
    kernel.after(50, undefined, 'resume', () => kernel.resume(node));
    await kernel.run();
    expect(log).toEqual(['timer 10 at 10', 'world at 25', 'timer 20 at 50', 'timer 30 at 50']);
  });

  it('a step that a fault puts off is put off once, and can still be cancelled meanwhile', async () => {
    const { kernel } = kernelOf();
    let asked = 0;
    kernel.judge = {
      active: (seam) => seam === 'step',
      ask: () => {
        asked++;
        return { kind: 'delay', micros: 10 } as never;
      },
      hold: () => {},
    };
    const node = processOf(kernel, 'n1');
    const log: string[] = [];
    kernel.after(5, node, 'a', () => void log.push(`a at ${kernel.now()}`));
    const timer = kernel.timer(6, node, () => void log.push('a cancelled timer'));
    kernel.after(9, undefined, 'cancel', () => timer.cancel());
    kernel.after(20, node, 'b', () => void log.push(`b at ${kernel.now()}`));
    await kernel.run();
    expect(log).toEqual(['a at 15', 'b at 30']);
    expect(asked).toBe(3);
  });

  it('a throw in a callback is a crash of that process, and the kernel goes on', async () => {
    const { kernel, crashes } = kernelOf();
    const node = processOf(kernel, 'n1');
    const error = new Error('boom');
    let after = false;
    kernel.after(1, node, 'step', () => {
      throw error;
    });
    kernel.after(2, undefined, 'world', () => void (after = true));
    await kernel.run();
    expect(crashes).toEqual([['n1', error]]);
    expect(after).toBe(true);
  });
});

describe('limits', () => {
  const endless =
    (micros: number) =>
    async (limits: Partial<typeof LIMITS>): Promise<Ending> => {
      const { kernel } = kernelOf({ limits: { ...LIMITS, ...limits } });
      const again = (): void => void kernel.after(micros, undefined, 'again', again);
      again();
      return kernel.run();
    };

  it('have names: events', async () => expect(await endless(0)({ events: 500 })).toEqual({ kind: 'limit', limit: 'events' }));
  it('have names: simulated time', async () => expect(await endless(7)({ simMicros: 500 })).toEqual({ kind: 'limit', limit: 'simMicros' }));
  it('have names: queue length', async () => {
    const { kernel } = kernelOf({ limits: { ...LIMITS, queueLength: 100 } });
    const double = (): void => {
      kernel.after(1, undefined, 'one', double);
      kernel.after(2, undefined, 'two', double);
    };
    double();
    expect(await kernel.run()).toEqual({ kind: 'limit', limit: 'queueLength' });
  });
});

describe('trace', () => {
  it('names for each event the one that led to it', async () => {
    const causes: [string, number][] = [];
    const { kernel } = kernelOf({ listeners: [(event) => void causes.push([event.body.type, event.cause])] });
    const node = processOf(kernel, 'n1');
    kernel.after(0, node, 'first', () => {
      kernel.trace(node, { type: 'a' });
      kernel.after(5, node, 'later', () => kernel.trace(node, { type: 'c' }));
      kernel.trace(node, { type: 'b' });
    });
    kernel.after(1, node, 'other', () => kernel.trace(node, { type: 'x' }));
    await kernel.run();
    expect(causes).toEqual([
      ['a', -1],
      ['b', 0],
      ['x', -1],
      ['c', 0],
    ]);
  });

  it('hashes every event: another field, time or order is another hash', async () => {
    const hashOf = async (emit: (kernel: Kernel) => void): Promise<string> => {
      const { kernel } = kernelOf();
      emit(kernel);
      await kernel.run();
      return kernel.traceHash();
    };
    const at = (micros: number, value: number) => (kernel: Kernel) => {
      const node = processOf(kernel, 'n1');
      kernel.after(micros, node, 'emit', () => kernel.trace(node, { type: 'v', value } as { type: string }));
    };
    const hashes = [await hashOf(at(1, 1)), await hashOf(at(1, 2)), await hashOf(at(2, 1)), await hashOf(() => {})];
    expect(new Set(hashes).size).toBe(4);
    expect(await hashOf(at(1, 1))).toBe(hashes[0]);
  });
});
