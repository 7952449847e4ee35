import { describe, expect, it } from 'vitest';
import { DatabaseError, type Platform, transact } from '../ports.js';
import type { Case, Operation, Run, Workload } from '../run.js';
import type { TraceEvent } from '../trace.js';
import type { PlannedFault } from './fault-plan.js';
import type { JudgedInvariant } from './promises.js';
import { type SimScenario, type SimulateOptions, simulate } from './simulate.js';

/** A system that has nothing to do with Kelpie: servers count in the database for clients that ask over the network. */
const text = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const read = (bytes: Uint8Array): { readonly id: string; readonly value?: number } => JSON.parse(new TextDecoder().decode(bytes)) as never;
const COUNTER = text('counter');
const doneKey = (id: string): Uint8Array => text(`done ${id}`);

async function serve(platform: Platform): Promise<void> {
  const { transport, database, tracer } = platform;
  transport.listen((from, bytes) => {
    const { id } = read(bytes);
    void (async () => {
      const value = await transact(database, async (transaction) => {
        // A request that comes twice finds its answer.
        const done = await transaction.get(doneKey(id));
        if (done !== undefined) return read(done).value;
        const before = await transaction.get(COUNTER);
        const next = (before === undefined ? 0 : (read(before).value ?? 0)) + 1;
        transaction.set(COUNTER, text({ value: next }));
        transaction.set(doneKey(id), text({ value: next }));
        return next;
      });
      tracer.emit({ type: 'counted', id, value } as { type: string });
      transport.send(from, text({ id, value }));
    })();
  });
  await new Promise(() => {});
}

async function client(platform: Platform, stage: { readonly workload: Workload }, operations: readonly Operation[]): Promise<void> {
  const { transport, clock, random, tracer } = platform;
  const answers = new Map<string, (value: number) => void>();
  transport.listen((_, bytes) => {
    const { id, value } = read(bytes);
    answers.get(id)?.(value ?? -1);
  });
  const begin = clock.monotonicMicros();
  for (const [index, operation] of operations.entries()) {
    await clock.sleep(Math.max(0, operation.atMicros - (clock.monotonicMicros() - begin)));
    const id = `${platform.node}/${index}`;
    const answered = new Promise<number>((resolve) => void answers.set(id, resolve));
    for (let waiting = true; waiting; ) {
      transport.send(`n${random.between(1, stage.workload.nodes)}`, text({ id }));
      const late = clock.sleep(500_000).then(() => undefined);
      const value = await Promise.race([answered, late]);
      if (value !== undefined) {
        waiting = false;
        tracer.emit({ type: 'acknowledged', id, value } as { type: string });
      }
    }
  }
}

const noValueTwice: JudgedInvariant = {
  id: 'no-value-twice',
  promise: 'no two requests are given the same number',
  kind: 'always',
  start() {
    const owners = new Map<number, string>();
    return {
      observe({ body, at, node, index }) {
        if (body.type !== 'acknowledged') return undefined;
        const { id, value } = body as unknown as { id: string; value: number };
        const owner = owners.get(value);
        owners.set(value, id);
        if (owner === undefined || owner === id) return undefined;
        return { expected: `${value} given once`, seen: `given to ${owner} and to ${id}`, atMicros: at, nodes: [node], event: index };
      },
    };
  },
};

const scenario: SimScenario<{ readonly serve: typeof serve }> = {
  id: 'counting',
  invariants: [noValueTwice],
  sometimes: { counted: (event) => counted(event), never: () => false, 'counted a second time': { watch: () => secondCount() } },
  parts: { serve },
  convergenceMicros: 60_000_000,
  budget: (workload, chaosMicros) => ({
    nodes: Array.from({ length: workload.nodes }, (_, i) => `n${i + 1}`),
    downMax: 1,
    lyingDisksMax: 0,
    clockSkewMicrosMax: 0,
    clockDriftPpmMax: 0,
    chaosMicros,
  }),
  serve: (platform, stage) => stage.parts.serve(platform),
  client,
};

const counted = (event: TraceEvent): boolean => event.body.type === 'counted';
/** True once in a run, at its second count. */
const secondCount = (): ((event: TraceEvent) => boolean) => {
  let times = 0;
  return (event) => counted(event) && ++times === 2;
};

