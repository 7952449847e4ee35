/**
 * What a client asks the cluster, each question one message there and one message back. The server's part of a request runs as
 * the world, the client's part as the process that asked, so that a dead process never hears an answer.
 */
import { type Bytes, type DatabaseError, databaseErrorCode as code, type Micros, type NodeId } from '../../ports.js';
import type { Incarnation, StreamMessage } from '../host.js';
import { DATABASE_ADDRESS, type DatabaseOperation } from '../seams.js';
import type { Attempt } from './attempt.js';
import type { Committed, SimCluster } from './cluster.js';
import { databaseError } from './codes.js';
import type { SimDatabase } from './database.js';
import type { ReadSet } from './resolver.js';
import type { Scan, ScanLimits, Selector } from './store.js';
import type { SimWatch } from './watch.js';
import type { Mutation, Pending } from './write-buffer.js';
import { resolvePending } from './write-buffer.js';

/** What a message carries beside keys and values. */
const OVERHEAD_BYTES = 64;
/** First and longest wait before a request whose connection broke is sent again. */
const RECONNECT_MICROS_MIN: Micros = 10_000;
const RECONNECT_MICROS_MAX: Micros = 1_000_000;
/** A read gives up when its read version is certainly too old. */
const READ_MICROS_MAX: Micros = 5_000_000;

/** A question to the cluster until it is answered, given up or aborted. */
export abstract class Request implements StreamMessage {
  readonly from: NodeId;
  readonly to = DATABASE_ADDRESS;
  readonly sender: Incarnation;
  readonly receiver = undefined;
  #settled = false;
  #breaks = 0;

  constructor(
    readonly database: SimDatabase,
    /** The try it belongs to; undefined when it outlives its transaction. */
    readonly attempt: Attempt | undefined,
    readonly operation: DatabaseOperation,
  ) {
    this.from = database.owner.node;
    this.sender = database.owner;
    database.outstanding.add(this);
  }

  get settled(): boolean {
    return this.#settled;
  }

  get bytes(): number {
    return OVERHEAD_BYTES;
  }

  /** The version that the server must have reached to answer. */
  get needsVersion(): number {
    return 0;
  }

  /** Server: does what is asked, and says how long the answer is; undefined when the answer comes later by itself. */
  abstract perform(cluster: SimCluster): number | undefined;
  /** Client: the answer is there. */
  protected abstract answered(): void;
  /** Client: there will be no answer but this error. */
  protected abstract failed(error: DatabaseError): void;

  send(): void {
    this.database.link.send(this);
  }

  arrived(): void {
    this.database.cluster.receive(this);
  }

