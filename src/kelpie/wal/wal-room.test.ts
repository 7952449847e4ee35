/** How much a log takes, and what a clean-up makes room of. */
import { describe, expect, it } from 'vitest';
import { failure } from '../../../runner/fixtures/failure.js';
import { echo, request, World } from '../../../runner/fixtures/wal-world.js';
import type { Apply } from './wal.js';

describe('a write-ahead log', () => {
  it.each([
    ['that holds as much as one segment', { segmentBytes: 3_000, bytesMax: 3_000 }, 'p'.repeat(100)],
    ['that one large answer has filled', { segmentBytes: 1_000, bytesMax: 3_000 }, 'p'],
  ])('makes room in a log %s', async (_, options, payload) => {
    const world = new World();
    await world.life(async ({ open }) => {
      const wal = await open({ ...options, keptMicros: 0 });
      const answer: Apply = async ({ id }) => JSON.stringify(payload.length === 1 && id === 3 ? 'r'.repeat(4_000) : '');
      const fill = async (): Promise<number> => {
        for (let i = 0; ; i++) {
          try {
            await wal.execute(request(`k${i}`, payload), answer);
          } catch (error) {
            expect(error).toEqual(failure('overloaded'));
            return i;
          }
        }
      };
      expect(await fill()).toBeGreaterThan(2);
      await wal.cleanup();
      expect((await wal.execute(request('next', payload), answer)).status).toBe('complete');
    });
  });

  it('makes room in a log whose only segment holds nothing but the mark of what is gone', async () => {
    const world = new World();
    await world.life(async ({ open }) => {
      // Every batch has a segment of its own, so that the answer stands in another one than its operation.
      const wal = await open({ segmentBytes: 1, bytesMax: 3_000, keptMicros: 0 });
      await wal.execute(request('large'), async () => JSON.stringify('r'.repeat(4_000)));
      await wal.cleanup();
      expect(wal.find('large')).toBeUndefined();
      await expect(wal.execute(request('next'), echo)).rejects.toEqual(failure('overloaded'));
      await wal.cleanup();
      expect((await wal.execute(request('next'), echo)).status).toBe('complete');
    });
  });

  it('counts what is on its way to the disk to what it holds', async () => {
    const world = new World();
    await world.life(async ({ open }) => {
      const wal = await open({ bytesMax: 2_000 });
      const payload = 'p'.repeat(300);
      const ends = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => wal.execute(request(`k${i}`, payload), echo)));
      const taken = ends.filter(({ status }) => status === 'fulfilled').length;
      expect(taken).toBeGreaterThan(2);
      expect(taken * payload.length).toBeLessThan(2_000);
    });
  });

  it('has nothing pending after a clean-up and a start that had ended before', async () => {
    const world = new World();
    const options = { segmentBytes: 300, keptMicros: 0 };
    await world.life(async ({ open }) => {
      const wal = await open(options);
      for (let i = 0; i < 8; i++) await wal.execute(request(`k${i}`), echo);
      await wal.cleanup();
    });
    const applied: string[] = [];
    await world.life(async ({ open }) => {
      const wal = await open(options);
      await wal.replay(async ({ key }) => JSON.stringify(applied.push(key)));
    });
    expect(world.told.some(({ type }) => type === 'wal.cleanup')).toBe(true);
    expect(applied).toEqual([]);
  });
});
