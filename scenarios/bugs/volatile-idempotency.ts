/** Idempotency keys are kept in the memory of the activation: a repetition that comes after it takes effect again. */
import type { IdempotencyLog, KeyRecord } from '../../src/kelpie/agents/idempotency.js';
import type { ActorKv } from '../../src/kelpie/actor.js';
import { kelpieBug } from './bug.js';

class VolatileIdempotencyLog implements IdempotencyLog {
  readonly #records = new Map<string, KeyRecord>();

  find(_: ActorKv, key: string): Promise<KeyRecord | undefined> {
    return Promise.resolve(this.#records.get(key));
  }

  store(_: ActorKv, key: string, record: KeyRecord): Promise<void> {
    this.#records.set(key, record);
    return Promise.resolve();
  }

  clearOthers(kv: ActorKv): Promise<void> {
    return kv.clear();
  }
}

export const volatileIdempotency = kelpieBug({
  id: 'volatile-idempotency',
  summary: 'answers of idempotency keys are kept in memory only',
  spec: { module: 'KelpieAgentService', config: 'VolatileIdempotency' },
  parts: () => ({ idempotency: () => new VolatileIdempotencyLog() }),
});