  broken(): void {
    if (!this.#settled) this.lost();
  }

  /** Client: the cluster has answered, with an error or without. */
  answer(failure: DatabaseError | undefined): void {
    if (this.#settled) return;
    if (failure !== undefined) this.refused(failure);
    else if (this.settle()) this.answered();
  }

  /** Client: nobody waits for the answer any more. */
  abort(error: DatabaseError): void {
    if (this.settle()) this.failed(error);
  }

  /** The cluster answered an error. */
  protected refused(error: DatabaseError): void {
    this.abort(error);
  }

  /** The connection broke before the answer came; whatever changes nothing is simply asked again. */
  protected lost(): void {
    this.sendAgain();
  }

  protected sendAgain(): void {
    const most = Math.min(RECONNECT_MICROS_MAX, RECONNECT_MICROS_MIN * 2 ** Math.min(this.#breaks++, 10));
    const wait = this.database.random().between(most >> 1, most);
    this.database.host.after(wait, this.sender, 'database reconnects', () => {
      if (!this.#settled) this.send();
    });
  }

  /** True the first time. */
  protected settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.database.outstanding.delete(this);
    return true;
  }
}

/** The cluster's answer on its way back. */
export class Reply implements StreamMessage {
  readonly from = DATABASE_ADDRESS;
  readonly to: NodeId;
  readonly sender = undefined;
  readonly receiver: Incarnation;

  constructor(
    readonly request: Request,
    readonly bytes: number,
    /** What the cluster answers instead of what was asked for. */
    readonly failure: DatabaseError | undefined,
  ) {
    this.to = request.from;
    this.receiver = request.sender;
  }

  arrived(): void {
    this.request.answer(this.failure);
  }

  /** Both ends notice that a connection broke: here the server does, and its client is told as itself. */
  broken(): void {
    const { request } = this;
    request.database.host.after(0, request.sender, 'database connection broke', () => request.broken());
  }
}

export class ReadVersionRequest extends Request {
  #version = 0;

  constructor(
    database: SimDatabase,
    override readonly attempt: Attempt,
  ) {
    super(database, attempt, 'read-version');
  }

  perform(cluster: SimCluster): number {
    this.#version = cluster.readVersion();
    return OVERHEAD_BYTES;
  }

  protected answered(): void {
    this.attempt.gotReadVersion(this.#version);
  }

  protected failed(error: DatabaseError): void {
    this.attempt.gotNoReadVersion(error);
  }
}

/** A request that waits for the read version of its transaction. */
export abstract class VersionedRequest extends Request {
  #version = 0;

  constructor(
    override readonly attempt: Attempt,
    operation: DatabaseOperation,
  ) {
    super(attempt.database, attempt, operation);
  }

  get version(): number {
    return this.#version;
  }

  /** Sends it at last. */
  ready(version: number): void {
    if (this.settled) return;
    this.#version = version;
    this.send();
  }
}

abstract class ReadRequest extends VersionedRequest {
  constructor(attempt: Attempt) {
    super(attempt, 'read');
  }

  override get needsVersion(): number {
    return this.version;
  }

  protected override lost(): void {
    if (this.database.host.now() - this.attempt.readVersionAt > READ_MICROS_MAX) {
      this.abort(databaseError(code.transactionTooOld, 'the cluster was out of reach for that long'));
    } else {
      this.sendAgain();
    }
  }
}

/** One key, with the transaction's own operations on it applied to the answer. */
export class GetRequest extends ReadRequest {
  #stored: Bytes | undefined;

  constructor(
    attempt: Attempt,
    readonly key: string,
    readonly pending: Pending | undefined,
    readonly conflicting: boolean,
    readonly resolve: (value: Bytes | undefined) => void,
    readonly reject: (error: DatabaseError) => void,
  ) {
    super(attempt);
  }

  override get bytes(): number {
    return OVERHEAD_BYTES + this.key.length;
  }

  perform(cluster: SimCluster): number {
    this.#stored = cluster.get(this.key, this.version);
    return OVERHEAD_BYTES + (this.#stored?.length ?? 0);
  }

  protected answered(): void {
    if (this.conflicting) this.attempt.readPoint(this.key);
    const value = this.pending === undefined ? this.#stored : resolvePending(this.pending, this.#stored);
    this.attempt.readEnded(undefined);
    this.resolve(value === undefined ? undefined : new Uint8Array(value));
  }

  protected failed(error: DatabaseError): void {
    this.attempt.readEnded(error);
    this.reject(error);
  }
}

/** The key that a selector names. */
export class SelectRequest extends ReadRequest {
  #key = '';

  constructor(
    attempt: Attempt,
    readonly selector: Selector,
    readonly resolve: (key: string) => void,
    readonly reject: (error: DatabaseError) => void,
  ) {
    super(attempt);
  }

  override get bytes(): number {
    return OVERHEAD_BYTES + this.selector.key.length;
  }

  perform(cluster: SimCluster): number {
    this.#key = cluster.resolve(this.selector, this.version);
    return OVERHEAD_BYTES + this.#key.length;
  }

  protected answered(): void {
    this.resolve(this.#key);
  }

  protected failed(error: DatabaseError): void {
    this.reject(error);
  }
}

/** A stretch of the store as it stands, without the transaction's own writes. */
export class ScanRequest extends ReadRequest {
  #scan: Scan = { items: [], more: false };

  constructor(
    attempt: Attempt,
    readonly begin: string,
    readonly end: string,
    readonly limits: ScanLimits,
    readonly reverse: boolean,
    readonly resolve: (scan: Scan) => void,
    readonly reject: (error: DatabaseError) => void,
  ) {
    super(attempt);
  }

  override get bytes(): number {
    return OVERHEAD_BYTES + this.begin.length + this.end.length;
  }

  perform(cluster: SimCluster): number {
    this.#scan = cluster.range(this.begin, this.end, this.limits, this.reverse, this.version);
    let bytes = OVERHEAD_BYTES;
    for (const { key, value } of this.#scan.items) bytes += key.length + value.length;
    return bytes;
  }

  protected answered(): void {
    this.resolve(this.#scan);
  }

  protected failed(error: DatabaseError): void {
    this.reject(error);
  }
}

/** What a transaction hands over to be committed. */
export interface CommitPayload {
  readonly mutations: readonly Mutation[];
  readonly reads: ReadSet;
  /** Ranges to count as written, beside what the mutations write. */
  readonly writeRanges: readonly (readonly [begin: string, end: string])[];
  readonly bytes: number;
}

/**
 * A commit. When its connection breaks nobody at this end knows whether it happened, and it might still be under way; the
 * client then sends a `FenceRequest`, and tells the program 1021 only when that was answered.
 */
export class CommitRequest extends VersionedRequest {
  #committed: Committed | undefined;
  /** Server: what became of it is final, so that a fence need not stop it. */
  decided = false;

  constructor(
    attempt: Attempt,
    readonly payload: CommitPayload,
  ) {
    super(attempt, 'commit');
  }

  override get bytes(): number {
    return OVERHEAD_BYTES + this.payload.bytes;
  }

  perform(cluster: SimCluster): number | undefined {
    // A fence has overtaken it: the client gave it up already.
    if (this.decided) return undefined;
    this.decided = true;
    this.#committed = cluster.commit(this.payload, this.version, this.sender);
    return OVERHEAD_BYTES;
  }

  /** Client: it is certain that nothing more can come of it, and uncertain whether something came of it before. */
  unknown(): void {
    if (this.settled) return;
    this.database.host.tell(this.sender, { type: 'database', operation: 'commit', outcome: 'unknown', code: code.commitUnknownResult });
    this.abort(databaseError(code.commitUnknownResult));
  }

  protected answered(): void {
    if (this.#committed !== undefined) this.attempt.committed(this.#committed);
  }

  protected failed(error: DatabaseError): void {
    this.attempt.commitFailed(error);
  }

  protected override lost(): void {
    new FenceRequest(this).send();
  }
}

/**
 * Makes sure that a commit of unknown fate cannot happen from now on. FoundationDB's client commits a dummy transaction that
 * conflicts with the lost one for that purpose before it reports 1021, so a program that looks after 1021 sees the final
 * outcome: what it does not find then will never appear. This request stands for that dummy transaction.
 */
class FenceRequest extends Request {
  constructor(readonly commit: CommitRequest) {
    super(commit.database, commit.attempt, 'commit');
  }

  perform(): number {
    this.commit.decided = true;
    return OVERHEAD_BYTES;
  }

  protected answered(): void {
    this.commit.unknown();
  }

  protected failed(error: DatabaseError): void {
    this.commit.abort(error);
  }

  /** Until it is through nothing is certain, whatever the cluster says. */
  protected override refused(): void {
    this.sendAgain();
  }
}

/** Waits at the cluster for a key to differ from a value. */
export class WatchRequest extends Request {
  constructor(
    database: SimDatabase,
    readonly key: string,
    readonly expected: Bytes | undefined,
    readonly watch: SimWatch,
  ) {
    super(database, undefined, 'watch');
  }

  override get bytes(): number {
    return OVERHEAD_BYTES + this.key.length + (this.expected?.length ?? 0);
  }

  perform(cluster: SimCluster): number | undefined {
    return cluster.watch(this) ? OVERHEAD_BYTES : undefined;
  }

  protected answered(): void {
    this.watch.fire();
  }

  protected failed(error: DatabaseError): void {
    this.watch.fail(error);
  }
}
