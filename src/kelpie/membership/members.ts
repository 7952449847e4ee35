/**
 * The membership view in the database, which is the truth: who is a member, in which state, and who is primary in which term. Every
 * change is one transaction that reads the whole view, so two changes never pass each other by. What nodes keep in memory is a copy.
 *
 *     kelpie/registry/cluster            Cluster: version of the view, term, primary
 *     kelpie/registry/members/{node}     Member: the newest life of each node that ever joined
 *     kelpie/registry/failovers/{node}   Failover: actors of this failed life are to be placed anew
 */
import type { Bytes, NodeId, ReadTransaction, Transaction } from '../../ports.js';
import { fromUtf8, utf8 } from '../json.js';
import { span } from '../keys.js';
import { NODES_MAX } from '../limits.js';
import type { Runtime } from '../runtime.js';
import { decodeRecord, encodeRecord } from '../sealed.js';
import { inTransaction, readRange } from '../store.js';

export const MEMBER_STATES = ['left', 'joining', 'active', 'leaving', 'failed'] as const;
export type MemberState = (typeof MEMBER_STATES)[number];

/** Every change that there is. `joining` after `left` or `failed` is always a new life. */
export const MEMBER_CHANGES: Readonly<Record<MemberState, readonly MemberState[]>> = {
  left: ['joining'],
  joining: ['active', 'leaving', 'failed'],
  active: ['leaving', 'failed'],
  leaving: ['left', 'failed'],
  failed: ['joining'],
};

export interface Member {
  readonly node: NodeId;
  readonly life: number;
  readonly state: MemberState;
  /** Names the change that wrote it, so that one whose answer was lost finds itself. */
  readonly change: string;
}

export interface Cluster {
  /** Counts the changes of the view. */
  readonly version: number;
  readonly term: number;
  /** Empty when there is none. */
  readonly primary: NodeId;
  readonly primaryLife: number;
  readonly change: string;
}

/** A failed life whose actors are to be placed anew. */
export interface Failover {
  readonly node: NodeId;
  readonly life: number;
}

export interface View {
  readonly cluster: Cluster;
  /** Sorted by name. */
  readonly members: readonly Member[];
  readonly failovers: readonly Failover[];
}

export const EMPTY_VIEW: View = {
  cluster: { version: 0, term: 0, primary: '', primaryLife: 0, change: '' },
  members: [],
  failovers: [],
};

const MEMBERS = 'kelpie/registry/members/';
const FAILOVERS = 'kelpie/registry/failovers/';

export const memberKeys = {
  cluster: utf8('kelpie/registry/cluster'),
  member: (node: NodeId): Bytes => utf8(MEMBERS + node),
  members: span(utf8(MEMBERS)),
  failover: (node: NodeId): Bytes => utf8(FAILOVERS + node),
  failovers: span(utf8(FAILOVERS)),
} as const;

const MEMBER = { node: 'string', life: 'number', state: 'string', change: 'string' } as const;
const CLUSTER = { version: 'number', term: 'number', primary: 'string', primaryLife: 'number', change: 'string' } as const;
const FAILOVER = { node: 'string', life: 'number' } as const;

export const memberOf = (view: View, node: NodeId): Member | undefined => view.members.find((member) => member.node === node);

/** Takes part in the cluster now: it is sent heartbeats, and failed when it does not answer them. */
export const isCurrent = ({ state }: Member): boolean => state === 'joining' || state === 'active' || state === 'leaving';

/** Counts in a majority. */
export const isVoter = ({ state }: Member): boolean => state === 'active' || state === 'leaving';

export const isPrimary = ({ cluster }: View, node: NodeId, life: number): boolean =>
  cluster.primary === node && cluster.primaryLife === life;

/** Reads the whole view. Errors: `corrupted`, with the key. */
async function readView(transaction: ReadTransaction): Promise<View> {
  const { members, failovers } = memberKeys;
  const [cluster, memberItems, failoverItems] = await Promise.all([
    readCluster(transaction),
    readRange(transaction, members.begin, members.end, NODES_MAX),
    readRange(transaction, failovers.begin, failovers.end, NODES_MAX),
  ]);
  return {
    cluster,
    members: memberItems.map(({ key, value }) => decodeRecord<Member>(value, fromUtf8(key), MEMBER)),
    failovers: failoverItems.map(({ key, value }) => decodeRecord<Failover>(value, fromUtf8(key), FAILOVER)),
  };
}

