/**
 * One TCP connection between two nodes, from whichever side it was opened. Each side first tells its name (the hello), then sends
 * messages; every one of them is a frame (`frame.ts`). Whatever is not such a frame ends the connection.
 */
import type { Socket } from 'node:net';
import { encodeFrame, FrameError, FrameReader } from '../frame.js';
import { type Clock, MESSAGE_BYTES_MAX, type Micros, type NodeId, type Timer } from '../ports.js';

const NODE_NAME_BYTES_MAX = 256;
const HELLO_MAGIC = Buffer.from('kelpie/1 ');
/** How long the other side may take for its hello, connecting included. */
const HELLO_MICROS_MAX: Micros = 5_000_000;
/** How long written bytes may wait for the other side before the connection counts as dead. */
const STALL_MICROS_MAX: Micros = 10_000_000;
const KEEP_ALIVE_MILLIS = 15_000;

export type ConnectionEnd =
  | { readonly why: 'corrupt-frame' | 'bad-hello' | 'hello-timeout' | 'stalled' | 'socket-error'; readonly detail: string }
  | { readonly why: 'closed' };

export interface ConnectionHandler {
  /** The other side has told its name; false refuses it and ends the connection. */
  greeted(peer: NodeId): boolean;
  message(peer: NodeId, bytes: Uint8Array): void;
  /** More can be written. */
  drained(): void;
  /** Called once; nothing follows. */
  ended(end: ConnectionEnd): void;
}

export class Connection {
  readonly #socket: Socket;
  readonly #handler: ConnectionHandler;
  readonly #clock: Clock;
  readonly #reader = new FrameReader(MESSAGE_BYTES_MAX);
  #peer: NodeId | undefined;
  #ended = false;
  #timer: Timer | undefined;

  constructor(socket: Socket, self: NodeId, clock: Clock, handler: ConnectionHandler) {
    this.#socket = socket;
    this.#handler = handler;
    this.#clock = clock;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MILLIS);
    socket.on('data', (bytes) => this.#take(bytes));
    socket.on('drain', () => this.#drained());
    socket.on('error', (error) => this.end({ why: 'socket-error', detail: error.message }));
    socket.on('close', () => this.end({ why: 'closed' }));
    this.#timer = clock.after(HELLO_MICROS_MAX, () => this.end({ why: 'hello-timeout', detail: `no hello within ${HELLO_MICROS_MAX} µs` }));
    socket.write(encodeFrame(Buffer.concat([HELLO_MAGIC, Buffer.from(self)])));
  }

  /** Whether the hello has come and the socket takes more bytes now. */
  get ready(): boolean {
    return !this.#ended && this.#peer !== undefined && !this.#socket.writableNeedDrain;
  }

  /** Hands a message, framed, to the socket. What becomes of it is unknown. */
  write(frame: Uint8Array): void {
    if (this.#ended) return;
    if (this.#socket.write(frame) || this.#timer !== undefined) return;
    this.#timer = this.#clock.after(STALL_MICROS_MAX, () =>
      this.end({ why: 'stalled', detail: `the other side took nothing for ${STALL_MICROS_MAX} µs` }),
    );
  }

  end(end: ConnectionEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#timer?.cancel();
    this.#socket.destroy();
    this.#handler.ended(end);
  }

  #take(bytes: Uint8Array): void {
    if (this.#ended) return;
    try {
      this.#reader.push(bytes, (payload) => this.#takeFrame(payload));
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.end({ why: 'corrupt-frame', detail: error.message });
    }
  }

  #takeFrame(payload: Uint8Array): void {
    if (this.#ended) return;
    if (this.#peer !== undefined) {
      this.#handler.message(this.#peer, payload);
      return;
    }
    const peer = nameInHello(payload);
    if (peer === undefined) {
      this.end({ why: 'bad-hello', detail: 'the first frame is no hello of a node' });
      return;
    }
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#peer = peer;
    if (this.#handler.greeted(peer)) this.#handler.drained();
    else this.end({ why: 'bad-hello', detail: `the other side is ${peer}, which is not wanted here` });
  }

  #drained(): void {
    if (this.#peer === undefined) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#handler.drained();
  }
}

function nameInHello(payload: Uint8Array): NodeId | undefined {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
  if (!bytes.subarray(0, HELLO_MAGIC.length).equals(HELLO_MAGIC)) return undefined;
  const name = bytes.subarray(HELLO_MAGIC.length).toString('utf8');
  return isNodeName(name) ? name : undefined;
}

/** Whether a text may name a node on the wire: 1 to 256 bytes of printable characters. */
export function isNodeName(name: string): boolean {
  return name.length > 0 && Buffer.byteLength(name) <= NODE_NAME_BYTES_MAX && !/[\p{Cc}\ufffd]/u.test(name);
}
