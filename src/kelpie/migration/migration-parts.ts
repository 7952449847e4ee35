/**
 * The order of a migration. Before the move every failure takes the actor back to the source; from the move on it is the target's,
 * whatever fails: whoever is called there next claims it, should the order to start it be lost.
 */
import type { MigrationEvent } from '../../story.js';
import { KelpieError } from '../errors.js';
import { type MovePlacement, movePlacement } from './move.js';

export type AbortedStep = Extract<MigrationEvent, { readonly type: 'migrate.abort' }>['step'];

/** The steps of one migration, as its source does them. Errors of each: `KelpieError`. */
export interface MigrationSteps {
  /** The target agrees. */
  prepare(): Promise<void>;
  /** The actor here serves what waits, and is stopped; its claim is kept. */
  stop(): Promise<void>;
  /** The target learns which state it must find, and counts its lease from then. */
  transfer(): Promise<void>;
  /** Placement and lease become the target's. */
  move(): Promise<void>;
  /** The target is asked to start the actor. Does not fail. */
  start(): Promise<void>;
  /** Callers that wait are sent to the target. */
  redirect(): void;
  /** The target forgets the migration, and the actor is brought up again here. Does not fail. */
  abort(step: AbortedStep, error: KelpieError): void;
}

/** Migrates, or throws after it has aborted. */
export type Migrate = (steps: MigrationSteps) => Promise<void>;

export const migrate: Migrate = async (steps) => {
  const beforeMove: readonly AbortedStep[] = ['prepare', 'stop', 'transfer', 'move'];
  for (const step of beforeMove) {
    try {
      await steps[step]();
    } catch (error) {
      steps.abort(step, KelpieError.from(error));
      throw error;
    }
  }
  await steps.start();
  steps.redirect();
};

export interface MigrationParts {
  readonly migrate: Migrate;
  readonly movePlacement: MovePlacement;
}

export const migrationParts: MigrationParts = { migrate, movePlacement };
