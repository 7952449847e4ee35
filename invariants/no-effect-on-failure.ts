/** A failure that a client was told is final: the operation left no mark and never will. What may still happen is no failure. */
import type { TraceEvent } from '../src/trace.js';
import { type Breach, breachAt, type Fold, type Invariant, told } from './invariant.js';

class NoEffectOnFailureFold implements Fold {
  readonly #failed = new Map<string, string>();
  /** Where the mark of an operation was first seen. */
  readonly #seen = new Map<string, string>();

  observe(event: TraceEvent): Breach | undefined {
    const body = told(event);
    if (body.type === 'op.fail') {
      this.#failed.set(body.op, body.code);
      const target = this.#seen.get(body.op);
      return target === undefined ? undefined : this.#broken(event, body.op, body.code, target);
    }
    if (body.type !== 'op.ok' || body.shows === undefined) return undefined;
    const { target, marks } = body.shows;
    for (const op of marks) {
      if (!this.#seen.has(op)) this.#seen.set(op, target);
      const code = this.#failed.get(op);
      if (code !== undefined) return this.#broken(event, op, code, target);
    }
    return undefined;
  }

  #broken(event: TraceEvent, op: string, code: string, target: string): Breach {
    return breachAt(event, `${op}, which failed with ${code}, has taken no effect`, `${target} bears its mark`);
  }
}

export const noEffectOnFailure: Invariant = {
  id: 'no-effect-on-failure',
  promise: 'What a client was told has failed has taken no effect and never will; where that is not certain the client is told so.',
  kind: 'always',
  hears: ['op.fail', 'op.ok'],
  start: () => new NoEffectOnFailureFold(),
};
