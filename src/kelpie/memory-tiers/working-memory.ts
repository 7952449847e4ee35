/**
 * Working memory: a map whose entries may expire. Each entry is a key of its own; a counter keeps how many bytes they have in all.
 * An expired entry is gone for every reader at once, and its room is taken back when it is read or when room is short.
 */
import type { Micros } from '../../ports.js';
import type { ActorKv } from '../actor.js';
import { KelpieError } from '../errors.js';
import { checkTextBytes, type Json, toJsonText, utf8 } from '../json.js';
import { WORKING_BYTES_MAX, WORKING_KEY_BYTES_MAX } from '../limits.js';
import type { MemoryLane, MemoryParts } from './memory-parts.js';

const PREFIX = 'memory/working/';
/** The first key behind all entries. */
const END = 'memory/working0';
const USED = 'memory/working-bytes';
/** Entries read at once when room is taken back. */
const SWEEP_PAGE = 500;

type Entry = { readonly value: Json; readonly bytes: number; readonly expiresMicros: Micros | null };

export interface WorkingOptions {
  /** Life from now on; for ever when absent. */
  readonly ttlMicros?: Micros;
}

export class WorkingMemory {
  readonly #kv: ActorKv;
  readonly #lane: MemoryLane;
  readonly #parts: MemoryParts;
  readonly #now: () => Micros;

  /** @param now the wall clock: entries outlive processes. */
  constructor(kv: ActorKv, lane: MemoryLane, parts: MemoryParts, now: () => Micros) {
    this.#kv = kv;
    this.#lane = lane;
    this.#parts = parts;
    this.#now = now;
  }

  /** Undefined for an entry that is missing or expired. */
  get(key: string): Promise<Json | undefined> {
    return this.#lane.run(async () => (await this.#live(key))?.value);
  }

  /** Errors: `too-large` when all live entries would have more than 1 MB, `invalid-argument`. */
  set(key: string, value: Json, options: WorkingOptions = {}): Promise<void> {
    return this.#lane.run(() => this.#put(key, value, this.#expiry(options)));
  }

  /** Adds to a number and returns the sum; a missing or expired entry counts from 0. Keeps an earlier expiry unless a new one is given. */
  increment(key: string, by: number, options: WorkingOptions = {}): Promise<number> {
    return this.#lane.run(async () => {
      const entry = await this.#live(key);
      const before = entry?.value ?? 0;
      if (typeof before !== 'number' || !Number.isFinite(by)) {
        throw new KelpieError('invalid-argument', `working memory '${key}' can only be counted up by a number when it holds one`);
      }
      const sum = before + by;
      await this.#put(key, sum, options.ttlMicros === undefined ? (entry?.expiresMicros ?? null) : this.#expiry(options));
      return sum;
    });
  }

  /** Whether there was one that had not expired. */
  delete(key: string): Promise<boolean> {
    return this.#lane.run(async () => {
      const entry = await this.#live(key);
      if (entry === undefined) return false;
      await this.#drop(key, entry);
      return true;
    });
  }

  /** The keys of all live entries, in order. */
  keys(): Promise<readonly string[]> {
    return this.#lane.run(async () => {
      const live: string[] = [];
      for await (const [key, entry] of this.#entries()) if (!this.#isExpired(entry)) live.push(key);
      return live;
    });
  }

  /** Bytes of all entries that count, expired ones included until their room is taken back. */
  usedBytes(): Promise<number> {
    return this.#lane.run(() => this.#used());
  }

  async #put(key: string, value: Json, expiresMicros: Micros | null): Promise<void> {
    if (key.length === 0) throw new KelpieError('invalid-argument', 'an entry of working memory must have a key');
    checkTextBytes(key, WORKING_KEY_BYTES_MAX, 'the key of an entry of working memory');
    const bytes = utf8(key).length + utf8(toJsonText(value, `working memory '${key}'`)).length;
    if (bytes > WORKING_BYTES_MAX) throw full(key, bytes);
    const old = await this.#stored(key);
    let others = (await this.#used()) - (old?.bytes ?? 0);
    if (others + bytes > WORKING_BYTES_MAX) others -= await this.#parts.reclaim(() => this.#dropExpired(key));
    if (others + bytes > WORKING_BYTES_MAX) throw full(key, others + bytes);
    await this.#kv.set(PREFIX + key, { value, bytes, expiresMicros } satisfies Entry);
    await this.#kv.set(USED, others + bytes);
  }

  /** Drops every expired entry but this one; returns the bytes they had. */
  async #dropExpired(except: string): Promise<number> {
    const expired: [string, Entry][] = [];
    for await (const [key, entry] of this.#entries()) if (key !== except && this.#isExpired(entry)) expired.push([key, entry]);
    let bytes = 0;
    for (const [key, entry] of expired) {
      await this.#kv.delete(PREFIX + key);
      bytes += entry.bytes;
    }
    await this.#kv.set(USED, (await this.#used()) - bytes);
    return bytes;
  }

  async #live(key: string): Promise<Entry | undefined> {
    const entry = await this.#stored(key);
    if (entry === undefined || !this.#isExpired(entry)) return entry;
    await this.#drop(key, entry);
    return undefined;
  }

  async #drop(key: string, entry: Entry): Promise<void> {
    await this.#kv.delete(PREFIX + key);
    await this.#kv.set(USED, (await this.#used()) - entry.bytes);
  }

  async *#entries(): AsyncGenerator<[string, Entry]> {
    let begin = PREFIX;
    for (;;) {
      const page = await this.#kv.range(begin, END, { limit: SWEEP_PAGE });
      for (const { key, value } of page) yield [key.slice(PREFIX.length), value as Entry];
      const last = page.at(-1);
      if (page.length < SWEEP_PAGE || last === undefined) return;
      begin = `${last.key}\0`;
    }
  }

  async #stored(key: string): Promise<Entry | undefined> {
    return (await this.#kv.get(PREFIX + key)) as Entry | undefined;
  }

  async #used(): Promise<number> {
    return ((await this.#kv.get(USED)) ?? 0) as number;
  }

  #isExpired(entry: Entry): boolean {
    return this.#parts.expired(entry.expiresMicros, this.#now());
  }

  #expiry({ ttlMicros }: WorkingOptions): Micros | null {
    if (ttlMicros === undefined) return null;
    if (!Number.isSafeInteger(ttlMicros) || ttlMicros <= 0) {
      throw new KelpieError('invalid-argument', `a time to live must be a whole number of microseconds above 0, is ${ttlMicros}`);
    }
    return this.#now() + ttlMicros;
  }
}

const full = (key: string, bytes: number): KelpieError =>
  new KelpieError('too-large', `working memory would have ${bytes} bytes with '${key}', at most ${WORKING_BYTES_MAX} are allowed`);
