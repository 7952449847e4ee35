import { describe, expect, test } from 'vitest';
import { follow, type Line } from '../../runner/fixtures/follow.js';
import { mapping } from './mapping.js';

const followed = await follow(mapping);

const append = (key: string, id = 1): Line => ['n1', { type: 'wal.append', id, key, operation: 'step' }];
const replay = (key: string, id = 1): Line => ['n1', { type: 'wal.replay', id, key }];
const end = (key: string, status: 'complete' | 'failed' = 'complete', id = 1): Line => ['n1', { type: 'wal.end', id, key, status }];
const cleanup = (...keys: string[]): Line => ['n1', { type: 'wal.cleanup', segment: 1, dropped: keys.length, carried: 0, keys }];
const kill: Line = ['n1', { type: 'kill', reason: 'a fault' }];
const recover: Line = ['n1', { type: 'wal.recover', segments: 1, entries: 1, pending: 1, cutBytes: 0, nextId: 2 }];

const stale: Line = ['n1', { type: 'disk', operation: 'read', path: '/log/1', outcome: 'stale' }];
const wipedDisk = (disk: string): Line => ['', { type: 'disk', operation: 'wipe', path: '/', outcome: 'damaged', disk }];
const wiped = wipedDisk('n1');
const wipedElsewhere = wipedDisk('n2');

describe('a story that KelpieWAL allows:', () => {
  test.each<[string, Line[]]>([
    ['two operations side by side', [append('a'), append('b'), end('b'), end('a', 'failed')]],
    ['a crash and replay', [append('a'), append('b'), kill, recover, replay('a'), end('a'), replay('b'), end('b')]],
    ['new work beside replay', [append('a'), kill, recover, append('b'), end('b'), replay('a'), end('a')]],
    ['an entry that nobody was told of before the crash', [kill, recover, replay('a'), end('a')]],
    ['a pending operation that is asked for again before its replay', [append('a'), kill, recover, end('a')]],
    ['a crash of a node whose log has not been opened again', [append('a'), kill, kill, recover, replay('a')]],
    ['a mark that nobody was told of before the crash', [append('a'), kill, recover, cleanup('a'), append('a')]],
    ['a mark that was thought to be and was not', [append('a'), kill, recover, replay('a'), end('a'), cleanup('a')]],
    ['a key used again after clean-up', [append('a'), end('a'), cleanup('a', 'unknown'), append('a'), end('a')]],
    ['another key in the place of one that is gone', [append('a'), append('b'), end('a'), cleanup('a'), append('c'), end('b'), end('c')]],
    ['more keys than a walk has', [append('a'), append('b'), append('c'), end('c'), end('b'), end('a')]],
    ['the disk of another node that was wiped', [append('a'), kill, wipedElsewhere, recover, replay('a')]],
  ])('%s', (_, lines) => expect(followed(lines)).toBe('accepted'));

  test.each<[string, Line[]]>([
    ['a disk that was wiped', [append('a'), kill, wiped, recover, append('a'), end('b'), end('b')]],
    ['a read that answered with what the disk held before', [append('a'), kill, stale, recover, append('a')]],
  ])('is judged no more after %s', (_, lines) => {
    expect(followed(lines)).toBe('left: the disk has not kept what was durable');
  });

  test('is judged on a node whose own disk is true', () => {
    expect(followed([append('a'), kill, wipedElsewhere, recover, append('a')])).toMatch(/^wal\.append: Sync k\d$/);
  });
});

describe('a story that it does not allow:', () => {
  test.each<[string, Line[], RegExp]>([
    ['one key accepted twice', [append('a'), append('a')], /^wal\.append: Sync k\d$/],
    ['an operation that ends twice', [append('a'), end('a'), end('a')], /^wal\.end: MarkDurable k\d$/],
    ['replay of what has ended', [append('a'), end('a'), kill, recover, replay('a')], /^wal\.replay: Replay k\d$/],
    ['clean-up of what is pending', [append('a'), cleanup('a')], /^wal\.cleanup: Cleanup k\d$/],
    [
      'clean-up of what was replayed and is pending',
      [append('a'), kill, recover, replay('a'), cleanup('a')],
      /^wal\.cleanup: Cleanup k\d$/,
    ],
    ['an accepted operation that is not there after a crash', [append('a'), kill, recover, append('a')], /^wal\.append: Sync k\d$/],
  ])('%s', (_, lines, told) => expect(followed(lines)).toMatch(told));
});
