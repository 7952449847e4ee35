import { describe, expect, test } from 'vitest';
import { follow, type Line } from '../../runner/fixtures/follow.js';
import { mapping } from './mapping.js';

const follows = await follow(mapping);

const save = (sequence: number): Line => ['n1', { type: 'checkpoint.save', sequence }];
const restore = (sequence: number): Line => ['n1', { type: 'checkpoint.restore', sequence }];
const damaged = (sequence: number): Line => ['n1', { type: 'checkpoint.damaged', sequence }];
const kill: Line = ['n1', { type: 'kill', reason: 'test' }];
const exit: Line = ['n1', { type: 'exit' }];
/** From here on a disk may be to blame. */
const rot: Line = ['', { type: 'fault', fault: 'disk/bit-rot', label: 'disk/bit-rot#1', action: 'begins' }];
const stale: Line = ['n1', { type: 'disk', operation: 'read', path: 'checkpoints/2', outcome: 'stale' }];
const wipe: Line = ['', { type: 'disk', operation: 'wipe', path: '', outcome: 'damaged', disk: 'n1' }];

describe('checkpoints of one disk', () => {
  test.each<readonly [string, readonly Line[]]>([
    ['one after the other', [save(1), save(2), save(4), save(9), save(10)]],
    ['a restart with none', [kill, save(1), exit, restore(1), save(2)]],
    ['restarts', [save(1), kill, restore(1), save(2), save(3), exit, restore(3), kill, restore(3), save(4)]],
    ['one that was published by a life that died before it said so', [save(1), kill, restore(2), save(3)]],
    ['the same as the first event of a disk', [restore(3), save(4)]],
    ['one that is restored again by who could not go on from it', [save(1), kill, restore(1), restore(1), save(2), kill, restore(2)]],
    ['damage, and the one before it', [rot, save(1), save(2), kill, damaged(2), restore(1), save(3), kill, restore(3)]],
    ['damage of two', [rot, save(1), save(2), save(3), kill, damaged(3), damaged(2), restore(1), kill, damaged(3), damaged(2), restore(1)]],
    ['a disk that is wiped, and begins anew', [save(1), save(2), kill, wipe, save(1)]],
  ])('%s', (_, story) => {
    expect(follows(story)).toBe('accepted');
  });

  test('what only a lying disk explains is not judged', () => {
    expect(follows([rot, save(1), save(2), kill, restore(1)])).toBe('left: the disk has lost the newest checkpoint');
    expect(follows([rot, save(1), save(2), kill, stale, damaged(2), restore(2)])).toBe('left: what was read was not what is there');
    expect(follows([rot, save(1), save(2), kill, save(1)])).toBe('left: the disk has lost every checkpoint');
  });
});

describe('what no store of checkpoints does', () => {
  test.each<readonly [string, readonly Line[], string]>([
    ['publishes a number again', [save(1), save(1)], 'checkpoint.save: the number of another checkpoint'],
    ['publishes before it has restored', [save(1), kill, save(2)], 'checkpoint.save: Publish'],
    ['restores while it runs', [save(1), restore(1)], 'checkpoint.restore: Restore'],
    ['restores again when it has saved', [save(1), kill, restore(1), save(2), restore(2)], 'checkpoint.restore: Restore'],
    ['restores another one than before', [save(1), kill, restore(1), restore(2)], 'checkpoint.restore: Restore'],
    ['passes the newest over', [save(1), save(2), kill, restore(1)], 'checkpoint.restore: the newest is whole and not restored'],
    ['restores what is damaged', [rot, save(1), save(2), kill, damaged(2), restore(2)], 'checkpoint.restore: restored and damaged'],
  ])('%s', (_, story, seen) => {
    expect(follows(story)).toBe(seen);
  });

  test('the bug SplitCheckpoint: a number is visible without its state, and no disk is to blame', () => {
    expect(follows([save(1), kill, damaged(2), restore(1)])).toBe('checkpoint.damaged: visible and not whole');
  });
});
