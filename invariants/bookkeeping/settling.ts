/** What promises need that are judged when all is healed: what has had the time to come right, and whose process is gone. */
import type { Micros } from '../../src/ports.js';
import type { TraceEvent } from '../../src/trace.js';
import { type Told, told } from '../invariant.js';

const LIFE_ENDS = ['kill', 'exit', 'crash'] as const satisfies readonly Told['type'][];

export const SETTLING_TYPES = [...LIFE_ENDS, 'phase'] as const satisfies readonly Told['type'][];

/** Whether the process that tells it is gone from then on. */
export const endsLife = ({ type }: Told): boolean => LIFE_ENDS.some((end) => end === type);

export class Settling {
  #healedAt: Micros | undefined;
  #endedAt: Micros | undefined;

  observe(event: TraceEvent): void {
    const body = told(event);
    if (body.type !== 'phase') return;
    if (body.phase === 'heal') this.#healedAt = event.at;
    if (body.phase === 'end') this.#endedAt = event.at;
  }

  /** Whether the run has come to its end in order. */
  get ended(): boolean {
    return this.#endedAt !== undefined;
  }

  /** How long at the end of the run what began then had lasted since nothing disturbed it any more; 0 while the run has not ended. */
  atEnd(sinceMicros: Micros): Micros {
    return this.#endedAt === undefined ? 0 : this.#endedAt - Math.max(this.#healedAt ?? 0, sinceMicros);
  }

  /** The same now; 0 while anything may be disturbed. */
  by(nowMicros: Micros, sinceMicros: Micros): Micros {
    return this.#healedAt === undefined ? 0 : nowMicros - Math.max(this.#healedAt, sinceMicros);
  }
}
