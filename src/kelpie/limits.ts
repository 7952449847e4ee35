/**
 * Every limit of the runtime, by name. Those that an operator or a simulation may draw smaller are also fields of
 * `KelpieConfig`; none may be drawn larger than here. Durations are microseconds, sizes are bytes.
 */
import type { Micros } from '../ports.js';

const SECOND: Micros = 1_000_000;

export const ACTOR_ID_BYTES_MAX = 256;
export const NAMESPACE_BYTES_MAX = 128;
export const NODE_ID_BYTES_MAX = 128;
export const OPERATION_BYTES_MAX = 256;
/** Also the limit of an idempotency key. Calls of actors to actors append to the id of the request they serve. */
export const REQUEST_ID_BYTES_MAX = 256;
/** What a client may use of it, so that five levels of calls can still append their number. */
export const REQUEST_ID_BYTES_ROOT_MAX = 200;

export const STATE_BYTES_MAX = 10_000_000;
/** FoundationDB takes keys of 10,000 bytes, and the longest prefix that an actor's keys have leaves this much of it. */
export const KV_KEY_BYTES_MAX = 9_500;
export const KV_VALUE_BYTES_MAX = 1_000_000;
/** Longest value in one key of the database; longer ones are cut into chunks of this size. */
export const CHUNK_BYTES = 100_000;
export const TRANSACTION_BYTES_MAX = 10_000_000;
export const TRANSACTION_KEYS_MAX = 10_000;
/** FoundationDB refuses reads and commits of older transactions. */
export const TRANSACTION_MICROS_MAX: Micros = 5 * SECOND;

export const INVOCATION_MICROS_MAX: Micros = 120 * SECOND;
/** Calls accepted for one actor and not answered. */
export const PENDING_PER_ACTOR_MAX = 1_000;
/** Calls accepted by one node and not answered. */
export const MAILBOX_MAX = 10_000;
/** Payload of a call, and its answer. */
export const MESSAGE_BYTES_MAX = 1_000_000;

export const IDLE_MICROS_DEFAULT: Micros = 300 * SECOND;
export const IDLE_MICROS_MAX: Micros = 3_600 * SECOND;

export const NODES_MAX = 1_000;
export const HEARTBEAT_MICROS: Micros = SECOND;
export const HEARTBEATS_MISSED_SUSPECT = 3;
export const HEARTBEATS_MISSED_FAILED = 5;
/** Rounds through the seed nodes before a node that nobody lets in gives up. */
export const JOIN_TRIES_MAX = 1_000;

export const LEASE_MICROS: Micros = 30 * SECOND;
export const LEASE_RENEW_MICROS: Micros = 10 * SECOND;
export const LEASE_GRACE_MICROS: Micros = 2 * SECOND;
/** How much the monotonic clocks of two nodes may come to differ in the length of one lease. */
export const LEASE_SKEW_MICROS: Micros = SECOND;
/** Leases renewed by one transaction. */
export const LEASES_PER_RENEWAL_MAX = 500;

export const MIGRATION_COOLDOWN_MICROS: Micros = 10 * SECOND;

export const RPC_MICROS_MAX: Micros = 30 * SECOND;
/** Times a call may be passed on from node to node. */
export const HOPS_MAX = 3;
/** Times one node forwards one call before it leaves trying again to the caller. */
export const FORWARDS_MAX = 3;
export const CALL_DEPTH_MAX = 5;
export const CALLS_IN_FLIGHT_MAX = 10;

/** How long the outcome of a request is kept at least, and an idempotency key. */
export const OUTCOME_KEPT_MICROS: Micros = 3_600 * SECOND;
export const WAL_KEPT_MICROS: Micros = 24 * 3_600 * SECOND;

/** Times an invocation runs again after a conflict before its caller is told. */
export const CONFLICT_TRIES_MAX = 5;
/** Actors a node may hold at once unless its configuration says less. */
export const NODE_CAPACITY_MAX = 1_000_000;

/** Core memory of an agent: each block, all blocks together, and a block's label. */
export const CORE_BLOCK_BYTES_MAX = 16_384;
export const CORE_BYTES_MAX = 32_768;
export const CORE_BLOCK_LABEL_BYTES_MAX = 128;
/** Working memory of an agent: keys and values of all entries together, and one key. */
export const WORKING_BYTES_MAX = 1_000_000;
export const WORKING_KEY_BYTES_MAX = 256;
/** One passage of archival memory. */
export const ARCHIVAL_PASSAGE_BYTES_MAX = 64_000;
