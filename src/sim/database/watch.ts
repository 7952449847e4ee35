/** A watch through its life: reading what it compares with, waiting for its transaction to commit, waiting for a change. */
import { type Bytes, type DatabaseError, databaseErrorCode as code, type Watch } from '../../ports.js';
import { equalBytes } from './binary.js';
import { databaseError } from './codes.js';
import type { SimDatabase } from './database.js';
import { WatchRequest } from './requests.js';

/** A value that may not be known yet. */
type Known = { readonly value: Bytes | undefined };

export class SimWatch implements Watch {
  readonly changed: Promise<void>;
  readonly #database: SimDatabase;
  #resolve!: () => void; // set by the promise's executor, which runs at once
  #reject!: (error: DatabaseError) => void; // likewise
  /** What the transaction saw when it asked for the watch. */
  #seen: Known | undefined;
  /** What the transaction itself wrote to the key after that. */
  #written: Known | undefined;
  #request: WatchRequest | undefined;
  #settled = false;

  constructor(
    database: SimDatabase,
    readonly key: string,
  ) {
    this.#database = database;
    this.changed = new Promise<void>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // A program may drop a watch that it no longer needs; that is no crash.
    this.changed.catch(() => undefined);
    database.watches.add(this);
  }

  cancel(): void {
    this.fail(databaseError(code.operationCancelled));
  }

  /** The value that a change is measured by. */
  saw(value: Bytes | undefined): void {
    this.#seen = { value };
    this.#compare();
  }

  /** The same transaction writes the key; undefined when nobody knows what that will make of it. */
  wrote(known: Known | undefined): void {
    if (known === undefined || (this.#written !== undefined && !equalBytes(this.#written.value, known.value))) return this.fire();
    this.#written = known;
    this.#compare();
  }

  /** Its transaction has committed. */
  activate(): void {
    if (this.#settled || this.#seen === undefined) return;
    this.#request = new WatchRequest(this.#database, this.key, this.#seen.value, this);
    this.#request.send();
  }

  fire(): void {
    if (this.#settle()) this.#resolve();
  }

  fail(error: DatabaseError): void {
    if (!this.#settle()) return;
    this.#reject(error);
    if (this.#request === undefined) return;
    this.#request.abort(error);
    this.#database.cluster.forget(this.#request);
  }

  #compare(): void {
    if (this.#seen !== undefined && this.#written !== undefined && !equalBytes(this.#seen.value, this.#written.value)) this.fire();
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#database.watches.delete(this);
    return true;
  }
}
