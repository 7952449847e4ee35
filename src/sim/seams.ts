/**
 * Where the world asks and a fault may answer. Each seam has an event (what is about to happen) and verdicts (what happens
 * instead). The world knows verdicts, never faults; `undefined` is "as normal".
 */
import type { DiskErrorCode, Micros, NodeId, OpenMode, Random, ServiceErrorCode, TraceValue } from '../ports.js';

/** Address of the simulated database on the network; never the name of a node. */
export const DATABASE_ADDRESS: NodeId = 'database';

/** Address of simulated peers (`model`, `tools`, ...) on the network. */
export const serviceAddress = (service: string): NodeId => `service:${service}`;

/** A message, asked about when it is sent and again when it would arrive. */
export interface PacketEvent {
  readonly seam: 'packet';
  readonly phase: 'send' | 'arrive';
  readonly from: NodeId;
  readonly to: NodeId;
  readonly bytes: number;
  /** A stream (database, services) repairs loss by retransmission and never reorders; a datagram does neither. */
  readonly carrier: 'datagram' | 'stream';
  /** Number of the message in this run. */
  readonly message: number;
  /** The latency drawn for it (phase `send`), or already spent (phase `arrive`). */
  readonly latencyMicros: Micros;
  /** What the scenario calls messages of this kind (`heartbeat`, `reply`), where it can tell. Datagrams only. */
  readonly topic?: string | undefined;
}

export type PacketVerdict =
  | { readonly kind: 'drop' }
  | { readonly kind: 'delay'; readonly micros: Micros }
  /** `copies` more arrive, each up to `spreadMicros` later. Datagrams only. */
  | { readonly kind: 'duplicate'; readonly copies: number; readonly spreadMicros: Micros }
  /** Flips this many bits of the frame. Datagrams only. */
  | { readonly kind: 'corrupt'; readonly bitFlips: number }
  /** Cuts the frame to `keepNumerator / keepDenominator` of its length. Datagrams only. */
  | { readonly kind: 'truncate'; readonly keepNumerator: number; readonly keepDenominator: number }
  | { readonly kind: 'misdeliver'; readonly to: NodeId }
  /** The link carries no more than this: the message waits for those before it. Phase `send`. */
  | { readonly kind: 'throttle'; readonly bytesPerSecond: number }
  /** Waits until the fault that said so heals, then arrives. */
  | { readonly kind: 'hold' };

export type DiskOperation =
  | 'open'
  | 'read'
  | 'write'
  | 'truncate'
  | 'sync'
  | 'rename'
  | 'remove'
  | 'make-directory'
  | 'list'
  | 'sync-directory';

export interface DiskEvent {
  readonly seam: 'disk';
  readonly node: NodeId;
  readonly operation: DiskOperation;
  readonly path: string;
  readonly offset: number;
  readonly length: number;
  /** For `open` only. */
  readonly mode?: OpenMode;
}

export type DiskVerdict =
  | { readonly kind: 'fail'; readonly code: DiskErrorCode }
  | { readonly kind: 'delay'; readonly micros: Micros }
  /** Never completes until the fault that said so heals. */
  | { readonly kind: 'hold' }
  /** Does only `numerator / denominator` of the length (at least one byte). read, write. */
  | { readonly kind: 'short'; readonly numerator: number; readonly denominator: number }
  /** Answers success and does nothing. write, sync (fsync-lie), rename, sync-directory. */
  | { readonly kind: 'phantom' }
  /** Acts at another page-aligned place of the same file, `pages` away (wraps inside the file). read, write. */
  | { readonly kind: 'misdirect'; readonly pages: number }
  /** Reads what the platter held before the latest durable change of each page. read. */
  | { readonly kind: 'stale' }
  /** Fails with EIO and forgets the dirty pages as if they were clean. sync. */
  | { readonly kind: 'fail-and-forget' }
  /** The process dies before, or right after, the operation took effect. */
  | { readonly kind: 'crash'; readonly when: 'before' | 'after' };

export type DatabaseOperation = 'read-version' | 'read' | 'commit' | 'watch';

export interface DatabaseEvent {
  readonly seam: 'database';
  readonly node: NodeId;
  readonly operation: DatabaseOperation;
  /** True for a commit that has nothing to write. */
  readonly readOnly: boolean;
  /** Which commit of the run it is, from 1, in the order in which the store is asked. Only for a commit that has something to write. */
  readonly commit?: number;
}

