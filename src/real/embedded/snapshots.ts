/**
 * Read versions. A snapshot is one LMDB read transaction; transactions of one version share it. The newest ones are kept for a while
 * after their last use, so that `setReadVersion` finds them, and none is kept longer than five seconds: an open read transaction keeps
 * LMDB from using freed pages again.
 */
import type { Transaction as LmdbSnapshot, RootDatabase } from 'lmdb';
import { type Clock, DatabaseError, databaseErrorCode, type Micros, type Timer } from '../../ports.js';

/** Age at which FoundationDB forgets a version. */
export const VERSION_LIFE_MICROS: Micros = 5_000_000;
/** Snapshots that nobody uses any more. */
const IDLE_MAX = 32;
/** Snapshots of one process. LMDB's table of readers has room for eight such processes. */
const SNAPSHOTS_MAX = 1_000;
export const READERS_MAX = 8 * SNAPSHOTS_MAX;

export interface Snapshot {
  readonly version: number;
  /** When the version was last known to be the newest, by the monotonic clock. */
  readonly takenAt: Micros;
  /** Throws 1007 when the snapshot has been given up. */
  readonly lmdb: LmdbSnapshot;
}

class HeldSnapshot implements Snapshot {
  users = 0;
  #lmdb: LmdbSnapshot | undefined;

  constructor(
    readonly version: number,
    public takenAt: Micros,
    lmdb: LmdbSnapshot,
  ) {
    this.#lmdb = lmdb;
  }

  get lmdb(): LmdbSnapshot {
    if (this.#lmdb === undefined) throw tooOld();
    return this.#lmdb;
  }

  end(): void {
    this.#lmdb?.done();
    this.#lmdb = undefined;
  }
}

export class Snapshots {
  readonly #root: RootDatabase;
  readonly #clock: Clock;
  readonly #versionIn: (snapshot: LmdbSnapshot) => number;
  /** By version; the map's order is the order of taking. */
  readonly #held = new Map<number, HeldSnapshot>();
  #sweep: Timer | undefined;

  constructor(root: RootDatabase, clock: Clock, versionIn: (snapshot: LmdbSnapshot) => number) {
    this.#root = root;
    this.#clock = clock;
    this.#versionIn = versionIn;
  }

  /** The state after the newest commit of any process. */
  newest(): Snapshot {
    // Without this, LMDB would give the state at the beginning of this turn of the event loop.
    this.#root.resetReadTxn();
    const lmdb = this.#root.useReadTransaction();
    const version = this.#versionIn(lmdb);
    const now = this.#clock.monotonicMicros();
    let snapshot = this.#held.get(version);
    if (snapshot === undefined) {
      if (this.#held.size >= SNAPSHOTS_MAX) this.#giveUpIdle(1);
      if (this.#held.size >= SNAPSHOTS_MAX) {
        lmdb.done();
        throw new DatabaseError(
          databaseErrorCode.processBehind,
          `${SNAPSHOTS_MAX} read versions are in use in this process; end transactions sooner`,
        );
      }
      snapshot = new HeldSnapshot(version, now, lmdb);
      this.#held.set(version, snapshot);
    } else {
      lmdb.done();
      snapshot.takenAt = now;
      this.#held.delete(version);
      this.#held.set(version, snapshot);
    }
    snapshot.users++;
    this.#sweep ??= this.#clock.after(VERSION_LIFE_MICROS, () => this.#sweepOld());
    return snapshot;
  }

  /** The state at this version. Throws 1009 when it is yet to come, 1007 when it is not held any more. */
  at(version: number): Snapshot {
    const newest = this.newest();
    if (newest.version === version) return newest;
    this.release(newest);
    if (version > newest.version) {
      throw new DatabaseError(databaseErrorCode.futureVersion, `read version ${version} is yet to come, the newest is ${newest.version}`);
    }
    const held = this.#held.get(version);
    if (held === undefined || this.#clock.monotonicMicros() - held.takenAt >= VERSION_LIFE_MICROS) throw tooOld();
    held.users++;
    return held;
  }

  release(snapshot: Snapshot): void {
    const held = this.#held.get(snapshot.version);
    if (held !== snapshot) return; // swept meanwhile
    held.users--;
    this.#giveUpIdle(IDLE_MAX);
  }

  close(): void {
    this.#sweep?.cancel();
    for (const snapshot of this.#held.values()) snapshot.end();
    this.#held.clear();
  }

  /** Ends the oldest unused snapshots until at most `kept` are left. */
  #giveUpIdle(kept: number): void {
    let idle = 0;
    for (const snapshot of this.#held.values()) if (snapshot.users === 0) idle++;
    for (const snapshot of this.#held.values()) {
      if (idle <= kept) return;
      if (snapshot.users > 0) continue;
      this.#end(snapshot);
      idle--;
    }
  }

  #sweepOld(): void {
    this.#sweep = undefined;
    const now = this.#clock.monotonicMicros();
    for (const snapshot of this.#held.values()) {
      if (now - snapshot.takenAt >= VERSION_LIFE_MICROS) this.#end(snapshot);
    }
    const oldest = this.#held.values().next().value;
    if (oldest !== undefined) this.#sweep = this.#clock.after(oldest.takenAt + VERSION_LIFE_MICROS - now, () => this.#sweepOld());
  }

  #end(snapshot: HeldSnapshot): void {
    snapshot.end();
    this.#held.delete(snapshot.version);
  }
}

export function tooOld(): DatabaseError {
  return new DatabaseError(
    databaseErrorCode.transactionTooOld,
    `the transaction reads at a version that is not kept any more; versions are kept ${VERSION_LIFE_MICROS / 1_000_000} s`,
  );
}
