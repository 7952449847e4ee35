/**
 * The network: datagrams between processes, and streams to the database and to services. Each ordered pair of addresses has its
 * own permanent base latency and its own random stream, so traffic elsewhere never shifts what a pair sees. Faults are asked
 * when a message is sent and again when it would arrive, so a partition also cuts what is in flight. A sender learns nothing.
 */
import { decodeFrame, encodeFrame } from '../frame.js';
import { MESSAGE_BYTES_MAX, type MessageHandler, type Micros, type NodeId, PortError, type Random, type Transport } from '../ports.js';
import type { NetworkShape } from '../run.js';
import type { Incarnation, StreamLink, StreamMessage } from './host.js';
import type { Kernel } from './kernel.js';
import type { Process } from './process.js';
import type { PacketEvent, PacketVerdict } from './seams.js';

const LOOPBACK_MICROS: Micros = 20;
/** Where strays come from; never the name of a node. */
const STRANGER: NodeId = 'stranger';
/** First retransmission time-out of a stream; doubles with each try (RFC 6298 has 1 s, data centres run 200 ms). */
const RETRANSMIT_MICROS: Micros = 200_000;
/** Tries after which a stream counts as broken: about 6 s without getting through. */
const STREAM_TRIES_MAX = 5;
/** A connection unused for this long may be closed to make room for another. */
const CONNECTION_IDLE_MICROS: Micros = 10_000_000;
/** Length and checksum in front of every frame count towards bandwidth. */
const FRAME_OVERHEAD_BYTES = 16;

interface Pair {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly what: string;
  readonly baseMicros: Micros;
  readonly random: Random;
  /** When the link has sent everything it was given. */
  busyUntil: Micros;
  /** Stream messages in the order they were sent; the head alone may be handed over. */
  readonly stream: StreamEntry[];
  /** Handed over in this instant and not yet taken; the scheduler may swap the events, never the messages. */
  readonly handed: StreamMessage[];
  /** Datagrams that keep their order, and when the last of them arrives. */
  readonly inOrder: Datagram[];
  lastArrival: Micros;
}

interface StreamEntry {
  readonly message: StreamMessage;
  readonly number: number;
  state: 'travelling' | 'arrived' | 'broken';
}

interface Datagram {
  readonly number: number;
  readonly from: NodeId;
  readonly sender: Process;
  readonly payload: Uint8Array;
  /** What becomes of the frame's bytes on the way; undefined when they arrive as sent. */
  readonly damage: Extract<PacketVerdict, { kind: 'corrupt' | 'truncate' }> | undefined;
}

/** Names the kind of a message, for faults that aim at kinds. */
export type TopicOf = (bytes: Uint8Array) => string | undefined;

export class Network implements StreamLink {
  readonly #kernel: Kernel;
  readonly #shape: NetworkShape;
  readonly #pairs = new Map<NodeId, Map<NodeId, Pair>>();
  readonly #endpoints = new Map<NodeId, Endpoint>();
  readonly #connections = new Map<NodeId, Map<NodeId, Micros>>();
  readonly #counts = new Map<string, number>();
  readonly #connectionsMax = new Map<NodeId, number>();
  #messages = 0;

  readonly #topicOf: TopicOf | undefined;

  constructor(kernel: Kernel, shape: NetworkShape, topicOf?: TopicOf) {
    this.#kernel = kernel;
    this.#shape = shape;
    this.#topicOf = topicOf;
  }

