/**
 * Placements, leases and nodes in the database. Each change is one transaction that reads everything it decides on: claim reads
 * placement, lease and capacity and writes all; renewal, release and sweep compare the holder in the transaction that writes.
 * Every body looks first, so that it may run again after a commit whose result is unknown.
 */
import type { Micros, NodeId, ReadTransaction, Transaction } from '../ports.js';
import type { ClaimDecision } from '../story.js';
import { KelpieError } from './errors.js';
import { type ActorKey, type ActorRef, parseActorKey } from './ids.js';
import { fromUtf8 } from './json.js';
import { type ActorKeys, heldActorName, nextKey, registryKeys } from './keys.js';
import { NODES_MAX } from './limits.js';
import { type Lease, leaseRecord, type NodeRecord, type NodeStatus, nodeRecord, type Placement, placementRecord } from './records.js';
import type { Runtime } from './runtime.js';
import { inTransaction, readRange } from './store.js';

/** An actor that this node holds. */
export interface HeldClaim {
  readonly actor: ActorRef;
  readonly keys: ActorKeys;
  readonly claim: string;
  readonly token: number;
  /** What the placement looks like in the database while the claim holds; lets the fence compare bytes. */
  readonly placement: Uint8Array;
  /** When this node stops serving it, on the clock of the lease term. Renewals move it on. */
  untilMicros: number;
}

export type ClaimResult =
  | { readonly kind: 'held'; readonly held: HeldClaim }
  | { readonly kind: 'existing'; readonly owner: NodeId }
  | { readonly kind: 'elsewhere'; readonly node: NodeId }
  | { readonly kind: 'no-capacity' };

export interface ClaimRequest {
  readonly actor: ActorRef;
  readonly keys: ActorKeys;
  /** Unique name of the claim, over all its tries. */
  readonly claim: string;
  /** When it was agreed, on the clock of the lease term, if another node may have written this claim since: the lease counts from then. */
  readonly startMicros?: Micros | undefined;
  /** Asked when the actor is nowhere: the node it should be on. */
  choose(): NodeId;
}

/** Places the actor on this node if nobody else holds it. Errors: `store-unavailable` (it may have happened), `corrupted`. */
export type ClaimActor = (runtime: Runtime, request: ClaimRequest) => Promise<ClaimResult>;

/** What a claim read, and what follows from it. */
export interface ClaimStep {
  /** `mine`: an earlier try of this very claim was applied. */
  readonly decision: ClaimDecision | 'mine';
  /** The owner, for `existing`; the node that placement wants, for `elsewhere`. */
  readonly at: NodeId;
  readonly placement: Placement | undefined;
  /** The placement as stored. */
  readonly stored: Uint8Array | undefined;
  readonly lease: Lease | undefined;
  readonly node: NodeRecord;
  /** The node that it is taken from, when its count must go down. */
  readonly deposed: NodeRecord | undefined;
}

/** Reads and decides, writes nothing. */
export async function readClaim(runtime: Runtime, transaction: Transaction, request: ClaimRequest): Promise<ClaimStep> {
  const { actor, keys } = request;
  const [stored, leaseBytes, node] = await Promise.all([
    transaction.get(keys.placement),
    transaction.get(keys.lease),
    readOwnNode(runtime, transaction),
  ]);
  const placement = placementRecord.decode(stored, actor.key);
  const lease = leaseRecord.decode(leaseBytes, actor.key);
  if (placement !== undefined && lease === undefined) {
    throw new KelpieError('corrupted', `${actor.key} is placed on ${placement.node} but has no lease; both were left as they are`);
  }
  let deposed: NodeRecord | undefined;
  const decide = async (): Promise<readonly [ClaimStep['decision'], NodeId]> => {
    let free: ClaimDecision = 'new';
    if (placement !== undefined && lease !== undefined) {
      if (placement.claim === request.claim && placement.life === runtime.life) return ['mine', runtime.node];
      if (placement.node !== runtime.node) {
        const unchangedMicros = runtime.judge.expired(actor.key, lease);
        if (unchangedMicros === undefined) return ['existing', placement.node];
        runtime.teller.tell({
          type: 'lease.judge-expired',
          actor: actor.key,
          token: lease.token,
          holder: placement.node,
          unchangedMicros,
          leaseVersion: lease.version,
          graceMicros: runtime.config.leaseGraceMicros,
        });
        free = 'takeover';
        const record = await readNode(transaction, placement.node);
        if (record?.life === placement.life) deposed = record;
      } else if (placement.life === runtime.life) {
        // Counted already, so capacity has no say; and it cannot go elsewhere before this node gives it back.
        return ['again', runtime.node];
      } else {
        free = 'stale-life';
      }
    }
    const chosen = request.choose();
    if (chosen !== runtime.node) return ['elsewhere', chosen];
    return [node.count >= node.capacity ? 'no-capacity' : free, runtime.node];
  };
  const [decision, at] = await decide();
  runtime.teller.tell({
    type: 'claim.read',
    actor: actor.key,
    claim: request.claim,
    readVersion: await transaction.getReadVersion(),
    owner: placement?.node ?? null,
    ownerLife: placement?.life ?? 0,
    token: lease?.token ?? 0,
    leaseVersion: lease?.version ?? 0,
    leaseMicros: lease?.micros ?? 0,
    decision: decision === 'mine' ? 'again' : decision,
  });
  return { decision, at, placement, stored, lease, node, deposed };
}

