/** The changes of the membership view: each one transaction, decided on what it reads, fenced by the lives and the term in it. */
import type { NodeId } from '../../ports.js';
import { nodeRecord } from '../records.js';
import { registryKeys } from '../keys.js';
import { readNode } from '../registry.js';
import type { Runtime } from '../runtime.js';
import { changeView, type Decision, isCurrent, isPrimary, isVoter, type Member, memberOf, type View } from './members.js';

/** Where a node stands that wants to be a member. */
export type Standing =
  | 'member'
  /** Let in, and not yet active. */
  | 'joining'
  /** An earlier life of it is still a member. */
  | 'earlier-life'
  /** This life was failed, or a later one has joined. */
  | 'over'
  /** Nobody is a member: it may found the cluster. */
  | 'alone'
  | 'outside';

export function standingOf(view: View, node: NodeId, life: number): Standing {
  const own = memberOf(view, node);
  if (own !== undefined && (own.life > life || (own.life === life && !isCurrent(own)))) return 'over';
  if (own?.life === life) return own.state === 'joining' ? 'joining' : 'member';
  if (own !== undefined && isCurrent(own)) return 'earlier-life';
  return view.members.some(isCurrent) ? 'outside' : 'alone';
}

/** This life founds the cluster, when nobody is a member. Answers whether it did. Errors: `store-unavailable`, `corrupted`. */
export async function foundCluster(runtime: Runtime, change: string): Promise<boolean> {
  const { node, life } = runtime;
  const { decision } = await changeView(runtime, 'founding of the cluster', change, (view) =>
    standingOf(view, node, life) === 'alone' ? { states: [joining(node, life), { node, life, to: 'active' }] } : null,
  );
  return decision !== null;
}

/**
 * This life takes the place of an earlier one of its own, which is gone: two processes under one name cannot both hold its address.
 * It need not be let in, so that a cluster that went down as a whole comes up again. Errors: `store-unavailable`, `corrupted`.
 */
export async function resumeMembership(runtime: Runtime, change: string): Promise<boolean> {
  const { node, life } = runtime;
  const { decision } = await changeView(runtime, `return of member ${node}`, change, (view) => {
    const own = memberOf(view, node);
    if (own === undefined || standingOf(view, node, life) !== 'earlier-life') return null;
    return { states: [{ node, life: own.life, to: 'failed' }, joining(node, life)], ...withoutPrimary(view, node) };
  });
  return decision !== null;
}

/** This life, which was let in, becomes active. Errors: `store-unavailable`, `corrupted`. */
export async function becomeActive(runtime: Runtime, change: string): Promise<boolean> {
  const { node, life } = runtime;
  const { decision } = await changeView(runtime, `member ${node} becomes active`, change, (view) =>
    standingOf(view, node, life) === 'joining' ? { states: [{ node, life, to: 'active' }] } : null,
  );
  return decision !== null;
}

/** What a member answers to a node that asks to be let in. */
export type Admission = 'accepted' | 'not-member' | 'stale-life';

/** Lets a node in. Only an active member may, and only the life that the registry has. Errors: `store-unavailable`, `corrupted`. */
export async function admitMember(runtime: Runtime, change: string, joiner: NodeId, joinerLife: number): Promise<Admission> {
  let admission: Admission = 'accepted';
  await changeView(runtime, `admission of ${joiner}`, change, async (view, transaction) => {
    const own = memberOf(view, runtime.node);
    if (own?.life !== runtime.life || own.state !== 'active') {
      admission = 'not-member';
      return null;
    }
    const record = await readNode(transaction, joiner);
    const standing = standingOf(view, joiner, joinerLife);
    admission = record?.life === joinerLife && record.status === 'active' && standing !== 'over' ? 'accepted' : 'stale-life';
    return admission === 'accepted' && standing === 'outside' ? { states: [joining(joiner, joinerLife)] } : null;
  });
  return admission;
}

/** This life begins to leave; it is primary no more. Errors: `store-unavailable`, `corrupted`. */
export async function beginLeaving(runtime: Runtime, change: string): Promise<void> {
  const { node, life, teller } = runtime;
  const { decision, view, version } = await changeView(runtime, `member ${node} leaves`, change, (before) => {
    const own = memberOf(before, node);
    if (own?.life !== life || (own.state !== 'active' && own.state !== 'joining')) return null;
    return { states: [{ node, life, to: 'leaving' }], ...withoutPrimary(before, node) };
  });
  if (decision?.primary !== undefined) teller.tell({ type: 'primary.stepdown', term: view.cluster.term, why: 'leaving', version });
}

