/**
 * A system that refuses everything breaks no promise of safety. So whoever asks for something while nothing goes wrong gets it: for good
 * refused is only what gives cause for that, and who has to wait sees others served, or is, within a bounded time. Calm is a run before its
 * first fault, and after healing; what the two bounds are made of is said below.
 */
import type { Micros } from '../src/ports.js';
import type { OperationEvent } from '../src/story.js';
import type { TraceEvent } from '../src/trace.js';
import { Calm, CALM_TYPES } from './bookkeeping/calm.js';
import { LONGEST } from './bookkeeping/longest.js';
import { REFUSALS } from './bookkeeping/refusals.js';
import { type Breach, breachAt, type Fold, type Invariant, type Knobs, told } from './invariant.js';

/** Forwards of one call to nodes that do not answer, before its caller is told. */
const FORWARDS_MAX = 3;

/** In a run that no fault has touched: the claim of the actor and the commit of the call, each a transaction over all its retries. */
const untouchedMicros = ({ storeMicros = LONGEST.storeMicros }: Knobs): Micros => 2 * storeMicros;

/**
 * From healing on, and in a run without faults where a lease has lapsed: members that are gone are failed, a lease that nobody renews runs out under the eyes of whoever wants the actor, calls
 * that went to nodes that are gone are sent anew, and then it is as in a run that no fault has touched.
 */
function settlingMicros(knobs: Knobs): Micros {
  const { leaseMicros, heartbeatMicros, heartbeatsMissedFailed, forwardMicros } = { ...LONGEST, ...knobs };
  return leaseMicros + heartbeatMicros * heartbeatsMissedFailed + FORWARDS_MAX * forwardMicros + untouchedMicros(knobs);
}

/**
 * From when a log is full, in a run that no fault has touched: what has ended in it is kept for as long as is promised, so that whoever asks
 * again under its key gets the same answer, and then makes room. It is as long after healing, but what has to settle then takes longer.
 */
const roomMicros = ({ walKeptMicros = 0, ...knobs }: Knobs): Micros => walKeptMicros + untouchedMicros(knobs);

type Asked = Extract<OperationEvent, { readonly type: 'op.invoke' }>;

/** The last turn that somebody had on a thing, and the last one that somebody else had before. */
interface Turn {
  readonly op: string | undefined;
  readonly at: Micros;
  readonly anothersAt: Micros | undefined;
}

class WorkSucceedsFold implements Fold {
  readonly #knobs: Knobs;
  readonly #calm = new Calm();
  /** A rare way was taken: each is legal, but a lease that is given up or an answer that is not sent costs time. None is after healing. */
  #delayed = false;
  /** Messages of this network may be so slow that a lease ends before its renewal comes, without any fault: whoever wants the actor begins anew. */
  #lapsed = false;
  readonly #open = new Map<string, { readonly asked: Asked; readonly at: Micros }>();
  /** Which operation the event of each index begins, and which one each request is sent for. */
  readonly #beginnings = new Map<number, string>();
  readonly #requests = new Map<string, string>();
  /** The turns on each thing, and when something was last done on any. */
  readonly #turns = new Map<string, Turn>();
  #servedAny: Micros | undefined;
  #breach: Breach | undefined;

  constructor(knobs: Knobs) {
    this.#knobs = knobs;
  }

  observe(event: TraceEvent): Breach | undefined {
    this.#calm.observe(event);
    const body = told(event);
    switch (body.type) {
      case 'choice':
        this.#delayed = true;
        return undefined;
      case 'lease.expire-local':
        this.#lapsed = true;
        return undefined;
      case 'op.invoke':
        this.#open.set(body.op, { asked: body, at: event.at });
        this.#beginnings.set(event.index, body.op);
        return undefined;
      case 'client.invoke': {
        const op = this.#beginnings.get(event.cause);
        if (op !== undefined) this.#requests.set(body.request, op);
        return undefined;
      }
      case 'invoke.end':
        // An actor that has come to an end has given its turn to somebody, who may have ceased to listen; what it refused is done anew then.
        if (body.outcome === 'ok' || REFUSALS.get(body.outcome)?.kind === 'final')
          this.#serve(body.actor, this.#requests.get(body.request), event.at);
        return undefined;
      case 'op.ok': {
        const { writes } = this.#open.get(body.op)?.asked ?? { writes: [] };
        this.#open.delete(body.op);
        this.#servedAny = event.at;
        for (const thing of [...writes, ...(body.shows === undefined ? [] : [body.shows.target])]) this.#serve(thing, body.op, event.at);
        return undefined;
      }
      case 'op.fail':
      case 'op.info': {
        const open = this.#open.get(body.op);
        this.#open.delete(body.op);
        const breach = open === undefined ? undefined : this.#judge(event, open.asked, open.at, body.code);
        // What no fault has touched owes nothing to a fault budget, and need not wait for the end.
        if (this.#calm.isUntouched) return breach;
        this.#breach ??= breach;
        return undefined;
      }
      default:
        return undefined;
    }
  }

  finish(): Breach | undefined {
    return this.#breach;
  }

  #judge(event: TraceEvent, asked: Asked, askedAt: Micros, code: string): Breach | undefined {
    const { op, kind, client, refusals = [] } = asked;
    const refusal = REFUSALS.get(code);
    const calmSince = this.#calm.since(askedAt);
    if (refusal === undefined || calmSince === undefined || refusals.includes(code)) return undefined;
    const calm = event.at - calmSince;
    const who = `${kind} ${op} of ${client}`;
    const seen = `it is refused as ${code}, which is right where ${refusal.cause}`;
    if (refusal.kind === 'final') {
      if (calmSince > askedAt) return undefined;
      return breachAt(event, `${who}, which was asked for while nothing went wrong, succeeds`, seen);
    }
    if (this.#calm.isUntouched && this.#delayed) return undefined;
    const bound = this.#boundMicros(code);
    if (calm < bound || this.#servesSince(calmSince, asked)) return undefined;
    return breachAt(event, `${who} succeeds within ${bound} us in which nothing goes wrong`, `${seen}; ${calm} us have passed`);
  }

  #serve(thing: string, op: string | undefined, at: Micros): void {
    const last = this.#turns.get(thing);
    this.#turns.set(thing, { op, at, anothersAt: last?.op === op ? last?.anothersAt : last?.at });
  }

  #boundMicros(code: string): Micros {
    const isUntouched = this.#calm.isUntouched && !this.#lapsed;
    const bound = isUntouched ? untouchedMicros(this.#knobs) : settlingMicros(this.#knobs);
    return code === 'overloaded' ? Math.max(bound, roomMicros(this.#knobs)) : bound;
  }

  /** Whether others had their turn meanwhile, on what it would write to; a reading does not say what it is of before it succeeds. */
  #servesSince(since: Micros, { op, writes }: Asked): boolean {
    const anothers = (turn: Turn | undefined): Micros | undefined => (turn?.op === op ? turn.anothersAt : turn?.at);
    const times = writes.length === 0 ? [this.#servedAny] : writes.map((thing) => anothers(this.#turns.get(thing)));
    return times.some((at) => at !== undefined && at >= since);
  }
}

export const workSucceeds: Invariant = {
  id: 'work-succeeds',
  promise: 'What is asked for while nothing goes wrong is done: it is not refused without a cause, and it does not wait for ever.',
  kind: 'eventually',
  hears: [...CALM_TYPES, 'choice', 'lease.expire-local', 'op.invoke', 'client.invoke', 'invoke.end', 'op.ok', 'op.fail', 'op.info'],
  start: (knobs = {}) => new WorkSucceedsFold(knobs),
};
