import { describe, expect, it } from 'vitest';
import { failure } from '../../../runner/fixtures/failure.js';
import { echo, request, World } from '../../../runner/fixtures/wal-world.js';
import type { Choices, StoryEvent } from '../../ports.js';
import type { WalEvent } from '../../story.js';
import type { CrashBehaviour, DiskEvent } from '../../sim/seams.js';
import { KelpieError } from '../errors.js';
import { encodeBatch, segmentName } from './segment.js';
import { correctWalParts, type Apply, type Wal, type WalEntry, type WalOptions, type WalParts } from './wal.js';

describe('write-ahead log', () => {
  it('takes no operation after it was closed, and does not write to its disk', async () => {
    const world = new World();
    await world.life(async ({ open }) => {
      const wal = await open();
      await wal.execute(request('a'), echo);
      await wal.close();
      const { bytes } = wal;
      // Neither a new one, nor the answer of one that it has.
      for (const key of ['b', 'a']) await expect(wal.execute(request(key), echo)).rejects.toEqual(failure('shutting-down'));
      expect(wal.bytes).toBe(bytes);
    });
    const { result } = await world.life(async ({ open }) => (await open()).find('b'));
    expect(result).toBeUndefined();
  });

  it('does not replay what new work has ended while it replayed what came before', async () => {
    const world = new World();
    // Both were accepted and could not be done yet.
    const later: Apply = () => Promise.reject(new KelpieError('node-unavailable', 'not now'));
    await world.life(async ({ open }) => {
      const wal = await open();
      for (const key of ['a', 'b']) await wal.execute(request(key), later).catch(() => undefined);
    });
    const applied: string[] = [];
    await world.life(async ({ open }) => {
      const wal = await open();
      await wal.replay(async ({ key }) => {
        applied.push(key);
        if (key === 'a') await wal.execute(request('b'), () => Promise.resolve(JSON.stringify(applied.push('b, sent again'))));
        return 'null';
      });
    });
    expect(applied).toEqual(['a', 'b, sent again']);
    expect(world.told.filter(({ type }) => type === 'wal.replay')).toHaveLength(1);
  });

  it('does not carry an operation whose mark is on its way: it would be pending again after the next start', async () => {
    const world = new World();
    // Every batch has a segment of its own, and keeps nothing for long.
    const options = { segmentBytes: 1, keptMicros: 0 };
    await world.life(async ({ open }) => {
      const wal = await open(options);
      let release: () => void = () => {};
      const ends = new Promise<void>((resolve) => {
        release = resolve;
      });
      const slow = wal.execute(request('slow'), async (entry) => {
        await ends;
        return echo(entry);
      });
      await wal.execute(request('quick'), echo);
      release();
      // What `apply` answers is on its way to the disk when the clean-up looks.
      for (let i = 0; i < 10; i++) await Promise.resolve();
      await wal.cleanup();
      await slow;
      await wal.close();
    });
    const { result } = await world.life(async ({ open }) => (await open(options)).pending().map(({ key }) => key));
    expect(result).toEqual([]);
    expect(world.told.filter(({ type }) => type === 'wal.end')).toHaveLength(2);
  });

  it('performs an operation once per key and keeps its answer over restarts', async () => {
    const world = new World();
    const applied: string[] = [];
    const apply: Apply = async (entry) => {
      applied.push(entry.key);
      return echo(entry);
    };
    for (let life = 0; life < 3; life++) {
      const { result } = await world.life(async ({ open }) => {
        const wal = await open();
        await wal.replay(apply);
        const done = await Promise.all(['a', 'b', 'a'].map((key) => wal.execute(request(key), apply)));
        await wal.close();
        return done.map(({ id, status, result }) => [id, status, result]);
      });
      expect(result).toEqual([
        [1, 'complete', '"did a"'],
        [2, 'complete', '"did b"'],
        [1, 'complete', '"did a"'],
      ]);
    }
    expect(applied).toEqual(['a', 'b']);
  });

  it('syncs what waits together at once', async () => {
    const world = new World();
    let syncs = 0;
    world.judgeDisk = (event) => void (event.operation === 'sync' && syncs++);
    await world.life(async ({ open }) => {
      const wal = await open();
      await Promise.all(Array.from({ length: 200 }, (_, i) => wal.execute(request(`k${i}`), echo)));
    });
    expect(syncs).toBeLessThan(40);
  });

  it('refuses bad input and leaves the log as it was', async () => {
    const world = new World();
    await world.life(async ({ open }) => {
      const wal = await open({ bytesMax: 5_000 });
      await wal.execute(request('a'), echo);
      await expect(wal.execute(request('a', 'other'), echo)).rejects.toEqual(failure('invalid-argument'));
      await expect(wal.execute(request(''), echo)).rejects.toEqual(failure('invalid-argument'));
      await expect(wal.execute({ ...request('x'), operation: '' }, echo)).rejects.toEqual(failure('invalid-argument'));
      await expect(wal.execute(request('ä'.repeat(129)), echo)).rejects.toEqual(failure('too-large'));
      await expect(wal.execute(request('x', 'p'.repeat(1_000_001)), echo)).rejects.toEqual(failure('too-large'));
      await expect(wal.execute(request('x', 'p'.repeat(6_000)), echo)).rejects.toEqual(failure('overloaded'));
      await wal.close();
      // Neither a new one, nor the answer of one that it has.
      for (const key of ['b', 'a']) await expect(wal.execute(request(key), echo)).rejects.toEqual(failure('shutting-down'));
    });
    await world.life(async ({ open }) => {
      const wal = await open();
      expect(wal.pending()).toEqual([]);
      expect(wal.find('x')).toBeUndefined();
      expect((await wal.execute(request('c'), echo)).id).toBe(2);
    });
  });

  it('keeps an operation pending that may succeed later, and records one that cannot', async () => {
    const world = new World();
    await world.life(async ({ open }) => {
      const wal = await open();
      const unavailable: Apply = async () => {
        throw new KelpieError('store-unavailable', 'not now');
      };
      await expect(wal.execute(request('later'), unavailable)).rejects.toEqual(failure('store-unavailable'));
      const failed = await wal.execute(request('never'), async () => {
        throw new Error('no');
      });
      expect(failed).toMatchObject({ status: 'failed' });
      expect(JSON.parse(failed.result ?? '')).toMatchObject({ code: 'actor-error' });
    });
    const { result } = await world.life(async ({ open }) => {
      const wal = await open();
      const before = wal.pending().map(({ key }) => key);
      await wal.replay(echo);
      return [before, wal.pending(), wal.find('later')?.status, wal.find('never')?.status];
    });
    expect(result).toEqual([['later'], [], 'complete', 'failed']);
  });

  it('removes old segments, carries what is pending, and never gives an id twice', async () => {
    const world = new World();
    await world.life(async ({ open }) => {
      const wal = await open({ segmentBytes: 500, keptMicros: 0 });
      await expect(
        wal.execute(request('stuck'), async () => {
          throw new KelpieError('timeout', 'again');
        }),
      ).rejects.toEqual(failure('timeout'));
      for (let i = 0; i < 30; i++) await wal.execute(request(`k${i}`), echo);
      const before = wal.bytes;
      await wal.cleanup();
      expect(wal.bytes).toBeLessThan(before / 3);
    });
    const { result } = await world.life(async ({ open }) => {
      const wal = await open();
      expect(wal.pending().map(({ key, id }) => [key, id])).toEqual([['stuck', 1]]);
      await wal.replay(echo);
      return wal.execute(request('next'), echo);
    });
    expect(result?.id).toBe(32);
  });

  it('forgets in memory too what it has cleaned up, and performs it again when it is sent again', async () => {
    const world = new World();
    await world.life(async ({ open }) => {
      const wal = await open({ segmentBytes: 1, keptMicros: 0 });
      for (const key of ['a', 'b', 'c']) await wal.execute(request(key), echo);
      await wal.cleanup();
      expect(wal.find('a')).toBeUndefined();
      expect(await wal.execute(request('a', 'other'), echo)).toMatchObject({ id: 4, result: '"did other"' });
    });
    expect(world.told.filter(({ type }) => type === 'wal.cleanup')[0]).toMatchObject({ keys: ['a'] });
  });

  it('cuts a torn end as it starts, so that the next segment stands behind one that is whole', async () => {
    const world = new World();
    await world.life(async ({ disk, open }) => {
      const wal = await open();
      await wal.execute(request('a'), echo);
      await wal.close();
      const file = await disk.open(`wal/${segmentName(1)}`, 'write');
      await file.write(await file.size(), new Uint8Array(500).fill(7));
      await file.sync();
      await file.close();
    });
    // Every batch has a segment of its own, so that nothing is written over what was torn.
    const options = { segmentBytes: 1 };
    await world.life(async ({ open }) => {
      const wal = await open(options);
      await wal.execute(request('b'), echo);
      await wal.close();
    });
    const { result } = await world.life(async ({ open }) => {
      const wal = await open(options);
      return ['a', 'b'].map((key) => wal.find(key)?.status);
    });
    expect(result).toEqual(['complete', 'complete']);
    expect(world.told.filter(({ type }) => type === 'wal.recover')).toMatchObject([{ cutBytes: 0 }, { cutBytes: 500 }, { cutBytes: 0 }]);
  });

  it('goes on where a clean-up has failed between removing a segment and making that durable', async () => {
    const world = new World();
    await world.life(async ({ open }) => {
      const wal = await open({ segmentBytes: 200, keptMicros: 0 });
      for (let i = 0; i < 10; i++) await wal.execute(request(`k${i}`), echo);
      let fail = true;
      world.judgeDisk = ({ operation }) => {
        if (operation !== 'sync-directory' || !fail) return undefined;
        fail = false;
        return { kind: 'fail', code: 'EIO' };
      };
      await expect(wal.cleanup()).rejects.toThrow();
      const before = wal.bytes;
      await wal.cleanup();
      expect(wal.bytes).toBeLessThan(before / 2);
    });
  });

  it('is cleaned up once by those who ask for it at once, and every start finds what they left', async () => {
    const world = new World();
    const options = { segmentBytes: 1, keptMicros: 0 };
    await world.life(async ({ open }) => {
      const wal = await open(options);
      for (let i = 0; i < 6; i++) await wal.execute(request(`k${i}`), echo);
      await Promise.all([wal.cleanup(), wal.cleanup(), wal.cleanup()]);
    });
    const isCleanup = (event: StoryEvent): event is Extract<WalEvent, { type: 'wal.cleanup' }> => event.type === 'wal.cleanup';
    const cleaned = world.told.filter(isCleanup).map(({ segment }) => segment);
    expect(cleaned).toEqual(cleaned.map((_, i) => i + 1));
    expect(cleaned.length).toBeGreaterThan(6);
    await world.life(async ({ open, disk }) => {
      const left = await disk.list('wal');
      expect(left).toEqual([segmentName(cleaned.length + 1)]);
      expect((await (await open(options)).execute(request('next'), echo)).id).toBe(7);
    });
  });

  it('cleans up again after a clean-up that all who waited for saw fail', async () => {
    const world = new World();
    await world.life(async ({ open }) => {
      const wal = await open({ segmentBytes: 1, keptMicros: 0 });
      for (let i = 0; i < 4; i++) await wal.execute(request(`k${i}`), echo);
      world.judgeDisk = ({ operation }) => (operation === 'remove' ? { kind: 'fail', code: 'EIO' } : undefined);
      const results = await Promise.allSettled([wal.cleanup(), wal.cleanup()]);
      expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
      world.judgeDisk = undefined;
      const before = wal.bytes;
      await wal.cleanup();
      expect(wal.bytes).toBeLessThan(before / 2);
    });
  });

  it('removes nothing any more when close() has settled', async () => {
    const world = new World();
    await world.life(async ({ open, disk }) => {
      const wal = await open({ segmentBytes: 1, keptMicros: 0 });
      for (let i = 0; i < 6; i++) await wal.execute(request(`k${i}`), echo);
      const cleaned = expect(wal.cleanup()).rejects.toEqual(failure('shutting-down'));
      // It has removed the first of many segments, or is about to.
      await wal.close();
      const left = await disk.list('wal');
      expect(left.length).toBeGreaterThan(2);
      await cleaned;
      await expect(wal.cleanup()).rejects.toEqual(failure('shutting-down'));
      expect(await disk.list('wal')).toEqual(left);
    });
  });

  it('keeps answers as long as it promised', async () => {
    const world = new World();
    await world.life(async ({ open }) => {
      const wal = await open({ segmentBytes: 200 });
      for (let i = 0; i < 10; i++) await wal.execute(request(`k${i}`), echo);
      await wal.cleanup();
      expect(wal.find('k0')?.status).toBe('complete');
    });
  });
});

