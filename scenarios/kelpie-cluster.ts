/**
 * A whole Kelpie cluster that runs the bank and agents: clients move money between accounts and between ledgers, overdraw, look and
 * list, talk to agents, make and delete them, and operators move actors, on hot and cold actors, in bursts with idle times between
 * them, while the world fails. Afterwards everything is read back.
 */
import { invariants } from '../invariants/index.js';
import { AgentNode } from '../src/kelpie/agents/agent-node.js';
import { auditDatabase } from '../src/kelpie/audit.js';
import { CHOICE_SITES } from '../src/kelpie/choices.js';
import type { KelpieClient } from '../src/kelpie/client.js';
import { PLACEMENT_STRATEGIES } from '../src/kelpie/config.js';
import { Membership } from '../src/kelpie/membership/membership.js';
import { Migrations } from '../src/kelpie/migration/migrations.js';
import { correctParts, type KelpieParts } from '../src/kelpie/parts.js';
import type { Micros, Platform } from '../src/ports.js';
import { AgentClient } from './agent-client.js';
import { AGENT_OPTIONS } from './agent-program.js';
import { bankActors, ledger as ledgerRef } from './bank.js';
import { BankClient } from './bank-client.js';
import { ClusterConvergence } from './cluster-convergence.js';
import { type ClusterOperation, type ClusterWorkload, drawClusterWorkload, smallClusterWorkload } from './cluster-workload.js';
import { type History, IMMOVABLE } from './history.js';
import {
  type KelpieKnobs,
  KELPIE_VARIANTS,
  kelpieBudget,
  kelpieTopicOf,
  openDesk,
  performInTime,
  serveKelpie,
  VERIFY_SERIES,
} from './kelpie-scenario.js';
import {
  activationMarks,
  agentLifeMarks,
  agentMarks,
  callMarks,
  commitMarks,
  leaseMarks,
  loadMarks,
  loopMarks,
  memberMarks,
  migrationMarks,
  registryMarks,
  seen,
  stopMarks,
  walMarks,
} from './marks.js';
import { type Mark, type Scenario, type Stage, serverIds } from './scenario.js';

const SECOND: Micros = 1_000_000;

const OPENING = 100;
/** Mostly short; in some runs leases run out, and nodes are given up and come back, more than once. */
const CHAOS_MICROS: readonly Micros[] = [4, 4, 4, 4, 8, 8, 8, 8, 16, 32].map((seconds) => seconds * SECOND);
/**
 * Any combination is legal (the renewal is shorter than the shortest lease without the longest grace and skew) and can make progress on
 * the slowest network that is drawn: a tenth of a second one way, so that a transaction takes the better part of one.
 */
const KNOBS = {
  capacity: { min: 12, max: 1_000, normal: 1_000 },
  placement: { min: 0, max: PLACEMENT_STRATEGIES.length - 1, normal: 0 },
  leaseMicros: { min: 5 * SECOND, max: 15 * SECOND, normal: 6 * SECOND },
  leaseRenewMicros: { min: 300_000, max: SECOND, normal: SECOND },
  leaseGraceMicros: { min: 200_000, max: SECOND, normal: 500_000 },
  leaseSkewMicros: { min: 200_000, max: 900_000, normal: 300_000 },
  invocationMicros: { min: 10 * SECOND, max: 30 * SECOND, normal: 20 * SECOND },
  idleMicros: { min: 50_000, max: 60 * SECOND, normal: 10 * SECOND },
  pendingPerActor: { min: 1, max: 1_000, normal: 100 },
  mailbox: { min: 2, max: 10_000, normal: 1_000 },
  forwardMicros: { min: 2 * SECOND, max: 5 * SECOND, normal: 3 * SECOND },
  hops: { min: 1, max: 3, normal: 3 },
  callsInFlight: { min: 1, max: 10, normal: 10 },
  drainMicros: { min: 0, max: 10 * SECOND, normal: 3 * SECOND },
  storeMicros: { min: 3 * SECOND, max: 5 * SECOND, normal: 5 * SECOND },
  nodeListMicros: { min: 0, max: 5 * SECOND, normal: 2 * SECOND },
  suspectMicros: { min: 0, max: 10 * SECOND, normal: 3 * SECOND },
  heartbeatMicros: { min: 300_000, max: SECOND, normal: SECOND },
  heartbeatsMissedSuspect: { min: 1, max: 2, normal: 2 },
  heartbeatsMissedFailed: { min: 3, max: 5, normal: 5 },
  migrationCooldownMicros: { min: 0, max: 10 * SECOND, normal: SECOND },
  migrationStepMicros: { min: 2 * SECOND, max: 5 * SECOND, normal: 3 * SECOND },
} satisfies KelpieKnobs;

/**
 * The marks without those that nothing here can reach (ledgers change nothing when they end, none calls one that waits for it, journals
 * stay short, and nobody looks for agents that come and go), or hardly one seed in a thousand does: other scenarios are made for them.
 */
