/**
 * How what an invocation wrote becomes durable: state, buffered writes, the outcome of the request and the head in one transaction,
 * which also reads the placement. The placement carries the holder and the fencing token, changes in every transaction that changes
 * the holder of the lease, and in no other: renewals touch the lease alone and so never conflict with commits.
 */
import { type Bytes, DatabaseError, type ReadTransaction, type Transaction } from '../ports.js';
import { KelpieError } from './errors.js';
import type { CommitId, RequestId } from './ids.js';
import { join } from './keys.js';
import type { WriteSet } from './kv.js';
import { TRANSACTION_BYTES_MAX, TRANSACTION_KEYS_MAX } from './limits.js';
import { mayServe } from './leases.js';
import { appliedBy, EMPTY_HEAD, type Head, headAfter, headRecord, placementRecord } from './records.js';
import type { HeldClaim } from './registry.js';
import type { Runtime } from './runtime.js';
import { clearChunks, readSealed, type Sealed, writeSealed } from './sealed.js';
import { inTransaction, mayHaveCommitted } from './store.js';

/** Everything that one commit writes. */
export interface CommitPlan {
  readonly held: HeldClaim;
  readonly commit: CommitId;
  readonly sequence: number;
  /** Null for a commit that serves no request. */
  readonly request: RequestId | null;
  readonly writes: WriteSet;
  /** `unchanged`, the new state, or null to delete it. */
  readonly state: Sealed | null | 'unchanged';
  /** What a repetition of the request will be answered. */
  readonly outcome: Sealed | null;
  /** The head before and after. */
  readonly before: Head;
  readonly after: Head;
  /** Outcomes under this epoch have been kept long enough. */
  readonly forgetEpoch: number | null;
}

export type CommitResult =
  | { readonly kind: 'done'; readonly version: number }
  /** Another claim holds the actor: nothing was written. */
  | { readonly kind: 'fenced'; readonly newestToken: number }
  /** The request has been served before: nothing was written. */
  | { readonly kind: 'duplicate'; readonly outcome: Bytes }
  /** Certainly not applied. */
  | { readonly kind: 'conflict'; readonly error: DatabaseError }
  | { readonly kind: 'unknown'; readonly error: DatabaseError };

/** Commits in the transaction that the invocation has read in. Errors: `too-large`; none of them leaves a trace. */
export type CommitWrites = (runtime: Runtime, transaction: Transaction, plan: CommitPlan) => Promise<CommitResult>;

/** Reads in the committing transaction who holds the actor. Answers with the newest token when it is another claim. */
export type ReadFence = (transaction: Transaction, held: HeldClaim) => Promise<number | undefined>;

export const readFence = async (transaction: ReadTransaction, held: HeldClaim): Promise<number | undefined> => {
  const stored = await transaction.get(held.keys.placement);
  if (stored !== undefined && sameBytes(stored, held.placement)) return undefined;
  const placement = placementRecord.decode(stored, held.actor.key);
  if (placement?.claim === held.claim) return undefined;
  return placement?.generation ?? 0;
};

function sameBytes(a: Bytes, b: Bytes): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The outcomes of requests, kept so that a repetition takes no effect. */
export interface OutcomeLog {
  /** The stored outcome of the request, read with a conflict. */
  find(runtime: Runtime, transaction: Transaction, held: HeldClaim, head: Head, request: RequestId): Promise<Bytes | undefined>;
  /** Adds the outcome to the transaction that has the effect. */
  write(transaction: Transaction, held: HeldClaim, head: Head, request: RequestId, outcome: Sealed): void;
}

const NUL = Uint8Array.of(0);

export const outcomeLog: OutcomeLog = {
  async find(runtime, transaction, held, head, request) {
    const inEpoch = async (epoch: number): Promise<Bytes | undefined> => {
      const key = held.keys.outcome(epoch, request);
      const name = `outcome of request ${request} of ${held.actor.key}`;
      // Chunks follow their key, so that one range holds all of an epoch; no request id holds a zero byte.
      return (await readSealed(transaction, runtime.parts.readValue, key, () => join(key, NUL), name))?.value;
    };
    const current = inEpoch(head.epoch);
    if (head.epoch === 0) return current;
    const [now, before] = await Promise.all([current, inEpoch(head.epoch - 1)]);
    return now ?? before;
  },
  write(transaction, held, head, request, outcome) {
    const key = held.keys.outcome(head.epoch, request);
    writeSealed(transaction, key, () => join(key, NUL), outcome, false);
  },
};

export const commitWrites: CommitWrites = async (runtime, transaction, plan) => {
  const { held, request, after } = plan;
  checkSize(plan);
  let sent = false;
  try {
    const [newestToken, outcome] = await Promise.all([
      runtime.parts.fence(transaction, held),
      request === null ? undefined : runtime.parts.outcomes.find(runtime, transaction, held, plan.before, request),
    ]);
    if (newestToken !== undefined) return { kind: 'fenced', newestToken };
    if (outcome !== undefined) return { kind: 'duplicate', outcome };
    // A resolution of this commit, should its result stay unknown, writes the head: one of the two then conflicts.
    transaction.addReadConflictRange(held.keys.head, held.keys.headEnd);
    writePlan(runtime, transaction, plan);
    transaction.set(held.keys.head, headRecord.encode(after));
    // The reads took time, and a lease that is over must not be written under even where the fence would let it pass.
    if (!mayServe(runtime, held)) return { kind: 'fenced', newestToken: held.token };
    sent = true;
    await transaction.commit();
    return { kind: 'done', version: transaction.committedVersion() };
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    if (error.code === 2101) throw new KelpieError('too-large', `commit of ${held.actor.key}: ${error.message}`, { cause: error });
    return sent && mayHaveCommitted(error) ? { kind: 'unknown', error } : { kind: 'conflict', error };
  }
};