  /** Messages sent, lost and damaged, by name. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  /** The transport of one life of a node. It takes the place of the one of the life before. */
  attach(owner: Process): Transport {
    const endpoint = new Endpoint(owner, (to, bytes) => this.#sendDatagram(owner, to, bytes));
    this.#endpoints.set(owner.node, endpoint);
    return endpoint;
  }

  /** Bounds the peers that a node has a connection with at once, below what the shape of the network says. */
  limitConnections(node: NodeId, max: number | undefined): void {
    if (max === undefined) this.#connectionsMax.delete(node);
    else this.#connectionsMax.set(node, max);
  }

  /** Wakes a node with an empty message from a stranger. */
  stray(node: NodeId): boolean {
    const endpoint = this.#endpoints.get(node);
    if (endpoint === undefined || !endpoint.listening) return false;
    this.#count('strays');
    this.#deliverTo(endpoint, STRANGER, ++this.#messages, new Uint8Array(0));
    return true;
  }

  #sendDatagram(sender: Process, to: NodeId, bytes: Uint8Array): void {
    if (!sender.alive) return;
    const number = ++this.#messages;
    this.#count('datagrams');
    this.#kernel.tracePacket(sender, 'send', number, () => ({ type: 'send', to, message: number, bytes: bytes.length }));
    if (!this.#connected(sender.node, to)) return this.#lose(sender, sender.node, to, number, 'no connection free');
    const pair = this.#pair(sender.node, to);
    const latency = this.#latency(pair, bytes.length + FRAME_OVERHEAD_BYTES);
    // The sender may reuse its buffer.
    const datagram: Datagram = { number, from: sender.node, sender, payload: new Uint8Array(bytes), damage: undefined };
    const verdict = this.#ask('send', pair, 'datagram', bytes, number, latency);
    if (verdict === undefined) return this.#travelInOrder(pair, datagram, latency);
    switch (verdict.kind) {
      case 'drop':
        return this.#lose(sender, pair.from, to, number, 'dropped on sending');
      case 'delay':
        return this.#travel(pair, datagram, latency + verdict.micros);
      case 'duplicate':
        this.#count('duplicated');
        this.#travelInOrder(pair, datagram, latency);
        for (let i = 0; i < verdict.copies; i++) {
          this.#travel(pair, { ...datagram, payload: new Uint8Array(bytes) }, latency + pair.random.int(verdict.spreadMicros + 1));
        }
        return;
      case 'corrupt':
      case 'truncate':
        return this.#travelInOrder(pair, { ...datagram, damage: verdict }, latency);
      case 'misdeliver':
        this.#count('misdelivered');
        return this.#travel(this.#pair(sender.node, verdict.to), datagram, latency);
      case 'throttle':
        return this.#travelInOrder(
          pair,
          datagram,
          latency + this.#queueing(pair, bytes.length + FRAME_OVERHEAD_BYTES, verdict.bytesPerSecond),
        );
      case 'hold':
        return this.#kernel.judge.hold({ release: () => this.#travel(pair, datagram, latency) });
    }
  }