/** Writes a claim that may be made. Returns what it will be once the transaction has committed. */
export function writeClaim(
  runtime: Runtime,
  transaction: Transaction,
  request: ClaimRequest,
  step: ClaimStep,
  startMicros: Micros,
): { readonly held: HeldClaim; readonly count: number } {
  const { actor, keys } = request;
  const token = (step.lease?.token ?? 0) + 1;
  const placement = placementRecord.encode({ node: runtime.node, life: runtime.life, claim: request.claim, generation: token });
  transaction.set(keys.placement, placement);
  transaction.set(keys.lease, leaseRecord.encode(newLease(runtime, token)));
  transaction.set(registryKeys.held(runtime.node, actor.key), HELD_MARK);
  const count = step.node.count + (step.decision === 'again' ? 0 : 1);
  if (count !== step.node.count) transaction.set(registryKeys.node(runtime.node), nodeRecord.encode({ ...step.node, count }));
  if (step.placement !== undefined && step.placement.node !== runtime.node) {
    transaction.clear(registryKeys.held(step.placement.node, actor.key));
    if (step.deposed !== undefined) {
      transaction.set(registryKeys.node(step.deposed.node), nodeRecord.encode({ ...step.deposed, count: step.deposed.count - 1 }));
    }
  }
  return { held: heldClaim(runtime, request, token, placement, startMicros), count };
}

/** Places the actor on this node if nobody else holds it: one transaction. */
export const claimActor: ClaimActor = async (runtime, request) => {
  const { leaseTerm } = runtime.parts;
  const { clock } = runtime.platform;
  const firstMicros = request.startMicros ?? leaseTerm.now(clock);
  const { value, version } = await inTransaction(runtime, `claim of ${request.actor.key}`, async (transaction) => {
    const startMicros = leaseTerm.now(clock);
    const step = await readClaim(runtime, transaction, request);
    switch (step.decision) {
      case 'existing':
        return { result: { kind: 'existing', owner: step.at } as const, step, count: step.node.count };
      case 'elsewhere':
        return { result: { kind: 'elsewhere', node: step.at } as const, step, count: step.node.count };
      case 'no-capacity':
        return { result: { kind: 'no-capacity' } as const, step, count: step.node.count };
      case 'mine': {
        // Which try was applied is not known, so the lease counts from the first.
        const held = heldClaim(runtime, request, step.lease?.token ?? 0, step.stored ?? NOTHING, firstMicros);
        return { result: { kind: 'held', held } as const, step, count: step.node.count };
      }
      case 'new':
      case 'again':
      case 'stale-life':
      case 'takeover': {
        const { held, count } = writeClaim(runtime, transaction, request, step, startMicros);
        return { result: { kind: 'held', held } as const, step, count };
      }
    }
  });
  if (value.result.kind === 'held') tellClaimed(runtime, request, value.result.held, value.step, value.count, version);
  return value.result;
};

