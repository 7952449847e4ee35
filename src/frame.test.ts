import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crc32c, decodeFrame, encodeFrame, FRAME_HEADER_BYTES, FrameError, FrameReader } from './frame.js';

const text = (s: string): Uint8Array => new TextEncoder().encode(s);

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof FrameError) return error.code;
    throw error;
  }
  return 'none';
}

/** Bit by bit, as the polynomial division is defined. */
function crcByDefinition(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

describe('crc32c', () => {
  test('gives the values that RFC 3720 prints', () => {
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
    expect(crc32c(text('123456789'))).toBe(0xe3069283);
  });

  test('equals the bit-wise definition, and continues from a seed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), fc.nat(70), (bytes, cut) => {
        const at = Math.min(cut, bytes.length);
        expect(crc32c(bytes)).toBe(crcByDefinition(bytes));
        expect(crc32c(bytes, at, bytes.length, crc32c(bytes, 0, at))).toBe(crc32c(bytes));
      }),
    );
  });
});

describe('a frame', () => {
  test('gives back what went in', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (payload) => {
        expect([...decodeFrame(encodeFrame(payload))]).toEqual([...payload]);
      }),
    );
  });

  test('is refused when any bit is flipped, wherever it is', () => {
    const frame = encodeFrame(text('a payload'));
    for (let bit = 0; bit < frame.length * 8; bit++) {
      const damaged = frame.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(codeOf(() => decodeFrame(damaged))).toMatch(/truncated|trailing|damaged/);
    }
  });

  test('is refused when bytes lack or follow', () => {
    const frame = encodeFrame(text('abc'));
    for (let length = 0; length < frame.length; length++) expect(codeOf(() => decodeFrame(frame.subarray(0, length)))).toBe('truncated');
    expect(codeOf(() => decodeFrame(Uint8Array.from([...frame, 0])))).toBe('trailing');
  });

  test('of another version is named as such', () => {
    const frame = encodeFrame(text('abc'));
    frame[8] = 2;
    new DataView(frame.buffer).setUint32(4, crc32c(frame, 8, frame.length, crc32c(frame, 0, 4)));
    expect(codeOf(() => decodeFrame(frame))).toBe('version');
  });
});

describe('a frame reader', () => {
  test('finds the same payloads wherever the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 17 })),
        (payloads, cuts) => {
          const stream = Uint8Array.from(payloads.flatMap((payload) => [...encodeFrame(payload)]));
          const reader = new FrameReader(40);
          const got: number[][] = [];
          for (let at = 0, i = 0; at < stream.length; i++) {
            const step = cuts.length === 0 ? stream.length : (cuts[i % cuts.length] ?? 1);
            reader.push(stream.subarray(at, at + step), (payload) => got.push([...payload]));
            at += step;
          }
          expect(got).toEqual(payloads.map((payload) => [...payload]));
          expect(reader.heldBytes).toBe(0);
        },
      ),
    );
  });

  test('hands over what came before a damaged frame, then stays broken', () => {
    const bad = encodeFrame(text('bad'));
    bad[FRAME_HEADER_BYTES] = (bad[FRAME_HEADER_BYTES] ?? 0) ^ 1;
    const reader = new FrameReader(100);
    const got: number[] = [];
    const push = (bytes: Uint8Array) => () => reader.push(bytes, (payload) => got.push(payload.length));
    expect(codeOf(push(Uint8Array.from([...encodeFrame(text('good')), ...bad, ...encodeFrame(text('lost'))])))).toBe('damaged');
    expect(got).toEqual([4]);
    expect(codeOf(push(encodeFrame(text('later'))))).toBe('broken');
    expect(got).toEqual([4]);
  });

  test('refuses an announced length over its bound before the bytes have come', () => {
    const reader = new FrameReader(10);
    expect(codeOf(() => reader.push(encodeFrame(new Uint8Array(11)).subarray(0, FRAME_HEADER_BYTES), () => {}))).toBe('too-large');
  });
});
