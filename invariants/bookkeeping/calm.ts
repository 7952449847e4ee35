/** When nothing goes wrong: before the first fault of a run, and once all is healed. */
import type { Micros } from '../../src/ports.js';
import type { TraceEvent } from '../../src/trace.js';
import { type Told, told } from '../invariant.js';

export const CALM_TYPES = ['phase', 'fault'] as const satisfies readonly Told['type'][];

export class Calm {
  #disturbed = false;
  #healedAt: Micros | undefined;

  observe(event: TraceEvent): void {
    const body = told(event);
    if (body.type === 'fault') this.#disturbed = true;
    else if (body.type === 'phase' && body.phase === 'heal') this.#healedAt = event.at;
  }

  /** No fault has begun so far. */
  get isUntouched(): boolean {
    return !this.#disturbed;
  }

  /** Since when it has been calm for what began then; undefined while it is not. */
  since(beganMicros: Micros): Micros | undefined {
    if (this.isUntouched) return beganMicros;
    return this.#healedAt === undefined ? undefined : Math.max(beganMicros, this.#healedAt);
  }
}
