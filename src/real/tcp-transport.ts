/**
 * The Transport port on TCP. A node listens at one address, and opens a connection to a peer when it first sends to it. Messages wait
 * in a bounded queue while there is no connection; where the queue is full the oldest goes, because its sender has waited longest and
 * is the likeliest to have given up. Nothing is sent again: what was handed to a connection that then broke is lost.
 *
 * A node that has no address here (a client) is answered over the connection that it opened.
 */
import { createServer, connect, type Server, type Socket } from 'node:net';
import {
  type Clock,
  MESSAGE_BYTES_MAX,
  type MessageHandler,
  type Micros,
  type NodeId,
  PortError,
  type Random,
  type Timer,
  type Tracer,
  type Transport,
} from '../ports.js';
import { encodeFrame } from '../frame.js';
import { Connection, type ConnectionEnd, isNodeName } from './tcp-connection.js';

export interface PeerAddress {
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
}

export interface TcpTransportOptions {
  readonly self: NodeId;
  /** Where this node listens; port 0 takes a free one. Without it the node is reached by nobody, but is answered. */
  readonly listen?: PeerAddress;
  /** Where a peer listens; undefined when it is not known. */
  addressOf(node: NodeId): PeerAddress | undefined;
  readonly clock: Clock;
  readonly random: Random;
  /** Gets counters `transport.*` and an event for every connection that ends for a reason. */
  readonly tracer: Tracer;
}

const QUEUE_MESSAGES_MAX = 10_000;
const QUEUE_BYTES_MAX = 4 * MESSAGE_BYTES_MAX;
/** A message that found no connection for so long is dropped: its sender no longer waits. */
const QUEUE_MICROS_MAX: Micros = 5_000_000;
const CONNECTIONS_MAX = 2_000;
const RECONNECT_MICROS_FIRST: Micros = 20_000;
const RECONNECT_MICROS_MAX: Micros = 2_000_000;

/**
 * Opens the transport and listens. Errors: PortError `in-use` when the address is taken, `unavailable` when it cannot be used,
 * `invalid-argument` for a name that no node may have.
 */
export async function openTcpTransport(options: TcpTransportOptions): Promise<TcpTransport> {
  if (!isNodeName(options.self)) {
    throw new PortError(
      'invalid-argument',
      `a node's name has 1 to 256 bytes of printable characters, not ${JSON.stringify(options.self)}`,
    );
  }
  const transport = new TcpTransport(options);
  if (options.listen !== undefined) await transport.bind(options.listen);
  return transport;
}

interface Queued {
  readonly frame: Uint8Array;
  readonly since: Micros;
}

