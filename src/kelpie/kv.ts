/**
 * The key-value space that one invocation sees: its own writes over what the store holds. All reads go through one transaction of
 * the database, the one that commits the writes, so that what was read is in the conflict set of what is written.
 */
import { type Bytes, type Database, DatabaseError, databaseErrorCode, type Transaction, type TransactionOptions } from '../ports.js';
import type { ActorKv, KvEntry, ListOptions } from './actor.js';
import { chooses } from './choices.js';
import { KelpieError } from './errors.js';
import { checkTextBytes, type Json, toJsonText, utf8 } from './json.js';
import { nextKey, span } from './keys.js';
import { KV_KEY_BYTES_MAX, KV_VALUE_BYTES_MAX, TRANSACTION_KEYS_MAX } from './limits.js';
import type { HeldClaim } from './registry.js';
import type { Runtime } from './runtime.js';
import { chunkKey, parseStored, type ReadValue, readSealed, type Sealed, seal, storedChecksum, unseal } from './sealed.js';

/** What an invocation wrote: null is a delete. `cleared`: everything that was there before is deleted first. */
export interface WriteSet {
  readonly cleared: boolean;
  readonly entries: ReadonlyMap<string, Sealed | null>;
  /** Keys and values together. */
  readonly bytes: number;
}

export const NO_WRITES: WriteSet = { cleared: false, entries: new Map(), bytes: 0 };

/** The transaction of one invocation. Begun by its first read, so that an invocation that reads nothing has a fresh one to commit in. */
export class StoreView {
  readonly #database: Database;
  readonly #options: TransactionOptions;
  readonly #readValue: ReadValue;
  #transaction: Transaction | undefined;
  /** The first failed read. After it the invocation cannot commit, whatever its code makes of the error. */
  failure: unknown;
  /** Keys read from the store. */
  reads = 0;

  constructor(runtime: Runtime) {
    this.#database = runtime.platform.database;
    this.#options = { timeoutMicros: runtime.config.storeMicros };
    this.#readValue = runtime.parts.readValue;
  }

  get transaction(): Transaction {
    this.#transaction ??= this.#database.transaction(this.#options);
    return this.#transaction;
  }

  /** Whether anything was read, so that the transaction has a read version. */
  get begun(): boolean {
    return this.#transaction !== undefined;
  }

  /** Runs a read. Errors: `transaction-conflict` or `store-unavailable` for a failure of the database. */
  async read<T>(read: (transaction: Transaction, readValue: ReadValue) => Promise<T>): Promise<T> {
    try {
      return await read(this.transaction, this.#readValue);
    } catch (error) {
      this.failure ??= error;
      throw readError(error);
    }
  }
}

function readError(error: unknown): unknown {
  if (!(error instanceof DatabaseError)) return error;
  const tooOld = error.code === databaseErrorCode.transactionTooOld;
  return new KelpieError(tooOld ? 'transaction-conflict' : 'store-unavailable', `read failed: ${error.message}`, { cause: error });
}

/** What the runtime needs of an invocation's key-value space beside what the actor sees. */
export interface InvocationKv extends ActorKv {
  /** Everything written so far. */
  writes(): WriteSet;
}

/** Makes the key-value space of one invocation. `ended` throws once the invocation may do no more. */
export type MakeKv = (runtime: Runtime, held: HeldClaim, view: StoreView, ended: () => void) => InvocationKv;

export const makeBufferedKv: MakeKv = (runtime, held, view, ended) => new BufferedKv(runtime, held, view, ended);

/** Order of the UTF-8 bytes of two texts, which differs from that of their UTF-16 units where surrogates meet. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) {
      const xHigh = x >= 0xd800 && x < 0xe000;
      const yHigh = y >= 0xd800 && y < 0xe000;
      // A surrogate stands for a code point above all of the plane that other units are in.
      return xHigh === yHigh ? x - y : xHigh ? 1 : -1;
    }
  }
  return a.length - b.length;
}

const LONE_SURROGATE = /\p{Surrogate}/u;

function checkText(key: unknown, what: string): asserts key is string {
  if (typeof key !== 'string') throw new KelpieError('invalid-argument', `${what} must be a string, is ${typeof key}`);
  if (LONE_SURROGATE.test(key)) throw new KelpieError('invalid-argument', `${what} must be well-formed text, has half a character`);
}

function checkKey(key: unknown): asserts key is string {
  checkText(key, 'a key');
  if (key.length === 0) throw new KelpieError('invalid-argument', 'a key must have at least one character');
  checkTextBytes(key, KV_KEY_BYTES_MAX, 'a key');
}

/** One key of a merged list; the value only where it was asked for. */
interface Found {
  readonly key: string;
  readonly value: Json | undefined;
}

/** Keys of one page of the store while a list is merged. */
const PAGE_MAX = 1_000;

class BufferedKv implements InvocationKv {
  readonly #runtime: Runtime;
  readonly #held: HeldClaim;
  readonly #view: StoreView;
  /** Throws once the invocation is over: what a read brings after that is nobody's any more, and is not told. */
  readonly #ended: () => void;
  readonly #entries = new Map<string, Sealed | null>();
  readonly #texts = new Map<string, string>();
  #cleared = false;
  #bytes = 0;

