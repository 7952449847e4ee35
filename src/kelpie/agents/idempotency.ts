/**
 * Idempotency keys of one agent. A key is stored in the transaction of its effect, in the agent's own space, and outlives the agent:
 * a late repetition of a create must not bring a deleted agent back.
 *
 * Keys are kept for an hour at least, counted on the monotonic clock while the agent is active, because a wall clock that jumps would
 * forget them early. They are filed under an epoch; those of an epoch go when the one after it has lasted the hour.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import type { Clock, Micros } from '../../ports.js';
import type { ActorKv } from '../actor.js';
import { KelpieError } from '../errors.js';
import { type Json, utf8 } from '../json.js';

/** What a key was used for, and what was answered. */
export type KeyRecord = { readonly operation: string; readonly digest: string; readonly answer: Json };

/** Made anew for each activation. */
export interface IdempotencyLog {
  find(kv: ActorKv, key: string): Promise<KeyRecord | undefined>;
  /** Errors: `overloaded` when too many keys are kept. */
  store(kv: ActorKv, key: string, record: KeyRecord): Promise<void>;
  /** Deletes everything of the agent but what keeps its keys. */
  clearOthers(kv: ActorKv): Promise<void>;
}

/** Keys of one epoch; two epochs are kept. */
const KEYS_PER_EPOCH_MAX = 1_000;
/** Keys of past epochs that one use drops. */
const DROPPED_AT_ONCE = 50;

const PREFIX = 'idempotency/';
const END = 'idempotency0';
const CLOCK = 'idempotency/clock';
const KEYS = 'idempotency/keys/';

type EpochClock = { readonly epoch: number; readonly micros: Micros; readonly keys: number };

/** The digest of a request: the same for the same body, whatever the order of its fields. */
export function digestOf(body: Json): string {
  const bytes = sha256(utf8(canonical(body)));
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

function canonical(value: Json): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(canonical).join(',')}]`;
  const fields = value as { readonly [field: string]: Json | undefined };
  const parts: string[] = [];
  for (const field of Object.keys(fields).sort()) {
    const one = fields[field];
    if (one !== undefined) parts.push(`${JSON.stringify(field)}:${canonical(one)}`);
  }
  return `{${parts.join(',')}}`;
}

export class EpochIdempotencyLog implements IdempotencyLog {
  readonly #clock: Clock;
  readonly #keptMicros: Micros;
  /** Up to here the time of this activation has been counted. What a failed commit counted is lost, and keys are kept longer. */
  #countedMicros: Micros;

  constructor(clock: Clock, keptMicros: Micros) {
    this.#clock = clock;
    this.#keptMicros = keptMicros;
    this.#countedMicros = clock.monotonicMicros();
  }

  async find(kv: ActorKv, key: string): Promise<KeyRecord | undefined> {
    const { epoch } = await read(kv);
    const found = await kv.get(keyOf(epoch, key));
    if (found !== undefined || epoch === 0) return found as KeyRecord | undefined;
    return (await kv.get(keyOf(epoch - 1, key))) as KeyRecord | undefined;
  }

  async store(kv: ActorKv, key: string, record: KeyRecord): Promise<void> {
    const before = await read(kv);
    const now = this.#clock.monotonicMicros();
    const micros = before.micros + (now - this.#countedMicros);
    this.#countedMicros = now;
    const { epoch, keys } = micros < this.#keptMicros ? before : { epoch: before.epoch + 1, keys: 0 };
    if (keys >= KEYS_PER_EPOCH_MAX) {
      throw new KelpieError('overloaded', `the agent keeps ${keys} idempotency keys of the last hour, as many as it may`);
    }
    const past = await kv.range(KEYS, keyOf(Math.max(0, epoch - 1), ''), { limit: DROPPED_AT_ONCE });
    for (const { key: old } of past) await kv.delete(old);
    await kv.set(keyOf(epoch, key), record);
    await kv.set(CLOCK, { epoch, micros: epoch === before.epoch ? micros : 0, keys: keys + 1 } satisfies EpochClock);
  }

  async clearOthers(kv: ActorKv): Promise<void> {
    const kept = await kv.range(PREFIX, END);
    await kv.clear();
    for (const { key, value } of kept) await kv.set(key, value);
  }
}

async function read(kv: ActorKv): Promise<EpochClock> {
  return ((await kv.get(CLOCK)) ?? { epoch: 0, micros: 0, keys: 0 }) as EpochClock;
}

const keyOf = (epoch: number, key: string): string => `${KEYS}${String(epoch).padStart(12, '0')}/${key}`;