export type DatabaseVerdict =
  | { readonly kind: 'delay'; readonly micros: Micros }
  /** Fails with this FoundationDB code; for `commit` with 1021, `applied` says whether it took effect. */
  | { readonly kind: 'fail'; readonly code: number; readonly applied: boolean }
  /** No answer until the fault heals. */
  | { readonly kind: 'hold' }
  /** The asking process dies after the request was sent; for `commit`, `applied` says whether the store got it. */
  | { readonly kind: 'crash'; readonly applied: boolean };

export interface ServiceEvent {
  readonly seam: 'service';
  readonly node: NodeId;
  readonly service: string;
  readonly operation: string;
}

export type ServiceVerdict =
  | { readonly kind: 'fail'; readonly code: ServiceErrorCode; readonly acted: boolean }
  | { readonly kind: 'status'; readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly acted: boolean }
  | { readonly kind: 'delay'; readonly micros: Micros }
  | { readonly kind: 'garble' }
  /** The peer acts and answers 200 with this instead: well formed and not what was asked for. */
  | { readonly kind: 'answer'; readonly body: TraceValue }
  | { readonly kind: 'inflate'; readonly bytes: number }
  /** The peer acts twice on the one request. */
  | { readonly kind: 'duplicate' };

/** A program sets a timer or sleeps. */
export interface TimerEvent {
  readonly seam: 'timer';
  readonly node: NodeId;
  readonly micros: Micros;
}

export type TimerVerdict = { readonly kind: 'late'; readonly micros: Micros } | { readonly kind: 'early'; readonly micros: Micros };

/** A program is about to go on after waiting: a port answered, a timer fired, a message came. */
export interface StepEvent {
  readonly seam: 'step';
  readonly node: NodeId;
  /** How many steps this node has run in this life. */
  readonly step: number;
  readonly what: string;
}

export type StepVerdict =
  /** The process dies here instead of going on. */
  | { readonly kind: 'crash' }
  /** Goes on later; others run first. */
  | { readonly kind: 'delay'; readonly micros: Micros };

/** More than one event is ready: which nodes they belong to, in arrival order. */
export interface ScheduleEvent {
  readonly seam: 'schedule';
  readonly nodes: readonly NodeId[];
}

/** Take the ready event at this index, before the strategy is asked. */
export type ScheduleVerdict = { readonly kind: 'choose'; readonly index: number };

/** Each seam: what is asked, and what may be answered. */
export interface Seams {
  packet: [PacketEvent, PacketVerdict];
  disk: [DiskEvent, DiskVerdict];
  database: [DatabaseEvent, DatabaseVerdict];
  service: [ServiceEvent, ServiceVerdict];
  timer: [TimerEvent, TimerVerdict];
  step: [StepEvent, StepVerdict];
  schedule: [ScheduleEvent, ScheduleVerdict];
}
export type Seam = keyof Seams;
export type SeamEvent = Seams[Seam][0];
export type SeamVerdict = Seams[Seam][1];

/** A held message or operation: `release` lets it go on. The fault plan calls it when the fault that held it heals. */
export interface Held {
  release(): void;
}

/** The asking side. Answers `undefined` fast while no fault is active at that seam. */
export interface Judge {
  /** The first answer of the active faults in the order of the case wins. */
  ask<S extends Seam>(event: Seams[S][0] & { readonly seam: S }): Seams[S][1] | undefined;
  /** Whether any active fault judges at this seam; lets a hot path skip building the event. */
  active(seam: Seam): boolean;
  /** Hands over what the last `hold` verdict holds. */
  hold(held: Held): void;
}

/** Which kinds of thing a fault needs in the world to matter. */
export const CAPABILITIES = [
  'network',
  'disk',
  'process',
  'clock',
  'schedule',
  'database',
  'service',
  'resource',
  'cluster',
  'membership',
  'sandbox',
] as const;
export type Capability = (typeof CAPABILITIES)[number];