  constructor(runtime: Runtime, held: HeldClaim, view: StoreView, ended: () => void) {
    this.#runtime = runtime;
    this.#held = held;
    this.#view = view;
    this.#ended = ended;
  }

  async get(key: string): Promise<Json | undefined> {
    this.#ended();
    checkKey(key);
    return this.#value(key);
  }

  async has(key: string): Promise<boolean> {
    this.#ended();
    checkKey(key);
    return (await this.#value(key)) !== undefined;
  }

  async set(key: string, value: Json): Promise<void> {
    this.#ended();
    checkKey(key);
    const text = toJsonText(value, `the value of key ${key.slice(0, 80)}`);
    checkTextBytes(text, KV_VALUE_BYTES_MAX, `the value of key ${key.slice(0, 80)}`);
    this.#write(key, seal(utf8(text)), text);
  }

  async delete(key: string): Promise<void> {
    this.#ended();
    checkKey(key);
    this.#write(key, null, undefined);
  }

  async clear(): Promise<void> {
    this.#ended();
    this.#entries.clear();
    this.#texts.clear();
    this.#cleared = true;
    this.#bytes = 0;
    this.#runtime.teller.tell({ type: 'kv.clear', actor: this.#held.actor.key, token: this.#held.token });
  }

  async list(prefix: string, options: ListOptions = {}): Promise<readonly string[]> {
    checkText(prefix, 'a prefix');
    checkTextBytes(prefix, KV_KEY_BYTES_MAX, 'a prefix');
    const found = await this.#merge(prefix, undefined, options, false);
    return found.map(({ key }) => key);
  }

  async range(begin: string, end: string, options: ListOptions = {}): Promise<readonly KvEntry[]> {
    checkText(begin, 'the begin of a range');
    checkText(end, 'the end of a range');
    checkTextBytes(begin, KV_KEY_BYTES_MAX, 'the begin of a range');
    checkTextBytes(end, KV_KEY_BYTES_MAX, 'the end of a range');
    if (compareUtf8(begin, end) > 0) throw new KelpieError('invalid-argument', 'the begin of a range must not come after its end');
    const found = await this.#merge(begin, end, options, true);
    return found.map(({ key, value = null }) => ({ key, value }));
  }

  writes(): WriteSet {
    return { cleared: this.#cleared, entries: this.#entries, bytes: this.#bytes };
  }

  #write(key: string, sealed: Sealed | null, text: string | undefined): void {
    const old = this.#entries.get(key);
    if (old === undefined && this.#entries.size >= TRANSACTION_KEYS_MAX) {
      throw new KelpieError('too-large', `one invocation may write at most ${TRANSACTION_KEYS_MAX} keys`);
    }
    this.#bytes += (sealed?.bytes ?? 0) - (old?.bytes ?? 0) + (old === undefined ? key.length * 3 : 0);
    this.#entries.set(key, sealed);
    if (text === undefined) this.#texts.delete(key);
    else this.#texts.set(key, text);
    const { actor, token } = this.#held;
    this.#runtime.teller.tell({ type: 'kv.write', actor: actor.key, token, key, value: sealed?.checksum ?? null });
  }

  /** A value from the buffer or else from the store. */
  async #value(key: string): Promise<Json | undefined> {
    if (this.#entries.has(key) || this.#cleared) return this.#bufferedValue(key);
    const { keys, actor, token } = this.#held;
    const name = kvName(this.#held, key);
    this.#view.reads += 1;
    const found = await this.#view.read((transaction, read) =>
      readSealed(transaction, read, keys.kvKey(key), () => keys.kvChunksOf(key), name),
    );
    // A read that outlived its invocation brings what nobody sees any more, and has no place in the story.
    this.#ended();
    this.#ended();
    this.#runtime.teller.tell({ type: 'kv.read', actor: actor.key, token, key, value: found?.checksum ?? null });
    return found === undefined ? undefined : (parseStored(found.value, name) as Json);
  }

  #bufferedValue(key: string): Json | undefined {
    const text = this.#texts.get(key);
    return text === undefined ? undefined : (JSON.parse(text) as Json);
  }

