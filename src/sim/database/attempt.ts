/**
 * One try of a transaction, from its first use to its commit: its read version, what it read and wrote, and how it ended. A
 * retry or a reset begins a new one; a try that was left behind never becomes anything.
 */
import {
  type AtomicOperation,
  type Bytes,
  type DatabaseError,
  databaseErrorCode as code,
  type Micros,
  type RangeResult,
} from '../../ports.js';
import { KEY_BYTES_MAX, stampOffset, VALUE_BYTES_MAX, versionstamp } from './atomic.js';
import { earlier, fromBinary, KEYS_END, keyAfter, toBinary } from './binary.js';
import type { Committed } from './cluster.js';
import { databaseError, type LateError, TRANSACTION_INVALID_VERSION } from './codes.js';
import { commitBytes } from './commit-bytes.js';
import { type SimDatabase, WATCHES_MAX } from './database.js';
import { Merge } from './merge.js';
import { RangeSet } from './range-set.js';
import { CommitRequest, GetRequest, ReadVersionRequest, ScanRequest, SelectRequest, type VersionedRequest } from './requests.js';
import { type Scan, type ScanLimits, type Selector, selectorStart } from './store.js';
import { SimWatch } from './watch.js';
import { type Overlay, WriteBuffer } from './write-buffer.js';

/** Who waits for the outcome of something. */
interface Waiter<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: DatabaseError) => void;
}

/** What a range read is asked for, in internal terms. */
export interface RangeQuestion {
  readonly begin: Selector;
  readonly end: Selector;
  readonly limits: ScanLimits;
  readonly reverse: boolean;
}

export class Attempt {
  /** When the read version came. */
  readVersionAt: Micros = 0;

  readonly #writes = new WriteBuffer();
  readonly #readPoints = new Set<string>();
  readonly #readRanges = new RangeSet();
  readonly #writeRanges = new RangeSet();
  #watches: SimWatch[] | undefined;

  /** What every use fails with from now on. */
  #ending: LateError | undefined;
  #version: number | undefined;
  #versionFailure: DatabaseError | undefined;
  #versionAsked = false;
  #versionWaiters: Waiter<number>[] | undefined;
  #waitingRequests: VersionedRequest[] | undefined;

  /** Reads that the program waits for; a commit waits for them too. */
  #reading = 0;
  #readFailure: DatabaseError | undefined;
  #commit: Waiter<void> | undefined;
  #committing = false;
  #committed: Committed | 'read-only' | undefined;
  #stampWaiters: Waiter<Bytes>[] | undefined;

  constructor(
    readonly database: SimDatabase,
    readonly sizeLimit: number,
  ) {}

  // ---- Read version

