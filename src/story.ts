/**
 * The story that Kelpie tells: one event for every step that decides something, as telemetry that production wants too.
 * Invariants and spec mappings read nothing else. Types only; fields are plain JSON. Who and when is in the trace around it:
 * `TraceEvent.node` is the node that tells, `TraceEvent.life` the life of its process.
 *
 * `version` is always the version at which the database committed, `readVersion` the one at which it was read: an event is
 * told when the node learns of a step, which is later than the step, so a fold that needs the true order sorts by these.
 * `token` is the fencing token of a claim: it grows on every change of holder, so it names one activation of an actor.
 */
import type { AuditEvent, StoredValue } from './audit-story.js';
import type { MembershipEvent, MigrationEvent, NodeEvent } from './cluster-story.js';
import type { Micros, NodeId, TraceValue } from './ports.js';

/** An actor as `namespace:id`. */
type ActorName = string;

/** Why a claim transaction decided as it did on what it read. */
export type ClaimDecision =
  /** Nobody holds it. */
  | 'new'
  /** This life of this node holds it without an active actor (an earlier claim whose answer was lost, or a dropped activation). */
  | 'again'
  /** An earlier life of its node holds it. */
  | 'stale-life'
  /** Its lease has expired. */
  | 'takeover'
  /** Another node holds it. */
  | 'existing'
  /** Placement wants it on another node. */
  | 'elsewhere'
  /** This node is full. */
  | 'no-capacity';

/** One claim transaction: `claim` names it over all its tries; a try without `claim.commit` changed nothing that is known of. */
export type ClaimEvent =
  | {
      readonly type: 'claim.read';
      readonly actor: ActorName;
      readonly claim: string;
      readonly readVersion: number;
      /** Who held it, null for nobody. */
      readonly owner: NodeId | null;
      readonly ownerLife: number;
      /** The newest token ever given out for the actor, 0 for none. */
      readonly token: number;
      /** How often the lease of this token has been written, 0 where there is none. */
      readonly leaseVersion: number;
      /** For how long it was granted or renewed: its holder may run with other settings than whoever reads it. 0 where there is none. */
      readonly leaseMicros: Micros;
      readonly decision: ClaimDecision;
    }
  | {
      readonly type: 'claim.commit';
      readonly actor: ActorName;
      readonly claim: string;
      readonly token: number;
      readonly generation: number;
      /** Who held it before, null for nobody. */
      readonly previous: NodeId | null;
      /** -1 when the commit's answer was lost and a later read found it applied. */
      readonly version: number;
      /** Actors placed on this node now, and how many it may have. */
      readonly count: number;
      readonly capacity: number;
    }
  /** The claim ended without the actor. */
  | {
      readonly type: 'claim.lost';
      readonly actor: ActorName;
      readonly claim: string;
      readonly why: 'existing' | 'elsewhere' | 'no-capacity' | 'failed';
      readonly owner: NodeId | null;
    }
  | {
      readonly type: 'claim.release';
      readonly actor: ActorName;
      readonly token: number;
      readonly version: number;
      readonly count: number;
    }
  /** A release found the actor held by another claim, and changed nothing. */
  | { readonly type: 'claim.release-void'; readonly actor: ActorName; readonly token: number }
  /** A release was given up because what it read is damaged. */
  | { readonly type: 'claim.release-fail'; readonly actor: ActorName; readonly code: string };

export type LeaseEvent =
  /** `untilMicros`: when this node stops serving it, on its monotonic clock. */
  | {
      readonly type: 'lease.renew';
      readonly actor: ActorName;
      readonly token: number;
      readonly leaseVersion: number;
      readonly untilMicros: Micros;
      readonly version: number;
    }
  /** This node stops serving because its lease could expire elsewhere soon. */
  | { readonly type: 'lease.expire-local'; readonly actor: ActorName; readonly token: number }
  /** A renewal or a commit found another holder. */
  | { readonly type: 'lease.lost'; readonly actor: ActorName; readonly token: number; readonly newestToken: number }
  /** This node judges another's lease as expired, having seen it unchanged for this long on its monotonic clock. */
  | {
      readonly type: 'lease.judge-expired';
      readonly actor: ActorName;
      readonly token: number;
      readonly holder: NodeId;
      readonly unchangedMicros: Micros;
      /** Of the record that stood still: 1 as it was granted, one more with each renewal. */
      readonly leaseVersion?: number;
      /** How long before the end of its lease a holder of this configuration stops, beside what clocks may differ by. */
      readonly graceMicros?: Micros;
    };

