/**
 * What an invocation wrote is in the store whole or not at all. The fold keeps, for each actor, what the store may hold by the
 * commits that were told: usually one content, more while it is not known whether a commit took effect (its process died, its answer
 * was lost). Every read from the store must fit one of them; a value that fits none was written by half a commit, or by no commit.
 */
import type { TraceEvent } from '../src/trace.js';
import { type Breach, breachAt, type Fold, type Invariant, told } from './invariant.js';

/** Checksums as the story tells them; null is nothing stored. */
interface Content {
  readonly state: number | null;
  readonly keys: ReadonlyMap<string, number | null>;
}

interface Buffer {
  cleared: boolean;
  readonly writes: Map<string, number | null>;
}

interface Attempt {
  readonly commit: string;
  readonly request: string | null;
  readonly token: number;
  /** Null when it is deleted. */
  readonly state: number | null | 'unchanged';
  readonly buffer: Buffer;
}

interface ActorRecord {
  /** What the store may hold. More than the bound: not judged any more. */
  contents: readonly Content[] | undefined;
  /** Commits under way, oldest first. */
  attempts: Attempt[];
  /** Writes not yet part of a commit, by token. */
  readonly buffers: Map<number, Buffer>;
  /** The newest activation. Reads and writes of older ones are fenced off and say nothing. */
  token: number;
}

/** Beyond this many possible contents an actor is given up: the run says "unknown". */
const CONTENTS_MAX = 64;

const EMPTY: Content = { state: null, keys: new Map() };

function applied(content: Content, { state, buffer }: Attempt): Content {
  const keys = new Map(buffer.cleared ? [] : content.keys);
  for (const [key, value] of buffer.writes) {
    if (value === null) keys.delete(key);
    else keys.set(key, value);
  }
  return { state: state === 'unchanged' ? content.state : state, keys };
}

class TransactionAtomicityFold implements Fold {
  readonly #actors = new Map<string, ActorRecord>();

  observe(event: TraceEvent): Breach | undefined {
    const body = told(event);
    switch (body.type) {
      case 'invoke.start':
        this.#actor(body.actor).buffers.delete(body.token);
        return undefined;
      case 'rollback': {
        const actor = this.#actor(body.actor);
        actor.buffers.delete(body.token);
        // The store had the outcome of the request already, so the commit was given up before it was sent.
        if (body.reason === 'duplicate') {
          actor.attempts = actor.attempts.filter(({ token, request }) => token !== body.token || request !== body.request);
        }
        return undefined;
      }
      case 'kv.clear':
        this.#actor(body.actor).buffers.set(body.token, { cleared: true, writes: new Map() });
        return undefined;
      case 'kv.write': {
        const { buffers } = this.#actor(body.actor);
        const buffer = buffers.get(body.token) ?? { cleared: false, writes: new Map<string, number | null>() };
        buffers.set(body.token, buffer);
        buffer.writes.set(body.key, body.value);
        return undefined;
      }
      case 'commit.start': {
        const actor = this.#actor(body.actor);
        if (body.token < actor.token) return undefined;
        this.#settle(actor);
        const buffer = actor.buffers.get(body.token) ?? { cleared: false, writes: new Map<string, number | null>() };
        const state = body.state !== null || body.stateDeleted ? body.state : 'unchanged';
        actor.attempts.push({ commit: body.commit, request: body.request, token: body.token, state, buffer });
        actor.buffers.delete(body.token);
        return undefined;
      }
      case 'commit.done':
        return this.#decided(body.actor, body.commit, true);
      case 'commit.resolved':
        return this.#decided(body.actor, body.commit, body.applied);
      case 'commit.conflict':
      case 'commit.fenced':
        return this.#decided(body.actor, body.commit, false);
      case 'activate.load': {
        const actor = this.#actor(body.actor);
        if (body.token < actor.token) return undefined;
        actor.token = body.token;
        this.#settle(actor);
        return this.#fits(event, actor, `state of ${body.actor}`, body.state, ({ state }) => state);
      }
      case 'kv.read': {
        const actor = this.#actor(body.actor);
        if (body.token !== actor.token) return undefined;
        this.#settle(actor);
        return this.#fits(event, actor, `key ${body.key} of ${body.actor}`, body.value, ({ keys }) => keys.get(body.key) ?? null);
      }
      default:
        return undefined;
    }
  }

  finish(): 'unknown' | undefined {
    return [...this.#actors.values()].some(({ contents }) => contents === undefined) ? 'unknown' : undefined;
  }

  #actor(name: string): ActorRecord {
    let actor = this.#actors.get(name);
    if (actor === undefined) {
      actor = { contents: [EMPTY], attempts: [], buffers: new Map(), token: 0 };
      this.#actors.set(name, actor);
    }
    return actor;
  }

  #decided(name: string, commit: string, tookEffect: boolean): undefined {
    const actor = this.#actor(name);
    const attempt = actor.attempts.find((one) => one.commit === commit);
    if (attempt === undefined) return;
    actor.attempts = actor.attempts.filter((one) => one !== attempt);
    if (tookEffect) actor.contents = actor.contents?.map((content) => applied(content, attempt));
  }

  /** A later step of the actor begins, so what was under way has taken effect by now or never will: both are possible. */
  #settle(actor: ActorRecord): void {
    for (const attempt of actor.attempts) {
      actor.contents = actor.contents?.flatMap((content) => [content, applied(content, attempt)]);
      if ((actor.contents?.length ?? 0) > CONTENTS_MAX) actor.contents = undefined;
    }
    actor.attempts = [];
  }

  /** Keeps the contents that what was read fits; none is a breach. */
  #fits(
    event: TraceEvent,
    actor: ActorRecord,
    what: string,
    seen: number | null,
    valueOf: (content: Content) => number | null,
  ): Breach | undefined {
    if (actor.contents === undefined) return undefined;
    const fitting = actor.contents.filter((content) => valueOf(content) === seen);
    if (fitting.length > 0) {
      actor.contents = fitting;
      return undefined;
    }
    const shown = (value: number | null): string => (value === null ? 'nothing stored' : `checksum ${value}`);
    const expected = [...new Set(actor.contents.map((content) => shown(valueOf(content))))].join(' or ');
    return breachAt(event, `${what}, as whole commits left it: ${expected}`, shown(seen));
  }
}

export const transactionAtomicity: Invariant = {
  id: 'transaction-atomicity',
  promise: 'State and keys of an actor change together: what an invocation wrote is in the store whole, or none of it is.',
  kind: 'always',
  spec: 'KelpieActorState!TransactionAtomicity',
  start: () => new TransactionAtomicityFold(),
};
