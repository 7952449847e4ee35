/**
 * Watches on keys. Commits of this process are looked at when they happen, those of other processes by a poll that costs one read of
 * the version while nothing has changed.
 */
import { type Bytes, type Clock, DatabaseError, databaseErrorCode as code, type Micros, type Timer } from '../../ports.js';
import { type Deferred, deferred } from '../deferred.js';
import { compareKeys } from './key-order.js';
import type { Snapshot } from './snapshots.js';
import type { PendingWatch } from './transaction.js';

/** FoundationDB's default. */
const WATCHES_MAX = 10_000;

export interface WatchedStore {
  readonly clock: Clock;
  readonly pollMicros: Micros;
  newest(): Snapshot;
  release(snapshot: Snapshot): void;
  value(key: Bytes, snapshot: Snapshot): Bytes | undefined;
}

class OneWatch implements PendingWatch {
  readonly #settled: Deferred<void> = deferred<void>();
  /** The value that does not fire; set when the watch becomes active. */
  expected: Bytes | undefined;

  constructor(
    readonly key: Bytes,
    readonly ended: (watch: OneWatch) => void,
  ) {
    // A program may drop the promise; the failure of a watch nobody waits for is no failure of the process.
    this.changed.catch(() => undefined);
  }

  get changed(): Promise<void> {
    return this.#settled.promise;
  }

  cancel(): void {
    this.fail(new DatabaseError(code.operationCancelled, 'the watch was cancelled'));
  }

  fire(): void {
    this.#settled.resolve();
    this.ended(this);
  }

  fail(error: DatabaseError): void {
    this.#settled.reject(error);
    this.ended(this);
  }
}

export class Watches {
  readonly #store: WatchedStore;
  /** Every watch that was made and has not ended. */
  readonly #all = new Set<OneWatch>();
  readonly #active = new Set<OneWatch>();
  #seenVersion = -1;
  #poll: Timer | undefined;

  constructor(store: WatchedStore) {
    this.#store = store;
  }

  make(key: Bytes): PendingWatch {
    if (this.#all.size >= WATCHES_MAX) {
      throw new DatabaseError(code.tooManyWatches, `${WATCHES_MAX} watches are open already; cancel those that are not needed`);
    }
    const watch = new OneWatch(key, (ended) => {
      this.#all.delete(ended);
      this.#active.delete(ended);
    });
    this.#all.add(watch);
    return watch;
  }

  activate(watch: PendingWatch, value: Bytes | undefined): void {
    if (!(watch instanceof OneWatch) || !this.#all.has(watch)) return; // cancelled before its transaction committed
    watch.expected = value;
    this.#active.add(watch);
    // The key may have changed between the transaction's view and now.
    this.#seenVersion = -1;
    this.#poll ??= this.#store.clock.after(0, () => this.#pollNow());
  }

  /** Fires every watch whose key has another value now. */
  look(): void {
    if (this.#active.size === 0) return;
    try {
      this.#compare();
    } catch (error) {
      // A damaged record fails the watches, not the process.
      const failure =
        error instanceof DatabaseError ? error : new DatabaseError(code.ioError, `a watch could not be read: ${String(error)}`);
      for (const watch of this.#active) watch.fail(failure);
    }
  }

  close(): void {
    this.#poll?.cancel();
    for (const watch of this.#all) watch.fail(new DatabaseError(code.operationCancelled, 'the database is closed'));
  }

  #compare(): void {
    const snapshot = this.#store.newest();
    try {
      if (snapshot.version === this.#seenVersion) return;
      this.#seenVersion = snapshot.version;
      for (const watch of this.#active) if (!same(this.#store.value(watch.key, snapshot), watch.expected)) watch.fire();
    } finally {
      this.#store.release(snapshot);
    }
  }

  #pollNow(): void {
    this.#poll = undefined;
    this.look();
    if (this.#active.size > 0) this.#poll = this.#store.clock.after(this.#store.pollMicros, () => this.#pollNow());
  }
}

const same = (a: Bytes | undefined, b: Bytes | undefined): boolean =>
  a === undefined || b === undefined ? a === b : compareKeys(a, b) === 0;