export type ActivationEvent =
  | { readonly type: 'activate.start'; readonly actor: ActorName }
  /** What the activation read: how many commits the actor has had, and the checksum of its state (null when it has none yet). */
  | {
      readonly type: 'activate.load';
      readonly actor: ActorName;
      readonly token: number;
      readonly stateVersion: number;
      readonly state: number | null;
    }
  /** `onActivate` has committed; invocations may start. */
  | { readonly type: 'activate.done'; readonly actor: ActorName; readonly token: number; readonly stateVersion: number }
  | { readonly type: 'activate.fail'; readonly actor: ActorName; readonly code: string }
  | {
      readonly type: 'deactivate.start';
      readonly actor: ActorName;
      readonly token: number;
      readonly reason: 'idle' | 'shutdown' | 'asked' | 'migration';
      readonly pending: number;
      /** For how long nobody has called it, at least, when it goes for idleness. */
      readonly idleMicros?: Micros | null;
    }
  | {
      readonly type: 'deactivate.done';
      readonly actor: ActorName;
      readonly token: number;
      /** `clean`: nothing to write. `failed`: what `onDeactivate` changed was dropped. */
      readonly outcome: 'committed' | 'clean' | 'failed';
    }
  /** The activation ended at once and wrote nothing more. */
  | { readonly type: 'activate.drop'; readonly actor: ActorName; readonly token: number; readonly reason: string };

export type RequestEvent =
  /** Accepted for an actor of this node; `pending` counts it and those before it that are not answered. */
  | {
      readonly type: 'request.accept';
      readonly actor: ActorName;
      readonly request: string;
      readonly pending: number;
      /** How many may be. */
      readonly limit: number;
    }
  | { readonly type: 'request.refuse'; readonly actor: ActorName; readonly request: string; readonly code: string }
  /** The same request came again: it joins the one that is under way, or gets the outcome that is stored. */
  | { readonly type: 'request.duplicate'; readonly actor: ActorName; readonly request: string; readonly how: 'joined' | 'stored' }
  /** Every accepted request gets exactly one. `outcome` is `ok` or an error code. */
  | { readonly type: 'request.answer'; readonly actor: ActorName; readonly request: string; readonly outcome: string }
  | {
      readonly type: 'forward';
      readonly actor: ActorName;
      readonly request: string;
      readonly to: NodeId;
      readonly hops: number;
      /** True when the target is asked to claim the actor, false when it is believed to hold it. */
      readonly place: boolean;
    }
  | {
      readonly type: 'forward.fail';
      readonly actor: ActorName;
      readonly request: string;
      readonly to: NodeId;
      readonly why: 'timeout' | 'not-owner' | 'unsendable';
    }
  /** An actor calls another one. */
  | {
      readonly type: 'call.start';
      readonly actor: ActorName;
      readonly request: string;
      readonly target: ActorName;
      readonly depth: number;
      readonly inFlight: number;
    }
  | { readonly type: 'call.end'; readonly actor: ActorName; readonly request: string; readonly target: ActorName; readonly outcome: string }
  | { readonly type: 'call.reject'; readonly actor: ActorName; readonly target: ActorName; readonly chain: readonly ActorName[] };

export type InvocationEvent =
  /** `tries` counts from 1: a conflict runs the invocation again from its snapshot. */
  | {
      readonly type: 'invoke.start';
      readonly actor: ActorName;
      readonly request: string;
      readonly operation: string;
      readonly token: number;
      readonly tries: number;
    }
  /** `commit` is null when nothing was written. */
  | {
      readonly type: 'invoke.end';
      readonly actor: ActorName;
      readonly request: string;
      readonly token: number;
      readonly outcome: string;
      readonly commit: string | null;
      /** Of an answer that nothing was written for: how much longer its node may serve the actor, on its own clock. */
      readonly leftMicros?: Micros;
    }
  /** Read from the store (not from the buffer). `value` is the checksum of what is stored, null for no such key. */
  | { readonly type: 'kv.read'; readonly actor: ActorName; readonly token: number; readonly key: string; readonly value: number | null }
  /** `keys` is what the merged list gave. */
  | {
      readonly type: 'kv.list';
      readonly actor: ActorName;
      readonly token: number;
      readonly begin: string;
      /** Null for a list of the keys that start with `begin`. */
      readonly end: string | null;
      readonly keys: readonly string[];
      /** There may be more keys, left out because of a limit. */
      readonly limited: boolean;
    }
  /** Buffered. `value` is the checksum of what will be stored, null for a delete. */
  | { readonly type: 'kv.write'; readonly actor: ActorName; readonly token: number; readonly key: string; readonly value: number | null }
  /** Every key of the actor is deleted, in the buffer. */
  | { readonly type: 'kv.clear'; readonly actor: ActorName; readonly token: number }
  /** State and buffer are back at the snapshot. */
  | {
      readonly type: 'rollback';
      readonly actor: ActorName;
      readonly token: number;
      readonly request: string | null;
      readonly reason: string;
      /** Checksum of the state that is in memory now, null for none; -1 for one that cannot be stored. */
      readonly state?: number | null;
    };

