import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { failure } from '../../../runner/fixtures/failure.js';
import type { ActorKv, KvEntry, ListOptions } from '../actor.js';
import type { Json } from '../json.js';
import { AgentMemory } from './agent-memory.js';
import { correctMemoryParts, type MemoryParts } from './memory-parts.js';

/** A key-value space in memory that answers late, so that operations could interleave. */
function slowKv(): ActorKv & { readonly map: Map<string, Json> } {
  const map = new Map<string, Json>();
  const late = async <T>(answer: () => T): Promise<T> => {
    for (let i = 0; i < 3; i++) await Promise.resolve();
    return answer();
  };
  const entries = (begin: string, end: string, { limit, reverse = false }: ListOptions = {}): KvEntry[] => {
    const found = [...map]
      .filter(([key]) => key >= begin && key < end)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => ({ key, value }));
    if (reverse) found.reverse();
    return limit === undefined ? found : found.slice(0, limit);
  };
  return {
    map,
    get: (key) => late(() => map.get(key)),
    has: (key) => late(() => map.has(key)),
    set: (key, value) => late(() => void map.set(key, JSON.parse(JSON.stringify(value)) as Json)),
    delete: (key) => late(() => void map.delete(key)),
    clear: () => late(() => map.clear()),
    list: (prefix, options) => late(() => entries(prefix, `${prefix}\u{10ffff}`, options).map(({ key }) => key)),
    range: (begin, end, options) => late(() => entries(begin, end, options)),
  };
}

const memoryAt = (time: { now: number }, parts: MemoryParts = correctMemoryParts) => {
  const kv = slowKv();
  return { kv, memory: new AgentMemory(kv, () => time.now, parts) };
};

describe('core memory', () => {
  it('keeps blocks in their order, changes and moves them', async () => {
    const { core } = memoryAt({ now: 0 }).memory;
    await core.set('persona', 'I help.');
    await core.set('human', 'Ann');
    await core.append('human', ' likes tea');
    await core.append('notes', 'first');
    await core.replace('human', 'tea', 'coffee');
    await core.move('notes', 0);
    expect(await core.blocks()).toEqual([
      { label: 'notes', text: 'first' },
      { label: 'persona', text: 'I help.' },
      { label: 'human', text: 'Ann likes coffee' },
    ]);
    expect(await core.delete('persona')).toBe(true);
    expect(await core.delete('persona')).toBe(false);
    expect(await core.get('persona')).toBeUndefined();
    expect(await core.get('notes')).toBe('first');
  });

  it('refuses what is too large by block and in all, in bytes, and leaves the rest as it was', async () => {
    const { core } = memoryAt({ now: 0 }).memory;
    await core.set('a', 'x'.repeat(16_384));
    await expect(core.append('a', 'x')).rejects.toEqual(failure('too-large'));
    await expect(core.set('b', 'ä'.repeat(8_193))).rejects.toEqual(failure('too-large'));
    await core.set('b', 'ä'.repeat(8_192));
    await expect(core.set('c', 'x')).rejects.toEqual(failure('too-large'));
    await core.set('b', 'short');
    await core.set('c', 'x');
    expect((await core.blocks()).map(({ label }) => label)).toEqual(['a', 'b', 'c']);
  });

  it('names what is wrong', async () => {
    const { core } = memoryAt({ now: 0 }).memory;
    await core.set('a', 'text');
    await expect(core.set('', 'x')).rejects.toEqual(failure('invalid-argument'));
    await expect(core.set('l'.repeat(129), 'x')).rejects.toEqual(failure('too-large'));
    await expect(core.replace('a', 'absent', 'x')).rejects.toEqual(failure('not-found'));
    await expect(core.replace('none', 'a', 'x')).rejects.toEqual(failure('not-found'));
    await expect(core.move('none', 0)).rejects.toEqual(failure('not-found'));
    await expect(core.move('a', 1)).rejects.toEqual(failure('invalid-argument'));
  });
});

