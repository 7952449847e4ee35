/** The runtime's own records in the database, and how they are read. Errors of every `decode`: `corrupted`, with the key. */
import type { Bytes, Micros, NodeId } from '../ports.js';
import type { ActorKey } from './ids.js';
import { decodeRecord, encodeRecord } from './sealed.js';

/** Where an actor is. Absent when it is nowhere. */
export interface Placement {
  readonly node: NodeId;
  /** Which registration of the node: a placement of an earlier life holds nothing. */
  readonly life: number;
  /** Names the claim that wrote it, so that a claim whose answer was lost finds itself. */
  readonly claim: string;
  /** Grows whenever the actor comes to another node or life, or is claimed anew. The fencing token of the lease is the same number. */
  readonly generation: number;
}

/** How long a placement may be relied on. Stays when the actor is released (`holder` empty), so that the token never falls. */
export interface Lease {
  readonly holder: NodeId;
  readonly life: number;
  readonly token: number;
  /** Grows with every renewal: a challenger watches it stand still. */
  readonly version: number;
  /** How long after the sight of a version its holder may still serve. */
  readonly micros: Micros;
  /** The holder's wall clock when it took and when it will lose the lease. For people to read; nothing is decided by them. */
  readonly acquired: Micros;
  readonly expires: Micros;
}

/** `failed`: other members have failed this life, and it may neither claim nor renew. */
export type NodeStatus = 'active' | 'left' | 'failed';

export interface NodeRecord {
  readonly node: NodeId;
  /** Counts the registrations under this name. */
  readonly life: number;
  /** Names the registration, so that one whose answer was lost finds itself. */
  readonly boot: string;
  readonly status: NodeStatus;
  readonly capacity: number;
  /** Placements on this life of the node. */
  readonly count: number;
}

/** What is known of an actor's commits. Written by every one of them. */
export interface Head {
  /** How many commits there have been. */
  readonly version: number;
  /** The newest commit: its token and its number under that token. */
  readonly token: number;
  readonly sequence: number;
  /** The last commit under each of the tokens before, newest first; bounded. */
  readonly earlier: readonly (readonly [token: number, sequence: number])[];
  /** Outcomes are kept under the current epoch and the one before. */
  readonly epoch: number;
  /** How long the current epoch has lasted while the actor was active. */
  readonly epochMicros: Micros;
  /** Whether any value was ever long enough to be chunked. */
  readonly chunked: boolean;
}

/** How many earlier tokens a head remembers. A commit is asked about while its own activation waits, so one is rarely needed. */
export const EARLIER_TOKENS_MAX = 8;

export const EMPTY_HEAD: Head = { version: 0, token: 0, sequence: 0, earlier: [], epoch: 0, epochMicros: 0, chunked: false };

const PLACEMENT = { node: 'string', life: 'number', claim: 'string', generation: 'number' } as const;
const LEASE = {
  holder: 'string',
  life: 'number',
  token: 'number',
  version: 'number',
  micros: 'number',
  acquired: 'number',
  expires: 'number',
} as const;
const NODE = { node: 'string', life: 'number', boot: 'string', status: 'string', capacity: 'number', count: 'number' } as const;
const HEAD = {
  version: 'number',
  token: 'number',
  sequence: 'number',
  earlier: 'object',
  epoch: 'number',
  epochMicros: 'number',
  chunked: 'boolean',
} as const;

const optional = <T>(bytes: Bytes | undefined, decode: (bytes: Bytes) => T): T | undefined =>
  bytes === undefined ? undefined : decode(bytes);

export const placementRecord = {
  encode: (placement: Placement): Bytes => encodeRecord(placement),
  decode: (bytes: Bytes | undefined, actor: ActorKey): Placement | undefined =>
    optional(bytes, (stored) => decodeRecord<Placement>(stored, `placement of ${actor}`, PLACEMENT)),
} as const;

export const leaseRecord = {
  encode: (lease: Lease): Bytes => encodeRecord(lease),
  decode: (bytes: Bytes | undefined, actor: ActorKey): Lease | undefined =>
    optional(bytes, (stored) => decodeRecord<Lease>(stored, `lease of ${actor}`, LEASE)),
} as const;

export const nodeRecord = {
  encode: (record: NodeRecord): Bytes => encodeRecord(record),
  decode: (bytes: Bytes | undefined, node: NodeId): NodeRecord | undefined =>
    optional(bytes, (stored) => decodeRecord<NodeRecord>(stored, `registry record of node ${node}`, NODE)),
} as const;

export const headRecord = {
  encode: (head: Head): Bytes => encodeRecord(head),
  decode: (bytes: Bytes | undefined, actor: ActorKey): Head | undefined =>
    optional(bytes, (stored) => decodeRecord<Head>(stored, `head of ${actor}`, HEAD)),
} as const;

/** The head that a commit leaves behind. */
export function headAfter(head: Head, token: number, sequence: number): Head {
  if (head.token === token || head.version === 0) return { ...head, version: head.version + 1, token, sequence };
  const earlier = [[head.token, head.sequence] as const, ...head.earlier].slice(0, EARLIER_TOKENS_MAX);
  return { ...head, version: head.version + 1, token, sequence, earlier };
}

/** Whether the head shows that this commit was applied. `unknown` when it is too long ago to tell. */
export function appliedBy(head: Head, token: number, sequence: number): 'yes' | 'no' | 'unknown' {
  if (head.token === token) return head.sequence >= sequence ? 'yes' : 'no';
  for (const [earlierToken, earlierSequence] of head.earlier) {
    if (earlierToken === token) return earlierSequence >= sequence ? 'yes' : 'no';
  }
  if (head.token < token || head.earlier.length < EARLIER_TOKENS_MAX) return 'no';
  const oldest = head.earlier[head.earlier.length - 1];
  return oldest !== undefined && oldest[0] < token ? 'no' : 'unknown';
}
