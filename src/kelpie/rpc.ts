/**
 * Requests and answers between nodes over a transport that loses, repeats and misdelivers. The payload is JSON. Every message says
 * who it is for, and which life of the sender it comes from; a request also says which life of the receiver it is meant for. A life
 * handles only requests that are meant for it, and each of them once: however often and late the network brings a request, it is
 * handled at most once, also across restarts. Whoever does not know the receiver's life yet is told it, and asks again.
 */
import { type Micros, type NodeId, type Platform, PortError } from '../ports.js';
import { chooses } from './choices.js';
import type { Deadline, Deadlines } from './deadlines.js';
import { fromUtf8, type Json, utf8 } from './json.js';
import { dropOldest } from './oldest.js';
import type { Teller } from './tell.js';

const VERSION = 1;

/** Kinds of messages, each with its own handler. Those of cluster and migration are added by their parts. */
export type MessageKind = string;

export interface Incoming {
  readonly from: NodeId;
  /** The request has certainly not been handled before. False only where the sender was forgotten, among thousands of others. */
  readonly fresh: boolean;
}

/** Answers a request; `undefined` sends no answer. Must not reject. */
export type RpcHandler = (body: unknown, incoming: Incoming) => Promise<Json | undefined> | Json | undefined;

export type Reply =
  | { readonly kind: 'reply'; readonly body: unknown }
  /** No answer in time: what became of the request is unknown. */
  | { readonly kind: 'timeout' }
  /** It was never sent. */
  | { readonly kind: 'unsendable'; readonly error: PortError };

interface Envelope {
  /** Version of the envelope. */
  readonly v: number;
  readonly to: NodeId;
  /** Kind of a request; `reply` for an answer. */
  readonly k: MessageKind;
  /** Life of the sender. */
  readonly i: number;
  /** Life of the receiver it is meant for, 0 when not known. */
  readonly t: number;
  /** Number of the request under the life of who asked, 0 when no answer is wanted. */
  readonly n: number;
  readonly b: unknown;
}

const REPLY = 'reply';
/** Tells the sender of a request that it was meant for no life or another one, and was not handled by this one. */
const UNMET = 'unmet';

interface Asked {
  readonly to: NodeId;
  readonly kind: MessageKind;
  readonly body: Json;
  readonly settle: (reply: Reply) => void;
}

interface PendingRequest extends Asked {
  /** The life it was meant for, 0 when that was not known. */
  readonly life: number;
  readonly deadlineMicros: Micros;
  readonly deadline: Deadline;
}

/** Which requests of one life of a peer have been seen. */
interface Seen {
  /** Everything up to this number counts as seen. */
  floor: number;
  readonly numbers: Set<number>;
}

interface Peer {
  /** The life that was heard of last. */
  latest: number;
  readonly lives: Map<number, Seen>;
  /** A life was forgotten, so that requests of one that is not known may have been seen. */
  forgetful: boolean;
}

/** Requests of one life of a peer that are remembered one by one. */
const SEEN_MAX = 4_096;
/** Lives of one peer that are remembered. */
const LIVES_MAX = 4;
/** Peers that are remembered. Forgetting only makes requests count as possible repetitions. */
const PEERS_MAX = 10_000;

export class Rpc {
  readonly #platform: Platform;
  readonly #deadlines: Deadlines;
  readonly #teller: Teller;
  readonly #handlers = new Map<MessageKind, RpcHandler>();
  readonly #pending = new Map<number, PendingRequest>();
  readonly #peers = new Map<NodeId, Peer>();
  readonly #instance: number;
  #forgetful = false;
  #sequence = 0;
  #closed = false;

  constructor(platform: Platform, deadlines: Deadlines, teller: Teller) {
    this.#platform = platform;
    this.#deadlines = deadlines;
    this.#teller = teller;
    this.#instance = 1 + platform.random.fork('rpc').int(2 ** 52);
  }

  /** Sets the handler of one kind of request. Each kind has one; set all before `listen`. */
  handle(kind: MessageKind, handler: RpcHandler): void {
    if (kind === REPLY || kind === UNMET || this.#handlers.has(kind)) throw new Error(`messages of kind ${kind} have a handler already`);
    this.#handlers.set(kind, handler);
  }

  listen(): void {
    this.#platform.transport.listen((from, bytes) => this.#receive(from, bytes));
  }

  /** Requests that wait for their answer. */
  get open(): number {
    return this.#pending.size;
  }

  /** Sends a request and waits for its answer. Never rejects. */
  request(to: NodeId, kind: MessageKind, body: Json, timeoutMicros: Micros): Promise<Reply> {
    if (this.#closed) return Promise.resolve({ kind: 'timeout' });
    return new Promise((settle) => this.#ask({ to, kind, body, settle }, this.#platform.clock.monotonicMicros() + timeoutMicros));
  }

  #ask(request: Asked, deadlineMicros: Micros): void {
    const { to, kind, body, settle } = request;
    this.#sequence += 1;
    const n = this.#sequence;
    const life = this.#peers.get(to)?.latest ?? 0;
    const error = this.#send(to, kind, n, life, body);
    if (error !== undefined) return settle({ kind: 'unsendable', error });
    const deadline = this.#deadlines.at(deadlineMicros, () => {
      this.#pending.delete(n);
      this.#teller.count('rpc.timeouts');
      settle({ kind: 'timeout' });
    });
    this.#pending.set(n, { ...request, life, deadlineMicros, deadline });
  }