/** This life has left. Errors: `store-unavailable`, `corrupted`. */
export async function endLeaving(runtime: Runtime, change: string): Promise<void> {
  const { node, life } = runtime;
  await changeView(runtime, `member ${node} has left`, change, (view) => {
    const own = memberOf(view, node);
    return own?.life === life && own.state === 'leaving' ? { states: [{ node, life, to: 'left' }] } : null;
  });
}

/**
 * The primary of this term fails a member. The record of the node is marked in the same transaction, so that this life claims and
 * renews nothing from then on, and its actors are queued to be placed anew. Errors: `store-unavailable`, `corrupted`.
 */
export async function failMember(runtime: Runtime, change: string, term: number, { node, life }: Member): Promise<boolean> {
  const { decision } = await changeView(runtime, `failure of member ${node}`, change, async (view, transaction) => {
    const member = memberOf(view, node);
    if (!isPrimary(view, runtime.node, runtime.life) || view.cluster.term !== term) return null;
    if (member?.life !== life || !isCurrent(member)) return null;
    const record = await readNode(transaction, node);
    if (record?.life === life) transaction.set(registryKeys.node(node), nodeRecord.encode({ ...record, status: 'failed' }));
    return { states: [{ node, life, to: 'failed' }], queue: { node, life } };
  });
  return decision !== null;
}

/** Whether this many members, the candidate itself counted, are enough to elect and to stay primary. */
export type HasMajority = (reached: number, voters: number) => boolean;

export const hasMajority: HasMajority = (reached, voters) => reached * 2 > voters;

export interface Candidacy {
  /** The term that the candidate wants to end; when there is a newer one, it has lost. */
  readonly term: number;
  /** Members that acknowledge its heartbeats, itself not counted. */
  reaches(member: Member): boolean;
}

/** Makes this node primary. Answers with the new term, undefined when it may not be. Errors: `store-unavailable`, `corrupted`. */
export type ElectPrimary = (runtime: Runtime, change: string, candidacy: Candidacy) => Promise<number | undefined>;

/** How many voters there are, and how many of them the candidate reaches, itself counted; undefined when it is no candidate. */
export function countVotes(
  runtime: Runtime,
  view: View,
  candidacy: Candidacy,
): { readonly reached: number; readonly voters: number } | undefined {
  const { node, life } = runtime;
  const own = memberOf(view, node);
  if (own?.life !== life || own.state !== 'active' || view.cluster.term !== candidacy.term) return undefined;
  const voters = view.members.filter(isVoter);
  const reached = voters.filter((member) => member.node === node || candidacy.reaches(member)).length;
  return runtime.parts.hasMajority(reached, voters.length) ? { reached, voters: voters.length } : undefined;
}

/**
 * One transaction reads the view that the votes are counted in and writes term and primary. It does not ask again whether there is a
 * primary, for only an election makes one, and each begins a term: in the term in which the candidate missed a primary, which
 * `countVotes` demands, there is that same one or none. If it answers again by now it is deposed all the same, by a majority of those
 * who are voters now; what it does then names its own term, and the store refuses that.
 */
export const electPrimary: ElectPrimary = async (runtime, change, candidacy) => {
  const { node, life, teller } = runtime;
  const term = candidacy.term + 1;
  let votes: ReturnType<typeof countVotes>;
  const { decision, version } = await changeView(runtime, `election of ${node}`, change, (view) => {
    votes = countVotes(runtime, view, candidacy);
    return votes === undefined ? null : { primary: { node, life, term } };
  });
  if (decision === null || votes === undefined) return undefined;
  teller.tell({ type: 'primary.elect', term, nodeLife: life, ...votes, version });
  return term;
};

/** Clears the claim to be primary of this life in this term, and no other. Errors: `store-unavailable`, `corrupted`. */
export async function stepDown(runtime: Runtime, change: string, term: number): Promise<void> {
  const { node, life, teller } = runtime;
  const { decision, version } = await changeView(runtime, `${node} steps down`, change, (view) =>
    isPrimary(view, node, life) && view.cluster.term === term ? withoutPrimary(view, node) : null,
  );
  teller.tell({ type: 'primary.stepdown', term, why: decision === null ? 'deposed' : 'no-majority', version });
}

const joining = (node: NodeId, life: number) => ({ node, life, to: 'joining' }) as const;

/** Without this node as primary; the term stays. */
const withoutPrimary = ({ cluster }: View, node: NodeId): Pick<Decision, 'primary'> =>
  cluster.primary === node ? { primary: { node: '', life: 0, term: cluster.term } } : {};
