/**
 * Every fault fires and matters in the simulated world, shown on a program that uses all of it: files, database, peers, datagrams,
 * clocks. Against the same run with the fault muted, something that the program sees is different; and it is the same every time.
 */
import { describe, expect, it } from 'vitest';
import { draw } from '../runner/draw.js';
import type { Scenario, Stage } from '../scenarios/scenario.js';
import { serverIds } from '../scenarios/scenario.js';
import { DatabaseError, type Platform, PortError, ServiceError, transact } from '../src/ports.js';
import type { Case, FaultReport } from '../src/run.js';
import { CAPABILITIES } from '../src/sim/seams.js';
import { randomOf } from '../src/sim/random.js';
import { simulate } from '../src/sim/simulate.js';
import { RollingHash } from '../src/trace.js';
import type { Fault } from './fault.js';
import { faults } from './index.js';

const SEEDS_MAX = 40;
const TIMEOUT_MS = 60_000;
const CHAOS_MICROS = 5_000_000;
const NODES = 3;
const CRASHES = 'crash/kill-loop';

const text = new TextEncoder();
const TOPICS = ['heartbeat', 'reply', 'invoke'] as const;
const RECORD_BYTES = 512;
/** Enough pages that an operation can go astray within the file. */
const RECORDS_MAX = 40;

/** Tells what came of it; only what ports may throw is an outcome. */
async function attempt(platform: Platform, what: string, act: () => Promise<string | number>): Promise<void> {
  let outcome: string | number;
  try {
    outcome = await act();
  } catch (error) {
    if (!(error instanceof PortError || error instanceof DatabaseError || error instanceof ServiceError)) throw error;
    outcome = String(error.code);
  }
  platform.tracer.emit({ type: 'bench.did', what, outcome } as { type: string });
}

const sum = (bytes: Uint8Array): number => bytes.reduce((total, byte, i) => (total * 31 + byte + i) % 1_000_003, 7);

async function useDisk({ disk }: Platform, turn: number): Promise<number> {
  await disk.makeDirectory('log');
  const file = await disk.open('log/records', 'write');
  const record = new Uint8Array(RECORD_BYTES).fill(turn);
  const written = await file.write((turn % RECORDS_MAX) * RECORD_BYTES, record);
  if (turn % 2 === 0) await file.sync();
  const seen = await file.read(0, RECORDS_MAX * RECORD_BYTES);
  await file.close();
  const note = await disk.open('log/note.new', 'write');
  await note.write(0, text.encode(String(turn)));
  await note.close();
  await disk.rename('log/note.new', 'log/note');
  if (turn % 5 === 0) {
    await disk.syncDirectory('log');
    await disk.syncDirectory('');
  }
  const names = await disk.list('log');
  return written + sum(seen) + names.length;
}

async function serve(platform: Platform, stage: Stage<null>): Promise<void> {
  const { transport, clock, database, services, node } = platform;
  let running = true;
  platform.lifecycle.onStop(() => {
    running = false;
    return Promise.resolve();
  });
  platform.tracer.emit({ type: 'bench.boot', knobs: stage.knobs } as { type: string });
  transport.listen((from, bytes) => platform.tracer.emit({ type: 'bench.got', from, sum: sum(bytes) } as { type: string }));
  const peers = serverIds(stage.workload).filter((peer) => peer !== node);
  const loops: Record<string, (turn: number) => Promise<string | number>> = {
    disk: (turn) => useDisk(platform, turn),
    database: () =>
      transact(
        database,
        async (transaction) => {
          const key = text.encode('counter');
          const count = (await transaction.get(key))?.length ?? 0;
          transaction.set(key, new Uint8Array((count + 1) % 100));
          return count;
        },
        { timeoutMicros: 2_000_000 },
      ),
    network: (turn) => {
      for (const peer of peers) transport.send(peer, text.encode(`${TOPICS[turn % TOPICS.length]} ${turn}`));
      return Promise.resolve(turn);
    },
    clock: () => Promise.resolve(clock.wallMicros() - clock.monotonicMicros()),
  };
  for (const service of ['model', 'tools', 'http']) {
    loops[service] = async (turn) => {
      const body = text.encode(JSON.stringify({ messages: [], name: 'count', arguments: { name: 'c' }, value: turn }));
      const request = { service, operation: service === 'tools' ? 'call' : 'complete', body };
      const { status, body: answer } = await services.call({ ...request, timeoutMicros: 2_000_000, responseBytesMax: 10_000 });
      return status * 1_000_003 + sum(answer);
    };
  }
  await Promise.all(
    Object.entries(loops).map(async ([what, loop]) => {
      for (let turn = 1; running; turn++) {
        await attempt(platform, what, () => loop(turn));
        await clock.sleep(100_000);
      }
    }),
  );
}