/** `commit` is unique over all commits of an actor. */
export type CommitEvent =
  | {
      readonly type: 'commit.start';
      readonly actor: ActorName;
      readonly request: string | null;
      readonly commit: string;
      readonly token: number;
      readonly stateVersion: number;
      /** How many keys were read from the store, and which ones are written. */
      readonly reads: number;
      readonly writes: readonly string[];
      /** Checksum of the new state; null when the state does not change, and when it is deleted. */
      readonly state: number | null;
      readonly stateDeleted: boolean;
    }
  | {
      readonly type: 'commit.done';
      readonly actor: ActorName;
      readonly commit: string;
      readonly token: number;
      readonly stateVersion: number;
      /** -1 when the commit's answer was lost and it was found applied. */
      readonly version: number;
    }
  | { readonly type: 'commit.conflict'; readonly actor: ActorName; readonly commit: string; readonly code: number }
  /** The transaction read another holder: nothing was written. */
  | {
      readonly type: 'commit.fenced';
      readonly actor: ActorName;
      readonly commit: string;
      readonly token: number;
      readonly newestToken: number;
    }
  | { readonly type: 'commit.unknown'; readonly actor: ActorName; readonly commit: string; readonly token: number; readonly code: number }
  | {
      readonly type: 'commit.resolved';
      readonly actor: ActorName;
      readonly commit: string;
      readonly token: number;
      readonly applied: boolean;
    };

/** Told by a client of the cluster. */
export type ClientEvent =
  | { readonly type: 'client.invoke'; readonly request: string; readonly actor: ActorName; readonly operation: string }
  | { readonly type: 'client.attempt'; readonly request: string; readonly attempt: number; readonly to: NodeId }
  | {
      readonly type: 'client.answer';
      readonly request: string;
      readonly outcome: 'ok' | 'error' | 'unknown';
      readonly code: string | null;
    };

export type RpcEvent = {
  readonly type: 'rpc.drop';
  readonly from: NodeId;
  readonly why: 'misdelivered' | 'malformed' | 'unexpected' | 'repeated';
};

/** The write-ahead log. Told when the step is durable. */
export type WalEvent =
  | {
      readonly type: 'wal.recover';
      readonly segments: number;
      readonly entries: number;
      readonly pending: number;
      /** Torn bytes cut from the end. */
      readonly cutBytes: number;
      readonly nextId: number;
    }
  | { readonly type: 'wal.append'; readonly id: number; readonly key: string; readonly operation: string }
  | { readonly type: 'wal.replay'; readonly id: number; readonly key: string }
  | { readonly type: 'wal.end'; readonly id: number; readonly key: string; readonly status: 'complete' | 'failed' }
  | {
      readonly type: 'wal.cleanup';
      readonly segment: number;
      readonly dropped: number;
      readonly carried: number;
      /** Idempotency keys of what was dropped. */
      readonly keys: readonly string[];
    };

export type CheckpointEvent =
  | { readonly type: 'checkpoint.save'; readonly sequence: number }
  | { readonly type: 'checkpoint.restore'; readonly sequence: number }
  /** A file of this number is not whole; an older one is tried. */
  | { readonly type: 'checkpoint.damaged'; readonly sequence: number };

export type { AuditEvent, MembershipEvent, MigrationEvent, NodeEvent, StoredValue };

/**
 * The agent service. What bears a `request` is told inside an invocation, once for each of its tries: it took effect when the commit
 * of that request did (`commit.start` names both, `commit.done` follows). `incarnation` names an agent among all that had its id.
 */
