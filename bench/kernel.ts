/** What the kernel costs over the bare minimum: a heap that pops events, and the same with a microtask drain after each. */
import FakeTimers from '@sinonjs/fake-timers';
import fc from 'fast-check';
import type { Fault } from '../faults/fault.js';
import { faults as faultCatalogue } from '../faults/index.js';
import { NodeClock } from '../src/sim/clock.js';
import { inPlaceDrain, macrotask } from '../src/sim/drain.js';
import { FaultPlan } from '../src/sim/fault-plan.js';
import { Kernel } from '../src/sim/kernel.js';
import { Network } from '../src/sim/network.js';
import type { Process } from '../src/sim/process.js';
import { randomOf } from '../src/sim/random.js';
import { type BenchRow, perSecond, sideBySide } from './bench.js';

const SLEEPERS = 64;
const ROUNDS = 5;

function newKernel(): Kernel {
  return new Kernel({
    random: randomOf(1),
    strategy: { kind: 'fifo' },
    quantumMicros: 1,
    limits: { events: Number.MAX_SAFE_INTEGER, simMicros: Number.MAX_SAFE_INTEGER, queueLength: 1_000_000 },
    onCrash: (_, error) => {
      throw error;
    },
    onKill: () => {},
  });
}

const newProcess = (kernel: Kernel, node: string): Process => kernel.newProcess(node, 1, new NodeClock(0));

/** Sleeps of all sleepers differ, as they would. */
const sleepMicros = (sleeper: number): number => 1000 + sleeper * 7;

/** The limit: the least a simulator can do is keep a heap of (time, sequence) and call what comes out. */
class BareHeap {
  #heap: { at: number; sequence: number; callback: () => void }[] = [];
  #sequence = 0;
  now = 0;

  after(micros: number, callback: () => void): void {
    const heap = this.#heap;
    const entry = { at: this.now + micros, sequence: ++this.#sequence, callback };
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const other = heap[parent] as typeof entry; // parent < at
      if (other.at < entry.at || (other.at === entry.at && other.sequence < entry.sequence)) break;
      heap[at] = other;
      at = parent;
    }
    heap[at] = entry;
  }

  next(): (() => void) | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) return undefined;
    if (heap.length > 0) {
      let at = 0;
      for (;;) {
        let child = 2 * at + 1;
        if (child >= heap.length) break;
        let smaller = heap[child] as typeof first; // child < length
        const right = heap[child + 1];
        if (right !== undefined && (right.at < smaller.at || (right.at === smaller.at && right.sequence < smaller.sequence))) {
          child++;
          smaller = right;
        }
        if (last.at < smaller.at || (last.at === smaller.at && last.sequence < smaller.sequence)) break;
        heap[at] = smaller;
        at = child;
      }
      heap[at] = last;
    }
    this.now = first.at;
    return first.callback;
  }
}

const inMacrotask = (work: () => void): Promise<void> =>
  new Promise((resolve, reject) => {
    macrotask(() => {
      try {
        work();
        resolve();
      } catch (error) {
        reject(error);
      }
    });
  });

export async function kernelSync(events = 1_000_000): Promise<BenchRow> {
  const rate = await sideBySide(
    ROUNDS,
    () =>
      perSecond(events, async () => {
        const kernel = newKernel();
        let left = events;
        for (let sleeper = 0; sleeper < SLEEPERS; sleeper++) {
          const process = newProcess(kernel, `n${sleeper}`);
          const tick = (): void => {
            if (--left > 0) kernel.after(sleepMicros(sleeper), process, 'tick', tick);
            else kernel.stop();
          };
          kernel.after(0, process, 'tick', tick);
        }
        await kernel.run();
      }),
    () =>
      perSecond(events, () =>
        inMacrotask(() => {
          const heap = new BareHeap();
          let left = events;
          for (let sleeper = 0; sleeper < SLEEPERS; sleeper++) {
            const tick = (): void => heap.after(sleepMicros(sleeper), tick);
            heap.after(0, tick);
          }
          while (left-- > 0) heap.next()?.();
        }),
      ),
  );
  return { bench: 'kernel-sync', unit: 'events/s', against: 'bare heap', aim: 0.6, ...rate };
}

async function kernelSleeps(events: number): Promise<number> {
  return perSecond(events, async () => {
    const kernel = newKernel();
    let left = events;
    for (let sleeper = 0; sleeper < SLEEPERS; sleeper++) {
      const process = newProcess(kernel, `n${sleeper}`);
      const sleep = (micros: number): Promise<void> => new Promise((resolve) => void kernel.timer(micros, process, resolve));
      kernel.after(0, process, 'start', () => {
        void (async () => {
          while (left-- > 0) await sleep(sleepMicros(sleeper));
          kernel.stop();
        })();
      });
    }
    await kernel.run();
  });
}