const drop: PlannedFault = {
  id: 'test/drop',
  seam: 'packet',
  judge: (event, _, random) => (event.seam === 'packet' && random.chance(1, 20) ? { kind: 'drop' } : undefined),
};
const killLoop: PlannedFault = {
  id: 'test/kill-loop',
  strike(world) {
    const again = (): void => {
      const node = world.random.pick(world.nodes);
      if (world.kill(node, 'test')) world.after(300_000, () => void world.restart(node));
      world.after(700_000, again);
    };
    again();
  },
};
const killInCommit: PlannedFault = {
  id: 'test/kill-in-commit',
  seam: 'database',
  judge: (event, _, random) =>
    event.seam === 'database' && event.operation === 'commit' && random.chance(1, 5)
      ? { kind: 'crash', applied: random.chance(1, 2) }
      : undefined,
};
const FAULTS = [drop, killLoop, killInCommit];

function caseOf(seed: number, changes: Partial<Case> = {}): Case {
  const operations = Array.from({ length: 24 }, (_, i) => ({ client: 1 + (i % 2), atMicros: i * 200_000, kind: 'count' }));
  return {
    version: 1,
    seed,
    scenario: 'counting',
    profile: 'swarm',
    strategy: { kind: 'random' },
    quantumMicros: 500,
    faults: FAULTS.map(({ id }) => ({ id, label: `${id}#1`, params: { startMicros: 100_000, durationMicros: 4_000_000 } })),
    network: { latencyMicrosMin: 100, latencyMicrosMax: 2_000, jitterMicros: 300, tailOneIn: 100, tailMicros: 100_000, bytesPerSecond: 0 },
    workload: { nodes: 3, clients: 2, operations },
    knobs: {},
    chaosMicros: 5_000_000,
    limits: { events: 1_000_000, simMicros: 600_000_000, queueLength: 100_000 },
    ...changes,
  };
}

const runOf = async (run: Case, options: Partial<SimulateOptions<{ readonly serve: typeof serve }>> = {}) =>
  simulate(run, { scenario, faults: FAULTS, ...options });

const broken = (parts: typeof serve, scenarioChanges: Partial<typeof scenario> = {}) => ({
  scenario: { ...scenario, ...scenarioChanges },
  parts: { serve: parts },
});

