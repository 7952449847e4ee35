/**
 * The server side of a simulated FoundationDB, one per run: the sequencer that hands out versions, the resolver that finds
 * conflicts, the store, and the watches. Clients reach it over the network only; faults are asked before each operation.
 *
 * Versions follow simulated time at a million a second. Commits that come close together share a version, as FoundationDB's
 * batches do, as long as nobody has read at it; their order within it is the last two bytes of their versionstamps.
 */
import { type Bytes, type Database, DatabaseError, databaseErrorCode as code, type Micros, type NodeId } from '../../ports.js';
import type { Host, Incarnation, StreamLink } from '../host.js';
import type { DatabaseVerdict } from '../seams.js';
import { applyAtomic, stamped, versionstamp } from './atomic.js';
import { equalBytes, fromBinary, toBinary } from './binary.js';
import { databaseError } from './codes.js';
import { SimDatabase } from './database.js';
import { type CommitPayload, CommitRequest, Reply, type Request, type WatchRequest } from './requests.js';
import { Resolver } from './resolver.js';
import { type Scan, type ScanLimits, type Selector, Store } from './store.js';

/** The version at the start of a run; above the window, so that no version of a run is negative or zero. */
const FIRST_VERSION = 10_000_000;
/** Versions for which old data can be read and conflicts can be told: five seconds. */
const WINDOW_VERSIONS = 5_000_000;
/** A read waits this long for its version to come; then 1009. */
const FUTURE_WAIT_MICROS: Micros = 1_000_000;
/** Most commits of one version: their order has two bytes. */
const BATCH_COMMITS_MAX = 65_536;

export interface SimClusterOptions {
  /** Commits within this time of each other may share a version; 0: each gets its own. */
  readonly batchMicros?: Micros;
}

/** Where a commit stands among all others. */
export interface Committed {
  readonly version: number;
  /** Its place among the commits of its version. */
  readonly order: number;
}

export class SimCluster {
  readonly #host: Host;
  readonly #link: StreamLink;
  readonly #batchMicros: Micros;
  readonly #store = new Store();
  readonly #resolver = new Resolver();
  readonly #watches = new Map<string, Set<WatchRequest>>();
  /** The newest version handed out. */
  #version = FIRST_VERSION;
  #batchStarted: Micros = 0;
  /** Commits asked for since the run began. */
  #commits = 0;
  /** What waits for nodes whose commits are stalled. */
  readonly #stalled = new Map<NodeId, CommitRequest[]>();
  /** Commits of the newest version; 0 when it is none that further commits may share. */
  #batchCommits = 0;

  constructor(host: Host, link: StreamLink, options: SimClusterOptions = {}) {
    this.#host = host;
    this.#link = link;
    this.#batchMicros = options.batchMicros ?? 1_000;
  }

