/**
 * A success that a client was told stays. Every writing operation leaves a mark with its name on what it writes; whoever reads the
 * marks later, at the latest after healing, must find those of all operations that had succeeded before the reading began.
 */
import type { TraceEvent } from '../src/trace.js';
import { type Breach, breachAt, type Fold, type Invariant, told } from './invariant.js';

interface Pending {
  readonly kind: string;
  readonly writes: readonly string[];
  /** How many writes on each thing had been acknowledged when the operation began. */
  readonly acknowledged: ReadonlyMap<string, number>;
}

class DurableOnSuccessFold implements Fold {
  readonly #pending = new Map<string, Pending>();
  /** Acknowledged operations on each thing, in the order of their answers. */
  readonly #acknowledged = new Map<string, string[]>();
  /** How many of them a reading has covered. */
  readonly #covered = new Map<string, number>();

  observe(event: TraceEvent): Breach | undefined {
    const body = told(event);
    switch (body.type) {
      case 'op.invoke': {
        const acknowledged = new Map([...this.#acknowledged].map(([target, ops]) => [target, ops.length]));
        this.#pending.set(body.op, { kind: body.kind, writes: body.writes, acknowledged });
        return undefined;
      }
      case 'op.fail':
      case 'op.info':
        this.#pending.delete(body.op);
        return undefined;
      case 'op.ok': {
        const pending = this.#pending.get(body.op);
        this.#pending.delete(body.op);
        if (pending === undefined) return undefined;
        for (const target of pending.writes) this.#acknowledged.set(target, [...(this.#acknowledged.get(target) ?? []), body.op]);
        return body.shows === undefined ? undefined : this.#read(event, body.op, body.shows, pending);
      }
      default:
        return undefined;
    }
  }

  #read(
    event: TraceEvent,
    op: string,
    shows: { readonly target: string; readonly marks: readonly string[] },
    pending: Pending,
  ): Breach | undefined {
    const { target } = shows;
    const before = pending.acknowledged.get(target) ?? 0;
    this.#covered.set(target, Math.max(before, this.#covered.get(target) ?? 0));
    const marks = new Set(shows.marks);
    const lost = (this.#acknowledged.get(target) ?? []).slice(0, before).filter((write) => !marks.has(write));
    if (lost.length === 0) return undefined;
    return breachAt(
      event,
      `${pending.kind} ${op} of ${target} shows all ${before} writes that had succeeded when it began`,
      `${lost.length === 1 ? 'this one is' : `these ${lost.length} are`} missing: ${lost.slice(0, 5).join(', ')}`,
    );
  }

  finish(): 'unknown' | undefined {
    const read = [...this.#acknowledged].every(([target, ops]) => (this.#covered.get(target) ?? 0) === ops.length);
    return read ? undefined : 'unknown';
  }
}

export const durableOnSuccess: Invariant = {
  id: 'durable-on-success',
  promise: 'What a client was told has succeeded is there for every later reader, whatever crashed in between.',
  kind: 'always',
  spec: 'KelpieAgentService!DurableOnSuccess',
  hears: ['op.invoke', 'op.ok', 'op.fail', 'op.info'],
  start: () => new DurableOnSuccessFold(),
};