describe('a run', () => {
  it('passes a correct system over many seeds, with every fault fired', async () => {
    const fired = new Map<string, number>();
    for (let seed = 0; seed < 40; seed++) {
      const { run } = await runOf(caseOf(seed));
      expect(run).toMatchObject({ verdict: 'pass', violations: [], pending: [], withinBudget: true });
      expect(run.sometimes.counted).toBeGreaterThan(20);
      // A watch begins anew with each run.
      expect(run.sometimes['counted a second time']).toBe(1);
      for (const fault of run.faults) fired.set(fault.id, (fired.get(fault.id) ?? 0) + fault.fired);
    }
    for (const { id } of FAULTS) expect(fired.get(id)).toBeGreaterThan(10);
  });

  it('has the same hash again, after other seeds, recorded or not, and with the fallback drain', async () => {
    for (const seed of [1, 2, 3]) {
      const { run } = await runOf(caseOf(seed));
      await runOf(caseOf(seed + 100));
      for (const options of [{}, { record: true }, { drain: 'fallback' as const }]) {
        const again = (await runOf(caseOf(seed), options)).run;
        expect([again.traceHash, again.events, again.simMicros]).toEqual([run.traceHash, run.events, run.simMicros]);
      }
    }
    expect((await runOf(caseOf(1))).run.traceHash).not.toBe((await runOf(caseOf(2))).run.traceHash);
  });

  it('replays its recorded decisions to the same hash', async () => {
    const { run } = await runOf(caseOf(7), { record: true });
    expect(run.decisions?.length).toBeGreaterThan(10);
    const replayed = (await runOf(caseOf(7, { strategy: { kind: 'replay', decisions: run.decisions ?? [] } }))).run;
    expect(replayed.traceHash).toBe(run.traceHash);
  });

  it('records each event with a cause that came before it', async () => {
    const { run, trace } = await runOf(caseOf(3), { record: true });
    expect(trace).toHaveLength(run.traceEvents);
    for (const event of trace) expect(event.cause).toBeLessThan(event.index);
    const delivered = trace.find((event) => event.body.type === 'deliver');
    const cause = trace[delivered?.cause ?? -1];
    expect(cause?.body).toMatchObject({ type: 'send', message: (delivered?.body as { message?: number } | undefined)?.message });
  });

  it('finds a system that counts without a transaction, and says what broke', async () => {
    const racy = async ({ transport, database }: Platform): Promise<void> => {
      transport.listen((from, bytes) => {
        const { id } = read(bytes);
        void (async () => {
          const before = await transact(database, (transaction) => transaction.snapshot.get(COUNTER));
          const value = (before === undefined ? 0 : (read(before).value ?? 0)) + 1;
          await transact(database, async (transaction) => transaction.set(COUNTER, text({ value })));
          transport.send(from, text({ id, value }));
        })().catch(() => {});
      });
      await new Promise(() => {});
    };
    let found = 0;
    for (let seed = 0; seed < 20; seed++) {
      const { run } = await runOf(caseOf(seed), broken(racy));
      if (run.verdict !== 'violation') continue;
      found++;
      expect(run.violations[0]).toMatchObject({
        invariant: 'no-value-twice',
        seen: expect.stringMatching(/^given to c\d\/\d+ and to c\d\/\d+$/),
      });
      expect(run.judgements).toEqual({ 'no-value-twice': 'violated' });
    }
    expect(found).toBeGreaterThan(10);
  });

  it('demands convergence within the budget, and only safety beyond it', async () => {
    const deaf = async ({ transport }: Platform): Promise<void> => {
      transport.listen(() => {});
      await new Promise(() => {});
    };
    const within = (await runOf(caseOf(1, { faults: [] }), broken(deaf))).run;
    expect(within).toMatchObject({
      verdict: 'liveness',
      withinBudget: true,
      reason: expect.stringContaining('client c1 has not completed'),
    });
    const beyond = (await runOf(caseOf(1, { faults: [], profile: 'beyond-budget' }), broken(deaf))).run;
    expect(beyond).toMatchObject({
      verdict: 'pass',
      withinBudget: false,
      pending: [expect.stringContaining('c1'), expect.stringContaining('c2')],
    });
  });

  it('waits for servers that were told to stop, until they have ended or are killed at their bound', async () => {
    const stop: PlannedFault = { id: 'test/stop', strike: (world) => void world.stop('n1') };
    const stopped = async (micros: number | undefined, convergenceMicros: number): Promise<{ run: Run; ends: readonly string[] }> => {
      const ends: string[] = [];
      const slow = (platform: Platform): Promise<void> => {
        platform.lifecycle.onStop(() => (micros === undefined ? new Promise(() => {}) : platform.clock.sleep(micros)));
        return serve(platform);
      };
      const faults = [{ id: stop.id, label: 'stop', params: { startMicros: 4_900_000, durationMicros: 1 } }];
      const { run } = await runOf(caseOf(1, { faults }), {
        ...broken(slow, { convergenceMicros }),
        faults: [stop],
        listeners: [({ body, node }) => void (body.type !== 'exit' && body.type !== 'kill' ? 0 : ends.push(`${node} ${body.type}`))],
      });
      return { run, ends };
    };
    expect(await stopped(20_000_000, 60_000_000)).toMatchObject({ run: { verdict: 'pass' }, ends: expect.arrayContaining(['n1 exit']) });
    expect(await stopped(undefined, 120_000_000)).toMatchObject({ run: { verdict: 'pass' }, ends: expect.arrayContaining(['n1 kill']) });
    const reason = expect.stringContaining('n1 was told to stop and has not ended');
    expect(await stopped(undefined, 10_000_000)).toMatchObject({ run: { verdict: 'liveness', reason } });
  });

  it('ends at the event that a caller waits for', async () => {
    const whole = await runOf(caseOf(1), { record: true });
    const cut = await runOf(caseOf(1), {
      record: true,
      endsAt: ({ body }) => body.type === 'phase' && 'phase' in body && body.phase === 'chaos',
    });
    expect(cut.trace.at(-1)?.body).toEqual({ type: 'phase', phase: 'chaos' });
    expect(cut.trace).toEqual(whole.trace.slice(0, cut.trace.length));
    expect(cut.trace.length).toBeLessThan(whole.trace.length);
  });

  it('hands all of the run to its keeper before anything happens, and goes on as without one', async () => {
    const seen: unknown[] = [];
    const { run } = await runOf(caseOf(1), { keeper: (world) => seen.push(world), listeners: [({ index }) => seen.push(index)] });
    expect(seen.slice(0, 2)).toEqual([expect.any(Object), 0]);
    expect(run.traceHash).toBe((await runOf(caseOf(1), {})).run.traceHash);
  });

  it('lets time go on for who waits for what a timer that was early has left', async () => {
    const early: PlannedFault = { id: 'test/early', seam: 'timer', judge: () => ({ kind: 'early', micros: 5 }) };
    const patient = async ({ clock, tracer }: Platform): Promise<void> => {
      const until = clock.monotonicMicros() + 1_000_000;
      const wait = (): void => {
        const left = until - clock.monotonicMicros();
        if (left > 0) clock.after(left, wait);
        else tracer.emit({ type: 'counted' });
      };
      wait();
      await new Promise(() => {});
    };
    const faults = [{ id: early.id, label: `${early.id}#1`, params: { startMicros: 0, durationMicros: 4_000_000 } }];
    const waiting = caseOf(1, {
      faults,
      workload: { nodes: 1, clients: 1, operations: [] },
      limits: { ...caseOf(1).limits, events: 1_000 },
    });
    const { run } = await runOf(waiting, { ...broken(patient), faults: [early] });
    expect(run).toMatchObject({ verdict: 'pass', sometimes: { counted: 1 } });
  });

  it('keeps to the budget: never more servers down than it says', async () => {
    const down = new Set<string>();
    let most = 0;
    const watch = ({ body, node }: TraceEvent): void => {
      if (body.type === 'kill') down.add(node);
      if (body.type === 'boot') down.delete(node);
      most = Math.max(most, down.size);
    };
    for (let seed = 0; seed < 10; seed++) {
      down.clear();
      await runOf(caseOf(seed), { listeners: [watch] });
    }
    expect(most).toBe(1);
  });
});

