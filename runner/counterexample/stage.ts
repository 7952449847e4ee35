/** A small world for one counterexample: some nodes, and a script that directs them as client `c1`. */
import type { Micros, NodeId, Platform } from '../../src/ports.js';
import type { Case, Run } from '../../src/run.js';
import { type SimScenario, simulate } from '../../src/sim/simulate.js';
import type { TraceEvent } from '../../src/trace.js';
import { Director } from './director.js';

export interface StageOptions {
  readonly nodes: number;
  readonly serve: (platform: Platform) => Promise<void>;
  /** Further clients, from `c2` on. */
  readonly clients: readonly ((platform: Platform) => Promise<void>)[];
  readonly script: (director: Director, platform: Platform) => Promise<void>;
}

export interface Staged {
  readonly trace: readonly TraceEvent[];
  readonly run: Run;
}

const SECOND: Micros = 1_000_000;
/** Until every node is registered. */
const BOOT_MICROS: Micros = 1 * SECOND;
const LENGTH_MICROS: Micros = 120 * SECOND;

export const nodeNames = (count: number): readonly NodeId[] => Array.from({ length: count }, (_, at) => `n${at + 1}`);

/** Runs the script to its end. Rejects with what it throws, and when the run ends otherwise. */
export async function stage({ nodes, serve, clients, script }: StageOptions): Promise<Staged> {
  const director = new Director();
  let outcome: { readonly done: true } | { readonly error: unknown } | undefined;
  const scenario: SimScenario<null> = {
    id: 'counterexample',
    // Promises are judged on the whole story, so that one broken early does not end it.
    invariants: [],
    parts: null,
    convergenceMicros: LENGTH_MICROS,
    budget: (workload, chaosMicros) => ({
      nodes: nodeNames(workload.nodes),
      downMax: workload.nodes,
      lyingDisksMax: workload.nodes,
      clockSkewMicrosMax: 0,
      clockDriftPpmMax: 0,
      chaosMicros,
    }),
    serve,
    client: async (platform) => {
      const other = clients[Number(platform.node.slice(1)) - 2];
      if (other !== undefined) return other(platform);
      try {
        await platform.clock.sleep(BOOT_MICROS);
        director.begin(platform.clock);
        await script(director, platform);
        outcome = { done: true };
      } catch (error) {
        outcome = { error };
      } finally {
        director.end();
      }
    },
  };
  const run: Case = {
    version: 1,
    seed: 1,
    scenario: scenario.id,
    // What the director does is in no budget.
    profile: 'beyond-budget',
    strategy: { kind: 'fifo' },
    quantumMicros: 1,
    faults: director.faults.map(({ id }) => ({ id, label: id, params: { startMicros: 0, durationMicros: LENGTH_MICROS } })),
    network: { latencyMicrosMin: 200, latencyMicrosMax: 500, jitterMicros: 50, tailOneIn: 0, tailMicros: 0, bytesPerSecond: 0 },
    workload: { nodes, clients: 1 + clients.length, operations: [] },
    knobs: {},
    chaosMicros: LENGTH_MICROS,
    limits: { events: 10_000_000, simMicros: 4 * LENGTH_MICROS, queueLength: 100_000 },
  };
  const simulated = await simulate(run, {
    scenario,
    faults: director.faults,
    listeners: [(event) => director.observe(event)],
  });
  if (outcome === undefined) {
    const { verdict, reason, pending } = simulated.run;
    throw new Error(`the script did not end: ${verdict}, ${reason ?? ''} ${pending.join('; ')}`);
  }
  if ('error' in outcome) throw outcome.error;
  return { trace: director.story, run: simulated.run };
}
