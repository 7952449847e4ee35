/**
 * Checkpoints alone, against their disks. Where disks tell the truth, a checkpoint is all there is: a put is answered when the next one is
 * saved, and whoever starts again must find it there. Where disks lie, puts are in a log in the database first, and who starts again takes
 * the newest checkpoint that is whole and the log after its number: files rot, are misdirected, half written or another server's, and
 * whatever a checkpoint says it accounts for must be in it.
 */
import { CheckpointStore } from '../src/kelpie/checkpoint.js';
import { KelpieError } from '../src/kelpie/errors.js';
import { fromUtf8, utf8 } from '../src/kelpie/json.js';
import { span } from '../src/kelpie/keys.js';
import { Lane } from '../src/kelpie/lane.js';
import type { KelpieParts } from '../src/kelpie/parts.js';
import { readRange } from '../src/kelpie/store.js';
import { DatabaseError, type Micros, type Platform, transact, type Transaction } from '../src/ports.js';
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
  readonly #logged: boolean;
  readonly #every: number;
  readonly #lane = new Lane();
  #sequence = 0;
  #marks: string[] = [];
  /** Without a log: a put is in memory only, because it could not be saved. */
  #unsaved = false;

  constructor(platform: Platform, parts: KelpieParts, logged: boolean, { keep = 1, every = 1 }: Readonly<Record<string, number>>) {
    this.#platform = platform;
    this.#logged = logged;
    this.#every = every;
    this.#checkpoints = new CheckpointStore(platform.disk, platform.tracer, { keep }, parts.checkpoint);
  }

  async open(): Promise<void> {
    const { node } = this.#platform;
    const restored = await this.#checkpoints.restore().catch((error: unknown) => {
      // With the log all is there without one.
      if (this.#logged && error instanceof KelpieError && error.code === 'corrupted') return undefined;
      throw error;
    });
    const kept: Kept = restored === undefined ? { node, marks: [] } : (JSON.parse(restored.state) as Kept);
    this.#sequence = restored !== undefined && kept.node === node ? restored.sequence : 0;
    this.#marks = this.#sequence > 0 ? [...kept.marks] : [];
    if (!this.#logged) return;
    const { end } = span(this.#key());
    const from = this.#key(this.#sequence + 1);
    const later = await inDatabase(() => transact(this.#platform.database, (transaction) => readRange(transaction, from, end, PUTS_MAX)));
    for (const { value } of later) this.#add(fromUtf8(value));
  }

  put(op: string): Promise<void> {
    return this.#lane.run(async () => {
      if (!this.#logged) return this.#putInCheckpoint(op);
      // Something else may be next: what was given up a while ago, or by a life before this one, and was done all the same.
      while (!this.#marks.includes(op)) {
        this.#add(await this.#log(op));
        // One that cannot be saved is no harm: the log has everything.
        if (this.#sequence % this.#every === 0) void this.#save().catch(() => undefined);
      }
    });
  }

  read(): Promise<readonly string[]> {
    return this.#lane.run(async () => {
      // What was seen must not be gone after the next start.
      if (this.#unsaved) await this.#saveOrNot();
      return [...this.#marks];
    });
  }

  async close(): Promise<void> {
    await this.#lane.run(() => Promise.resolve());
  }

  #add(op: string): void {
    this.#sequence += 1;
    this.#marks.push(op);
  }

  async #putInCheckpoint(op: string): Promise<void> {
    if (!this.#marks.includes(op)) this.#marks.push(op);
    else if (!this.#unsaved) return;
    await this.#saveOrNot();
  }

  /** Errors: `commit-unknown`. */
  async #saveOrNot(): Promise<void> {
    this.#sequence += 1;
    this.#unsaved = true;
    await this.#save().catch((error: unknown) => {
      throw new KelpieError('commit-unknown', `the checkpoint may be saved: ${String(error)}`, { cause: error });
    });
    this.#unsaved = false;
  }

  /** Writes to the next place of the log what is not there yet, and answers what is there then. */
  #log(op: string): Promise<string> {
    const key = this.#key(this.#sequence + 1);
    const write = async (transaction: Transaction): Promise<string> => {
      const found = await transaction.get(key);
      if (found === undefined) transaction.set(key, utf8(op));
      return found === undefined ? op : fromUtf8(found);
    };
    return inDatabase(() => transact(this.#platform.database, write, { timeoutMicros: 2 * SECOND }));
  }

  #save(): Promise<void> {
    const kept: Kept = { node: this.#platform.node, marks: [...this.#marks] };
    return this.#checkpoints.save({ sequence: this.#sequence, state: JSON.stringify(kept) });
  }

  /** Without a number the prefix of all. */
  #key(sequence?: number): Uint8Array {
    return utf8(`log/${this.#platform.node}/${sequence === undefined ? '' : String(sequence).padStart(DIGITS, '0')}`);
  }
}

/** Errors: `commit-unknown` for a failure of the database. */
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
  summary: 'servers start again from checkpoints, on disks that are the only copy and on disks that lie',
  // There is no node of Kelpie that keeps its records in the database, and so nothing to audit.
  invariants: allBut('conservation', 'registry-agrees', 'store-holds-commits'),
  sometimes: checkpointMarks,
  knobs: { keep: { min: 1, max: 4, normal: 3 }, every: { min: 1, max: 5, normal: 2 } },
  chaosMicros: [3 * SECOND, 8 * SECOND, 16 * SECOND],
  lyingDisks: true,
  storage: (platform, { knobs, parts, workload }) => new CheckpointedStorage(platform, parts, workload.lyingDisks, knobs),
});