export type AgentEvent =
  | {
      readonly type: 'agent.create' | 'agent.update' | 'agent.delete';
      readonly actor: ActorName;
      readonly request: string | null;
      readonly incarnation: string;
      readonly version: number;
    }
  /** The idempotency keys of a deleted agent are dropped: nothing of it is left. */
  | { readonly type: 'agent.forget'; readonly actor: ActorName; readonly request: string | null; readonly incarnation: string }
  /** What a get found; nulls for no such agent. */
  | {
      readonly type: 'agent.get';
      readonly actor: ActorName;
      readonly request: string | null;
      readonly incarnation: string | null;
      readonly version: number | null;
    }
  /** An idempotency key was looked for. */
  | {
      readonly type: 'agent.key';
      readonly actor: ActorName;
      readonly request: string | null;
      readonly key: string;
      readonly operation: string;
      readonly how: 'miss' | 'hit' | 'mismatch' | 'in-progress';
    }
  | {
      readonly type: 'message.accept';
      readonly actor: ActorName;
      readonly request: string | null;
      readonly incarnation: string;
      readonly message: number;
      readonly key: string | null;
    }
  /** A step was handed to a driver. `resumed`: it had been handed out before, and what became of that is not known. */
  | {
      readonly type: 'message.step';
      readonly actor: ActorName;
      readonly request: string | null;
      readonly incarnation: string;
      readonly message: number;
      readonly step: number;
      readonly iteration: number;
      readonly kind: 'model' | 'tool' | 'pause' | 'ask';
      readonly how: 'new' | 'resumed';
      readonly driver: NodeId;
      readonly driverLife: number;
    }
  /** A driver that stops gives its step back for another one to take up. `begun`: what has become of it is not known. */
  | {
      readonly type: 'message.release';
      readonly actor: ActorName;
      readonly request: string | null;
      readonly incarnation: string;
      readonly message: number;
      readonly step: number;
      readonly driver: NodeId;
      readonly begun: boolean;
    }
  | {
      readonly type: 'message.end';
      readonly actor: ActorName;
      readonly request: string | null;
      readonly incarnation: string;
      readonly message: number;
      readonly status: 'done' | 'failed';
      /** Why it failed. */
      readonly code: string | null;
      readonly iterations: number;
    }
  /** A peer is asked on behalf of a step; `key` is the idempotency key that goes with it, `attempt` counts from 1. */
  | {
      readonly type: 'peer.call';
      readonly actor: ActorName;
      readonly service: string;
      readonly operation: string;
      readonly key: string;
      readonly attempt: number;
    }
  /** `outcome` is a status, or why no whole answer came. */
  | {
      readonly type: 'peer.answer';
      readonly actor: ActorName;
      readonly service: string;
      readonly key: string;
      readonly attempt: number;
      readonly outcome: string;
    }
  /** The journal of this node's steps, or its checkpoint, cannot be used; steps go on without it, from what the database says. */
  | { readonly type: 'journal.unusable'; readonly what: 'journal' | 'checkpoint'; readonly code: string }
  /** This node takes an agent's work over: its driver made no step for so long. */
  | { readonly type: 'drive.takeover'; readonly actor: ActorName; readonly mark: string; readonly unchangedMicros: Micros };

/** A change of an agent's memory, told like an `AgentEvent` with a request. */
export type MemoryEvent = {
  readonly type: 'memory.change';
  readonly actor: ActorName;
  readonly request: string | null;
  readonly tier: 'core' | 'working' | 'archival';
  readonly key: string;
  readonly how: 'set' | 'append' | 'delete';
};

/** Everything Kelpie tells. */
export type KelpieEvent =
  | AuditEvent
  | AgentEvent
  | MemoryEvent
  | MembershipEvent
  | MigrationEvent
  | WalEvent
  | CheckpointEvent
  | NodeEvent
  | ClaimEvent
  | LeaseEvent
  | ActivationEvent
  | RequestEvent
  | InvocationEvent
  | CommitEvent
  | ClientEvent
  | RpcEvent;

/**
 * What a client of a scenario did, whatever the program under test is: the history on which promises to users are judged. `op` is
 * unique in a run. An operation takes effect at some moment between its `op.invoke` and its end, and after `op.info` perhaps never
 * or much later.
 */
export type OperationEvent =
  | {
      readonly type: 'op.invoke';
      readonly op: string;
      readonly client: string;
      readonly kind: string;
      readonly args: TraceValue;
      /**
       * The things on each of which a success leaves a mark that bears the name of the operation, in the order in which they get it;
       * empty for a pure read.
       */
      readonly writes: readonly string[];
      /** Codes by which it may be refused for good, for the cause that it gives; none when absent. */
      readonly refusals?: readonly string[];
    }
  | {
      readonly type: 'op.ok';
      readonly op: string;
      readonly result: TraceValue;
      /** All marks that one thing bore at one moment of the operation; `inOrder`: oldest first. */
      readonly shows?: { readonly target: string; readonly marks: readonly string[]; readonly inOrder?: true };
    }
  /** It took no effect and never will. */
  | { readonly type: 'op.fail'; readonly op: string; readonly code: string }
  /** It may have taken effect, or may still. */
  | { readonly type: 'op.info'; readonly op: string; readonly code: string };