/** Tells of a claim that is committed. */
export function tellClaimed(
  runtime: Runtime,
  request: ClaimRequest,
  held: HeldClaim,
  step: ClaimStep,
  count: number,
  version: number,
): void {
  runtime.judge.forget(request.actor.key);
  runtime.teller.count('claims');
  runtime.teller.tell({
    type: 'claim.commit',
    actor: request.actor.key,
    claim: request.claim,
    token: held.token,
    generation: held.token,
    previous: step.decision === 'mine' ? null : (step.placement?.node ?? null),
    version,
    count,
    capacity: step.node.capacity,
  });
}

const NOTHING = new Uint8Array(0);
/** The index says all with its key. */
export const HELD_MARK = Uint8Array.of(1);

function newLease(runtime: Runtime, token: number): Lease {
  const acquired = runtime.platform.clock.wallMicros();
  return {
    holder: runtime.node,
    life: runtime.life,
    token,
    version: 1,
    micros: runtime.config.leaseMicros,
    acquired,
    expires: acquired + runtime.config.leaseMicros,
  };
}

function heldClaim(runtime: Runtime, request: ClaimRequest, token: number, placement: Uint8Array, startMicros: Micros): HeldClaim {
  const untilMicros = runtime.parts.leaseTerm.until(startMicros, runtime.config);
  return { actor: request.actor, keys: request.keys, claim: request.claim, token, placement, untilMicros };
}

export async function readNode(transaction: ReadTransaction, node: NodeId): Promise<NodeRecord | undefined> {
  return nodeRecord.decode(await transaction.get(registryKeys.node(node)), node);
}

/** Errors: `node-unavailable` when the name has been registered again since. */
async function readOwnNode(runtime: Runtime, transaction: Transaction): Promise<NodeRecord> {
  const record = await readNode(transaction, runtime.node);
  if (record === undefined || record.life !== runtime.life) {
    throw new KelpieError(
      'node-unavailable',
      `node ${runtime.node} runs as life ${runtime.life} but the registry has ${record === undefined ? 'none' : `life ${record.life}`}: ` +
        'another process was started under the same name',
    );
  }
  if (record.status === 'failed') {
    throw new KelpieError('node-unavailable', `life ${runtime.life} of node ${runtime.node} was failed by other members; ask another node`);
  }
  return record;
}

/** A claim to give back; its token is not known when the claim's answer was lost. */
export interface Release {
  readonly actor: ActorRef;
  readonly keys: ActorKeys;
  readonly claim: string;
}

/**
 * Gives claims back, all in one transaction. A claim that is not held any more is left alone; one that is on its way to the database
 * can commit no more after this. Errors: `store-unavailable` (it may have happened), `corrupted`.
 */
export type ReleaseActors = (runtime: Runtime, releases: readonly Release[]) => Promise<void>;

/** Actors that one transaction releases. */
export const RELEASES_MAX = 100;

export const releaseActors: ReleaseActors = async (runtime, releases) => {
  const { value, version } = await inTransaction(runtime, `release of ${releases.length} actors`, async (transaction) => {
    const [record, ...found] = await Promise.all([
      readNode(transaction, runtime.node),
      ...releases.map(async ({ actor, keys }) => {
        const [placement, lease] = await Promise.all([transaction.get(keys.placement), transaction.get(keys.lease)]);
        return { placement: placementRecord.decode(placement, actor.key), lease: leaseRecord.decode(lease, actor.key) };
      }),
    ]);
    let count = record?.count ?? 0;
    const told = releases.map((release, index) => {
      const placement = found[index]?.placement;
      const lease = found[index]?.lease;
      const token = lease?.token ?? 0;
      // Writing the key, even to nothing, makes a claim that is still on its way conflict.
      if (placement === undefined) transaction.clear(release.keys.placement);
      if (placement?.claim !== release.claim) return { actor: release.actor.key, token, released: false, count };
      transaction.clear(release.keys.placement);
      transaction.clear(registryKeys.held(runtime.node, release.actor.key));
      if (lease !== undefined) {
        transaction.set(release.keys.lease, leaseRecord.encode({ ...lease, holder: '', version: lease.version + 1 }));
      }
      if (record !== undefined && record.life === placement.life) count -= 1;
      return { actor: release.actor.key, token, released: true, count };
    });
    if (record !== undefined && count !== record.count) {
      transaction.set(registryKeys.node(runtime.node), nodeRecord.encode({ ...record, count }));
    }
    return told;
  });
  for (const { actor, token, released, count } of value) {
    if (!released) {
      runtime.teller.tell({ type: 'claim.release-void', actor, token });
      continue;
    }
    runtime.teller.count('releases');
    runtime.teller.tell({ type: 'claim.release', actor, token, version, count });
  }
};