describe('write-ahead log on a damaged disk', () => {
  const written = async (world: World, count = 5): Promise<void> => {
    await world.life(async ({ open }) => {
      const wal = await open();
      for (let i = 0; i < count; i++) await wal.execute(request(`k${i}`), echo);
    });
  };
  const flip = async (world: World, offset: number): Promise<void> => {
    await world.life(async ({ disk }) => {
      const file = await disk.open(`wal/${segmentName(1)}`, 'write');
      const byte = await file.read(offset, 1);
      await file.write(offset, Uint8Array.of((byte[0] ?? 0) ^ 0x40));
      await file.sync();
      await file.close();
    });
  };

  it('refuses damage in the middle, naming file and place, and changes nothing', async () => {
    const world = new World();
    await written(world);
    await flip(world, 120);
    for (let i = 0; i < 2; i++) {
      await expect(world.life(({ open }) => open())).rejects.toEqual(failure('corrupted'));
      await expect(world.life(({ open }) => open())).rejects.toThrow(/000000000001\.wal is damaged at byte \d+/);
    }
  });

  it('keeps no file open that it has read or written to its end', async () => {
    const world = new World(1, { openFilesMax: 2 });
    const wal = { segmentBytes: 200 };
    await world.life(async ({ open }) => {
      const log = await open(wal);
      for (let i = 0; i < 10; i++) await log.execute(request(`k${i}`), echo);
      await log.close();
    });
    const { result } = await world.life(async ({ open, disk }) => {
      const log = await open(wal);
      await log.execute(request('k10'), echo);
      return [(await disk.list('wal')).length > 5, log.find('k0')?.status, log.find('k10')?.status];
    });
    expect(result).toEqual([true, 'complete', 'complete']);
  });

  it('refuses a missing segment', async () => {
    const world = new World();
    await world.life(async ({ open, disk }) => {
      const wal = await open({ segmentBytes: 200 });
      for (let i = 0; i < 10; i++) await wal.execute(request(`k${i}`), echo);
      await wal.close();
      await disk.remove(`wal/${segmentName(2)}`);
    });
    await expect(world.life(({ open }) => open())).rejects.toThrow('000000000002.wal is missing');
  });

  const ends: Readonly<Record<string, (size: number) => number>> = {
    'has nothing in it': () => 0,
    'lacks its last byte': (size) => size - 1,
  };
  for (const [what, cut] of Object.entries(ends)) {
    for (const index of [1, 2]) {
      it(`refuses segment ${index} of several when it ${what}, and changes nothing`, async () => {
        const world = new World();
        await world.life(async ({ open, disk }) => {
          const wal = await open({ segmentBytes: 200 });
          for (let i = 0; i < 10; i++) await wal.execute(request(`k${i}`), echo);
          await wal.close();
          const file = await disk.open(`wal/${segmentName(index)}`, 'write');
          await file.truncate(cut(await file.size()));
          await file.close();
        });
        const sizes = async (): Promise<readonly number[] | undefined> =>
          (
            await world.life(async ({ disk }) => {
              const found: number[] = [];
              for (const name of await disk.list('wal')) {
                const file = await disk.open(`wal/${name}`, 'read');
                found.push(await file.size());
                await file.close();
              }
              return found;
            })
          ).result;
        const before = await sizes();
        for (let i = 0; i < 2; i++) {
          await expect(world.life(({ open }) => open())).rejects.toThrow(
            new RegExp(
              `00000000000${index}\\.wal is damaged at byte \\d+: not a torn end, for the segment was complete before the next one began`,
            ),
          );
        }
        expect(await sizes()).toEqual(before);
      });
    }
  }

  it('refuses a newest segment that does not follow on the one before it, for what stood between them is lost', async () => {
    const world = new World();
    await world.life(async ({ open, disk }) => {
      await open();
      const write = async (index: number, batches: readonly Uint8Array[]): Promise<void> => {
        const file = await disk.open(`wal/${segmentName(index)}`, 'write');
        let at = 0;
        for (const bytes of batches) {
          await file.write(at, bytes);
          at += bytes.length;
        }
        await file.close();
      };
      const begins = { record: 'segment', nextId: 1 } as const;
      // Batch 2 was at the end of the first one: cut off cleanly, it leaves no torn bytes behind.
      await write(1, [encodeBatch(1, [begins])]);
      await write(2, [encodeBatch(3, [begins])]);
    });
    await expect(world.life(({ open }) => open())).rejects.toThrow(
      /000000000002\.wal is damaged at byte 0: not a torn end, for batch 3, which was written later, is whole/,
    );
  });

  for (const kind of ['fail', 'fail-and-forget'] as const) {
    it(`a sync that fails (${kind}) refuses the operation for good, and the log goes on`, async () => {
      const world = new World();
      let applied = 0;
      await world.life(async ({ open }) => {
        const wal = await open();
        await wal.execute(request('before'), echo);
        let fail = true;
        world.judgeDisk = (event) => {
          if (event.operation !== 'sync' || !fail) return undefined;
          fail = false;
          return kind === 'fail' ? { kind, code: 'EIO' } : { kind };
        };
        const refused = wal.execute(request('refused'), async (entry) => {
          applied++;
          return echo(entry);
        });
        await expect(refused).rejects.toEqual(failure('store-unavailable'));
        expect(wal.find('refused')).toBeUndefined();
        await wal.execute(request('after'), echo);
      }, 'machine');
      const { result } = await world.life(async ({ open }) => {
        const wal = await open();
        return ['before', 'refused', 'after'].map((key) => wal.find(key)?.status);
      });
      expect(result).toEqual(['complete', undefined, 'complete']);
      expect(applied).toBe(0);
    });
  }

  it('keeps no file open that it has cut back', async () => {
    const world = new World(1, { openFilesMax: 2 });
    const { result } = await world.life(async ({ open }) => {
      const wal = await open();
      await wal.execute(request('before'), echo);
      const ends: string[] = [];
      for (let i = 0; i < 4; i++) {
        let failed = false;
        world.judgeDisk = ({ operation }) => {
          if (operation !== 'sync' || failed) return undefined;
          failed = true;
          return { kind: 'fail', code: 'EIO' };
        };
        await expect(wal.execute(request(`refused${i}`), echo)).rejects.toEqual(failure('store-unavailable'));
        ends.push((await wal.execute(request(`after${i}`), echo)).status);
      }
      return ends;
    });
    expect(result).toEqual(['complete', 'complete', 'complete', 'complete']);
  });

  it('a full disk that stays full makes the outcome unknown when even the cut fails', async () => {
    const world = new World();
    await world.life(async ({ open }) => {
      const wal = await open();
      await wal.execute(request('before'), echo);
      world.judgeDisk = (event) => (['write', 'sync', 'truncate'].includes(event.operation) ? { kind: 'fail', code: 'ENOSPC' } : undefined);
      await expect(wal.execute(request('unknown'), echo)).rejects.toEqual(failure('commit-unknown'));
      world.judgeDisk = undefined;
      expect((await wal.execute(request('after'), echo)).status).toBe('complete');
    });
  });

  /** The next sync fails, and after it what undoes the batch, by this operation, as long as `fails` says so. */
  const failCut = (world: World, undoing: DiskEvent['operation'], fails: () => boolean): void => {
    let synced = false;
    world.judgeDisk = ({ operation }) => {
      const fail = synced ? operation === undoing && fails() : operation === 'sync';
      synced ||= fail;
      return fail ? { kind: 'fail', code: 'EIO' } : undefined;
    };
  };
  const once = (): (() => boolean) => {
    let times = 0;
    return () => times++ === 0;
  };
  const long = 'p'.repeat(2_000);

  for (const operation of ['open', 'truncate'] as const) {
    it(`cuts off what a failed batch has left before it writes the next, when '${operation}' has failed the first time`, async () => {
      const world = new World();
      const options = { segmentBytes: 600 };
      await world.life(async ({ open }) => {
        const wal = await open(options);
        await wal.execute(request('before'), echo);
        failCut(world, operation, once());
        await expect(wal.execute(request('unknown', long), echo)).rejects.toEqual(failure('commit-unknown'));
        // Shorter ones overwrite a part of it, fill the segment and close it.
        for (let i = 0; i < 5; i++) await wal.execute(request(`k${i}`), echo);
      });
      const { result } = await world.life(async ({ open }) => {
        const wal = await open(options);
        return ['before', 'unknown', 'k0', 'k4'].map((key) => wal.find(key)?.status);
      });
      expect(result).toEqual(['complete', undefined, 'complete', 'complete']);
    });
  }

  it('writes nothing, and says so, as long as what a failed batch has left cannot be cut off', async () => {
    const world = new World();
    await world.life(async ({ open }) => {
      const wal = await open({ segmentBytes: 600 });
      await wal.execute(request('before'), echo);
      failCut(world, 'truncate', () => true);
      await expect(wal.execute(request('unknown', long), echo)).rejects.toEqual(failure('commit-unknown'));
      let writes = 0;
      const { judgeDisk } = world;
      world.judgeDisk = (event) => {
        if (event.operation === 'write') writes++;
        return judgeDisk?.(event);
      };
      for (let i = 0; i < 3; i++) await expect(wal.execute(request('refused'), echo)).rejects.toEqual(failure('store-unavailable'));
      expect(writes).toBe(0);
    });
    world.judgeDisk = undefined;
    // The program ended before it could cut: what stands there whole may be taken as accepted, and nothing else.
    const { result } = await world.life(async ({ open }) => {
      const wal = await open();
      await wal.replay(echo);
      return ['before', 'unknown', 'refused'].map((key) => wal.find(key)?.status);
    });
    expect(result).toEqual(['complete', 'complete', undefined]);
  });

  for (const [operation, batch] of [
    ['sync', 'first'],
    ['sync', 'second'],
    ['sync-directory', 'first'],
  ] as const) {
    it(`makes durable what it recovers: the ${operation} of a ${batch} batch failed, the next start went on, then power was lost`, async () => {
      const world = new World();
      world.disk.setCrashBehaviour('lose');
      await world.life(async ({ open }) => {
        const wal = await open();
        if (batch === 'second') await wal.execute(request('before'), echo);
        let failed = false;
        world.judgeDisk = (event) => {
          if (failed) return { kind: 'fail', code: 'EIO' };
          failed = event.operation === operation;
          if (!failed) return undefined;
          // What a failed sync was to write is in the cache from now on, and nowhere else.
          return operation === 'sync' ? { kind: 'fail-and-forget' } : { kind: 'fail', code: 'EIO' };
        };
        await expect(wal.execute(request('unknown', long), echo)).rejects.toEqual(failure('commit-unknown'));
      });
      world.judgeDisk = undefined;
      await world.life(async ({ open }) => {
        const wal = await open();
        expect(wal.pending().map(({ key }) => key)).toEqual(batch === 'second' ? ['unknown'] : []);
        await wal.replay(echo);
        await wal.execute(request('after'), echo);
      }, 'machine');
      const { result } = await world.life(async ({ open }) => {
        const wal = await open();
        return ['unknown', 'after'].map((key) => wal.find(key)?.status);
      });
      expect(result).toEqual([batch === 'second' ? 'complete' : undefined, 'complete']);
    });
  }

  /** Takes the rare way to a new segment for the next batch, and for that one only. */
  class Early implements Choices {
    next = false;
    choose(site: string): boolean {
      const chosen = this.next && site === 'wal/new-segment';
      if (chosen) this.next = false;
      return chosen;
    }
  }
  /** Puts something of which the disk writes a part and then refuses all changes; nobody tries again before the program ends. */
  const tear = async (world: World, wal: Wal, key: string): Promise<void> => {
    let torn = false;
    world.judgeDisk = ({ operation }) => {
      if (torn) return ['write', 'sync', 'truncate', 'remove'].includes(operation) ? { kind: 'fail', code: 'EIO' } : undefined;
      torn = operation === 'write';
      return torn ? { kind: 'short', numerator: 1, denominator: 2 } : undefined;
    };
    await expect(wal.execute(request(key, long), echo)).rejects.toEqual(failure('commit-unknown'));
    world.judgeDisk = undefined;
  };

  const ways: Readonly<Record<string, (world: World, wal: Wal, reopen: () => Promise<Wal>) => Promise<Wal>>> = {
    'at once': async (world, wal) => {
      failCut(world, 'remove', () => false);
      await expect(wal.execute(request('refused'), echo)).rejects.toEqual(failure('store-unavailable'));
      return wal;
    },
    'before the next batch': async (world, wal) => {
      failCut(world, 'sync-directory', once());
      await expect(wal.execute(request('refused'), echo)).rejects.toEqual(failure('commit-unknown'));
      return wal;
    },
    'by the next start': async (world, wal, reopen) => {
      await tear(world, wal, 'refused');
      await wal.close();
      return reopen();
    },
  };
  for (const [when, fail] of Object.entries(ways)) {
    it(`a segment that could not be begun and is taken back ${when} leaves the one before it open`, async () => {
      const world = new World();
      const choices = new Early();
      await world.life(async ({ open }) => {
        const first = await open({ choices });
        await first.execute(request('before'), echo);
        choices.next = true;
        const wal = await fail(world, first, () => open({ choices }));
        world.judgeDisk = undefined;
        await wal.execute(request('after'), echo);
        await tear(world, wal, 'torn');
      });
      const { result } = await world.life(async ({ open, disk }) => {
        const wal = await open();
        expect(await disk.list('wal')).toEqual([segmentName(1)]);
        return ['before', 'refused', 'after', 'torn'].map((key) => wal.find(key)?.status);
      });
      expect(result).toEqual(['complete', undefined, 'complete', undefined]);
    });
  }
});

