/**
 * What the store may hold of each actor, by the commits that were told: usually one content, more while it is not known whether a
 * commit took effect (its process died, its answer was lost).
 */
import type { TraceEvent } from '../../src/trace.js';
import { type Told, told } from '../invariant.js';
import { entryOf } from './keyed.js';

/** Checksums as the story tells them; null is nothing stored. */
export interface Content {
  readonly state: number | null;
  readonly keys: ReadonlyMap<string, number | null>;
}

/** What an invocation has written and not yet committed. */
export interface Buffer {
  readonly cleared: boolean;
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
const emptyBuffer = (cleared = false): Buffer => ({ cleared, writes: new Map() });

export const CONTENT_TYPES = [
  'invoke.start',
  'rollback',
  'kv.clear',
  'kv.write',
  'commit.start',
  'commit.done',
  'commit.resolved',
  'commit.conflict',
  'commit.fenced',
  'activate.load',
  'kv.read',
] as const satisfies readonly Told['type'][];

/** The content after a buffer, and a new state, were written to it. */
export function overlaid(keys: Content['keys'], { cleared, writes }: Buffer): Map<string, number | null> {
  const after = new Map(cleared ? [] : keys);
  for (const [key, value] of writes) {
    if (value === null) after.delete(key);
    else after.set(key, value);
  }
  return after;
}

const applied = (content: Content, { state, buffer }: Attempt): Content => ({
  state: state === 'unchanged' ? content.state : state,
  keys: overlaid(content.keys, buffer),
});

/** What a read of the store has brought to light. */
export interface Reading {
  readonly what: string;
  readonly seen: number | null;
  valueOf(content: Content): number | null;
}

export class StoreContents {
  readonly #actors = new Map<string, ActorRecord>();

  /** Takes an event in. Answers with what it shows of the store, when it is a read that counts. */
  observe(event: TraceEvent): (Reading & { readonly actor: string }) | undefined {
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
        this.#actor(body.actor).buffers.set(body.token, emptyBuffer(true));
        return undefined;
      case 'kv.write':
        entryOf(this.#actor(body.actor).buffers, body.token, emptyBuffer).writes.set(body.key, body.value);
        return undefined;
      case 'commit.start': {
        const actor = this.#actor(body.actor);
        if (body.token < actor.token) return undefined;
        settle(actor);
        const state = body.state !== null || body.stateDeleted ? body.state : 'unchanged';
        const buffer = actor.buffers.get(body.token) ?? emptyBuffer();
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
        settle(actor);
        return { actor: body.actor, what: `state of ${body.actor}`, seen: body.state, valueOf: ({ state }) => state };
      }
      case 'kv.read': {
        const { actor, key, value } = body;
        if (!this.current(actor, body.token)) return undefined;
        settle(this.#actor(actor));
        return { actor, what: `key ${key} of ${actor}`, seen: value, valueOf: ({ keys }) => keys.get(key) ?? null };
      }
      default:
        return undefined;
    }
  }

  /** Whether what is done under this token is done by the newest activation. */
  current(actor: string, token: number): boolean {
    return this.#actor(actor).token === token;
  }

  /** What the store may hold; undefined when there are too many possibilities. */
  contents(actor: string): readonly Content[] | undefined {
    return this.#actor(actor).contents;
  }

  /** The same at a later step of the actor: what was under way may have taken effect by then. */
  settled(actor: string): readonly Content[] | undefined {
    settle(this.#actor(actor));
    return this.contents(actor);
  }

  /** What the running invocation has written. */
  buffer(actor: string, token: number): Buffer {
    return this.#actor(actor).buffers.get(token) ?? emptyBuffer();
  }

  /** Keeps the contents that fit. None: nothing is changed, and the answer is false. */
  narrow(actor: string, fits: (content: Content) => boolean): boolean {
    const record = this.#actor(actor);
    const fitting = record.contents?.filter(fits);
    if (fitting?.length === 0) return false;
    record.contents = fitting;
    return true;
  }

  /** Some actor has been given up. */
  get incomplete(): boolean {
    return [...this.#actors.values()].some(({ contents }) => contents === undefined);
  }

  #actor(name: string): ActorRecord {
    return entryOf(this.#actors, name, () => ({ contents: [EMPTY], attempts: [], buffers: new Map(), token: 0 }));
  }

  #decided(name: string, commit: string, tookEffect: boolean): undefined {
    const actor = this.#actor(name);
    const attempt = actor.attempts.find((one) => one.commit === commit);
    if (attempt === undefined) return;
    actor.attempts = actor.attempts.filter((one) => one !== attempt);
    if (tookEffect) actor.contents = actor.contents?.map((content) => applied(content, attempt));
  }
}

/** A later step of the actor begins, so what was under way has taken effect by now or never will: both are possible. */
function settle(actor: ActorRecord): void {
  for (const attempt of actor.attempts) {
    actor.contents = actor.contents?.flatMap((content) => [content, applied(content, attempt)]);
    if ((actor.contents?.length ?? 0) > CONTENTS_MAX) actor.contents = undefined;
  }
  actor.attempts = [];
}