/** `lost`: another claim holds it, by its newest token, or this life of the node was failed by other members. `expired`: this node stopped serving it before the renewal could be sent. */
export type RenewalResult =
  | { readonly kind: 'renewed' }
  | { readonly kind: 'lost'; readonly newestToken: number }
  | { readonly kind: 'expired' };

/**
 * Renews these leases, all in one transaction, each only while this claim is its holder, and moves `untilMicros` of the renewed ones on.
 * Errors: `store-unavailable` (it may have happened; `untilMicros` is as before), `corrupted`.
 */
export type RenewLeases = (runtime: Runtime, claims: readonly HeldClaim[]) => Promise<readonly RenewalResult[]>;

export const renewLeases: RenewLeases = async (runtime, claims) => {
  const { leaseTerm } = runtime.parts;
  const { clock } = runtime.platform;
  const { value, version } = await inTransaction(runtime, `renewal of ${claims.length} leases`, async (transaction) => {
    // The clock is read before the leases are: what this try writes, nobody has seen before now.
    const startMicros = leaseTerm.now(clock);
    const wallMicros = clock.wallMicros();
    const [node, ...found] = await Promise.all([
      // Without a conflict: a failure that passes this renewal by stops the next one, and its actors only wait longer.
      readNode(transaction.snapshot, runtime.node),
      ...claims.map(async ({ keys, actor }) => leaseRecord.decode(await transaction.get(keys.lease), actor.key)),
    ]);
    const failed = node?.life === runtime.life && node.status === 'failed';
    const results = claims.map((claim, index): RenewalResult & { readonly leaseVersion: number } => {
      const lease = found[index];
      const held = lease?.token === claim.token && lease.holder === runtime.node && lease.life === runtime.life;
      if (lease === undefined || !held || failed) {
        return { kind: 'lost', newestToken: lease?.token ?? 0, leaseVersion: 0 };
      }
      if (startMicros >= claim.untilMicros) return { kind: 'expired', leaseVersion: lease.version };
      const leaseVersion = lease.version + 1;
      transaction.set(claim.keys.lease, leaseRecord.encode({ ...lease, version: leaseVersion, expires: wallMicros + lease.micros }));
      return { kind: 'renewed', leaseVersion };
    });
    return { results, untilMicros: leaseTerm.until(startMicros, runtime.config) };
  });
  value.results.forEach(({ kind, leaseVersion }, index) => {
    const claim = claims[index];
    if (claim === undefined || kind !== 'renewed') return;
    claim.untilMicros = value.untilMicros;
    runtime.teller.count('lease.renewals');
    runtime.teller.tell({
      type: 'lease.renew',
      actor: claim.actor.key,
      token: claim.token,
      leaseVersion,
      untilMicros: claim.untilMicros,
      version,
    });
  });
  return value.results;
};

/** Enters this node under its next life. `boot` names the registration, over all its tries. Errors: `store-unavailable`, `overloaded`. */
export type RegisterNode = (runtime: Runtime, boot: string) => Promise<number>;

export const registerNode: RegisterNode = async (runtime, boot) => {
  const { capacity } = runtime.config;
  let earlier: NodeStatus | null = null;
  const { value: life, version } = await inTransaction(runtime, `registration of node ${runtime.node}`, async (transaction) => {
    const record = await readNode(transaction, runtime.node);
    if (record?.boot === boot) return record.life;
    earlier = record?.status ?? null;
    if (record === undefined) {
      const { begin, end } = registryKeys.nodes;
      const items = await readRange(transaction, begin, end, NODES_MAX);
      if (items.length >= NODES_MAX) {
        throw new KelpieError('overloaded', `the registry holds ${NODES_MAX} nodes already: remove the record of one that is gone`);
      }
    }
    const next = (record?.life ?? 0) + 1;
    // Placements of the life before hold nothing any more, so the count starts again.
    transaction.set(
      registryKeys.node(runtime.node),
      nodeRecord.encode({ node: runtime.node, life: next, boot, status: 'active', capacity, count: 0 }),
    );
    return next;
  });
  runtime.teller.tell({ type: 'node.register', nodeLife: life, capacity, version, earlier });
  return life;
};