  /** Sends and wants no answer. Answers whether it was sent. */
  notify(to: NodeId, kind: MessageKind, body: Json): boolean {
    return !this.#closed && this.#send(to, kind, 0, this.#peers.get(to)?.latest ?? 0, body) === undefined;
  }

  /** What waits gets `timeout`, and nothing more is sent or handled. */
  close(): void {
    this.#closed = true;
    for (const { settle, deadline } of this.#pending.values()) {
      deadline.clear();
      settle({ kind: 'timeout' });
    }
    this.#pending.clear();
  }

  #send(to: NodeId, kind: MessageKind, n: number, instance: number, body: Json): PortError | undefined {
    const envelope: Envelope = { v: VERSION, to, k: kind, i: this.#instance, t: instance, n, b: body };
    try {
      this.#platform.transport.send(to, utf8(JSON.stringify(envelope)));
      this.#teller.count('rpc.sent');
      return undefined;
    } catch (error) {
      if (error instanceof PortError) return error;
      throw error;
    }
  }

  #receive(from: NodeId, bytes: Uint8Array): void {
    if (this.#closed) return;
    const envelope = parseEnvelope(bytes);
    if (envelope === undefined) return this.#drop(from, 'malformed');
    if (envelope.to !== this.#platform.node) return this.#drop(from, 'misdelivered');
    this.#teller.count('rpc.received');
    if (envelope.k === REPLY || envelope.k === UNMET) return this.#takeReply(from, envelope);
    const age = this.#ageOf(from, envelope);
    if (age === 'repeated') return this.#drop(from, 'repeated');
    if (envelope.n !== 0 && envelope.t !== this.#instance) {
      this.#send(from, UNMET, envelope.n, envelope.i, null);
      return;
    }
    const handler = this.#handlers.get(envelope.k);
    if (handler === undefined) return this.#drop(from, 'unexpected');
    void this.#answer(from, envelope, handler(envelope.b, { from, fresh: age === 'fresh' }));
  }

  async #answer(from: NodeId, envelope: Envelope, answer: ReturnType<RpcHandler>): Promise<void> {
    const body = await answer;
    if (body === undefined || envelope.n === 0 || this.#closed || chooses(this.#platform, 'rpc/lose-answer')) return;
    this.#send(from, REPLY, envelope.n, envelope.i, body);
  }

  #takeReply(from: NodeId, envelope: Envelope): void {
    const pending = this.#pending.get(envelope.n);
    if (envelope.t !== this.#instance || pending === undefined || pending.to !== from) return this.#drop(from, 'unexpected');
    this.#pending.delete(envelope.n);
    pending.deadline.clear();
    this.#meet(from, envelope.i);
    if (envelope.k === REPLY) return pending.settle({ kind: 'reply', body: envelope.b });
    // Meant for no life, it was handled by none. Meant for an earlier one, it may have been, and nobody will tell any more.
    if (pending.life === 0) this.#ask(pending, pending.deadlineMicros);
    else pending.settle({ kind: 'timeout' });
  }

  /** Notes that the peer lives under this number, and answers with what has been seen of that life. */
  #meet(from: NodeId, life: number): Seen {
    let peer = this.#peers.get(from);
    if (peer === undefined) {
      peer = { latest: life, lives: new Map(), forgetful: this.#forgetful };
      this.#peers.set(from, peer);
      if (this.#peers.size > PEERS_MAX) {
        dropOldest(this.#peers);
        this.#forgetful = true;
      }
    }
    peer.latest = life;
    let seen = peer.lives.get(life);
    if (seen === undefined) {
      seen = { floor: peer.forgetful ? Number.POSITIVE_INFINITY : 0, numbers: new Set() };
      peer.lives.set(life, seen);
      if (peer.lives.size > LIVES_MAX) {
        dropOldest(peer.lives);
        peer.forgetful = true;
      }
    }
    return seen;
  }

  /** Whether the request has been seen before: certainly not, certainly, or perhaps, by a memory that has been lost. */
  #ageOf(from: NodeId, { i, n }: Envelope): 'fresh' | 'repeated' | 'unsure' {
    const seen = this.#meet(from, i);
    if (n === 0) return 'unsure';
    if (seen.numbers.has(n)) return 'repeated';
    if (n <= seen.floor) return 'unsure';
    seen.numbers.add(n);
    if (seen.numbers.size > SEEN_MAX) seen.floor = Math.max(seen.floor, dropOldest(seen.numbers) ?? 0);
    return 'fresh';
  }

  #drop(from: NodeId, why: 'misdelivered' | 'malformed' | 'unexpected' | 'repeated'): void {
    this.#teller.count('rpc.dropped');
    this.#teller.tell({ type: 'rpc.drop', from, why });
  }
}

function parseEnvelope(bytes: Uint8Array): Envelope | undefined {
  let envelope: Partial<Record<keyof Envelope, unknown>> | null;
  try {
    envelope = JSON.parse(fromUtf8(bytes)) as typeof envelope;
  } catch {
    return undefined;
  }
  if (envelope === null || typeof envelope !== 'object' || envelope.v !== VERSION) return undefined;
  const { to, k, i, t, n } = envelope;
  const whole =
    typeof to === 'string' && typeof k === 'string' && Number.isSafeInteger(i) && Number.isSafeInteger(t) && Number.isSafeInteger(n);
  return whole ? (envelope as Envelope) : undefined;
}