/** Effects by id: what operations did to the outside world, which survives crashes. */
type Effects = Map<number, { readonly key: string; times: number }>;

/** How a life ends: at a step, or when its workload is done; and what goes down with it. */
interface Death {
  readonly of: 'process' | 'machine';
  readonly atStep?: number;
}

/** What the lives of a case do, and what their log is like. */
interface Workload {
  readonly options?: Partial<WalOptions>;
  run(wal: Wal, one: (key: string) => Promise<void>, round: number): Promise<void>;
}

/** Clients ask again for what they may have been answered in an earlier life. */
const asking: Workload = {
  async run(_, one, round) {
    await Promise.all([one('a'), one('b'), one('a')]);
    for (const key of ['c', 'd', `only in round ${round}`]) await one(key);
  },
};

/** Nothing that has ended is kept for long, and what cannot be done yet is carried from segment to segment. */
const tidying: Workload = {
  options: { keptMicros: 0 },
  async run(wal, one, round) {
    for (const key of [NEVER_DONE, `a${round}`, `b${round}`]) await one(key);
    await Promise.all([wal.cleanup(), wal.cleanup(), one(`c${round}`)]);
    await wal.cleanup();
  },
};
/** The log is full before its only segment is, and has room again when that is cleaned up. */
const filling: Workload = {
  options: { keptMicros: 0, segmentBytes: 2_000, bytesMax: 800 },
  async run(wal, one, round) {
    const isTaken = (key: string): Promise<boolean> =>
      one(key).then(
        () => true,
        (error: unknown) => {
          expect(error).toEqual(failure('overloaded'));
          return false;
        },
      );
    await isTaken(NEVER_DONE);
    for (let i = 0; await isTaken(`${i} of round ${round}`); i++);
    await wal.cleanup();
    await one(`after round ${round}`);
  },
};
const NEVER_DONE = 'never done';