  /**
   * A healthy pair keeps the order of its messages, as the connection does that a real transport has per peer: a late one holds up
   * those behind it, and only faults let one overtake another.
   */
  #travelInOrder(pair: Pair, datagram: Datagram, latency: Micros): void {
    const now = this.#kernel.now();
    pair.lastArrival = Math.max(now + latency, pair.lastArrival);
    pair.inOrder.push(datagram);
    const arrive = (): void => {
      // Of events that are ready together the scheduler may take any: the first message comes with whichever runs first.
      const first = pair.inOrder.shift();
      if (first === undefined) throw new Error(`more arrivals than messages from ${pair.from} to ${pair.to}`);
      this.#arrive(pair, first, latency);
    };
    this.#kernel.after(pair.lastArrival - now, undefined, pair.what, arrive, pair.inOrder);
  }

  #travel(pair: Pair, datagram: Datagram, latency: Micros): void {
    this.#kernel.after(latency, undefined, pair.what, () => this.#arrive(pair, datagram, latency));
  }

  #arrive(pair: Pair, datagram: Datagram, latency: Micros): void {
    const { sender, number } = datagram;
    const verdict = this.#ask('arrive', pair, 'datagram', datagram.payload, number, latency);
    switch (verdict?.kind) {
      case 'drop':
        return this.#lose(undefined, pair.from, pair.to, number, 'dropped on the way');
      case 'delay':
        return void this.#kernel.after(verdict.micros, undefined, pair.what, () => this.#deliver(pair, datagram));
      case 'duplicate':
        this.#count('duplicated');
        for (let i = 0; i < verdict.copies; i++) {
          const copy: Datagram = { ...datagram, payload: datagram.payload.slice() };
          this.#kernel.after(pair.random.int(verdict.spreadMicros + 1), undefined, pair.what, () => this.#deliver(pair, copy));
        }
        break;
      case 'corrupt':
      case 'truncate':
        return this.#deliver(pair, { ...datagram, damage: verdict });
      case 'misdeliver':
        this.#count('misdelivered');
        return this.#deliver(this.#pair(sender.node, verdict.to), datagram);
      case 'hold':
        return this.#kernel.judge.hold({ release: () => this.#kernel.after(0, undefined, pair.what, () => this.#deliver(pair, datagram)) });
      case 'throttle':
      case undefined:
        break;
    }
    this.#deliver(pair, datagram);
  }

  #deliver(pair: Pair, datagram: Datagram): void {
    const { number, from } = datagram;
    const endpoint = this.#endpoints.get(pair.to);
    if (endpoint === undefined || !endpoint.listening) return this.#lose(undefined, from, pair.to, number, 'nobody listens');
    let payload = datagram.payload;
    if (datagram.damage !== undefined) {
      // Framing every message would change nothing for undamaged ones, so only damaged ones are framed and checked.
      const survivor = decodeDamaged(payload, datagram.damage, pair.random);
      this.#count('damaged');
      if (survivor === undefined) return this.#lose(undefined, from, pair.to, number, 'frame damaged');
      payload = survivor;
    }
    this.#deliverTo(endpoint, from, number, payload);
  }

  #deliverTo(endpoint: Endpoint, from: NodeId, number: number, payload: Uint8Array): void {
    const { owner } = endpoint;
    this.#kernel.runAs(owner, 'message', () => {
      this.#kernel.tracePacket(owner, 'deliver', number, () => ({ type: 'deliver', from, message: number }));
      endpoint.deliver(from, payload);
    });
  }

  send(message: StreamMessage): void {
    if (message.sender !== undefined && !message.sender.alive) return;
    const pair = this.#pair(message.from, message.to);
    const entry: StreamEntry = { message, number: ++this.#messages, state: 'travelling' };
    this.#count('streamed');
    pair.stream.push(entry);
    this.#transmit(pair, entry, 0);
  }

  #transmit(pair: Pair, entry: StreamEntry, tries: number): void {
    const { bytes } = entry.message;
    const latency = this.#latency(pair, bytes + FRAME_OVERHEAD_BYTES);
    const verdict = this.#ask('send', pair, 'stream', bytes, entry.number, latency);
    let extra = 0;
    if (verdict?.kind === 'delay') extra = verdict.micros;
    if (verdict?.kind === 'throttle') extra = this.#queueing(pair, bytes + FRAME_OVERHEAD_BYTES, verdict.bytesPerSecond);
    if (verdict?.kind === 'hold') {
      return this.#kernel.judge.hold({ release: () => this.#transmit(pair, entry, tries) });
    }
    if (verdict?.kind === 'drop') return this.#retransmit(pair, entry, tries);
    this.#kernel.after(latency + extra, undefined, pair.what, () => this.#streamArrive(pair, entry, tries, latency), pair.stream);
  }

  #streamArrive(pair: Pair, entry: StreamEntry, tries: number, latency: Micros): void {
    const verdict = this.#ask('arrive', pair, 'stream', entry.message.bytes, entry.number, latency);
    switch (verdict?.kind) {
      case 'drop':
        return this.#retransmit(pair, entry, tries);
      case 'hold':
        return this.#kernel.judge.hold({ release: () => this.#handOver(pair, entry, 'arrived') });
      case 'delay':
        return void this.#kernel.after(verdict.micros, undefined, pair.what, () => this.#handOver(pair, entry, 'arrived'));
      default:
        // The stream's own checksums and sequence numbers undo damage and repetition.
        return this.#handOver(pair, entry, 'arrived');
    }
  }

  #retransmit(pair: Pair, entry: StreamEntry, tries: number): void {
    this.#count('retransmitted');
    const wait = RETRANSMIT_MICROS * 2 ** tries;
    this.#kernel.after(wait, undefined, pair.what, () => {
      if (tries + 1 >= STREAM_TRIES_MAX) this.#handOver(pair, entry, 'broken');
      else this.#transmit(pair, entry, tries + 1);
    });
  }

  /** Hands over in the order of sending: what arrived early waits for what was sent before it. */
  #handOver(pair: Pair, entry: StreamEntry, state: 'arrived' | 'broken'): void {
    entry.state = state;
    while (pair.stream[0] !== undefined && pair.stream[0].state !== 'travelling') {
      const head = pair.stream.shift() as StreamEntry; // the loop condition saw it
      const { receiver, sender } = head.message;
      if (head.state === 'arrived' && (receiver === undefined || receiver.alive)) {
        pair.handed.push(head.message);
        this.#kernel.after(0, receiver, pair.what, () => this.#takeFirst(pair, receiver).arrived(), pair);
      } else if (head.state === 'arrived') {
        // The machine answers that nobody holds this connection any more.
        this.#kernel.after(pair.baseMicros, sender, pair.what, () => head.message.broken());
      } else {
        this.#count('broken');
        this.#run(sender, pair.what, () => head.message.broken());
      }
    }
  }

  /** The first message handed over to this receiver. */
  #takeFirst(pair: Pair, receiver: Incarnation | undefined): StreamMessage {
    const { handed } = pair;
    let first: StreamMessage | undefined;
    let kept = 0;
    // In place: it is done for every message of a stream.
    for (const message of handed) {
      if (first === undefined && message.receiver === receiver) first = message;
      else if (message.receiver?.alive !== false) handed[kept++] = message;
    }
    handed.length = kept;
    if (first === undefined) throw new Error(`a stream to ${pair.to} handed over more events than messages`);
    return first;
  }

  #run(owner: Incarnation | undefined, what: string, callback: () => void): void {
    this.#kernel.after(0, owner, what, callback);
  }

  #ask(
    phase: PacketEvent['phase'],
    pair: Pair,
    carrier: PacketEvent['carrier'],
    content: Uint8Array | number,
    message: number,
    latencyMicros: Micros,
  ): PacketVerdict | undefined {
    const judge = this.#kernel.judge;
    if (!judge.active('packet')) return undefined;
    const [bytes, topic] = typeof content === 'number' ? [content, undefined] : [content.length, this.#topicOf?.(content)];
    return judge.ask({ seam: 'packet', phase, from: pair.from, to: pair.to, bytes, carrier, message, latencyMicros, topic });
  }

  #latency(pair: Pair, bytes: number): Micros {
    if (pair.from === pair.to) return LOOPBACK_MICROS;
    const { jitterMicros, tailOneIn, tailMicros, bytesPerSecond } = this.#shape;
    let latency = pair.baseMicros;
    if (jitterMicros > 0) latency += pair.random.int(jitterMicros + 1);
    if (tailOneIn > 0 && pair.random.chance(1, tailOneIn)) latency += tailMicros;
    if (bytesPerSecond > 0) latency += this.#queueing(pair, bytes, bytesPerSecond);
    return latency;
  }

  /** How long the message waits for those before it and takes itself on a link of this bandwidth. */
  #queueing(pair: Pair, bytes: number, bytesPerSecond: number): Micros {
    const now = this.#kernel.now();
    pair.busyUntil = Math.max(now, pair.busyUntil) + Math.ceil((bytes * 1_000_000) / bytesPerSecond);
    return pair.busyUntil - now;
  }

  #connected(node: NodeId, peer: NodeId): boolean {
    const max = this.#connectionsMax.get(node) ?? this.#shape.connectionsMax ?? 0;
    if (max === 0) return true;
    const now = this.#kernel.now();
    let peers = this.#connections.get(node);
    if (peers === undefined) {
      peers = new Map();
      this.#connections.set(node, peers);
    }
    if (!peers.has(peer) && peers.size >= max) {
      for (const [other, usedAt] of peers) {
        if (now - usedAt >= CONNECTION_IDLE_MICROS) {
          peers.delete(other);
          break;
        }
      }
      if (peers.size >= max) return false;
    }
    peers.set(peer, now);
    return true;
  }

  #lose(owner: Process | undefined, from: NodeId, to: NodeId, message: number, why: string): void {
    this.#count('lost');
    this.#kernel.tracePacket(owner, 'lose', message, () => ({ type: 'lose', from, to, message, why }));
  }

  #count(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  #pair(from: NodeId, to: NodeId): Pair {
    let row = this.#pairs.get(from);
    if (row === undefined) {
      row = new Map();
      this.#pairs.set(from, row);
    }
    let pair = row.get(to);
    if (pair === undefined) {
      const random = this.#kernel.random(`network/${from}->${to}`);
      const { latencyMicrosMin, latencyMicrosMax } = this.#shape;
      const baseMicros = from === to ? LOOPBACK_MICROS : random.between(latencyMicrosMin, latencyMicrosMax);
      pair = { from, to, what: `message to ${to}`, baseMicros, random, busyUntil: 0, stream: [], handed: [], inOrder: [], lastArrival: 0 };
      row.set(to, pair);
    }
    return pair;
  }
}

