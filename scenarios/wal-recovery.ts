/**
 * The write-ahead log alone, against its disk. Servers answer a put as soon as the log has it, and carry it out in the database
 * afterwards; a server that dies between the two must find it again. Disks tear, lose and refuse what was not yet safe, at every step, and
 * die again during recovery; they do not lie, for the log is the only copy. Segments are small, so that logs are cut, begun anew and
 * cleaned up while all this happens.
 */
import { KelpieError } from '../src/kelpie/errors.js';
import { fromUtf8, utf8 } from '../src/kelpie/json.js';
import { span } from '../src/kelpie/keys.js';
import type { KelpieParts } from '../src/kelpie/parts.js';
import { pauseMicros } from '../src/kelpie/retry.js';
import { readRange } from '../src/kelpie/store.js';
import { Wal, type WalEntry, type WalOptions, type WalRequest } from '../src/kelpie/wal/wal.js';
import { type Micros, type Platform, transact } from '../src/ports.js';
import { allBut } from './kelpie-scenario.js';
import { walMarks } from './marks.js';
import type { Scenario } from './scenario.js';
import { type Storage, storageScenario } from './storage-service.js';

const SECOND: Micros = 1_000_000;
/** Longer than any client asks again during the chaos. A log that is full refuses for as long. */
const KEPT_MICROS: Micros = 12 * SECOND;
const CLEANUP_MICROS: Micros = SECOND;
const POLL_MICROS: Micros = 20_000;
/** More than any case has. */
const PUTS_MAX = 10_000;

class JournaledStorage implements Storage {
  readonly #platform: Platform;
  readonly #parts: KelpieParts;
  readonly #options: Partial<WalOptions>;
  #wal: Wal | undefined;
  /** Puts of this life in the order in which they were begun to be carried out, that is, in which whoever put them may have been answered. */
  readonly #order = new Map<string, number>();
  #closed = false;

  constructor(platform: Platform, parts: KelpieParts, options: Partial<WalOptions>) {
    this.#platform = platform;
    this.#parts = parts;
    this.#options = options;
  }

  async open(): Promise<void> {
    const { disk, clock, tracer } = this.#platform;
    this.#wal ??= await Wal.open(disk, clock, tracer, this.#options, this.#parts.wal);
    await this.#wal.replay((entry) => this.#apply(entry));
    void this.#tidy(this.#wal);
  }

  put(op: string): Promise<void> {
    const wal = this.#opened();
    return new Promise(
      (resolve, reject) =>
        void this.#perform(wal, { key: op, operation: 'put', payload: 'x'.repeat(op.length) }, resolve).then(resolve, reject),
    );
  }

  /** Entries come to their ends in any order, so one that was put later is not shown: others that were safe before it may be missing. */
  async read(): Promise<readonly string[]> {
    const wal = this.#opened();
    const begun = this.#order.size;
    const awaited = new Set(wal.pending().map(({ id }) => id));
    while (wal.pending().some(({ id }) => awaited.has(id))) {
      if (this.#closed) throw new KelpieError('shutting-down', 'the storage is closed');
      await this.#platform.clock.sleep(POLL_MICROS);
    }
    const { begin, end } = span(this.#key(''));
    const items = await transact(this.#platform.database, (transaction) => readRange(transaction, begin, end, PUTS_MAX));
    const done = items.map(({ key }) => fromUtf8(key.subarray(begin.length)));
    return done.filter((op) => (this.#order.get(op) ?? 0) <= begun);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#wal?.close();
  }

  /** What was accepted is brought to its end, however often the disk refuses to note that; only what was not may fail. */
  async #perform(wal: Wal, request: WalRequest, whenAccepted: () => void): Promise<void> {
    const { clock, random } = this.#platform;
    let accepted = false;
    const apply = (entry: WalEntry): Promise<string> => {
      accepted = true;
      whenAccepted();
      return this.#apply(entry);
    };
    for (let tries = 1; ; tries++) {
      try {
        await wal.execute(request, apply);
        return;
      } catch (error) {
        if (!accepted || this.#closed) throw error;
        await clock.sleep(pauseMicros(tries, random));
      }
    }
  }

  /** However long it takes: what was accepted must not stay undone while the server runs. */
  async #apply({ key }: WalEntry): Promise<string> {
    const { database, clock, random } = this.#platform;
    if (!this.#order.has(key)) this.#order.set(key, this.#order.size + 1);
    for (let tries = 1; ; tries++) {
      try {
        await transact(database, async (transaction) => transaction.set(this.#key(key), utf8('done')), { timeoutMicros: SECOND });
        return 'null';
      } catch {
        if (this.#closed) throw new KelpieError('shutting-down', 'the storage is closed');
        await clock.sleep(pauseMicros(tries, random));
      }
    }
  }

  async #tidy(wal: Wal): Promise<void> {
    while (!this.#closed) {
      await this.#platform.clock.sleep(CLEANUP_MICROS);
      // What cannot be removed now goes with the next round.
      if (!this.#closed) await wal.cleanup().catch(() => undefined);
    }
  }

  /** Errors: `node-unavailable`. */
  #opened(): Wal {
    if (this.#wal === undefined) throw new KelpieError('node-unavailable', 'the storage is not open');
    return this.#wal;
  }

  #key(op: string): Uint8Array {
    return utf8(`put/${this.#platform.node}/${op}`);
  }
}

export const walRecovery: Scenario<KelpieParts> = storageScenario({
  id: 'wal-recovery',
  summary: 'servers that answer once their log has it die at every step of writing, recovering and tidying it',
  // There is no node of Kelpie that keeps its records in the database, and so nothing to audit.
  invariants: allBut('conservation', 'registry-agrees', 'store-holds-commits'),
  sometimes: walMarks,
  knobs: {
    segmentBytes: { min: 200, max: 4_000, normal: 800 },
    bytesMax: { min: 10_000, max: 100_000, normal: 50_000 },
    // Never turned: `work-succeeds` must know how long a log that is full may take to make room.
    walKeptMicros: { min: KEPT_MICROS, max: KEPT_MICROS, normal: KEPT_MICROS },
  },
  chaosMicros: [3 * SECOND, 8 * SECOND, 16 * SECOND, 30 * SECOND],
  lyingDisks: false,
  storage(platform, { knobs, parts }) {
    const { walKeptMicros: keptMicros = KEPT_MICROS, ...options } = knobs;
    return new JournaledStorage(platform, parts, { ...options, keptMicros });
  },
});