/** What one history of lives has shown. */
class History {
  readonly effects: Effects = new Map();
  readonly acknowledged = new Map<string, WalEntry>();
  /** The id under which the operation that cannot be done was accepted. */
  accepted: number | undefined;
  readonly #world: World;
  readonly #parts: WalParts;
  readonly #workload: Workload;
  readonly #broken: Set<string>;

  constructor(seed: number, behaviour: CrashBehaviour, parts: WalParts, workload: Workload, broken: Set<string>) {
    this.#world = new World(seed);
    this.#world.disk.setCrashBehaviour(behaviour);
    this.#parts = parts;
    this.#workload = workload;
    this.#broken = broken;
  }

  /** Returns how many steps the life had. */
  async life(round: number, { of, atStep }: Death): Promise<number> {
    this.#world.crashAtStep = atStep;
    const { process } = await this.#world.life(async ({ open }) => {
      const wal = await open({ segmentBytes: 600, ...this.#workload.options }, this.#parts);
      await wal.replay((entry) => this.#apply(entry)).catch(retriable);
      await this.#workload.run(wal, (key) => this.#one(wal, key), round);
    }, of);
    this.#world.crashAtStep = undefined;
    return process.steps;
  }

  /** Opens the log once more and looks whether every promise was kept. */
  async readBack(): Promise<void> {
    const { effects } = this;
    await this.#world.life(async ({ open }) => {
      const wal = await open(this.#workload.options, this.#parts);
      const pending = wal.pending();
      if (this.accepted !== undefined && !pending.some(({ id }) => id === this.accepted))
        this.#broken.add('accepted, never done, and lost');
      await wal.replay(async (entry) => {
        if (!effects.has(entry.id)) effects.set(entry.id, { key: entry.key, times: 1 });
        return echo(entry);
      });
      if (wal.pending().length > 0) this.#broken.add('pending after replay');
      for (const [key, entry] of this.acknowledged) {
        const found = wal.find(key);
        if (found === undefined) {
          if (this.#workload.options?.keptMicros === undefined) this.#broken.add('acknowledged and lost');
        } else if (found.id !== entry.id || found.result !== entry.result) this.#broken.add('acknowledged and changed');
        if (!effects.has(entry.id)) this.#broken.add('acknowledged and not applied');
      }
      for (const { id, key } of pending) if (!effects.has(id)) this.#broken.add(`${key} pending and never applied`);
    });
    const keys = [...effects.values()].map(({ key }) => key);
    if (new Set(keys).size !== keys.length) this.#broken.add('applied twice under two ids');
    if (keys.some((key) => key.includes(' and '))) this.#broken.add('one id, two operations');
  }

  async #one(wal: Wal, key: string): Promise<void> {
    const entry = await wal.execute(request(key, `${key} payload`), (asked) => this.#apply(asked)).catch(retriable);
    if (entry === undefined) return;
    const before = this.acknowledged.get(key);
    if (before !== undefined && before.id !== entry.id) this.#broken.add('one key, two ids');
    this.acknowledged.set(key, entry);
  }

  async #apply(entry: WalEntry): Promise<string> {
    if (entry.key === NEVER_DONE) {
      if (this.accepted !== undefined && this.accepted !== entry.id) this.#broken.add('accepted under two ids');
      this.accepted = entry.id;
      throw new KelpieError('node-unavailable', 'not now');
    }
    const effect = this.effects.get(entry.id);
    // An idempotent operation: a second application is noticed, and finds it done.
    if (effect === undefined) this.effects.set(entry.id, { key: entry.key, times: 1 });
    else if (effect.key !== entry.key) this.effects.set(entry.id, { key: `${effect.key} and ${entry.key}`, times: 2 });
    return echo(entry);
  }
}