  /** Everything from `begin` up to `end` (or with the prefix `begin`, when there is no end): the buffer over the store. */
  async #merge(begin: string, end: string | undefined, options: ListOptions, values: boolean): Promise<Found[]> {
    this.#ended();
    const { limit, reverse = false } = options;
    if (limit !== undefined && (!Number.isSafeInteger(limit) || limit < 1 || limit > TRANSACTION_KEYS_MAX)) {
      throw new KelpieError('invalid-argument', `the limit of a list must be an integer from 1 to ${TRANSACTION_KEYS_MAX}, is ${limit}`);
    }
    // Without a limit, one more than allowed is wanted, to tell that there are too many.
    const wanted = limit ?? TRANSACTION_KEYS_MAX + 1;
    const within = (key: string): boolean =>
      end === undefined ? key.startsWith(begin) : compareUtf8(begin, key) <= 0 && compareUtf8(key, end) < 0;
    const direction = reverse ? -1 : 1;
    const buffered = [...this.#entries.keys()].filter(within).sort((a, b) => direction * compareUtf8(a, b));
    const found: Found[] = [];
    let at = 0;
    const takeBuffered = (before: string | undefined): void => {
      for (; at < buffered.length && found.length < wanted; at++) {
        const key = buffered[at];
        if (key === undefined || (before !== undefined && direction * compareUtf8(key, before) >= 0)) return;
        if (this.#entries.get(key) !== null) found.push({ key, value: values ? this.#bufferedValue(key) : undefined });
      }
    };
    if (!this.#cleared) {
      for await (const { key, stored } of this.#stored(begin, end, wanted, reverse)) {
        takeBuffered(key);
        if (found.length >= wanted) break;
        // A buffered write of the same key stands for it, and comes next.
        if (!this.#entries.has(key)) found.push({ key, value: values ? await this.#unsealed(key, stored) : undefined });
        if (found.length >= wanted) break;
      }
    }
    takeBuffered(undefined);
    this.#ended();
    if (limit === undefined && found.length > TRANSACTION_KEYS_MAX) {
      throw new KelpieError(
        'too-large',
        `a list without limit has more than ${TRANSACTION_KEYS_MAX} keys: give a limit and read on from the last key`,
      );
    }
    this.#runtime.teller.tell({
      type: 'kv.list',
      actor: this.#held.actor.key,
      token: this.#held.token,
      begin,
      end: end ?? null,
      keys: found.map(({ key }) => key),
      limited: limit !== undefined && found.length >= limit,
    });
    return found;
  }

  /** The keys of the store in the range, page by page. */
  async *#stored(begin: string, end: string | undefined, wanted: number, reverse: boolean): AsyncGenerator<{ key: string; stored: Bytes }> {
    const { keys } = this.#held;
    let from = keys.kvKey(begin);
    let to = end === undefined ? span(from).end : keys.kvKey(end);
    for (;;) {
      const limit = chooses(this.#runtime.platform, 'kv/short-page') ? 1 : Math.min(PAGE_MAX, wanted);
      const page = await this.#view.read((transaction) => transaction.getRange(from, to, { limit, reverse, mode: 'want-all' }));
      this.#view.reads += page.items.length;
      for (const { key, value } of page.items) yield { key: keys.kvName(key), stored: value };
      const last = page.items[page.items.length - 1];
      if (last === undefined || (!page.more && page.items.length < limit)) return;
      if (reverse) to = last.key;
      else from = nextKey(last.key);
    }
  }

  async #unsealed(key: string, stored: Bytes): Promise<Json> {
    const { keys, actor, token } = this.#held;
    const name = kvName(this.#held, key);
    const value = await this.#view.read((transaction, read) =>
      unseal(stored, name, (index) => read(transaction, chunkKey(keys.kvChunksOf(key), index))),
    );
    this.#ended();
    this.#ended();
    this.#runtime.teller.tell({ type: 'kv.read', actor: actor.key, token, key, value: storedChecksum(stored, name) });
    return parseStored(value, name) as Json;
  }
}

const kvName = (held: HeldClaim, key: string): string => `key ${key.slice(0, 80)} of ${held.actor.key}`;
