/**
 * What all scenarios of Kelpie have in common: how a node of it is put together from what a case drew, which settings faults may
 * restart it with, what its messages are called, and what a cluster of it promises to survive. A scenario says the rest: its actors,
 * what is done to them, and what must hold.
 */
import type { Invariant } from '../invariants/invariant.js';
import { invariants } from '../invariants/index.js';
import type { ActorType } from '../src/kelpie/actor.js';
import { auditDatabase } from '../src/kelpie/audit.js';
import { CHOICE_SITES } from '../src/kelpie/choices.js';
import { KelpieClient } from '../src/kelpie/client.js';
import { type KelpieConfig, PLACEMENT_STRATEGIES } from '../src/kelpie/config.js';
import { KelpieNode, type NodeService } from '../src/kelpie/node.js';
import { correctParts, type KelpieParts } from '../src/kelpie/parts.js';
import type { Micros, NodeId, Platform, Random } from '../src/ports.js';
import type { Operation, Workload } from '../src/run.js';
import type { Budget, Capability } from '../src/sim/seams.js';
import { ClusterConvergence } from './cluster-convergence.js';
import { History } from './history.js';
import { type KnobRange, type Mark, type Scenario, type Small, type Stage, serverIds } from './scenario.js';
import { numbered } from './workload-draws.js';

const SECOND: Micros = 1_000_000;
const ATTEMPT_MICROS: Micros = 2 * SECOND;

export type KelpieKnobs = Partial<Record<keyof KelpieConfig, KnobRange>>;

/**
 * For scenarios of a few seconds. Any combination is legal (the renewal is shorter than the shortest lease without the longest grace
 * and skew) and can make progress on the slowest network that is drawn: a tenth of a second one way, so that a transaction takes the
 * better part of one.
 */
const BRISK_KNOBS = {
  leaseMicros: { min: 2_500_000, max: 6 * SECOND, normal: 3 * SECOND },
  leaseRenewMicros: { min: 300_000, max: 800_000, normal: 800_000 },
  leaseGraceMicros: { min: 200_000, max: 400_000, normal: 300_000 },
  leaseSkewMicros: { min: 200_000, max: 400_000, normal: 300_000 },
  invocationMicros: { min: 5 * SECOND, max: 20 * SECOND, normal: 10 * SECOND },
  idleMicros: { min: 50_000, max: 20 * SECOND, normal: 5 * SECOND },
  pendingPerActor: { min: 2, max: 1_000, normal: 100 },
  mailbox: { min: 8, max: 10_000, normal: 1_000 },
  forwardMicros: { min: 2 * SECOND, max: 4 * SECOND, normal: 2 * SECOND },
  hops: { min: 1, max: 3, normal: 3 },
  callsInFlight: { min: 1, max: 10, normal: 10 },
  drainMicros: { min: 0, max: 5 * SECOND, normal: 2 * SECOND },
  storeMicros: { min: 3 * SECOND, max: 5 * SECOND, normal: 5 * SECOND },
  nodeListMicros: { min: 0, max: 5 * SECOND, normal: 2 * SECOND },
  suspectMicros: { min: 0, max: 5 * SECOND, normal: 2 * SECOND },
  heartbeatMicros: { min: 300_000, max: 600_000, normal: 400_000 },
  heartbeatsMissedSuspect: { min: 1, max: 2, normal: 2 },
  heartbeatsMissedFailed: { min: 3, max: 5, normal: 4 },
  migrationCooldownMicros: { min: 0, max: 2 * SECOND, normal: 200_000 },
  migrationStepMicros: { min: 2 * SECOND, max: 4 * SECOND, normal: 2 * SECOND },
} satisfies KelpieKnobs;

/** How fast clocks may drift: two of them come to differ by less than grace and skew at their least over the longest lease. */
const DRIFT_PARTS_PER_MILLION_MAX = 5_000;
/** Kelpie decides nothing by wall clocks, so they may show anything. */
const SKEW_MICROS_MAX: Micros = 3_600 * SECOND;