describe('what a program does wrong is a verdict, not a broken tool', () => {
  const crashing =
    (what: (platform: Platform) => unknown) =>
    async (platform: Platform): Promise<void> => {
      platform.transport.listen(() => void what(platform));
      await new Promise(() => {});
    };
  const verdictOf = async (what: (platform: Platform) => unknown, changes: Partial<typeof scenario> = {}) =>
    (await runOf(caseOf(1, { faults: [] }), broken(crashing(what), changes))).run;

  it('a throw', async () => {
    const run = await verdictOf(() => {
      throw new TypeError('broken handler');
    });
    expect(run).toMatchObject({ verdict: 'crash', reason: expect.stringMatching(/n\d crashed: TypeError: broken handler/) });
  });

  it('a rejection nobody handles', async () => {
    const run = await verdictOf(async ({ clock }) => {
      await clock.sleep(10);
      throw new DatabaseError(2000, 'nobody catches this');
    });
    expect(run).toMatchObject({ verdict: 'crash', reason: expect.stringContaining('nobody catches this') });
  });

  it('ambient time and chance in strict mode, with the remedy, even when the program swallows the error', async () => {
    for (const use of [() => Date.now(), () => Math.random(), () => setTimeout(() => {}, 1), () => new Date()]) {
      const run = await verdictOf(() => {
        try {
          use();
        } catch {
          // A program that hides it.
        }
      });
      expect(run).toMatchObject({ verdict: 'crash', reason: expect.stringMatching(/which no simulation can repeat; .*platform\./) });
    }
    expect(Math.abs(Date.now() - performance.timeOrigin - performance.now())).toBeLessThan(1_000);
  });

  it('ambient time in adopt mode is the simulation, the same every time', async () => {
    const seen: unknown[][] = [];
    for (let i = 0; i < 2; i++) {
      const values: unknown[] = [];
      const run = await verdictOf(
        ({ transport }) => {
          values.push(Date.now(), Math.random(), performance.now());
          setTimeout(() => void values.push(Date.now()), 5);
          void transport;
        },
        { ambient: 'adopt' },
      );
      expect(run.verdict).toBe('liveness');
      seen.push(values);
    }
    expect(seen[0]?.length).toBeGreaterThan(3);
    expect(seen[1]).toEqual(seen[0]);
  });

  it('a promise that nobody will ever settle', async () => {
    const run = (
      await runOf(caseOf(1, { faults: [], chaosMicros: 10, workload: { nodes: 1, clients: 1, operations: [] } }), {
        scenario: { ...scenario, setUp: () => new Promise<void>(() => {}), convergenceMicros: 1_000 },
      })
    ).run;
    expect(run).toMatchObject({ verdict: 'liveness', pending: ['set-up has not completed'] });
  });

  it('a limit that is reached', async () => {
    const spinning = crashing(({ clock }) => {
      const again = (): void => void clock.after(0, again);
      again();
    });
    const run = (await runOf(caseOf(1, { faults: [], limits: { events: 5_000, simMicros: 1e12, queueLength: 1000 } }), broken(spinning)))
      .run;
    expect(run).toMatchObject({ verdict: 'hang', reason: expect.stringContaining('events = 5000') });
  });
});

describe('a case that is none', () => {
  it('is refused', async () => {
    await expect(runOf(caseOf(1, { scenario: 'other' }))).rejects.toThrow("'other'");
    await expect(
      runOf(caseOf(1, { faults: [{ id: 'no/fault', label: 'x', params: { startMicros: 0, durationMicros: 1 } }] })),
    ).rejects.toThrow("'no/fault'");
  });
});