const workbench: Scenario<null> = {
  id: 'workbench',
  summary: 'programs that use everything there is',
  offers: CAPABILITIES.filter((capability) => capability !== 'sandbox'),
  invariants: [],
  parts: null,
  knobs: { size: { min: 1, max: 9, normal: 5 } },
  variants: Object.fromEntries(
    ['next-version', 'tiny-mailbox', 'tiny-queue', 'tiny-cache', 'tiny-buffers', 'tiny-capacity'].map((name, i) => [
      name,
      { size: 10 + i },
    ]),
  ),
  convergenceMicros: 5_000_000,
  topicOf: (bytes) => /^[a-z-]+/.exec(new TextDecoder().decode(bytes))?.[0],
  draw: () => ({ nodes: NODES, clients: 2, operations: [] }),
  budget: (workload, chaosMicros) => ({
    nodes: serverIds(workload),
    clients: ['c1', 'c2'],
    downMax: 2,
    lyingDisksMax: 2,
    clockSkewMicrosMax: 10_000_000,
    clockDriftPpmMax: 100_000,
    chaosMicros,
  }),
  serve,
  async client(platform) {
    for (let turn = 1; turn <= 30; turn++) {
      for (const server of ['n1', 'n2', 'n3']) platform.transport.send(server, text.encode(`invoke ${turn}`));
      await platform.clock.sleep(150_000);
    }
  },
  convergence: () => ({ observe: () => {}, pending: () => [], role: (name) => ({ 'lease-holder': 'n2', primary: 'n3' })[name] }),
};

/** What the programs saw: every event of theirs and no other. */
async function seenIn(
  run: Case,
  muted: readonly string[],
): Promise<{ seen: string; hash: string; reports: readonly FaultReport[]; verdict: string }> {
  const hash = new RollingHash();
  const listeners = [
    ({ at, node, body }: { at: number; node: string; body: { type: string } }): void => {
      if (!body.type.startsWith('bench.')) return;
      hash.int(at);
      hash.value(node);
      hash.value(body);
    },
  ];
  const { run: result } = await simulate(run, { scenario: workbench, faults, muted, listeners });
  return {
    seen: hash.digest(),
    hash: result.traceHash,
    reports: result.faults,
    verdict: `${result.verdict} ${result.reason ?? ''}`.trim(),
  };
}

/** What is never drawn is put into a case, for the whole chaos phase. */
function scripted(seed: number, fault: Fault): Case {
  const run = draw(seed, workbench, { faults, only: [], chaosMicros: CHAOS_MICROS });
  const params = fault.draw(randomOf(seed), workbench.budget(run.workload, CHAOS_MICROS));
  const whole = { ...params, startMicros: 0, durationMicros: CHAOS_MICROS };
  return { ...run, faults: [{ id: fault.id, label: `${fault.id}#1`, params: whole }] };
}

describe.each(faults.map((fault) => [fault.id, fault] as const))('%s', (id, fault) => {
  it(
    'fires and changes what programs see, the same way every time',
    async () => {
      expect(fault.needs.filter((need) => !workbench.offers.includes(need))).toEqual([]);
      const tried: string[] = [];
      for (let seed = 1; seed <= SEEDS_MAX; seed++) {
        // What a disk did to its platter shows when a cache is gone, so disks are judged beside crashes, which are never muted.
        const only = id.startsWith('disk/') ? [id, CRASHES] : [id];
        const run = fault.scripted === true ? scripted(seed, fault) : draw(seed, workbench, { faults, only, chaosMicros: CHAOS_MICROS });
        const own = run.faults.filter((one) => one.id === id).map(({ label }) => label);
        const struck = await seenIn(run, []);
        expect(struck.verdict).toBe('pass');
        const firedOf = ({ reports }: { readonly reports: readonly FaultReport[] }): number =>
          reports.find((one) => one.id === id)?.fired ?? 0;
        const fired = firedOf(struck);
        if (fired === 0) {
          tried.push(`seed ${seed}: drawn, not fired`);
          continue;
        }
        const muted = await seenIn(run, own);
        expect(firedOf(muted)).toBe(0);
        if (muted.seen === struck.seen) {
          tried.push(`seed ${seed}: fired ${fired} times, changed nothing`);
          continue;
        }
        expect(await seenIn(run, [])).toEqual(struck);
        return;
      }
      expect.fail(`${id} never mattered: ${tried.join('; ')}`);
    },
    TIMEOUT_MS,
  );
});