describe('working memory', () => {
  it('forgets entries when their time is up, for every reader at once', async () => {
    const time = { now: 1_000 };
    const { working } = memoryAt(time).memory;
    await working.set('short', { a: 1 }, { ttlMicros: 100 });
    await working.set('long', 'x');
    expect(await working.keys()).toEqual(['long', 'short']);
    time.now = 1_099;
    expect(await working.get('short')).toEqual({ a: 1 });
    time.now = 1_100;
    expect(await working.get('short')).toBeUndefined();
    expect(await working.keys()).toEqual(['long']);
    expect(await working.delete('short')).toBe(false);
    expect(await working.get('long')).toBe('x');
  });

  it('counts, keeping an expiry that nobody renews', async () => {
    const time = { now: 0 };
    const { working } = memoryAt(time).memory;
    expect(await working.increment('n', 2, { ttlMicros: 50 })).toBe(2);
    expect(await working.increment('n', 3)).toBe(5);
    time.now = 50;
    expect(await working.increment('n', 1)).toBe(1);
    time.now = 1e12;
    expect(await working.get('n')).toBe(1);
    await working.set('text', 'no number');
    await expect(working.increment('text', 1)).rejects.toEqual(failure('invalid-argument'));
    await expect(working.set('', 1)).rejects.toEqual(failure('invalid-argument'));
    await expect(working.set('x', 1, { ttlMicros: 0 })).rejects.toEqual(failure('invalid-argument'));
  });

  it('takes back the room of expired entries before it refuses anything', async () => {
    const fill = async (parts: MemoryParts): Promise<string> => {
      const time = { now: 0 };
      const { working } = memoryAt(time, parts).memory;
      for (let i = 0; i < 4; i++) await working.set(`k${i}`, 'x'.repeat(240_000), i < 2 ? { ttlMicros: 10 } : {});
      await expect(working.set('more', 'x'.repeat(200_000))).rejects.toEqual(failure('too-large'));
      time.now = 10;
      return working.set('more', 'x'.repeat(200_000)).then(
        () => 'fits',
        (error: { code: string }) => error.code,
      );
    };
    expect(await fill(correctMemoryParts)).toBe('fits');
    expect(await fill({ ...correctMemoryParts, reclaim: () => Promise.resolve(0) })).toBe('too-large');
  });

  it('accounts for every byte, whatever is done in whatever order', async () => {
    const step = fc.record({
      kind: fc.constantFrom('set', 'increment', 'delete', 'get', 'wait'),
      key: fc.constantFrom('a', 'b', 'c'),
      size: fc.nat(40),
      ttl: fc.option(fc.integer({ min: 1, max: 20 })),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const time = { now: 0 };
        const { memory, kv } = memoryAt(time);
        await Promise.all(
          steps.map(async ({ kind, key, size, ttl }) => {
            const options = ttl === null ? {} : { ttlMicros: ttl };
            if (kind === 'set') await memory.working.set(key, size % 2 === 0 ? size : 'x'.repeat(size), options);
            else if (kind === 'increment') await memory.working.increment(key, size, options).catch(() => 0);
            else if (kind === 'delete') await memory.working.delete(key);
            else if (kind === 'get') await memory.working.get(key);
            else time.now += size;
          }),
        );
        const stored = [...kv.map].filter(([key]) => key.startsWith('memory/working/'));
        expect(await memory.working.usedBytes()).toBe(stored.reduce((sum, [, value]) => sum + (value as { bytes: number }).bytes, 0));
      }),
      { numRuns: 200 },
    );
  });
});

describe('archival memory', () => {
  it('finds passages by words and tags, newest first', async () => {
    const time = { now: 7 };
    const { archival } = memoryAt(time).memory;
    for (let i = 1; i <= 450; i++)
      expect(await archival.append(`Passage number ${i} about ${i % 2 === 0 ? 'Tea' : 'Coffee'}`, i % 10 === 0 ? ['round'] : [])).toBe(i);
    expect((await archival.search('tea PASSAGE', { limit: 3 })).map(({ id }) => id)).toEqual([450, 448, 446]);
    expect((await archival.search('number', { tags: ['round'], limit: 100 })).length).toBe(45);
    expect((await archival.search('1 coffee')).length).toBe(10);
    expect(await archival.search('absent')).toEqual([]);
    expect(await archival.get(1)).toEqual({ id: 1, text: 'Passage number 1 about Coffee', tags: [], atMicros: 7 });
    expect(await archival.get(451)).toBeUndefined();
    await expect(archival.append('')).rejects.toEqual(failure('invalid-argument'));
    await expect(archival.append('x'.repeat(64_001))).rejects.toEqual(failure('too-large'));
    await expect(archival.search('x', { limit: 0 })).rejects.toEqual(failure('invalid-argument'));
  });
});

describe('one agent, many operations at once', () => {
  const race = async (parts: MemoryParts): Promise<readonly unknown[]> => {
    const { memory } = memoryAt({ now: 0 }, parts);
    await Promise.all([
      ...Array.from({ length: 20 }, () => memory.working.increment('n', 1)),
      ...Array.from({ length: 5 }, (_, i) => memory.core.append('log', String(i))),
      ...Array.from({ length: 5 }, () => memory.archival.append('passage')),
    ]);
    return [await memory.working.get('n'), await memory.core.get('log'), (await memory.archival.search('passage')).length];
  };

  it('run one after the other, also across their awaits', async () => {
    expect(await race(correctMemoryParts)).toEqual([20, '01234', 5]);
  });

  it('would lose changes without the lane', async () => {
    const [n] = await race({ ...correctMemoryParts, lane: () => ({ run: (operation) => operation() }) });
    expect(n).toBeLessThan(20);
  });

  it('a failed operation lets the next one run', async () => {
    const { core } = memoryAt({ now: 0 }).memory;
    const failed = core.replace('none', 'a', 'b');
    const next = core.set('a', 'x');
    await expect(failed).rejects.toEqual(failure('not-found'));
    await expect(next).resolves.toBeUndefined();
  });
});