  /** A client for one life of a process. Watches of the node's earlier lives are forgotten. */
  connect(owner: Incarnation): Database {
    for (const waiting of this.#watches.values()) {
      for (const request of waiting) if (request.from === owner.node && !request.sender.alive) this.forget(request);
    }
    return new SimDatabase(this.#host, this.#link, this, owner);
  }

  // ---- Messages

  /** A request has come in. */
  receive(request: Request): void {
    if (request instanceof CommitRequest) this.#commits++;
    if (this.#host.judge.active('database') && request.sender.alive) {
      const { from, operation } = request;
      const verdict = this.#host.judge.ask({
        seam: 'database',
        node: from,
        operation,
        readOnly: false,
        ...(request instanceof CommitRequest ? { commit: this.#commits } : {}),
      });
      if (verdict !== undefined) return this.#judged(request, verdict);
    }
    this.#serve(request);
  }

  /** The commit of a transaction that wrote nothing. It asks nobody but the faults, and settles in a step of its own. */
  commitNothing(owner: Incarnation, outcome: { resolve(): void; reject(error: DatabaseError): void }): void {
    const settle = (micros: Micros): void => void this.#host.after(micros, owner, 'database commit', () => outcome.resolve());
    this.#host.after(0, owner, 'database commit', () => {
      const { judge } = this.#host;
      if (!judge.active('database')) return outcome.resolve();
      const verdict = judge.ask({ seam: 'database', node: owner.node, operation: 'commit', readOnly: true });
      switch (verdict?.kind) {
        case undefined:
          return outcome.resolve();
        case 'delay':
          return settle(verdict.micros);
        case 'hold':
          return judge.hold({ release: () => settle(0) });
        case 'fail':
          this.#tellFailure(owner, 'commit', verdict.code);
          return outcome.reject(databaseError(verdict.code));
        case 'crash':
          return this.#host.kill(owner, 'crash during a database commit');
      }
    });
  }

  /** Commits of the node wait from now on, or go on; false when that is so already. */
  stallCommits(node: NodeId, stalled: boolean): boolean {
    const waiting = this.#stalled.get(node);
    if ((waiting !== undefined) === stalled) return false;
    if (stalled) this.#stalled.set(node, []);
    else this.#stalled.delete(node);
    for (const request of waiting ?? []) this.#host.after(0, undefined, 'database goes on', () => this.#serve(request));
    return true;
  }

  #judged(request: Request, verdict: DatabaseVerdict): void {
    switch (verdict.kind) {
      case 'delay':
        return void this.#host.after(verdict.micros, undefined, 'database goes on', () => this.#serve(request));
      case 'hold':
        return this.#host.judge.hold({
          release: () => void this.#host.after(0, undefined, 'database goes on', () => this.#serve(request)),
        });
      case 'fail':
        if (verdict.applied && mayHaveApplied(verdict.code)) this.#applyUnheard(request);
        else if (request instanceof CommitRequest) request.decided = true;
        return this.#refuse(request, databaseError(verdict.code));
      case 'crash':
        if (verdict.applied) this.#applyUnheard(request);
        else if (request instanceof CommitRequest) request.decided = true;
        return this.#host.kill(request.sender, `crash during a database ${request.operation}`);
    }
  }

  /** Does a commit whose client will not learn that it was done; what cannot commit does not. */
  #applyUnheard(request: Request): void {
    if (!(request instanceof CommitRequest)) return;
    try {
      request.perform(this);
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
    }
  }

  #serve(request: Request): void {
    if (request instanceof CommitRequest && this.#stalled.get(request.from)?.push(request) !== undefined) return;
    const wait = request.needsVersion - this.#reached();
    if (wait > 0) return this.#serveLater(request, wait);
    let bytes: number | undefined;
    try {
      bytes = request.perform(this);
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      return this.#refuse(request, error);
    }
    if (bytes !== undefined) this.#reply(request, bytes);
  }

  /** A version is a microsecond, so the difference is the time to wait. */
  #serveLater(request: Request, micros: Micros): void {
    if (micros <= FUTURE_WAIT_MICROS) {
      this.#host.after(micros, undefined, 'database catches up', () => this.#serve(request));
      return;
    }
    this.#host.after(FUTURE_WAIT_MICROS, undefined, 'database gives up', () => this.#refuse(request, databaseError(code.futureVersion)));
  }

  #reply(request: Request, bytes: number, failure?: DatabaseError): void {
    if (request.sender.alive) this.#link.send(new Reply(request, bytes, failure));
  }

  #refuse(request: Request, error: DatabaseError): void {
    this.#tellFailure(request.sender, request.operation, error.code);
    this.#reply(request, 0, error);
  }

  // ---- What requests ask for

  readVersion(): number {
    this.#close(this.#reached());
    return this.#version;
  }

  get(key: string, version: number): Bytes | undefined {
    this.#readAt(version);
    return this.#store.get(key, version);
  }

  resolve(selector: Selector, version: number): string {
    this.#readAt(version);
    return this.#store.resolve(selector, version);
  }

  range(begin: string, end: string, limits: ScanLimits, reverse: boolean, version: number): Scan {
    this.#readAt(version);
    return this.#store.range(begin, end, limits, reverse, version);
  }

  /** Commits, or throws 1007, 1009 or 1020 and changes nothing. */
  commit(payload: CommitPayload, readVersion: number, owner: Incarnation): Committed {
    const reached = this.#reached();
    if (readVersion > reached) throw databaseError(code.futureVersion);
    const oldest = reached - WINDOW_VERSIONS;
    if (readVersion < oldest) throw databaseError(code.transactionTooOld);
    if (this.#resolver.conflicts(payload.reads, readVersion)) throw databaseError(code.notCommitted);
    this.#close(readVersion);
    const committed = this.#nextCommit();
    this.#apply(payload, committed);
    this.#store.prune(oldest);
    this.#resolver.prune(oldest);
    this.#tellCommit(owner, committed.version);
    return committed;
  }

  /** True when the value differs already; else the request is answered when it does. */
  watch(request: WatchRequest): boolean {
    const { key } = request;
    if (!equalBytes(this.#store.newest(key), request.expected)) return true;
    if (request.settled) return false;
    const waiting = this.#watches.get(key);
    if (waiting === undefined) this.#watches.set(key, new Set([request]));
    else waiting.add(request);
    return false;
  }

  /** Nobody waits for this watch any more. */
  forget(request: WatchRequest): void {
    const waiting = this.#watches.get(request.key);
    if (waiting?.delete(request) === true && waiting.size === 0) this.#watches.delete(request.key);
  }

  // ---- Inside

  /** The newest version that exists at this moment. */
  #reached(): number {
    return Math.max(this.#version, FIRST_VERSION + this.#host.now());
  }

  #readAt(version: number): void {
    if (version < this.#reached() - WINDOW_VERSIONS) throw databaseError(code.transactionTooOld);
    this.#close(version);
  }

  /** Nothing more may be committed at a version that somebody reads at. */
  #close(version: number): void {
    if (version < this.#version) return;
    this.#version = version;
    this.#batchCommits = 0;
  }

  #nextCommit(): Committed {
    const now = this.#host.now();
    const shared = this.#batchCommits > 0 && this.#batchCommits < BATCH_COMMITS_MAX && now - this.#batchStarted < this.#batchMicros;
    if (!shared) {
      this.#version = Math.max(this.#version + 1, FIRST_VERSION + now);
      this.#batchStarted = now;
      this.#batchCommits = 0;
    }
    return { version: this.#version, order: this.#batchCommits++ };
  }

  #apply({ mutations, writeRanges }: CommitPayload, { version, order }: Committed): void {
    const store = this.#store;
    const resolver = this.#resolver;
    for (const mutation of mutations) {
      let { key } = mutation;
      switch (mutation.kind) {
        case 'set':
          store.set(key, mutation.value, version);
          break;
        case 'clear-range':
          store.clearRange(key, mutation.end, version);
          resolver.writeRange(key, mutation.end, version);
          continue;
        case 'atomic':
          store.set(key, applyAtomic(mutation.operation, store.newest(key), mutation.operand), version);
          break;
        case 'stamped-key':
          key = toBinary(stamped(fromBinary(key), mutation.offset, versionstamp(version, order)));
          store.set(key, mutation.value, version);
          break;
        case 'stamped-value':
          store.set(key, stamped(mutation.value, mutation.offset, versionstamp(version, order)), version);
          break;
      }
      resolver.writePoint(key, version);
    }
    for (const [begin, end] of writeRanges) resolver.writeRange(begin, end, version);
    // After all mutations, for a watch must not fire for a value that no reader can see.
    if (this.#watches.size > 0) for (const mutation of mutations) this.#checkWatches(mutation, version, order);
  }

  #checkWatches(mutation: CommitPayload['mutations'][number], version: number, order: number): void {
    switch (mutation.kind) {
      case 'clear-range':
        for (const key of [...this.#watches.keys()]) if (key >= mutation.key && key < mutation.end) this.#checkWatched(key);
        return;
      case 'stamped-key':
        return this.#checkWatched(toBinary(stamped(fromBinary(mutation.key), mutation.offset, versionstamp(version, order))));
      default:
        return this.#checkWatched(mutation.key);
    }
  }

  #checkWatched(key: string): void {
    const waiting = this.#watches.get(key);
    if (waiting === undefined) return;
    const value = this.#store.newest(key);
    for (const request of [...waiting]) {
      if (equalBytes(value, request.expected)) continue;
      this.forget(request);
      this.#reply(request, request.bytes);
    }
  }

  #tellCommit(owner: Incarnation, version: number): void {
    this.#tell(owner, { outcome: 'committed', operation: 'commit', version });
  }

  #tellFailure(owner: Incarnation, operation: string, number: number): void {
    this.#tell(owner, { outcome: 'failed', operation, code: number });
  }

  /** Under the process that asked, or under the world with its name when it is dead: its last commit may outlive it. */
  #tell(
    owner: Incarnation,
    event: { readonly operation: string; readonly outcome: string; readonly [detail: string]: number | string },
  ): void {
    if (owner.alive) this.#host.tell(owner, { type: 'database', ...event });
    else this.#host.tell(undefined, { type: 'database', node: owner.node satisfies NodeId, ...event });
  }
}

/** Codes that say for certain that a commit did not happen are never lies of ours. */
const mayHaveApplied = (number: number): boolean => {
  const error = databaseError(number);
  return error.maybeCommitted || !error.retryable;
};