function reachable<Name extends string>(
  marks: Readonly<Record<Name, Mark>>,
  ...without: readonly NoInfer<Name>[]
): Readonly<Record<string, Mark>> {
  return Object.fromEntries(Object.entries<Mark>(marks).filter(([name]) => !without.includes(name as Name)));
}

export const kelpieCluster: Scenario<KelpieParts> = {
  id: 'kelpie-cluster',
  summary: 'a cluster runs a bank and agents: money is conserved, every acknowledged write is readable after healing',
  offers: ['network', 'disk', 'process', 'clock', 'schedule', 'database', 'service', 'resource', 'cluster', 'membership'],
  invariants,
  sometimes: {
    ...registryMarks,
    ...reachable(leaseMarks, 'commit of a deposed holder refused'),
    ...commitMarks,
    ...reachable(activationMarks, 'what a deactivation changed was dropped'),
    ...reachable(callMarks, 'call back into the chain rejected'),
    ...loadMarks,
    ...stopMarks,
    ...memberMarks,
    ...reachable(migrationMarks, 'move whose answer was lost, found applied', 'target died between move and start'),
    ...reachable(walMarks, 'log of several segments recovered', 'segment cleaned up', 'pending operation carried to a newer segment'),
    ...reachable(agentMarks, 'idempotency key used for another request', 'agent looked for in vain'),
    ...reachable(loopMarks, 'message ended at its last iteration', 'agent paused'),
    ...agentLifeMarks,
    'message for another node dropped': seen('rpc.drop', ({ why }) => why === 'misdelivered'),
  },
  knobs: KNOBS,
  choices: CHOICE_SITES,
  variants: KELPIE_VARIANTS,
  parts: correctParts,
  convergenceMicros: 180 * SECOND,
  chaosMicros: CHAOS_MICROS,
  draw: drawClusterWorkload,
  small: smallClusterWorkload,

  topicOf: kelpieTopicOf,
  budget: kelpieBudget,

  serve(platform, stage) {
    const agents = new AgentNode(platform, stage.parts, AGENT_OPTIONS);
    return serveKelpie(platform, stage, {
      actors: [...bankActors, ...agents.actors],
      services: [new Membership({ seeds: serverIds(stage.workload) }), new Migrations(), agents],
    });
  },

  async setUp(platform, stage) {
    const { ledgers, accounts, agents } = workloadOf(stage);
    const user = new User(platform, stage);
    const opening = Object.fromEntries(accounts.map((account) => [account, OPENING]));
    await Promise.all([...ledgers.map((name) => user.bank.open(name, opening)), ...agents.map((name) => user.agents.settle(name))]);
  },

  client(platform, stage, operations) {
    const user = new User(platform, stage);
    const { lateMicrosMax } = workloadOf(stage);
    // The operations of the case are those that `draw` made, or fewer of them.
    return performInTime(platform, operations as readonly ClusterOperation[], (operation) => user.perform(operation), lateMicrosMax);
  },

  async verify(platform, stage) {
    const { ledgers, accounts, agents } = workloadOf(stage);
    const user = new User(platform, stage, VERIFY_SERIES);
    await Promise.all([user.agents.workOn(agents[0]), ...ledgers.map((name) => user.bank.carryOn(name))]);
    await user.bank.workOn(ledgers, accounts);
    // Money that arrived while another ledger was read is only in the last answers.
    for (const name of ledgers) await user.bank.auditUntilAnswered(name);
    for (const name of agents) await user.agents.lookUntilSeen(name);
    await auditDatabase(platform);
  },

  convergence: () => new ClusterConvergence('ledger:l1'),
};

const workloadOf = (stage: Stage<KelpieParts>): ClusterWorkload => stage.workload as ClusterWorkload; // `draw` made it

/** One client in all its roles: customer of the bank, user of agents, operator. */
class User {
  readonly bank: BankClient;
  readonly agents: AgentClient;
  readonly #client: KelpieClient;
  readonly #history: History;

  constructor(platform: Platform, stage: Stage<KelpieParts>, series = '') {
    const { client, history } = openDesk(platform, stage.workload, { series });
    this.#client = client;
    this.#history = history;
    this.bank = new BankClient(this.#client, this.#history);
    this.agents = new AgentClient(this.#client, platform.clock, this.#history);
  }

  async perform(operation: ClusterOperation): Promise<void> {
    if (operation.kind === 'agent') return this.agents.perform(operation);
    if (operation.kind !== 'migrate') return this.bank.perform(operation);
    const { op, ledger, to, deadlineMicros } = operation;
    await this.#history.tell({ op, kind: 'migrate', args: { ledger, to }, refusals: IMMOVABLE }, () =>
      this.#client.migrate(ledgerRef(ledger), to, { deadlineMicros }),
    );
  }
}
