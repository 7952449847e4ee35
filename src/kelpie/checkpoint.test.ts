import { describe, expect, it } from 'vitest';
import { failure } from '../../runner/fixtures/failure.js';
import { Machine } from '../../runner/fixtures/machine.js';
import type { Disk } from '../ports.js';
import type { CrashBehaviour } from '../sim/seams.js';
import { type Checkpoint, type CheckpointParts, CheckpointStore, correctCheckpointParts } from './checkpoint.js';

class World extends Machine {
  constructor(seed = 1) {
    super(seed, { kind: 'fifo' });
  }

  /** Runs a program as the next life, after which the machine goes down. Answers how many steps it took. */
  async life(program: (store: (parts?: CheckpointParts) => CheckpointStore, disk: Disk) => Promise<void>): Promise<number> {
    const { process } = await this.run(
      ({ disk, tracer }) => program((parts) => new CheckpointStore(disk, tracer, { keep: 2 }, parts), disk),
      'machine',
    );
    return process.steps;
  }
}

const checkpoint = (sequence: number): Checkpoint => ({
  sequence,
  state: JSON.stringify({ upTo: sequence, padding: 'x'.repeat(sequence * 700) }),
});

describe('checkpoints', () => {
  it('give back the newest, keep the last ones, and begin empty', async () => {
    const world = new World();
    await world.life(async (store) => {
      const checkpoints = store();
      expect(await checkpoints.restore()).toBeUndefined();
      await Promise.all([1, 2, 3, 4].map((sequence) => checkpoints.save(checkpoint(sequence))));
    });
    await world.life(async (store, disk) => {
      expect(await store().restore()).toEqual(checkpoint(4));
      expect(await disk.list('checkpoints')).toEqual(['0000000000000003.checkpoint', '0000000000000004.checkpoint']);
    });
  });

  it('refuse bad input', async () => {
    const world = new World();
    await world.life(async (store, disk) => {
      const checkpoints = store();
      await checkpoints.save(checkpoint(5));
      for (const sequence of [5, 4, -1, 1.5])
        await expect(checkpoints.save({ sequence, state: '{}' })).rejects.toEqual(failure('invalid-argument'));
      await expect(checkpoints.save({ sequence: 6, state: 'x'.repeat(10_000_000) })).rejects.toEqual(failure('too-large'));
      expect(await checkpoints.restore()).toEqual(checkpoint(5));
      expect(() => new CheckpointStore(disk, { emit: () => {}, count: () => {} }, { keep: 0 })).toThrow('whole number from 1');
    });
  });

  it('pass over a damaged one, tell it, leave it, and never reuse its number', async () => {
    const world = new World();
    await world.life(async (store) => {
      const checkpoints = store();
      await checkpoints.save(checkpoint(1));
      await checkpoints.save(checkpoint(2));
    });
    const damage = (sequence: number) => async (_: unknown, disk: Disk) => {
      const file = await disk.open(`checkpoints/${String(sequence).padStart(16, '0')}.checkpoint`, 'write');
      await file.write(20, Uint8Array.of(0));
      await file.sync();
    };
    await world.life(damage(2));
    await world.life(async (store) => {
      const checkpoints = store();
      expect(await checkpoints.restore()).toEqual(checkpoint(1));
      await expect(checkpoints.save(checkpoint(2))).rejects.toEqual(failure('invalid-argument'));
    });
    expect(world.told).toContainEqual({ type: 'checkpoint.damaged', sequence: 2 });
    await world.life(damage(1));
    await expect(world.life(async (store) => void (await store().restore()))).rejects.toThrow(
      'no checkpoint is whole: checkpoints/0000000000000002.checkpoint',
    );
  });
});

async function sweep(parts: CheckpointParts): Promise<{ readonly cases: number; readonly broken: Set<string> }> {
  const broken = new Set<string>();
  const behaviours: readonly CrashBehaviour[] = ['mixed', 'lose', 'keep', 'tear', 'reorder', 'lose-names'];
  let cases = 0;
  const run = async (world: World, saved: { newest: number }): Promise<number> =>
    world.life(async (store) => {
      const checkpoints = store(parts);
      for (const sequence of [1, 2, 3, 4]) {
        await checkpoints.save(checkpoint(sequence));
        saved.newest = sequence;
      }
    });
  for (let seed = 0; seed < 10; seed++) {
    const steps = await run(new World(seed), { newest: 0 });
    for (const behaviour of behaviours) {
      for (let crashAt = 0; crashAt < steps; crashAt++, cases++) {
        const world = new World(seed);
        world.disk.setCrashBehaviour(behaviour);
        world.crashAtStep = crashAt;
        const saved = { newest: 0 };
        await run(world, saved);
        world.crashAtStep = undefined;
        await world
          .life(async (store) => {
            const restored = await store(parts).restore();
            if ((restored?.sequence ?? 0) < saved.newest) broken.add('acknowledged and lost');
            if (restored !== undefined && restored.state !== checkpoint(restored.sequence).state) broken.add('state of another sequence');
          })
          .catch(() => broken.add('nothing whole'));
        if (world.told.some(({ type }) => type === 'checkpoint.damaged')) broken.add('a torn one is visible');
      }
    }
  }
  return { cases, broken };
}

describe('crash sweep: the process dies at every step of saving four checkpoints', () => {
  it('never loses one that was acknowledged, never shows a torn one', async () => {
    const { cases, broken } = await sweep(correctCheckpointParts);
    expect([...broken]).toEqual([]);
    expect(cases).toBeGreaterThan(2_000);
  }, 60_000);

  it('notices one that gets its name before it is whole', async () => {
    const { broken } = await sweep({
      async publish(disk, directory, path, bytes) {
        const file = await disk.open(path, 'write');
        await file.write(0, bytes);
        await disk.syncDirectory(directory);
        await file.sync();
        await file.close();
      },
    });
    expect([...broken]).toContain('a torn one is visible');
  }, 60_000);

  it('notices a name that is not made durable', async () => {
    const { broken } = await sweep({
      async publish(disk, _, path, bytes) {
        const file = await disk.open(`${path}.draft`, 'write');
        await file.write(0, bytes);
        await file.sync();
        await file.close();
        await disk.rename(`${path}.draft`, path);
      },
    });
    expect([...broken]).toContain('acknowledged and lost');
  }, 60_000);
});