export const KELPIE_VARIANTS: Readonly<Record<string, Readonly<Partial<Record<keyof KelpieConfig, number>>>>> = {
  'next-version': { leaseMicros: 5 * SECOND, leaseRenewMicros: 500_000, idleMicros: SECOND, forwardMicros: 2 * SECOND, placement: 2 },
  'tiny-mailbox': { pendingPerActor: 1 },
  'tiny-queue': { mailbox: 2 },
  'tiny-cache': { idleMicros: 1, nodeListMicros: 0 },
  'tiny-buffers': { pendingPerActor: 1, mailbox: 2, callsInFlight: 1, idleMicros: 10_000, nodeListMicros: 0 },
  'tiny-capacity': { capacity: 1 },
};

/** Knobs are numbers; a strategy of placement is drawn as its place in the list. */
function configOf(knobs: Readonly<Record<string, number>>): Partial<KelpieConfig> {
  const { placement, ...rest } = knobs;
  return placement === undefined ? rest : { ...rest, placement: PLACEMENT_STRATEGIES[placement] ?? PLACEMENT_STRATEGIES[0] };
}

/** The kind is near the front of every message of Kelpie: `{"v":1,"to":"n1","k":"invoke",...`. */
const KIND = /"k":"([^"]{1,40})"/;
const KIND_WITHIN_BYTES = 200;
const decoder = new TextDecoder();

/** What kind of message of Kelpie it is. */
export const kelpieTopicOf = (bytes: Uint8Array): string | undefined =>
  KIND.exec(decoder.decode(bytes.subarray(0, KIND_WITHIN_BYTES)))?.[1];

/** A minority may be down at once. */
export const kelpieBudget = (workload: Workload, chaosMicros: Micros): Budget => ({
  nodes: serverIds(workload),
  clients: numbered('c', workload.clients),
  downMax: Math.floor((workload.nodes - 1) / 2),
  // Disks hold journals of what the database knows too.
  lyingDisksMax: workload.nodes,
  clockSkewMicrosMax: SKEW_MICROS_MAX,
  clockDriftPpmMax: DRIFT_PARTS_PER_MILLION_MAX,
  chaosMicros,
});

/** Every promise but those that a scenario gives no occasion for. Throws RangeError for one that there is not. */
export function allBut(...ids: readonly string[]): readonly Invariant[] {
  const unknown = ids.filter((id) => !invariants.some((invariant) => invariant.id === id));
  if (unknown.length > 0) throw new RangeError(`there is no invariant ${unknown.join(', ')}`);
  return invariants.filter(({ id }) => !ids.includes(id));
}

/** Whoever set up reads back too, under the same name. */
export const VERIFY_SERIES = 'verify-';

/** What one node runs. */
export interface KelpieProgram {
  /** Settings that the workload decides. */
  readonly config?: Partial<KelpieConfig>;
  readonly actors: readonly ActorType[];
  readonly services?: readonly NodeService[];
}

/** Runs a node until it is told to stop. */
export const serveKelpie = (platform: Platform, { knobs, parts }: Stage<KelpieParts>, program: KelpieProgram): Promise<void> =>
  new KelpieNode(platform, { ...program, config: { ...configOf(knobs), ...program.config }, parts }).run();

/** One client of the cluster: what it calls with, and where it tells of it. */
export interface Desk {
  readonly platform: Platform;
  readonly client: KelpieClient;
  readonly history: History;
}

/** @param nodes those that the client knows of, all when absent. @param series of its history. */
export const openDesk = (
  platform: Platform,
  workload: Workload,
  { nodes = serverIds(workload), series = '' }: { readonly nodes?: readonly NodeId[] | undefined; readonly series?: string } = {},
): Desk => ({
  platform,
  client: new KelpieClient(platform, { nodes, attemptMicros: ATTEMPT_MICROS }),
  history: new History(platform, series),
});

/**
 * Performs operations one after the other, each not before its time.
 * @param lateMicrosMax whoever was kept waiting leaves out what should have begun longer ago than this; nothing when absent.
 */
export async function performInTime<Op extends Operation>(
  { clock }: Platform,
  operations: readonly Op[],
  perform: (operation: Op) => Promise<void>,
  lateMicrosMax = Number.POSITIVE_INFINITY,
): Promise<void> {
  const start = clock.monotonicMicros();
  for (const operation of operations) {
    const wait = operation.atMicros - (clock.monotonicMicros() - start);
    if (wait > 0) await clock.sleep(wait);
    else if (-wait > lateMicrosMax) continue;
    await perform(operation);
  }
}