/** What a scenario promises to survive. A plan inside it must leave the system safe and, after healing, live. */
export interface Budget {
  /** Servers that faults may aim at, in boot order. */
  readonly nodes: readonly NodeId[];
  /** Clients: faults may cut them off, never kill them. */
  readonly clients?: readonly NodeId[];
  /** Most servers down (killed, paused, isolated by a strike) at once. */
  readonly downMax: number;
  /** Most servers whose disk may lie or lose what it promised; 0 where a disk is the only copy. */
  readonly lyingDisksMax: number;
  /** The servers whose disks may lie in this run, at most `lyingDisksMax`: all faults together keep to them. Absent: any server's. */
  readonly lyingDisks?: readonly NodeId[];
  /** Largest distance of a node's clocks from true time that the protocol allows for. */
  readonly clockSkewMicrosMax: Micros;
  /** Largest drift of a monotonic clock, in parts per million. */
  readonly clockDriftPpmMax: number;
  /** Length of the chaos phase: episodes start and end within it. */
  readonly chaosMicros: Micros;
}

/** What a strike may do. Each call that changes the world returns true and is what "fired" counts; false: nothing to do, or over budget. */
export interface World {
  now(): Micros;
  readonly nodes: readonly NodeId[];
  readonly random: Random;
  /** The node that holds a role now (`primary`, `lease-holder`), as the scenario tells it from the trace. */
  role(name: string): NodeId | undefined;
  isUp(node: NodeId): boolean;
  kill(node: NodeId, reason: string): boolean;
  /** Asks the program to stop (SIGTERM); it is killed when it does not within the bound. */
  stop(node: NodeId): boolean;
  /** Boots a dead node again from its disk; one that is stopping boots when it has stopped. */
  restart(node: NodeId): boolean;
  /** SIGSTOP: the world goes on, its clocks go on, its events wait. */
  pause(node: NodeId): boolean;
  resume(node: NodeId): boolean;
  /** From its next boot the node runs with this variant of its settings, by the scenario's name for it; undefined is as drawn. */
  reconfigure(node: NodeId, variant: string | undefined): boolean;
  readonly clock: WorldClock;
  readonly disk: WorldDisk;
  readonly network: WorldNetwork;
  readonly database: WorldDatabase;
  /** Calls back later unless the fault has healed by then. */
  after(micros: Micros, callback: () => void): void;
  /** Tells the trace what a strike did. */
  note(action: string, detail?: Readonly<Record<string, TraceValue>>): void;
}

export interface WorldClock {
  /** Moves the wall clock by this much; the monotonic clock goes on. */
  jump(node: NodeId, micros: Micros): boolean;
  /** Both clocks run fast (positive) or slow by this many parts per million from now on. */
  drift(node: NodeId, partsPerMillion: number): boolean;
  /** The wall clock stands still from now on, or goes on from where it stood. */
  freeze(node: NodeId, frozen: boolean): boolean;
}

export interface WorldNetwork {
  /** Most peers a node has a connection with at once; undefined lifts the limit. */
  limitConnections(node: NodeId, max: number | undefined): boolean;
  /** A whole frame with nothing in it reaches a node, as from a scanner of ports; false when nobody listens there. */
  stray(node: NodeId): boolean;
}

export interface WorldDatabase {
  /** What the node sends to be committed waits at the store from now on, or goes on, in any order; false when that is so already. */
  stallCommits(node: NodeId, stalled: boolean): boolean;
}

export interface WorldDisk {
  /** Flips bits in durable data; false when the node has none. */
  rot(node: NodeId, bitFlips: number, random: Random): boolean;
  /** Everything on it is gone. The node must be down. */
  wipe(node: NodeId): boolean;
  /** Two nodes get each other's disks. Both must be down. */
  swap(a: NodeId, b: NodeId): boolean;
  /** Bytes that its files take now, in whole pages; 0 for a node that has no disk. */
  usedBytes(node: NodeId): number;
  /** Limits the bytes the disk may hold; undefined lifts the limit. */
  limit(node: NodeId, bytesMax: number | undefined): boolean;
  /** What a crash does to data that is not durable, for crashes while it is set; undefined is the random default. */
  crashBehaviour(node: NodeId, behaviour: CrashBehaviour | undefined): boolean;
}

/** What becomes of each unsynced write at a crash: drawn per write among kept, lost and torn; or always one of them. */
export type CrashBehaviour = 'mixed' | 'lose' | 'keep' | 'tear' | 'reorder' | 'lose-names';