export class TcpTransport implements Transport {
  readonly self: NodeId;
  readonly #options: TcpTransportOptions;
  /** Peers with an address, by name. */
  readonly #links = new Map<NodeId, OutgoingLink>();
  /** Queues to nodes without an address, which opened a connection themselves. */
  readonly #guests = new Map<NodeId, OutgoingQueue>();
  /** Every connection that was accepted and has not ended. */
  readonly #accepted = new Set<Connection>();
  #server: Server | undefined;
  #handler: MessageHandler | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: TcpTransportOptions) {
    this.self = options.self;
    this.#options = options;
  }

  /** Where this node listens, with the port that it got. */
  get address(): PeerAddress | undefined {
    const address = this.#server?.address();
    return address === null || address === undefined || typeof address === 'string'
      ? undefined
      : { host: address.address, port: address.port };
  }

  /** Starts to listen; part of opening. */
  bind({ host, port }: PeerAddress): Promise<void> {
    const server = createServer((socket) => this.#accept(socket));
    server.maxConnections = CONNECTIONS_MAX;
    server.on('drop', () => this.#count('connections-refused'));
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        const code = error.code === 'EADDRINUSE' ? 'in-use' : 'unavailable';
        reject(new PortError(code, `node ${this.self} cannot listen at ${host}:${port}: ${error.message}`));
      });
      server.listen({ host, port, exclusive: true }, () => {
        server.removeAllListeners('error');
        // Accepting may fail later (no file handles left); the node goes on with the connections it has.
        server.on('error', (error) => this.#tell('accept', '', error.message));
        resolve();
      });
    });
  }

  send(to: NodeId, bytes: Uint8Array): void {
    this.#refuseWhenClosed();
    if (bytes.length > MESSAGE_BYTES_MAX) {
      throw new PortError('too-large', `a message has at most ${MESSAGE_BYTES_MAX} bytes, this one to ${to} has ${bytes.length}`);
    }
    this.#count('sent');
    if (to === this.self) {
      // Not `slice`, which for a Buffer shares the bytes.
      const message = new Uint8Array(bytes);
      setImmediate(() => this.#deliver(this.self, message));
      return;
    }
    const queue = this.#queueTo(to);
    if (queue === undefined) this.#count('dropped-unknown');
    else queue.add(encodeFrame(bytes));
  }

  listen(handler: MessageHandler): void {
    this.#refuseWhenClosed();
    if (this.#handler !== undefined) throw new PortError('in-use', `node ${this.self} has a message handler already`);
    this.#handler = handler;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#handler = undefined;
    for (const link of this.#links.values()) link.close();
    for (const connection of this.#accepted) connection.end({ why: 'closed' });
    const server = this.#server;
    if (server?.listening === true) await new Promise((resolve) => server.close(resolve));
  }

  #queueTo(node: NodeId): OutgoingQueue | undefined {
    const known = this.#links.get(node);
    if (known !== undefined) return known.queue;
    const address = this.#options.addressOf(node);
    if (address === undefined) return this.#guests.get(node);
    const link = new OutgoingLink(node, address, this.#options, {
      message: (from, bytes) => this.#deliver(from, bytes),
      count: (name) => this.#count(name),
      ended: (end) => this.#tellEnd(node, end),
    });
    this.#links.set(node, link);
    return link.queue;
  }

  #accept(socket: Socket): void {
    if (this.#closed !== undefined) {
      socket.destroy();
      return;
    }
    let guest: { readonly name: NodeId; readonly queue: OutgoingQueue } | undefined;
    const connection: Connection = new Connection(socket, this.self, this.#options.clock, {
      greeted: (peer) => {
        if (peer === this.self) return false;
        if (this.#options.addressOf(peer) === undefined) {
          const queue = new OutgoingQueue(
            this.#options.clock,
            (name) => this.#count(name),
            () => undefined,
          );
          queue.connection = connection;
          guest = { name: peer, queue };
          this.#guests.set(peer, queue);
        }
        return true;
      },
      message: (peer, bytes) => this.#deliver(peer, bytes),
      drained: () => guest?.queue.pump(),
      ended: (end) => {
        this.#accepted.delete(connection);
        // A newer connection of the same guest stays.
        if (guest !== undefined && this.#guests.get(guest.name) === guest.queue) this.#guests.delete(guest.name);
        this.#tellEnd(guest?.name ?? '', end);
      },
    });
    this.#accepted.add(connection);
  }

  #deliver(from: NodeId, bytes: Uint8Array): void {
    if (this.#closed !== undefined) return;
    if (this.#handler === undefined) {
      this.#count('dropped-unheard');
      return;
    }
    this.#count('received');
    try {
      // A copy: the bytes belong to the handler, and these may be part of a larger buffer.
      this.#handler(from, new Uint8Array(bytes));
    } catch (error) {
      // A handler that throws is a crash of the program, not a failure of the connection that happened to carry the message.
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  #tellEnd(peer: NodeId, end: ConnectionEnd): void {
    if (end.why === 'closed') return;
    if (end.why === 'corrupt-frame') this.#count('corrupt-frames');
    this.#tell(end.why, peer, end.detail);
  }

  #tell(why: string, peer: NodeId, detail: string): void {
    const event = { type: 'transport.connection-ended', node: this.self, peer, why, detail } as const;
    this.#options.tracer.emit(event);
  }

  #count(name: string): void {
    this.#options.tracer.count(`transport.${name}`);
  }

  #refuseWhenClosed(): void {
    if (this.#closed !== undefined) throw new PortError('closed', `the transport of node ${this.self} is closed`);
  }
}