export async function kernelAsync(events = 1_000_000): Promise<BenchRow> {
  const rate = await sideBySide(
    ROUNDS,
    () => kernelSleeps(events),
    () =>
      perSecond(events, () =>
        inMacrotask(() => {
          const drain = inPlaceDrain();
          if (drain === undefined) throw new Error('this Node cannot drain microtasks in place, so there is no limit to measure');
          const heap = new BareHeap();
          let left = events;
          const sleep = (micros: number): Promise<void> => new Promise((resolve) => heap.after(micros, resolve));
          for (let sleeper = 0; sleeper < SLEEPERS; sleeper++) {
            void (async () => {
              while (left-- > 0) await sleep(sleepMicros(sleeper));
            })();
          }
          drain();
          for (let next = heap.next(); next !== undefined; next = heap.next()) {
            next();
            drain();
          }
        }),
      ),
  );
  return { bench: 'kernel-async', unit: 'events/s', against: 'bare heap with microtask drain', aim: 0.6, ...rate };
}

export async function peersTime(events = 20_000): Promise<BenchRow[]> {
  const timers = await sideBySide(
    3,
    () => kernelSleeps(events),
    () =>
      perSecond(events, async () => {
        const clock = FakeTimers.createClock();
        let left = events;
        const sleep = (millis: number): Promise<void> => new Promise((resolve) => void clock.setTimeout(() => resolve(), millis));
        const sleepers = Array.from({ length: SLEEPERS }, async (_, sleeper) => {
          while (left-- > 0) await sleep(sleepMicros(sleeper));
        });
        while (left > 0) await clock.nextAsync();
        await clock.runAllAsync();
        await Promise.all(sleepers);
      }),
  );
  const scheduler = await sideBySide(
    3,
    () => kernelSleeps(events),
    () =>
      perSecond(events, async () => {
        // fast-check's scheduler has no time, only order: the same number of suspensions.
        const s = fc.sample(fc.scheduler(), 1)[0];
        if (s === undefined) throw new Error('fast-check gave no scheduler');
        let left = events;
        const sleepers = Array.from({ length: SLEEPERS }, async () => {
          while (left-- > 0) await s.schedule(Promise.resolve());
        });
        await s.waitIdle();
        await Promise.all(sleepers);
      }),
  );
  return [
    { bench: 'peers-time', unit: 'sleeps/s', against: '@sinonjs/fake-timers nextAsync', aim: 10, ...timers },
    { bench: 'peers-time', unit: 'sleeps/s', against: 'fast-check scheduler', aim: 10, ...scheduler },
  ];
}

/** Messages to and fro between two nodes. `faults`: a plan of all these stands by at every seam, with none of them active. */
async function bounce(messages: number, faults: readonly Fault[] = []): Promise<void> {
  const kernel = newKernel();
  const network = new Network(kernel, {
    latencyMicrosMin: 100,
    latencyMicrosMax: 500,
    jitterMicros: 200,
    tailOneIn: 0,
    tailMicros: 0,
    bytesPerSecond: 0,
  });
  if (faults.length > 0) {
    const draws = faults.map(({ id }) => ({ id, label: `${id}#1`, params: { startMicros: 0, durationMicros: 1 } }));
    kernel.judge = new FaultPlan(kernel, draws, faults);
  }
  const a = network.attach(newProcess(kernel, 'a'));
  const b = network.attach(newProcess(kernel, 'b'));
  const payload = new Uint8Array(64);
  let left = messages;
  a.listen((from, bytes) => {
    if (--left > 0) a.send(from, bytes);
    else kernel.stop();
  });
  b.listen((from, bytes) => {
    if (--left > 0) b.send(from, bytes);
    else kernel.stop();
  });
  kernel.after(0, undefined, 'start', () => a.send('b', payload));
  await kernel.run();
}

export async function pingPong(messages = 200_000): Promise<BenchRow> {
  const rate = await sideBySide(
    ROUNDS,
    () => perSecond(messages, () => bounce(messages)),
    () => kernelSleeps(messages),
  );
  return { bench: 'ping-pong', unit: 'messages/s', against: 'kernel-async, ours', aim: 0.3, ...rate };
}

/** What it costs that faults could answer at every seam while none does: each message passes the packet, step and schedule seams. */
export async function seams(messages = 200_000): Promise<BenchRow> {
  const rate = await sideBySide(
    ROUNDS,
    () => perSecond(messages, () => bounce(messages, faultCatalogue)),
    () => perSecond(messages, () => bounce(messages)),
  );
  return { bench: 'seams', unit: 'messages/s', against: 'the same without a fault plan', aim: 0.95, ...rate };
}
