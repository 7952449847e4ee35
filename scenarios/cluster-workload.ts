/** What clients of the cluster are drawn to do: sizes, moments and operations, as plain data. */
import type { Micros, Random } from '../src/ports.js';
import type { Operation, Workload } from '../src/run.js';
import { AGENT_ACTIONS, type AgentOperation, MESSAGES } from './agent-client.js';
import type { BankOperation } from './bank-client.js';
import type { Small } from './scenario.js';
import { drawMoments, hot, numbered, other } from './workload-draws.js';

/** An operator moves a ledger to another node. */
export type MigrateOperation = Operation & {
  readonly kind: 'migrate';
  readonly op: string;
  readonly deadlineMicros: Micros;
  readonly ledger: string;
  readonly to: string;
};

export type ClusterOperation = BankOperation | AgentOperation | MigrateOperation;

export type ClusterWorkload = Workload & {
  readonly ledgers: readonly string[];
  /** On every ledger. */
  readonly accounts: readonly string[];
  /** Agents that stay. */
  readonly agents: readonly string[];
  /** A client that was kept waiting leaves out what should have begun longer ago than this; nothing when absent. */
  readonly lateMicrosMax?: Micros;
  readonly operations: readonly ClusterOperation[];
};

const SECOND: Micros = 1_000_000;
const DEADLINES_MICROS: readonly Micros[] = [2 * SECOND, 10 * SECOND, 10 * SECOND, 30 * SECOND];
/** An agent thinks for seconds. */
const MESSAGE_DEADLINES_MICROS: readonly Micros[] = [5 * SECOND, 30 * SECOND];
/** How often each kind of operation comes. */
const KINDS = [
  ...(['move', 'move', 'move', 'move', 'move', 'move'] as const),
  ...(['transfer', 'transfer', 'transfer', 'transfer'] as const),
  ...(['balance', 'balance', 'audit', 'audit', 'migrate'] as const),
  ...(['agent', 'agent', 'agent', 'agent', 'agent', 'agent', 'agent'] as const),
];
/** Agents that come and go. */
const GUESTS = ['v1', 'v2'];
/** A storm finds more with many short stories than with few long ones. */
const OPERATIONS = { min: 8, max: 35 };
/** Most that goes wrong needs no more than three. */
const NODES = [3, 3, 3, 4, 5] as const;
const AMOUNT_MAX = 40;
/** What was put off for longer would mostly be done after the faults have healed, where it finds little. */
const LATE_MICROS_MAX = 4 * SECOND;
/** More than anybody has: the actor finds out after it has written. */
const OVERDRAFT = { min: 1_000, max: 2_000 };

/** What an operation has whatever it does. */
type Common = { readonly op: string; readonly client: number; readonly atMicros: Micros; readonly deadlineMicros: Micros };
type Sizes = Pick<ClusterWorkload, 'nodes' | 'ledgers' | 'accounts' | 'agents'>;

function drawOperation(random: Random, common: Common, { nodes, ledgers, accounts, agents }: Sizes): ClusterOperation {
  const kind = random.pick(KINDS);
  const ledger = hot(random, ledgers);
  const account = hot(random, accounts);
  const amount = random.chance(1, 8) ? random.between(OVERDRAFT.min, OVERDRAFT.max) : random.between(1, AMOUNT_MAX);
  switch (kind) {
    case 'move':
      return { ...common, kind, ledger, from: account, to: other(random, accounts, account), amount };
    case 'transfer':
      return { ...common, kind, ledger, account, toLedger: other(random, ledgers, ledger), toAccount: hot(random, accounts), amount };
    case 'balance':
      return { ...common, kind, ledger, account };
    case 'audit':
      return { ...common, kind, ledger };
    case 'agent':
      return drawAgentOperation(random, common, agents);
    case 'migrate':
      return { ...common, kind, ledger, to: random.pick(numbered('n', nodes)) };
  }
}

function drawAgentOperation(random: Random, common: Common, agents: readonly string[]): AgentOperation {
  // Half of what agents are asked for is work.
  const action = random.chance(1, 2) ? 'message' : random.pick(AGENT_ACTIONS);
  const comesAndGoes = action === 'create' || action === 'delete' || (action === 'message' && random.chance(1, 3));
  return {
    ...common,
    kind: 'agent',
    action,
    agent: comesAndGoes ? random.pick(GUESTS) : hot(random, agents),
    text: random.pick(MESSAGES),
    deadlineMicros: action === 'message' ? random.pick(MESSAGE_DEADLINES_MICROS) : common.deadlineMicros,
  };
}

export function drawClusterWorkload(random: Random, chaosMicros: Micros): ClusterWorkload {
  const size = random.fork('sizes');
  const sizes = {
    nodes: size.pick(NODES),
    clients: size.between(3, 5),
    ledgers: numbered('l', size.between(2, 3)),
    accounts: numbered('a', size.between(2, 4)),
    agents: numbered('g', size.between(2, 4)),
  };
  const moments = drawMoments(random.fork('moments'), size.between(OPERATIONS.min, OPERATIONS.max), chaosMicros);
  const operations = moments.map((atMicros, i) => {
    const own = random.fork(`operation ${i}`);
    const client = own.between(1, sizes.clients);
    return drawOperation(own, { op: `c${client}-${i}`, client, atMicros, deadlineMicros: own.pick(DEADLINES_MICROS) }, sizes);
  });
  return { ...sizes, lateMicrosMax: LATE_MICROS_MAX, operations };
}

/** Two customers of one ledger at the same moment, one of them while an operator moves it. */
export function smallClusterWorkload(): Small & { readonly workload: ClusterWorkload } {
  const deadlineMicros = 10 * SECOND;
  const operations: readonly ClusterOperation[] = [
    { op: 'c1-0', client: 1, atMicros: 0, deadlineMicros, kind: 'move', ledger: 'l1', from: 'a1', to: 'a2', amount: 10 },
    { op: 'c2-0', client: 2, atMicros: 0, deadlineMicros, kind: 'migrate', ledger: 'l1', to: 'n2' },
    { op: 'c2-1', client: 2, atMicros: 0, deadlineMicros, kind: 'move', ledger: 'l1', from: 'a2', to: 'a1', amount: OVERDRAFT.min },
  ];
  return {
    workload: { nodes: 3, clients: 2, ledgers: ['l1'], accounts: ['a1', 'a2'], agents: [], operations },
    chaosMicros: 2 * SECOND,
    readyMicros: 0,
    seed: 0,
  };
}