/** Messages to one node, oldest first, and the connection that takes them while there is one. */
class OutgoingQueue {
  connection: Connection | undefined;
  readonly #clock: Clock;
  readonly #count: (name: string) => void;
  /** Called when a message had to wait. */
  readonly #waits: () => void;
  #waiting: Queued[] = [];
  #bytes = 0;

  constructor(clock: Clock, count: (name: string) => void, waits: () => void) {
    this.#clock = clock;
    this.#count = count;
    this.#waits = waits;
  }

  get empty(): boolean {
    return this.#waiting.length === 0;
  }

  add(frame: Uint8Array): void {
    this.#waiting.push({ frame, since: this.#clock.monotonicMicros() });
    this.#bytes += frame.length;
    this.pump();
    while (this.#waiting.length > QUEUE_MESSAGES_MAX || this.#bytes > QUEUE_BYTES_MAX) this.#drop('dropped-queue-full');
    if (!this.empty) this.#waits();
  }

  /** Hands over what the connection takes. */
  pump(): void {
    const oldest = this.#clock.monotonicMicros() - QUEUE_MICROS_MAX;
    while (this.connection?.ready === true) {
      const next = this.#take();
      if (next === undefined) return;
      if (next.since < oldest) this.#count('dropped-stale');
      else this.connection.write(next.frame);
    }
  }

  /** Drops what has waited too long. */
  expire(): void {
    const oldest = this.#clock.monotonicMicros() - QUEUE_MICROS_MAX;
    while ((this.#waiting[0]?.since ?? oldest) < oldest) this.#drop('dropped-stale');
  }

  clear(): void {
    this.#waiting = [];
    this.#bytes = 0;
  }

  #drop(why: string): void {
    if (this.#take() !== undefined) this.#count(why);
  }

  #take(): Queued | undefined {
    const next = this.#waiting.shift();
    this.#bytes -= next?.frame.length ?? 0;
    return next;
  }
}

interface LinkHandler {
  message(from: NodeId, bytes: Uint8Array): void;
  count(name: string): void;
  ended(end: ConnectionEnd): void;
}

/** The way to one peer that has an address: opened on the first message, opened again with growing pauses. */
class OutgoingLink {
  readonly queue: OutgoingQueue;
  readonly #peer: NodeId;
  readonly #address: PeerAddress;
  readonly #options: TcpTransportOptions;
  readonly #handler: LinkHandler;
  #connection: Connection | undefined;
  #pauseMicros = RECONNECT_MICROS_FIRST;
  #pause: Timer | undefined;
  #closed = false;

  constructor(peer: NodeId, address: PeerAddress, options: TcpTransportOptions, handler: LinkHandler) {
    this.#peer = peer;
    this.#address = address;
    this.#options = options;
    this.#handler = handler;
    this.queue = new OutgoingQueue(options.clock, handler.count, () => this.#open());
  }

  close(): void {
    this.#closed = true;
    this.#pause?.cancel();
    this.#connection?.end({ why: 'closed' });
    this.queue.clear();
  }

  /** Connects unless a connection is there, under way, or has just failed. */
  #open(): void {
    if (this.#closed || this.#connection !== undefined || this.#pause !== undefined) return;
    const connection: Connection = new Connection(connect(this.#address), this.#options.self, this.#options.clock, {
      greeted: (peer) => {
        if (peer !== this.#peer) return false;
        this.#pauseMicros = RECONNECT_MICROS_FIRST;
        this.queue.connection = connection;
        this.#handler.count('connections-opened');
        return true;
      },
      message: (peer, bytes) => this.#handler.message(peer, bytes),
      drained: () => this.queue.pump(),
      ended: (end) => {
        this.#connection = undefined;
        this.queue.connection = undefined;
        this.#handler.ended(end);
        this.#wait();
      },
    });
    this.#connection = connection;
  }

  #wait(): void {
    if (this.#closed) return;
    // Half of the pause is random, so that the nodes of a cluster do not knock in step.
    const half = this.#pauseMicros / 2;
    const micros = half + this.#options.random.int(half);
    this.#pauseMicros = Math.min(this.#pauseMicros * 2, RECONNECT_MICROS_MAX);
    this.#pause = this.#options.clock.after(micros, () => {
      this.#pause = undefined;
      this.queue.expire();
      if (!this.queue.empty) this.#open();
    });
  }
}
