/**
 * The frame around every message on a wire: length, checksum, version, payload. The same bytes travel over TCP and through the
 * simulated network, so that damage meets the same check in both. This file imports nothing.
 *
 *     0        4          8         9
 *     | length | checksum | version | payload ...
 *
 * `length` counts the payload; both integers are big-endian. The checksum covers length, version and payload, so that a damaged
 * length is noticed where the frame's end is known by other means.
 */

const FRAME_VERSION = 1;
export const FRAME_HEADER_BYTES = 9;

export type FrameErrorCode =
  /** Fewer bytes than the header says. */
  | 'truncated'
  /** More bytes than the header says. */
  | 'trailing'
  /** The checksum does not match. */
  | 'damaged'
  /** Whole, but of a version that this program does not speak. */
  | 'version'
  /** The header announces more than the reader accepts. */
  | 'too-large'
  /** The stream broke at an earlier frame; where the next one starts is unknown. */
  | 'broken';

/** Why bytes are no frame. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
  constructor(
    readonly code: FrameErrorCode,
    message: string,
  ) {
    super(message);
  }
}

/** Castagnoli's polynomial, reflected. */
const POLYNOMIAL = 0x82f63b78;

/** Four tables, so that four bytes take one step ("slicing", Kounavis and Berry, 2005). */
const TABLES: readonly Int32Array[] = makeTables();
const [T0, T1, T2, T3] = TABLES as readonly [Int32Array, Int32Array, Int32Array, Int32Array];

function makeTables(): Int32Array[] {
  const first = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    first[byte] = crc;
  }
  const tables = [first];
  for (let i = 1; i < 4; i++) {
    // The checksum of the byte followed by one zero byte more than in the table before.
    tables.push((tables[i - 1] ?? first).map((crc) => (crc >>> 8) ^ (first[crc & 255] ?? 0)));
  }
  return tables;
}

/**
 * CRC-32C (RFC 3720, appendix B.4) as an unsigned integer. `seed` continues the checksum of the bytes before.
 * An index into a table is always below 256, and one into the bytes below `end`: the assertions only tell the compiler.
 */
export function crc32c(bytes: Uint8Array, begin = 0, end: number = bytes.length, seed = 0): number {
  let crc = ~seed;
  let at = begin;
  for (; at + 4 <= end; at += 4) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc = T3[crc & 255]! ^ T2[(crc >>> 8) & 255]! ^ T1[(crc >>> 16) & 255]! ^ T0[crc >>> 24]!;
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ T0[(crc ^ bytes[at]!) & 255]!;
  return ~crc >>> 0;
}

function checksum(frame: Uint8Array, end: number): number {
  return crc32c(frame, 8, end, crc32c(frame, 0, 4));
}

/** A new array with the payload in its frame. Throws RangeError for a payload whose length needs more than 32 bits. */
export function encodeFrame(payload: Uint8Array): Uint8Array {
  if (payload.length > 0xffffffff) throw new RangeError(`a frame holds at most 4294967295 bytes, not ${payload.length}`);
  const frame = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, payload.length);
  frame[8] = FRAME_VERSION;
  frame.set(payload, FRAME_HEADER_BYTES);
  view.setUint32(4, checksum(frame, frame.length));
  return frame;
}

/**
 * The payload (a view of the given bytes) of exactly one frame.
 * Errors: FrameError `truncated`, `trailing`, `damaged`, `version`.
 */
export function decodeFrame(frame: Uint8Array): Uint8Array {
  if (frame.length < FRAME_HEADER_BYTES) {
    throw new FrameError('truncated', `a frame has at least ${FRAME_HEADER_BYTES} bytes, got ${frame.length}`);
  }
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const whole = FRAME_HEADER_BYTES + view.getUint32(0);
  if (frame.length < whole) throw new FrameError('truncated', `the header announces ${whole} bytes, got ${frame.length}`);
  if (frame.length > whole) throw new FrameError('trailing', `the header announces ${whole} bytes, got ${frame.length}`);
  const announced = view.getUint32(4);
  const computed = checksum(frame, whole);
  if (announced !== computed) {
    throw new FrameError('damaged', `the header announces checksum ${hex(announced)}, the bytes have ${hex(computed)}`);
  }
  const version = frame[8];
  if (version !== FRAME_VERSION) {
    throw new FrameError('version', `this program speaks frame version ${FRAME_VERSION}, got ${version}: the peer runs another release`);
  }
  return frame.subarray(FRAME_HEADER_BYTES);
}

const hex = (n: number): string => n.toString(16).padStart(8, '0');

/** Cuts frames out of a stream of bytes that arrive in pieces of any size. */
export class FrameReader {
  readonly #payloadBytesMax: number;
  /** Pieces that belong to the frame under way, and how long they are together. */
  #pieces: Uint8Array[] = [];
  #held = 0;
  /** Whole length of the frame under way, header included; 0 while its header is not complete. */
  #whole = 0;
  #broken: FrameError | undefined;

  constructor(payloadBytesMax: number) {
    this.#payloadBytesMax = payloadBytesMax;
  }

  /** Bytes that wait for the rest of their frame; never more than one frame. */
  get heldBytes(): number {
    return this.#held;
  }

  /**
   * Takes the next bytes and calls back with each payload that they complete. A bad frame breaks the stream for good, because
   * its length cannot be trusted: the caller should close the connection. Payloads before it have been handed over by then.
   * Errors: FrameError `damaged`, `version`, `too-large`; `broken` on every later call.
   */
  push(bytes: Uint8Array, payload: (bytes: Uint8Array) => void): void {
    if (this.#broken !== undefined) throw new FrameError('broken', `the stream broke before: ${this.#broken.message}`);
    if (bytes.length === 0) return;
    this.#pieces.push(bytes);
    this.#held += bytes.length;
    try {
      for (;;) {
        if (this.#whole === 0) {
          if (this.#held < FRAME_HEADER_BYTES) return;
          this.#whole = FRAME_HEADER_BYTES + this.#announcedLength();
        }
        if (this.#held < this.#whole) return;
        const joined = this.#join();
        const whole = this.#whole;
        const rest = joined.subarray(whole);
        this.#whole = 0;
        this.#held = rest.length;
        this.#pieces = rest.length === 0 ? [] : [rest];
        payload(decodeFrame(joined.subarray(0, whole)));
      }
    } catch (error) {
      if (error instanceof FrameError) {
        this.#broken = error;
        this.#pieces = [];
        this.#held = 0;
      }
      throw error;
    }
  }

  #announcedLength(): number {
    const first = this.#pieces[0];
    const start = first !== undefined && first.length >= 4 ? first : this.#join();
    const length = new DataView(start.buffer, start.byteOffset, 4).getUint32(0);
    if (length > this.#payloadBytesMax) {
      throw new FrameError('too-large', `the header announces ${length} bytes, the reader accepts ${this.#payloadBytesMax}`);
    }
    return length;
  }

  #join(): Uint8Array {
    const only = this.#pieces[0];
    if (this.#pieces.length === 1 && only !== undefined) return only;
    const joined = new Uint8Array(this.#held);
    let at = 0;
    for (const piece of this.#pieces) {
      joined.set(piece, at);
      at += piece.length;
    }
    this.#pieces = [joined];
    return joined;
  }
}