export async function readCluster(transaction: ReadTransaction): Promise<Cluster> {
  const stored = await transaction.get(memberKeys.cluster);
  return stored === undefined ? EMPTY_VIEW.cluster : decodeRecord<Cluster>(stored, 'kelpie/registry/cluster', CLUSTER);
}

/** The view as it is now. Errors: `store-unavailable`, `corrupted`. */
export async function currentView(runtime: Runtime): Promise<View> {
  return (await inTransaction(runtime, 'view of the cluster', (transaction) => readView(transaction.snapshot))).value;
}

export interface StateChange {
  readonly node: NodeId;
  readonly life: number;
  readonly to: MemberState;
}

/** What a transaction of the view decided. `null`: nothing is to be changed. */
export interface Decision {
  readonly states?: readonly StateChange[];
  /** A new primary, or none. */
  readonly primary?: { readonly node: NodeId; readonly life: number; readonly term: number };
  readonly queue?: Failover;
  readonly unqueue?: NodeId;
}

/** What came of it: the decision, or null where nothing was to be changed, and the view that it was made on. */
export interface Changed {
  readonly decision: Decision | null;
  readonly view: View;
  /** -1 when the answer was lost and a later read found the change applied, or nothing was changed. */
  readonly version: number;
}

/**
 * Changes the view in one transaction and tells of it. `decide` sees the whole view, and may run again.
 * Errors: `store-unavailable` (it may have happened), `corrupted`.
 */
export async function changeView(
  runtime: Runtime,
  what: string,
  change: string,
  decide: (view: View, transaction: Transaction) => Decision | null | Promise<Decision | null>,
): Promise<Changed> {
  let tried: { readonly decision: Decision; readonly view: View } | undefined;
  const { value, version } = await inTransaction(runtime, what, async (transaction) => {
    const view = await readView(transaction);
    // An earlier try was applied, and only its answer was lost.
    const found = view.cluster.change === change || view.members.some((member) => member.change === change);
    if (found && tried !== undefined) return tried;
    const decision = await decide(view, transaction);
    if (decision === null) return { decision, view };
    writeDecision(transaction, change, view, decision);
    tried = { decision, view };
    return tried;
  });
  if (value.decision !== null) tellDecision(runtime, value.view, value.decision, version);
  return { ...value, version };
}

function writeDecision(transaction: Transaction, change: string, view: View, decision: Decision): void {
  const { cluster } = view;
  const states = new Map(view.members.map(({ node, state }) => [node, state]));
  for (const { node, life, to } of decision.states ?? []) {
    const from = states.get(node) ?? 'left';
    if (!MEMBER_CHANGES[from].includes(to)) throw new Error(`member ${node} cannot become ${to}: it is ${from}`);
    states.set(node, to);
    const member: Member = { node, life, state: to, change };
    transaction.set(memberKeys.member(node), encodeRecord(member));
  }
  const { primary = { node: cluster.primary, life: cluster.primaryLife, term: cluster.term } } = decision;
  const next: Cluster = { version: cluster.version + 1, term: primary.term, primary: primary.node, primaryLife: primary.life, change };
  transaction.set(memberKeys.cluster, encodeRecord(next));
  if (decision.queue !== undefined) transaction.set(memberKeys.failover(decision.queue.node), encodeRecord(decision.queue));
  if (decision.unqueue !== undefined) transaction.clear(memberKeys.failover(decision.unqueue));
}

function tellDecision({ teller, node }: Runtime, view: View, { states = [], primary, queue }: Decision, version: number): void {
  const known = new Map(view.members.map((member) => [member.node, member.state]));
  const term = primary?.term ?? view.cluster.term;
  for (const { node: member, life, to } of states) {
    teller.tell({ type: 'member.state', member, nodeLife: life, from: known.get(member) ?? 'left', to, by: node, term, version });
    known.set(member, to);
  }
  if (queue !== undefined) teller.tell({ type: 'failover.plan', member: queue.node, nodeLife: queue.life, term, version });
}
