/**
 * What Kelpie tells of its cluster: how nodes come and go, who is a member and who is primary, and how actors move from node to node. Part
 * of the story in `story.ts`, which says what `version` and `token` mean.
 */
import type { NodeId } from './ports.js';

/** An actor as `namespace:id`. */
type ActorName = string;

/** States of a member of the cluster. */
type MemberStateName = 'left' | 'joining' | 'active' | 'leaving' | 'failed';

/** Life of a node in the registry. `nodeLife` counts registrations under one name. */
export type NodeEvent =
  | {
      readonly type: 'node.register';
      readonly nodeLife: number;
      readonly capacity: number;
      readonly version: number;
      /** What the registry had of the life before; null where this is the first one. */
      readonly earlier?: 'active' | 'left' | 'failed' | null;
    }
  /** A placement of an earlier life of this node was removed. */
  | { readonly type: 'node.sweep'; readonly actor: ActorName; readonly earlierLife: number; readonly version: number }
  /** Intake is closed; what was accepted drains. */
  | { readonly type: 'node.stop'; readonly pending: number; readonly active: number }
  /**
   * `abandoned` calls were answered `shutting-down` at the drain bound; `unreleased` claims are left to their leases. `recorded`: the
   * registry has taken note of it; else it was out of reach, and the node is listed until other members fail it.
   */
  | {
      readonly type: 'node.leave';
      readonly nodeLife: number;
      readonly abandoned: number;
      readonly unreleased: number;
      readonly recorded?: boolean;
    };

/** Membership, heartbeats, the primary and what it does for the actors of failed nodes. `nodeLife` counts registrations under one name. */
export type MembershipEvent =
  /** This life is a member. `how`: it is the first one, a member let it in, or it takes the place of an earlier life of its own. */
  | {
      readonly type: 'member.join';
      readonly nodeLife: number;
      readonly how: 'founded' | 'accepted' | 'resumed';
      /** Who let it in; null where nobody had to. */
      readonly seed: NodeId | null;
      readonly tries: number;
    }
  /** Nobody let it in, as often as it asked: the node stops. */
  | { readonly type: 'member.join-fail'; readonly nodeLife: number; readonly tries: number }
  /** What the registry holds of the cluster cannot be read: nothing is changed until it can. */
  | { readonly type: 'member.blocked'; readonly code: string; readonly reason: string }
  /** A change of the view is committed. `version` is -1 when the answer of the commit was lost. */
  | {
      readonly type: 'member.state';
      readonly member: NodeId;
      readonly nodeLife: number;
      readonly from: MemberStateName;
      readonly to: MemberStateName;
      /** Who decided it. */
      readonly by: NodeId;
      readonly term: number;
      readonly version: number;
    }
  /** This node finds that its life was failed by others: it stops serving, as that life, `actors` actors. */
  | { readonly type: 'member.deposed'; readonly nodeLife: number; readonly actors: number }
  /** `reached` of `voters` members, itself counted, acknowledge its heartbeats. */
  | {
      readonly type: 'primary.elect';
      readonly term: number;
      readonly nodeLife: number;
      readonly reached: number;
      readonly voters: number;
      readonly version: number;
    }
  /**
   * The view as its primary has read it, once a version. A change that was committed by a node that died before it could tell of it shows
   * here. `failovers`: members some of whose actors are still to be placed anew.
   */
  | {
      readonly type: 'primary.view';
      readonly term: number;
      readonly viewVersion: number;
      readonly members: readonly { readonly node: NodeId; readonly nodeLife: number; readonly state: MemberStateName }[];
      readonly failovers: readonly NodeId[];
    }
  /** `deposed`: another node was elected meanwhile, and nothing was left to clear. */
  | {
      readonly type: 'primary.stepdown';
      readonly term: number;
      readonly why: 'no-majority' | 'leaving' | 'deposed';
      readonly version: number;
    }
  | { readonly type: 'heartbeat.suspect'; readonly member: NodeId; readonly nodeLife: number; readonly missed: number }
  /** A suspected member answers again. */
  | { readonly type: 'heartbeat.trust'; readonly member: NodeId; readonly nodeLife: number }
  /** A heartbeat of a life that is failed or gone came in; it changes nothing. */
  | { readonly type: 'heartbeat.late'; readonly member: NodeId; readonly nodeLife: number }
  /** Committed together with the failure: the actors of this life are to be placed anew. */
  | {
      readonly type: 'failover.plan';
      readonly member: NodeId;
      readonly nodeLife: number;
      readonly term: number;
      readonly version: number;
    }
  /** An actor of a failed life is about to be freed: from here on it may be, whether anybody learns of it or not. */
  | {
      readonly type: 'failover.free';
      readonly actor: ActorName;
      readonly member: NodeId;
      readonly nodeLife: number;
      readonly token: number;
    }
  /** An actor of a failed life is free. `token` is that of the claim it was taken from; `version` is -1 when the answer was lost. */
  | {
      readonly type: 'failover.actor';
      readonly actor: ActorName;
      readonly member: NodeId;
      readonly nodeLife: number;
      readonly token: number;
      readonly version: number;
    }
  /** Nothing is placed on that life any more. */
  | { readonly type: 'failover.done'; readonly member: NodeId; readonly nodeLife: number; readonly term: number; readonly version: number };

/** One migration; `migration` names it over both nodes. `token` is that of the source's claim. */
export type MigrationEvent =
  /** The target has agreed. */
  | {
      readonly type: 'migrate.prepare';
      readonly actor: ActorName;
      readonly migration: string;
      readonly from: NodeId;
      readonly to: NodeId;
      readonly token: number;
    }
  /** The source's actor has drained and is stopped. */
  | { readonly type: 'migrate.stop'; readonly actor: ActorName; readonly migration: string; readonly token: number }
  /** The target knows which state it must find. */
  | {
      readonly type: 'migrate.transfer';
      readonly actor: ActorName;
      readonly migration: string;
      readonly token: number;
      readonly stateVersion: number;
    }
  /** Placement and lease are the target's. `newToken` is its fencing token; `version` is -1 when the answer was lost. */
  | {
      readonly type: 'migrate.move';
      readonly actor: ActorName;
      readonly migration: string;
      readonly token: number;
      readonly newToken: number;
      readonly to: NodeId;
      readonly version: number;
    }
  /** Told by the target, when it is asked to start the actor. */
  | { readonly type: 'migrate.start'; readonly actor: ActorName; readonly migration: string }
  /** Told by the source: the actor is the source's again, or whose the registry says. */
  | {
      readonly type: 'migrate.abort';
      readonly actor: ActorName;
      readonly migration: string;
      readonly step: 'prepare' | 'stop' | 'transfer' | 'move';
      readonly code: string;
    }
  /** Told by the source: callers that waited are sent to the target. */
  | { readonly type: 'migrate.redirect'; readonly actor: ActorName; readonly migration: string; readonly to: NodeId };