/** Frames the payload, damages the frame, and returns what the receiver would accept: normally nothing. */
function decodeDamaged(payload: Uint8Array, damage: NonNullable<Datagram['damage']>, random: Random): Uint8Array | undefined {
  let frame = encodeFrame(payload);
  if (damage.kind === 'truncate') {
    frame = frame.subarray(0, Math.floor((frame.length * damage.keepNumerator) / damage.keepDenominator));
  } else {
    for (let i = 0; i < damage.bitFlips; i++) {
      const bit = random.int(frame.length * 8);
      frame[bit >> 3] = (frame[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    }
  }
  try {
    return decodeFrame(frame);
  } catch {
    return undefined;
  }
}

class Endpoint implements Transport {
  readonly self: NodeId;
  #handler: MessageHandler | undefined;
  #closed = false;

  constructor(
    readonly owner: Process,
    readonly sendBytes: (to: NodeId, bytes: Uint8Array) => void,
  ) {
    this.self = owner.node;
  }

  get listening(): boolean {
    return this.owner.alive && !this.#closed && this.#handler !== undefined;
  }

  send(to: NodeId, bytes: Uint8Array): void {
    if (this.#closed) throw new PortError('closed', `transport of ${this.self} is closed`);
    if (bytes.length > MESSAGE_BYTES_MAX) {
      throw new PortError('too-large', `message of ${bytes.length} bytes to ${to}; the most is ${MESSAGE_BYTES_MAX}`);
    }
    this.sendBytes(to, bytes);
  }

  listen(handler: MessageHandler): void {
    if (this.#closed) throw new PortError('closed', `transport of ${this.self} is closed`);
    if (this.#handler !== undefined) throw new PortError('in-use', `transport of ${this.self} has a handler already`);
    this.#handler = handler;
  }

  deliver(from: NodeId, bytes: Uint8Array): void {
    this.#handler?.(from, bytes);
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }
}
