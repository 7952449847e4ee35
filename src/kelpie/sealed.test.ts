import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KelpieError } from './errors.js';
import { actorRef } from './ids.js';
import { utf8 } from './json.js';
import { ActorKeys } from './keys.js';
import { CHUNK_BYTES, KV_KEY_BYTES_MAX } from './limits.js';
import { leaseRecord, placementRecord } from './records.js';
import { chunkKey, seal, storedChecksum, unseal } from './sealed.js';

async function codeOf(act: () => unknown): Promise<string> {
  try {
    await act();
    return 'none';
  } catch (error) {
    return KelpieError.from(error).code;
  }
}

describe('a sealed value', () => {
  test.each([0, 1, CHUNK_BYTES - 6, CHUNK_BYTES - 5, CHUNK_BYTES, 3 * CHUNK_BYTES, 1_000_000])('of %i bytes comes back', async (length) => {
    const value = Uint8Array.from({ length }, (_, i) => (i * 31) & 255);
    const sealed = seal(value);
    for (const part of [sealed.stored, ...sealed.chunks]) expect(part.length).toBeLessThanOrEqual(CHUNK_BYTES);
    const back = await unseal(sealed.stored, 'x', async (index) => sealed.chunks[index]);
    expect(Buffer.compare(Buffer.from(back), Buffer.from(value))).toBe(0);
    expect(storedChecksum(sealed.stored, 'x')).toBe(sealed.checksum);
  });

  test('is reported as corrupted when any bit of it is flipped or its end is missing', async () => {
    const { stored } = seal(utf8('a value'));
    const none = async (): Promise<undefined> => undefined;
    for (let bit = 0; bit < stored.length * 8; bit++) {
      const damaged = stored.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(await codeOf(() => unseal(damaged, 'x', none))).toBe('corrupted');
    }
    for (let length = 0; length < stored.length; length++) {
      expect(await codeOf(() => unseal(stored.subarray(0, length), 'x', none))).toBe('corrupted');
    }
  });

  test('is reported as corrupted when a chunk is missing, short or of another value', async () => {
    const { stored, chunks } = seal(new Uint8Array(250_000).fill(7));
    const other = seal(new Uint8Array(250_000).fill(8));
    const replaced = (index: number, chunk: Uint8Array | undefined) => async (at: number) => (at === index ? chunk : chunks[at]);
    for (const chunk of [undefined, chunks[1]?.subarray(1), other.chunks[1]]) {
      expect(await codeOf(() => unseal(stored, 'x', replaced(1, chunk)))).toBe('corrupted');
    }
  });
});

describe('records', () => {
  const actor = actorRef('a', 'b').key;

  test('come back, and are corrupted when a field is missing', () => {
    const placement = { node: 'n1', life: 2, claim: 'n1.2.3', generation: 4 };
    expect(placementRecord.decode(placementRecord.encode(placement), actor)).toEqual(placement);
    expect(placementRecord.decode(undefined, actor)).toBeUndefined();
    const lacking = placementRecord.encode({ node: 'n1', life: 2, claim: 'x' } as never);
    expect(() => placementRecord.decode(lacking, actor)).toThrow(/placement of a:b: its field generation must be a number, is undefined/);
    expect(() => leaseRecord.decode(utf8('{}'), actor)).toThrow(/lease of a:b/);
    expect(() => leaseRecord.decode(seal(utf8('no json')).stored, actor)).toThrow(/does not parse/);
  });
});

describe('keys of an actor', () => {
  const text = fc.string({
    minLength: 1,
    maxLength: 12,
    unit: fc.constantFrom('a', 'b', '\u0000', '\u0001', '/', 'ü', '\u{10ffff}', '\uffff'),
  });

  test('never meet those of another one, nor a value another one’s chunks', () => {
    fc.assert(
      fc.property(text, text, fc.nat(11), fc.nat(11), (one, other, i, j) => {
        fc.pre(one !== other);
        const keys = new ActorKeys(actorRef('ns', 'id').key);
        const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
        expect(hex(keys.kvKey(one))).not.toBe(hex(keys.kvKey(other)));
        expect(hex(chunkKey(keys.kvChunksOf(one), i))).not.toBe(hex(chunkKey(keys.kvChunksOf(other), j)));
        // Chunks of one key lie together, with none of another between them.
        const between = Buffer.from(chunkKey(keys.kvChunksOf(other), j));
        const [first, last] = [Buffer.from(chunkKey(keys.kvChunksOf(one), 0)), Buffer.from(chunkKey(keys.kvChunksOf(one), 0xffff))];
        expect(first.compare(between) <= 0 && between.compare(last) <= 0).toBe(false);
        expect(keys.kvName(keys.kvKey(one))).toBe(one);
      }),
    );
    const spans = [
      new ActorKeys(actorRef('a', 'b').key),
      new ActorKeys(actorRef('a', 'b.').key),
      new ActorKeys(actorRef('a', 'b0').key),
    ].map(({ all, head }) => ({ begin: Buffer.from(all.begin), end: Buffer.from(all.end), head: Buffer.from(head) }));
    for (const one of spans) {
      for (const other of spans) {
        const inside = one.begin.compare(other.head) <= 0 && other.head.compare(one.end) < 0;
        expect(inside).toBe(one === other);
      }
    }
  });

  test('fit into what the database takes, at their longest', () => {
    const keys = new ActorKeys(actorRef('n'.repeat(128), 'i'.repeat(256)).key);
    expect(chunkKey(keys.kvChunksOf('k'.repeat(KV_KEY_BYTES_MAX)), 0).length).toBeLessThanOrEqual(10_000);
    expect(keys.kvKey('k'.repeat(KV_KEY_BYTES_MAX)).length).toBeLessThanOrEqual(10_000);
  });
});