/** Marks this life of the node as left. Errors: `store-unavailable`. */
export async function leaveRegistry(runtime: Runtime): Promise<void> {
  await inTransaction(runtime, `leave of node ${runtime.node}`, async (transaction) => {
    const record = await readNode(transaction, runtime.node);
    if (record === undefined || record.life !== runtime.life || record.status === 'failed') return;
    transaction.set(registryKeys.node(runtime.node), nodeRecord.encode({ ...record, status: 'left' }));
  });
}

/**
 * Removes what earlier lives of this node left in the registry. They are gone: two processes under one name cannot both hold its
 * address, and if one hung on after all, it is fenced. Errors: `store-unavailable`, `corrupted`.
 */
export type SweepEarlierLives = (runtime: Runtime) => Promise<void>;

const SWEEP_PAGE = 100;

export const sweepEarlierLives: SweepEarlierLives = async (runtime) => {
  const { begin, end } = registryKeys.heldBy(runtime.node);
  let from = begin;
  for (;;) {
    const { value: page, version } = await inTransaction(runtime, `sweep of node ${runtime.node}`, async (transaction) => {
      const items = await readRange(transaction.snapshot, from, end, SWEEP_PAGE);
      const swept: { readonly actor: ActorKey; readonly earlierLife: number }[] = [];
      await Promise.all(
        items.map(async ({ key }) => {
          const actor = parseActorKey(heldActorName(fromUtf8(key), runtime.node)).key;
          const placementKey = registryKeys.placement(actor);
          const placement = placementRecord.decode(await transaction.get(placementKey), actor);
          if (placement?.node === runtime.node && placement.life >= runtime.life) return;
          transaction.clear(key);
          if (placement?.node !== runtime.node) return;
          transaction.clear(placementKey);
          swept.push({ actor, earlierLife: placement.life });
        }),
      );
      return { swept, last: items[items.length - 1]?.key };
    });
    for (const { actor, earlierLife } of page.swept) {
      runtime.teller.tell({ type: 'node.sweep', actor, earlierLife, version });
    }
    if (page.last === undefined) return;
    from = nextKey(page.last);
  }
};

/** The actors that are placed on a node, in order of their names, up to `limit`; `after` continues. Errors: `store-unavailable`. */
export async function actorsPlacedOn(runtime: Runtime, node: NodeId, limit: number, after?: ActorKey): Promise<readonly ActorRef[]> {
  const { begin, end } = registryKeys.heldBy(node);
  const from = after === undefined ? begin : nextKey(registryKeys.held(node, after));
  const { value } = await inTransaction(runtime, `actors of node ${node}`, (transaction) =>
    readRange(transaction.snapshot, from, end, limit),
  );
  return value.map(({ key }) => parseActorKey(heldActorName(fromUtf8(key), node)));
}

/** Every node of the registry, in order of their names. Errors: `store-unavailable`, `corrupted`. */
export async function listNodes(runtime: Runtime): Promise<readonly NodeRecord[]> {
  const { begin, end } = registryKeys.nodes;
  const { value } = await inTransaction(runtime, 'list of nodes', (transaction) => readRange(transaction.snapshot, begin, end, NODES_MAX));
  return value.map(({ key, value: stored }) => {
    const name = fromUtf8(key);
    const record = nodeRecord.decode(stored, name);
    if (record === undefined) throw new KelpieError('corrupted', `${name} is empty`);
    return record;
  });
}

/** Where an actor is, without claiming it; undefined when it is nowhere. Errors: `store-unavailable`, `corrupted`. */
export async function lookUp(runtime: Runtime, actor: ActorRef): Promise<Placement | undefined> {
  const { value } = await inTransaction(runtime, `look-up of ${actor.key}`, async (transaction) =>
    placementRecord.decode(await transaction.snapshot.get(registryKeys.placement(actor.key)), actor.key),
  );
  return value;
}