/** What may be tried again later stays pending; anything else is not expected. */
function retriable(error: unknown): undefined {
  if (!(error instanceof KelpieError) || error.code !== 'node-unavailable') throw error;
  return undefined;
}

interface SweepOptions {
  readonly behaviours: readonly CrashBehaviour[];
  readonly seeds: number;
  readonly workload?: Workload;
  /** What goes down with the first life, and with the second; the machine with both when left out. */
  readonly of?: readonly [Death['of'], Death['of']];
  /** Where the second life dies: at the step of the first, at the end of its workload, or there and at every step that it has. */
  readonly second?: 'same' | 'every' | 'end';
}

/** What a sweep found broken; empty when every promise held. */
async function sweep(
  parts: WalParts,
  { behaviours, seeds, workload = asking, of = ['machine', 'machine'], second = 'same' }: SweepOptions,
): Promise<{ readonly cases: number; readonly broken: Set<string> }> {
  const broken = new Set<string>();
  let cases = 0;
  for (let seed = 0; seed < seeds; seed++) {
    for (const behaviour of behaviours) {
      /** Lives through these deaths and reads back. Returns how many steps the last of these lives had. */
      const lives = async (deaths: readonly Death[]): Promise<number> => {
        cases++;
        return livesOf(new History(seed, behaviour, parts, workload, broken), deaths, broken);
      };
      const steps = await lives([{ of: of[0] }]);
      for (let atStep = 0; atStep < steps; atStep++) {
        const first: Death = { of: of[0], atStep };
        if (second === 'same') await lives([first, { of: of[1], atStep }]);
        else {
          const stepsOfSecond = await lives([first, { of: of[1] }]);
          for (let then = 0; second === 'every' && then < stepsOfSecond; then++) await lives([first, { of: of[1], atStep: then }]);
        }
      }
    }
  }
  return { cases, broken };
}

