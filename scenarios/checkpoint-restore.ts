/**
 * Checkpoints alone, against disks that lie. Servers write every put to a log in the database before they answer, and a checkpoint of all of
 * them to their disk now and then. Who starts again takes the newest checkpoint that is whole and the log after its number. Files rot, are
 * misdirected, half written or another server's; whatever a checkpoint says it accounts for must be in it.
 */
import { CheckpointStore } from '../src/kelpie/checkpoint.js';
import { KelpieError } from '../src/kelpie/errors.js';
import { fromUtf8, utf8 } from '../src/kelpie/json.js';
import { span } from '../src/kelpie/keys.js';
import { Lane } from '../src/kelpie/lane.js';
import type { KelpieParts } from '../src/kelpie/parts.js';
import { readRange } from '../src/kelpie/store.js';
import { DatabaseError, type Micros, type Platform, transact } from '../src/ports.js';
import { allBut } from './kelpie-scenario.js';
import { checkpointMarks } from './marks.js';
import type { Scenario } from './scenario.js';
import { type Storage, storageScenario } from './storage-service.js';

const SECOND: Micros = 1_000_000;
const DIGITS = 9;
/** More than any case has. */
const PUTS_MAX = 10_000;
/** What a checkpoint holds. Its server is named, for disks are put into other machines. */
type Kept = { readonly node: string; readonly marks: readonly string[] };

class CheckpointedStorage implements Storage {
  readonly #platform: Platform;
  readonly #checkpoints: CheckpointStore;
  readonly #every: number;
  readonly #lane = new Lane();
  #marks: string[] = [];

  constructor(platform: Platform, parts: KelpieParts, { keep = 1, every = 1 }: Readonly<Record<string, number>>) {
    this.#platform = platform;
    this.#every = every;
    this.#checkpoints = new CheckpointStore(platform.disk, platform.tracer, { keep }, parts.checkpoint);
  }

  async open(): Promise<void> {
    const { node, database } = this.#platform;
    const restored = await this.#checkpoints.restore().catch((error: unknown) => {
      // Without one all is in the log.
      if (error instanceof KelpieError && error.code === 'corrupted') return undefined;
      throw error;
    });
    const kept: Kept = restored === undefined ? { node, marks: [] } : (JSON.parse(restored.state) as Kept);
    const own = kept.node === node && restored !== undefined;
    this.#marks = own ? [...kept.marks] : [];
    const from = this.#key((own ? restored.sequence : 0) + 1);
    const { end } = span(this.#key());
    const later = await inDatabase(() => transact(database, (transaction) => readRange(transaction, from, end, PUTS_MAX)));
    this.#marks.push(...later.map(({ value }) => fromUtf8(value)));
  }

  put(op: string): Promise<void> {
    return this.#lane.run(async () => {
      while (!this.#marks.includes(op)) {
        const key = this.#key(this.#marks.length + 1);
        const written = await inDatabase(() =>
          transact(
            this.#platform.database,
            async (transaction) => {
              const found = await transaction.get(key);
              if (found === undefined) transaction.set(key, utf8(op));
              return found === undefined ? op : fromUtf8(found);
            },
            { timeoutMicros: 2 * SECOND },
          ),
        );
        // Something else may be there: what was given up a while ago, or by a life before this one, and was done all the same.
        this.#marks.push(written);
        if (this.#marks.length % this.#every === 0) void this.#save();
      }
    });
  }

  read(): Promise<readonly string[]> {
    return this.#lane.run(() => Promise.resolve([...this.#marks]));
  }

  async close(): Promise<void> {
    await this.#lane.run(() => Promise.resolve());
  }

  /** One that cannot be saved is no harm: the log has everything. */
  async #save(): Promise<void> {
    const kept: Kept = { node: this.#platform.node, marks: [...this.#marks] };
    await this.#checkpoints.save({ sequence: kept.marks.length, state: JSON.stringify(kept) }).catch(() => undefined);
  }

  /** Without a number the prefix of all. */
  #key(sequence?: number): Uint8Array {
    return utf8(`log/${this.#platform.node}/${sequence === undefined ? '' : String(sequence).padStart(DIGITS, '0')}`);
  }
}

/** Errors: `store-unavailable`, `commit-unknown` where it may have been done. */
async function inDatabase<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof DatabaseError) throw new KelpieError('commit-unknown', error.message, { cause: error });
    throw error;
  }
}

export const checkpointRestore: Scenario<KelpieParts> = storageScenario({
  id: 'checkpoint-restore',
  summary: 'servers start again from checkpoints on disks that rot, lie and are exchanged',
  invariants: allBut('conservation'),
  sometimes: checkpointMarks,
  knobs: { keep: { min: 1, max: 4, normal: 3 }, every: { min: 1, max: 5, normal: 2 } },
  chaosMicros: [3 * SECOND, 8 * SECOND, 16 * SECOND],
  lyingDisks: true,
  storage: (platform, { knobs, parts }) => new CheckpointedStorage(platform, parts, knobs),
});