/** Puts state, key-value writes and the outcome into the transaction. */
function writePlan(runtime: Runtime, transaction: Transaction, plan: CommitPlan): void {
  const { held, writes, state, request, outcome, before } = plan;
  const { keys } = held;
  if (state === null) {
    transaction.clear(keys.state);
    if (before.chunked) clearChunks(transaction, keys.stateChunks);
  } else if (state !== 'unchanged') {
    writeSealed(transaction, keys.state, () => keys.stateChunks, state, before.chunked);
  }
  if (state !== 'unchanged') runtime.parts.index(transaction, held.actor, state);
  writeKv(transaction, held, writes, before.chunked);
  if (request !== null && outcome !== null) runtime.parts.outcomes.write(transaction, held, plan.after, request, outcome);
  if (plan.forgetEpoch !== null) {
    const { begin, end } = keys.outcomes(plan.forgetEpoch);
    transaction.clearRange(begin, end);
  }
}

/** Puts the buffered writes of the key-value space into the transaction. */
export function writeKv(transaction: Transaction, { keys }: HeldClaim, writes: WriteSet, chunked: boolean): void {
  if (writes.cleared) {
    transaction.clearRange(keys.kv.begin, keys.kv.end);
    if (chunked) transaction.clearRange(keys.kvChunks.begin, keys.kvChunks.end);
  }
  for (const [name, sealed] of writes.entries) {
    const key = keys.kvKey(name);
    const chunks = (): Bytes => keys.kvChunksOf(name);
    if (sealed !== null) {
      writeSealed(transaction, key, chunks, sealed, chunked);
    } else {
      transaction.clear(key);
      if (chunked) clearChunks(transaction, chunks());
    }
  }
}

/** What a commit adds for each key it writes, beside key and value: the write conflict range. */
const KEY_OVERHEAD_BYTES = 100;

/** Errors: `too-large`, before anything is sent. */
function checkSize({ held, writes, state, outcome }: CommitPlan): void {
  let keys = 3 + writes.entries.size;
  let bytes = writes.bytes + keys * KEY_OVERHEAD_BYTES;
  for (const sealed of [state, outcome]) {
    if (sealed === null || sealed === 'unchanged') continue;
    keys += sealed.chunks.length;
    bytes += sealed.bytes;
  }
  if (keys > TRANSACTION_KEYS_MAX) {
    throw new KelpieError('too-large', `a commit of ${held.actor.key} has ${keys} keys, at most ${TRANSACTION_KEYS_MAX} are allowed`);
  }
  if (bytes > TRANSACTION_BYTES_MAX) {
    throw new KelpieError('too-large', `a commit of ${held.actor.key} has ${bytes} bytes, at most ${TRANSACTION_BYTES_MAX} are allowed`);
  }
}

/**
 * What became of a commit whose result is unknown. `lost`: it was not applied and never will be. `unknown`: the database did not tell
 * in time, or so many others have committed since that it cannot tell. Never rejects for want of the database.
 */
export type ResolveCommit = (runtime: Runtime, plan: CommitPlan) => Promise<'applied' | 'lost' | 'unknown'>;

export const resolveCommit: ResolveCommit = async (runtime, plan) => {
  const { held, sequence } = plan;
  do {
    try {
      const { value } = await inTransaction(runtime, `resolution of commit ${plan.commit} of ${held.actor.key}`, async (transaction) => {
        const [stored, newestToken] = await Promise.all([transaction.get(held.keys.head), readFence(transaction, held)]);
        const head = headRecord.decode(stored, held.actor.key);
        const applied = appliedBy(head ?? EMPTY_HEAD, held.token, sequence);
        if (applied !== 'no') return applied === 'yes' ? 'applied' : 'unknown';
        // Under another claim it conflicts on the placement, if it is still on its way. Under this one, writing the head makes it.
        if (newestToken === undefined) {
          if (stored === undefined) transaction.clear(held.keys.head);
          else transaction.set(held.keys.head, stored);
        }
        return 'lost';
      });
      return value;
    } catch (error) {
      if (!(error instanceof KelpieError) || error.code !== 'store-unavailable') throw error;
    }
  } while (mayServe(runtime, held));
  return 'unknown';
};

/** The head that the next commit of this claim leaves behind, and the epoch of outcomes that it may forget. */
export function nextHead(
  runtime: Runtime,
  head: Head,
  token: number,
  sequence: number,
  activeMicros: number,
  chunked: boolean,
): { readonly after: Head; readonly forgetEpoch: number | null } {
  const epochMicros = head.epochMicros + activeMicros;
  const after = headAfter(head, token, sequence);
  if (epochMicros < runtime.config.outcomeKeptMicros) return { after: { ...after, epochMicros, chunked }, forgetEpoch: null };
  // Outcomes of the epoch before have been kept for the whole of this one.
  return { after: { ...after, epoch: head.epoch + 1, epochMicros: 0, chunked }, forgetEpoch: head.epoch === 0 ? null : head.epoch - 1 };
}