/** Whoever works at a desk: performs drawn operations, and tells what came of them. */
export interface Worker<Op> {
  perform(operation: Op): Promise<void>;
}

export interface KelpieDesign<Sizes extends Workload, Op extends Operation, Role extends Worker<Op>> {
  readonly id: string;
  readonly summary: string;
  readonly invariants: readonly Invariant[];
  readonly sometimes: Readonly<Record<string, Mark>>;
  /** Network, process, clock, schedule, database, resource and cluster when absent. */
  readonly offers?: readonly Capability[];
  /** How many times as often as usual each fault comes. */
  readonly faultFactor?: number;
  /** A few seconds when absent. */
  readonly chaosMicros?: readonly Micros[];
  /** Other ranges than usual. */
  readonly knobs?: KelpieKnobs;
  draw(random: Random, chaosMicros: Micros): Sizes & { readonly operations: readonly Op[] };
  /** A few operations that race, for a search through all schedules. */
  small?(): Small & { readonly workload: Sizes & { readonly operations: readonly Op[] } };
  /** What nodes run. */
  program(platform: Platform, stage: { readonly workload: Sizes; readonly parts: KelpieParts }): KelpieProgram;
  /** The nodes that this client asks; all when absent. */
  nodesOf?(client: NodeId, workload: Sizes): readonly NodeId[];
  worker(desk: Desk): Role;
  /** Before the chaos phase. */
  setUp?(worker: Role, workload: Sizes): Promise<void>;
  /** Reads everything back. */
  verify(worker: Role, workload: Sizes): Promise<void>;
  /** The actor whose holder has the role `lease-holder`, as `namespace:id`. */
  readonly watched: string;
}

const OFFERS: readonly Capability[] = ['network', 'process', 'clock', 'schedule', 'database', 'resource', 'cluster'];
const CHAOS_MICROS: readonly Micros[] = [2 * SECOND, 4 * SECOND, 8 * SECOND];
const CONVERGENCE_MICROS: Micros = 120 * SECOND;

export function kelpieScenario<Sizes extends Workload, Op extends Operation, Role extends Worker<Op>>(
  design: KelpieDesign<Sizes, Op, Role>,
): Scenario<KelpieParts> {
  // The workload and the operations of a case are those that `draw` made, or fewer of them.
  const workloadOf = (stage: Stage<KelpieParts>): Sizes => stage.workload as Sizes;
  const open = (platform: Platform, stage: Stage<KelpieParts>, series = ''): Role =>
    design.worker(openDesk(platform, stage.workload, { nodes: design.nodesOf?.(platform.node, workloadOf(stage)), series }));
  return {
    id: design.id,
    summary: design.summary,
    offers: design.offers ?? OFFERS,
    invariants: design.invariants,
    sometimes: design.sometimes,
    chaosMicros: design.chaosMicros ?? CHAOS_MICROS,
    faultFactor: design.faultFactor ?? 1,
    knobs: { ...BRISK_KNOBS, ...design.knobs },
    choices: CHOICE_SITES,
    variants: KELPIE_VARIANTS,
    parts: correctParts,
    convergenceMicros: CONVERGENCE_MICROS,
    topicOf: kelpieTopicOf,
    draw: (random, chaosMicros) => design.draw(random, chaosMicros),
    ...(design.small === undefined ? {} : { small: design.small }),
    budget: kelpieBudget,
    serve: (platform, stage) => serveKelpie(platform, stage, design.program(platform, { workload: workloadOf(stage), parts: stage.parts })),
    setUp: async (platform, stage) => design.setUp?.(open(platform, stage), workloadOf(stage)),
    client(platform, stage, operations) {
      const worker = open(platform, stage);
      return performInTime(platform, operations as readonly Op[], (operation) => worker.perform(operation));
    },
    async verify(platform, stage) {
      await design.verify(open(platform, stage, VERIFY_SERIES), workloadOf(stage));
      await auditDatabase(platform);
    },
    convergence: () => new ClusterConvergence(design.watched),
  };
}
