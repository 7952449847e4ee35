/** The contract between a counterexample and the runtime: how each action of a module is made to happen next. */
import type { KelpieParts } from '../../src/kelpie/parts.js';
import type { Platform } from '../../src/ports.js';
import type { ActionCall, TraceStep } from '../tla/model-checker.js';
import type { Director } from './director.js';

/** One run of the runtime along one counterexample. */
export interface Play {
  /**
   * Makes the action happen next; `ahead` is what comes after it. Resolves with what was done, in words, once the runtime or the world
   * has told that it happened. Rejects with Departure when something else did.
   */
  take(step: TakenStep, ahead: readonly TakenStep[]): Promise<string>;
  /** With everything let go: lets the runtime show what the steps have left behind. */
  witness(): Promise<void>;
  /** Called once, whatever happened. */
  end(): void;
}

/** A step of the counterexample behind its initial state. */
export interface TakenStep {
  readonly action: ActionCall;
  /** The state of the model that it leads to. */
  readonly state: TraceStep['state'];
}

/** How the counterexamples of one module are played. */
export interface Direction {
  readonly module: string;
  /** What was replaced by what, so that a reader knows what stands for the model's steps. */
  readonly nodes: number;
  /** Actions that can be made to happen. */
  readonly actions: readonly string[];
  /** One node's program, with these parts. */
  serve(platform: Platform, parts: KelpieParts): Promise<void>;
  /** Programs of the clients beside the director. */
  begin(): { readonly clients: readonly ((platform: Platform) => Promise<void>)[]; play(director: Director): Play };
}