async function livesOf(history: History, deaths: readonly Death[], broken: Set<string>): Promise<number> {
  let steps = 0;
  try {
    for (const [round, death] of deaths.entries()) steps = await history.life(round, death);
    await history.readBack();
  } catch (error) {
    if (!(error instanceof KelpieError)) throw error;
    broken.add(`refused to open: ${error.code}`);
  }
  return steps;
}

describe('crash sweep: the log dies at every step of a small workload, twice', () => {
  const ALL: readonly CrashBehaviour[] = ['mixed', 'lose', 'keep', 'tear', 'reorder', 'lose-names'];
  it('keeps every promise over thousands of cases', async () => {
    const { cases, broken } = await sweep(correctWalParts, { behaviours: ALL, seeds: 40 });
    const tidied = await sweep(correctWalParts, { behaviours: ALL, seeds: 12, workload: tidying });
    const filled = await sweep(correctWalParts, { behaviours: ALL, seeds: 6, workload: filling });
    expect([...broken, ...tidied.broken, ...filled.broken]).toEqual([]);
    expect(cases).toBeGreaterThan(5_000);
    expect(tidied.cases).toBeGreaterThan(2_000);
    expect(filled.cases).toBeGreaterThan(1_000);
  }, 120_000);

  // The second life stands on what is in the cache: whatever it builds on must not go with the power.
  const of = ['process', 'machine'] as const;
  for (const [what, workload] of Object.entries({ asking, tidying })) {
    it(`keeps them when the process dies, is started again, and then power is lost (${what})`, async () => {
      const anywhere = await sweep(correctWalParts, { behaviours: ALL, seeds: 1, workload, of, second: 'every' });
      const afterwards = await sweep(correctWalParts, { behaviours: ALL, seeds: 10, workload, of, second: 'end' });
      expect([...anywhere.broken, ...afterwards.broken]).toEqual([]);
      expect(anywhere.cases).toBeGreaterThan(5_000);
      expect(afterwards.cases).toBeGreaterThan(1_500);
    }, 120_000);
  }

  it('notices a log that does not sync', async () => {
    const { broken } = await sweep({ ...correctWalParts, makeDurable: async () => {} }, { behaviours: ['lose', 'mixed'], seeds: 1 });
    expect([...broken]).toContain('acknowledged and lost');
  }, 60_000);

  it('notices ids that begin anew after a crash', async () => {
    const { broken } = await sweep({ ...correctWalParts, firstId: () => 1 }, { behaviours: ['keep'], seeds: 1 });
    expect(broken.size).toBeGreaterThan(0);
  }, 60_000);

  it('notices a replay that does nothing', async () => {
    const { broken } = await sweep({ ...correctWalParts, replay: async () => {} }, { behaviours: ['keep'], seeds: 1 });
    expect([...broken]).toContain('pending after replay');
  }, 60_000);

  it('notices a look-up that is apart from its append', async () => {
    const findOrAppend: WalParts['findOrAppend'] = async (log, wanted) => {
      const existing = log.find(wanted.key);
      await Promise.resolve();
      return existing === undefined ? { entry: await log.append(wanted), existing: false } : { entry: existing, existing: true };
    };
    const { broken } = await sweep({ ...correctWalParts, findOrAppend }, { behaviours: ['keep'], seeds: 1 });
    expect([...broken]).toContain('applied twice under two ids');
  }, 60_000);

  it('notices an operation that is marked complete before it is applied', async () => {
    const perform: WalParts['perform'] = async (log, entry, apply) => {
      const ended = await log.end(entry, 'complete', JSON.stringify(`did ${entry.payload}`));
      await apply(entry);
      return ended;
    };
    const { broken } = await sweep({ ...correctWalParts, perform }, { behaviours: ['keep'], seeds: 1 });
    expect([...broken]).toContain('acknowledged and not applied');
  }, 60_000);
});