  getReadVersion(): Promise<number> {
    const refusal = this.#isOver();
    if (refusal !== undefined) return Promise.reject(refusal);
    if (this.#version !== undefined) return Promise.resolve(this.#version);
    if (this.#versionFailure !== undefined) return Promise.reject(this.#versionFailure);
    this.#askVersion();
    return new Promise((resolve, reject) => {
      this.#versionWaiters ??= [];
      this.#versionWaiters.push({ resolve, reject });
    });
  }

  setReadVersion(version: number): void {
    this.#refuse();
    if (!Number.isSafeInteger(version) || version <= 0) {
      throw databaseError(code.clientInvalidOperation, `a read version is a positive integer, not ${version}`);
    }
    if (this.#version !== undefined || this.#versionAsked) throw databaseError(code.readVersionAlreadySet);
    this.#version = version;
    this.readVersionAt = this.database.host.now();
  }

  gotReadVersion(version: number): void {
    this.#version = version;
    this.readVersionAt = this.database.host.now();
    const [waiters, requests] = [this.#versionWaiters, this.#waitingRequests];
    this.#versionWaiters = undefined;
    this.#waitingRequests = undefined;
    if (requests !== undefined) for (const request of requests) request.ready(version);
    if (waiters !== undefined) for (const { resolve } of waiters) resolve(version);
  }

  gotNoReadVersion(error: DatabaseError): void {
    this.#versionFailure = error;
    const [waiters, requests] = [this.#versionWaiters, this.#waitingRequests];
    this.#versionWaiters = undefined;
    this.#waitingRequests = undefined;
    if (requests !== undefined) for (const request of requests) request.abort(error);
    if (waiters !== undefined) for (const { reject } of waiters) reject(error);
  }

  // ---- Reads

  get(key: Bytes, snapshot: boolean): Promise<Bytes | undefined> {
    const refusal = this.#refusal();
    if (refusal !== undefined) return Promise.reject(refusal);
    const name = toBinary(key);
    if (name >= KEYS_END) return Promise.reject(databaseError(code.keyOutsideLegalRange));
    // Such a key cannot exist.
    if (name.length > KEY_BYTES_MAX) return Promise.resolve(undefined);
    if (this.#writes.isUnreadable(name)) return Promise.reject(databaseError(code.accessedUnreadable));
    const own = this.#writes.find(name);
    if (own?.kind === 'known') return Promise.resolve(own.value === undefined ? undefined : new Uint8Array(own.value));
    return new Promise((resolve, reject) => {
      this.#reading++;
      this.#whenVersioned(new GetRequest(this, name, own, !snapshot, resolve, reject));
    });
  }

  getKey(selector: Selector, snapshot: boolean): Promise<Bytes> {
    const refusal = this.#refusal();
    if (refusal !== undefined) return Promise.reject(refusal);
    if (selector.key > KEYS_END) return Promise.reject(databaseError(code.keyOutsideLegalRange));
    return this.#asRead(this.#getKey(selector, snapshot));
  }

  getRange(question: RangeQuestion, snapshot: boolean): Promise<RangeResult> {
    const refusal = this.#refusal();
    if (refusal !== undefined) return Promise.reject(refusal);
    const { begin, end } = question;
    if (begin.key > KEYS_END || end.key > KEYS_END) return Promise.reject(databaseError(code.keyOutsideLegalRange));
    if (begin.offset >= end.offset && selectorStart(begin) >= selectorStart(end)) return Promise.resolve({ items: [], more: false });
    return this.#asRead(this.#getRange(question, snapshot));
  }

  /** Counts the key as read. */
  readPoint(key: string): void {
    this.#readPoints.add(key);
  }

  /** A read that a commit has to wait for has ended. */
  readEnded(error: DatabaseError | undefined): void {
    this.#reading--;
    // FoundationDB fails a commit after any failed read; one that met a versionstamp of its own transaction is let off here,
    // as the contract of the Database port has it.
    if (error !== undefined && error.code !== code.accessedUnreadable) this.#readFailure ??= error;
    if (this.#reading === 0 && this.#commit !== undefined) this.#startCommit();
  }

  addReadConflictRange(begin: string, end: string): void {
    this.#refuse();
    this.#checkRange(begin, end);
    this.#readRange(this.#overlay(), begin, end);
  }

  // ---- Writes

  set(key: Bytes, value: Bytes): void {
    this.#refuse();
    const name = this.#checkedKey(key);
    if (value.length > VALUE_BYTES_MAX) throw databaseError(code.valueTooLarge, `${value.length} bytes`);
    const copy = new Uint8Array(value);
    this.#writes.set(name, copy);
    if (this.#watches !== undefined) this.#tellWatches(name, keyAfter(name), { value: copy });
  }

  clear(key: Bytes): void {
    this.#refuse();
    const name = toBinary(key);
    if (name >= KEYS_END) throw databaseError(code.keyOutsideLegalRange);
    // Such a key cannot exist.
    if (name.length > KEY_BYTES_MAX) return;
    this.#writes.set(name, undefined);
    if (this.#watches !== undefined) this.#tellWatches(name, keyAfter(name), { value: undefined });
  }

  clearRange(begin: string, end: string): void {
    this.#refuse();
    this.#checkRange(begin, end);
    this.#writes.clearRange(begin, end);
    if (this.#watches !== undefined) this.#tellWatches(begin, end, { value: undefined });
  }

  atomic(operation: AtomicOperation, key: Bytes, operand: Bytes): void {
    this.#refuse();
    const name = this.#checkedKey(key);
    if (operand.length > VALUE_BYTES_MAX) throw databaseError(code.valueTooLarge, `${operand.length} bytes`);
    const copy = new Uint8Array(operand);
    if (operation === 'set-versionstamped-key') {
      this.#writes.stampedKey(name, copy, checkedStampOffset(key));
      return;
    }
    if (operation === 'set-versionstamped-value') this.#writes.stampedValue(name, copy, checkedStampOffset(operand));
    else this.#writes.atomic(operation, name, copy);
    if (this.#watches !== undefined) this.#tellWatches(name, keyAfter(name), undefined);
  }

  addWriteConflictRange(begin: string, end: string): void {
    this.#refuse();
    this.#checkRange(begin, end);
    this.#writeRanges.add(begin, end);
  }

  watch(key: Bytes): SimWatch {
    const watch = new SimWatch(this.database, toBinary(key));
    if (this.database.watches.size > WATCHES_MAX) watch.fail(databaseError(code.tooManyWatches, `the most is ${WATCHES_MAX}`));
    else if (watch.key.length > KEY_BYTES_MAX && watch.key < KEYS_END) watch.fail(databaseError(code.keyTooLarge));
    else {
      this.#watches ??= [];
      this.#watches.push(watch);
      this.get(key, false).then(
        (value) => watch.saw(value),
        (error: DatabaseError) => watch.fail(error), // reads fail with nothing else
      );
    }
    return watch;
  }

  // ---- Commit

  commit(): Promise<void> {
    const refusal = this.#refusal();
    if (refusal !== undefined) return Promise.reject(refusal);
    this.#committing = true;
    return new Promise((resolve, reject) => {
      this.#commit = { resolve, reject };
      if (this.#reading === 0) this.#startCommit();
    });
  }

  committed(outcome: Committed): void {
    this.#committed = outcome;
    if (this.#stampWaiters !== undefined) {
      for (const { resolve } of this.#stampWaiters.splice(0)) resolve(versionstamp(outcome.version, outcome.order));
    }
    this.#endCommit();
  }

  commitFailed(error: DatabaseError): void {
    const waiter = this.#commit;
    this.#commit = undefined;
    this.#dropPromises(() => error, TRANSACTION_INVALID_VERSION);
    waiter?.reject(error);
  }

  /** Throws before the commit. */
  committedVersion(): number {
    if (this.#committed === undefined) throw databaseError(code.clientInvalidOperation, 'the transaction has not committed');
    return this.#committed === 'read-only' ? -1 : this.#committed.version;
  }

  versionstamp(): Promise<Bytes> {
    const refusal = this.#refusal();
    if (refusal !== undefined) return Promise.reject(refusal);
    const stamp = new Promise<Bytes>((resolve, reject) => {
      this.#stampWaiters ??= [];
      this.#stampWaiters.push({ resolve, reject });
    });
    // A program that fails at `commit` never comes to wait for the stamp; that is no crash of its own.
    stamp.catch(() => undefined);
    return stamp;
  }

  get isCommitted(): boolean {
    return this.#committed !== undefined;
  }

  /** Ends the try: everything pending and everything later fails with this. What the store has been sent may still happen. */
  abandon(ending: LateError): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    if (this.#version === undefined && this.#versionAsked) this.gotNoReadVersion(ending.error);
    for (const request of this.database.outstanding) if (request.attempt === this) request.abort(ending.error);
    if (this.#commit !== undefined) this.commitFailed(ending.error);
    if (this.#committed === undefined) this.#dropPromises(() => ending.error);
  }

  /** What every use fails with, once the try is given up. */
  get failure(): DatabaseError | undefined {
    return this.#ending?.error;
  }

  // ---- Inside

  /** Why the try cannot be used, if it cannot. */
  #refusal(): DatabaseError | undefined {
    return this.#committing ? databaseError(code.usedDuringCommit) : this.#isOver();
  }

  #isOver(): DatabaseError | undefined {
    if (this.#ending === undefined && this.database.closed) {
      return databaseError(code.transactionCancelled, `the database of ${this.database.owner.node} is closed`);
    }
    return this.failure;
  }

  #refuse(): void {
    const refusal = this.#refusal();
    if (refusal !== undefined) throw refusal;
  }

  #checkedKey(key: Bytes): string {
    const name = toBinary(key);
    if (name >= KEYS_END) throw databaseError(code.keyOutsideLegalRange);
    if (name.length > KEY_BYTES_MAX) throw databaseError(code.keyTooLarge, `${name.length} bytes`);
    return name;
  }

  #checkRange(begin: string, end: string): void {
    if (begin > end) throw databaseError(code.invertedRange);
    if (end > KEYS_END) throw databaseError(code.keyOutsideLegalRange);
  }

  #askVersion(): void {
    if (this.#versionAsked) return;
    this.#versionAsked = true;
    new ReadVersionRequest(this.database, this).send();
  }

  #whenVersioned(request: VersionedRequest): void {
    if (this.#version !== undefined) return request.ready(this.#version);
    if (this.#versionFailure !== undefined) return request.abort(this.#versionFailure);
    this.#waitingRequests ??= [];
    this.#waitingRequests.push(request);
    this.#askVersion();
  }

  /** Own writes as they are now; undefined when there are none. */
  #overlay(): Overlay | undefined {
    return this.#writes.isEmpty ? undefined : this.#writes.overlay();
  }

  async #asRead<T>(read: Promise<T>): Promise<T> {
    this.#reading++;
    try {
      const result = await read;
      this.readEnded(undefined);
      return result;
    } catch (error) {
      this.readEnded(error as DatabaseError); // reads fail with nothing else
      throw error;
    }
  }

  async #getKey(selector: Selector, snapshot: boolean): Promise<Bytes> {
    const overlay = this.#overlay();
    const key = await this.#resolve(selector, overlay);
    if (!snapshot) this.#readSpan(overlay, selector, key);
    return fromBinary(key);
  }

  async #getRange({ begin, end, limits, reverse }: RangeQuestion, snapshot: boolean): Promise<RangeResult> {
    const overlay = this.#overlay();
    const [low, high] = await Promise.all([this.#bound(begin, overlay), this.#bound(end, overlay)]);
    const { items, more } = await this.#scan(overlay, low, high, limits, reverse);
    if (!snapshot) {
      const last = more ? items.at(-1)?.key : undefined;
      if (low < high) this.#readRange(overlay, reverse ? (last ?? low) : low, !reverse && last !== undefined ? keyAfter(last) : high);
      // Where a read stopped at its limit, a selector beyond it matters only as far as it could have moved before it.
      if (begin.offset !== 1) {
        if (reverse && last !== undefined && begin.offset <= 0) this.#readRange(overlay, last, selectorStart(begin));
        else this.#readSpan(overlay, begin, low);
      }
      if (end.offset !== 1) {
        if (!reverse && last !== undefined && end.offset > 0) this.#readRange(overlay, selectorStart(end), keyAfter(last));
        else this.#readSpan(overlay, end, high);
      }
    }
    return { items: items.map(({ key, value }) => ({ key: fromBinary(key), value: new Uint8Array(value) })), more };
  }

  /** Where a range begins or ends. */
  async #bound(selector: Selector, overlay: Overlay | undefined): Promise<string> {
    // `firstGreaterOrEqual` of a key bounds a range just as the key itself does, whether it exists or not.
    return selector.offset === 1 ? earlier(selectorStart(selector), KEYS_END) : this.#resolve(selector, overlay);
  }

  /** The key that the selector names, own writes included. */
  async #resolve(selector: Selector, overlay: Overlay | undefined): Promise<string> {
    const start = selectorStart(selector);
    if (overlay === undefined) return this.#ask<string>((waiter) => new SelectRequest(this, selector, waiter.resolve, waiter.reject));
    const { offset } = selector;
    const wanted = offset > 0 ? offset : 1 - offset;
    const [begin, end] = offset > 0 ? [start, KEYS_END] : ['', earlier(start, KEYS_END)];
    const { items } = await this.#scan(overlay, begin, end, { items: wanted, bytes: 0 }, offset <= 0);
    return (items.length === wanted ? items.at(-1)?.key : undefined) ?? (offset > 0 ? KEYS_END : '');
  }

  async #scan(overlay: Overlay | undefined, begin: string, end: string, limits: ScanLimits, reverse: boolean): Promise<Merge> {
    const merge = new Merge(overlay, begin, end, limits, reverse);
    for (let stretch = merge.next(); stretch !== undefined; stretch = merge.next()) {
      const { begin: from, end: to, limits: most } = stretch;
      merge.take(await this.#ask<Scan>(({ resolve, reject }) => new ScanRequest(this, from, to, most, reverse, resolve, reject)));
    }
    return merge;
  }

  /** Sends one request of a longer read and waits for its answer. */
  #ask<T>(make: (waiter: Waiter<T>) => VersionedRequest): Promise<T> {
    const over = this.#isOver();
    if (over !== undefined) return Promise.reject(over);
    return new Promise((resolve, reject) => this.#whenVersioned(make({ resolve, reject })));
  }

  /** Counts as read what decided which key a selector names. */
  #readSpan(overlay: Overlay | undefined, selector: Selector, found: string): void {
    const start = selectorStart(selector);
    if (selector.offset > 0) this.#readRange(overlay, start, keyAfter(found));
    else this.#readRange(overlay, found, start);
  }

  /** Counts as read what of the range came from the store. */
  #readRange(overlay: Overlay | undefined, begin: string, end: string): void {
    const bound = earlier(end, KEYS_END);
    if (overlay === undefined) this.#readRanges.add(begin, bound);
    else for (const [from, to] of overlay.unknown(begin, bound)) this.#readRanges.add(from, to);
  }

  #tellWatches(begin: string, end: string, known: { readonly value: Bytes | undefined } | undefined): void {
    for (const watch of this.#watches ?? []) if (watch.key >= begin && watch.key < end) watch.wrote(known);
  }

  #startCommit(): void {
    if (this.#readFailure !== undefined) return this.commitFailed(this.#readFailure);
    const { mutations } = this.#writes;
    if (mutations.length === 0 && this.#writeRanges.size === 0) return this.#commitNothing();
    const readRanges = [...this.#readRanges.ranges()];
    const writeRanges = [...this.#writeRanges.ranges()];
    const bytes = commitBytes(this.#writes, this.#readPoints, readRanges, writeRanges);
    if (bytes > this.sizeLimit) {
      return this.commitFailed(databaseError(code.transactionTooLarge, `${bytes} bytes; the most is ${this.sizeLimit}`));
    }
    const payload = { mutations, reads: { points: this.#readPoints, ranges: readRanges }, writeRanges, bytes };
    this.#whenVersioned(new CommitRequest(this, payload));
  }

  /** Nothing to write: the client decides alone, for every read was at one version already. */
  #commitNothing(): void {
    this.database.cluster.commitNothing(this.database.owner, {
      resolve: () => {
        if (this.#commit === undefined) return;
        this.#committed = 'read-only';
        for (const { reject } of this.#stampWaiters?.splice(0) ?? []) reject(databaseError(code.noCommitVersion));
        this.#endCommit();
      },
      reject: (error) => {
        if (this.#commit !== undefined) this.commitFailed(error);
      },
    });
  }

  #endCommit(): void {
    const waiter = this.#commit;
    this.#commit = undefined;
    for (const watch of this.#watches ?? []) watch.activate();
    waiter?.resolve();
  }

  /** @param stampCode of the error for whoever waits for the versionstamp; that of the others when absent. */
  #dropPromises(error: () => DatabaseError, stampCode?: number): void {
    for (const watch of this.#watches?.splice(0) ?? []) watch.fail(error());
    for (const { reject } of this.#stampWaiters?.splice(0) ?? []) reject(stampCode === undefined ? error() : databaseError(stampCode));
  }
}

function checkedStampOffset(bytes: Bytes): number {
  const offset = stampOffset(bytes);
  if (offset === undefined) {
    throw databaseError(code.clientInvalidOperation, 'a versionstamp needs ten bytes at the offset that the last four bytes name');
  }
  return offset;
}
