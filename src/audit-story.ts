/**
 * What an auditor tells who reads all that Kelpie keeps in the database (`src/kelpie/audit.ts`): what is stored, at one version, and not
 * what anybody did. Part of the story in `story.ts`.
 */
import type { NodeId } from './ports.js';

/** What is stored under one key of an actor's key-value space, by its checksum. */
export type StoredValue = { readonly key: string; readonly value: number };

/** What an auditor found in the database, all at one version: every node, every actor, and the last word. */
export type AuditEvent =
  | {
      readonly type: 'audit.node';
      readonly member: NodeId;
      readonly nodeLife: number;
      readonly status: 'active' | 'left' | 'failed';
      /** Actors placed on this life, by its own record. */
      readonly count: number;
    }
  /** Nulls for records that are not there. */
  | {
      readonly type: 'audit.actor';
      readonly actor: string;
      readonly readVersion: number;
      readonly placement: { readonly node: NodeId; readonly nodeLife: number; readonly token: number } | null;
      /** It stays when the actor is given back, with an empty holder. */
      readonly lease: { readonly holder: NodeId; readonly nodeLife: number; readonly token: number } | null;
      /** Nodes in whose list of what they hold it is. */
      readonly heldBy: readonly NodeId[];
      /** How many commits the actor has had; 0 without a head. */
      readonly stateVersion: number;
      /** Checksum. */
      readonly state: number | null;
      readonly values: readonly StoredValue[];
      /** Outcomes of requests are kept under this epoch and the one before. */
      readonly epoch: number;
      readonly outcomeEpochs: readonly number[];
      /** Chunks that belong to no value. */
      readonly strayChunks: number;
      /** What cannot be read whole. */
      readonly damaged: readonly string[];
    }
  /** `misplaced`: some of the keys that nothing is to be kept under, or whose record is damaged. */
  | { readonly type: 'audit.end'; readonly complete: boolean; readonly misplaced: readonly string[] };
