import { describe, expect, test } from 'vitest';
import { follow, type Line } from '../../runner/fixtures/follow.js';
import { mapping } from './mapping.js';

const follows = await follow(mapping);

const actor = 'a:1';
/** Commits are named by token and number, as the runtime names them. */
const tokenOf = (commit: string): number => Number(commit.split('.')[0]);
const nodeOf = (commit: string): string => (tokenOf(commit) === 1 ? 'n1' : 'n2');
const load = (token: number, stateVersion: number, state: number | null = null): Line => [
  token === 1 ? 'n1' : 'n2',
  { type: 'activate.load', actor, token, stateVersion, state },
];
const start = (commit: string, stateVersion: number, state: number | null = null): Line => [
  nodeOf(commit),
  {
    type: 'commit.start',
    actor,
    request: 'r',
    commit,
    token: tokenOf(commit),
    stateVersion,
    reads: 1,
    writes: [],
    state,
    stateDeleted: false,
  },
];
const done = (commit: string, stateVersion: number): Line => [
  nodeOf(commit),
  { type: 'commit.done', actor, commit, token: tokenOf(commit), stateVersion, version: 1 },
];
const conflict = (commit: string): Line => [nodeOf(commit), { type: 'commit.conflict', actor, commit, code: 1020 }];
const unknown = (commit: string): Line => [nodeOf(commit), { type: 'commit.unknown', actor, commit, token: tokenOf(commit), code: 1021 }];
const resolved = (commit: string, applied: boolean): Line => [
  nodeOf(commit),
  { type: 'commit.resolved', actor, commit, token: tokenOf(commit), applied },
];
const rollback = (token: number): Line => ['n1', { type: 'rollback', actor, token, request: 'r', reason: 'too-large' }];
const drop = (token: number): Line => ['n1', { type: 'activate.drop', actor, token, reason: 'lease-lost' }];
const kill = (node: string): Line => [node, { type: 'kill', reason: 'test' }];
const write = (token: number, key: string, value: number): Line => ['n1', { type: 'kv.write', actor, token, key, value }];
const read = (token: number, key: string, value: number | null): Line => ['n1', { type: 'kv.read', actor, token, key, value }];
const committed = (commit: string, stateVersion: number, state: number | null = null): Line[] => [
  start(commit, stateVersion, state),
  done(commit, stateVersion),
];

describe('commits of an actor', () => {
  test.each<readonly [string, readonly Line[]]>([
    ['one after the other', [load(1, 0), ...committed('1.1', 1, 5), ...committed('1.2', 2), load(2, 2, 5)]],
    [
      'a load that was read before another took over and is told after it',
      [load(2, 0), ...committed('2.1', 1), load(1, 0), drop(1), load(3, 1)],
    ],
    ['a conflict and another try', [load(1, 0), start('1.1', 1), conflict('1.1'), ...committed('1.2', 1)]],
    ['one that failed before it was sent', [load(1, 0), start('1.1', 1), rollback(1), ...committed('1.2', 1)]],
    ['unknown and found', [load(1, 0), start('1.1', 1), unknown('1.1'), resolved('1.1', true), done('1.1', 1), ...committed('1.2', 2)]],
    ['unknown and lost', [load(1, 0), start('1.1', 1), unknown('1.1'), resolved('1.1', false), ...committed('1.2', 1)]],
    ['a crash, after which it is there', [load(1, 0), start('1.1', 1), kill('n1'), load(2, 1), ...committed('2.1', 2)]],
    ['a crash, after which it is not', [load(1, 0), start('1.1', 1), kill('n1'), load(2, 0), ...committed('2.1', 1)]],
    [
      'a holder that is dropped with a commit on its way',
      [load(1, 0), start('1.1', 1), drop(1), load(2, 1), done('1.1', 1), ...committed('2.1', 2)],
    ],
    [
      'a holder that is dropped when others have committed the version that it was to make',
      [
        load(1, 0),
        start('1.1', 1),
        unknown('1.1'),
        load(2, 0),
        ...committed('2.1', 1, 5),
        drop(1),
        ...committed('2.2', 2, 6),
        load(3, 2, 6),
      ],
    ],
    [
      'a deposed holder that sends what is too late, and is dropped when another has committed that version',
      [load(1, 0), load(2, 0), start('1.1', 1), unknown('1.1'), ...committed('2.1', 1), drop(1), load(3, 1), ...committed('3.1', 2)],
    ],
    [
      'a holder that dies when others have added to what it committed',
      [load(1, 0), start('1.1', 1), load(2, 1), ...committed('2.1', 2), kill('n1'), ...committed('2.2', 3), load(3, 3)],
    ],
    [
      'a holder that learns late that it committed what another has written over',
      [
        ...[load(1, 0), write(1, 'k', 5), start('1.1', 1), load(2, 1), write(2, 'k', 6), ...committed('2.1', 2), done('1.1', 1)],
        ...[read(2, 'k', 6), ...committed('2.2', 3), load(3, 3)],
      ],
    ],
    ['a deposed holder that is refused', [load(1, 0), load(2, 0), start('1.1', 1), ...committed('2.1', 1), conflict('1.1'), load(3, 1)]],
    [
      'what was read is what was committed',
      [load(1, 0), write(1, 'k', 5), ...committed('1.1', 1), read(1, 'k', 5), ...committed('1.2', 2)],
    ],
  ])('%s', (_, story) => {
    expect(follows(story)).toBe('accepted');
  });
});

describe('what no transaction does', () => {
  test.each<readonly [string, readonly Line[], string]>([
    [
      'is done without having been sent to the store',
      [load(1, 0), ...committed('1.1', 1), start('1.2', 2), conflict('1.2'), load(2, 2)],
      'activate.load: head 0',
    ],
    ['takes effect though it was refused', [load(1, 0), start('1.1', 1), conflict('1.1'), load(2, 1)], 'activate.load: head 1'],
    [
      'is found though it was refused',
      [load(1, 0), start('1.1', 1), unknown('1.1'), resolved('1.1', false), load(2, 1)],
      'activate.load: head 1',
    ],
    [
      'is lost though it was found',
      [load(1, 0), start('1.1', 1), unknown('1.1'), resolved('1.1', true), load(2, 0)],
      'activate.load: head 0',
    ],
    [
      'is found though its successor has not found it',
      [load(1, 0), start('1.1', 1), unknown('1.1'), load(2, 0), ...committed('2.1', 1), resolved('1.1', true)],
      'commit.resolved: LookFound c1',
    ],
    ['is lost though it was done', [load(1, 0), ...committed('1.1', 1), load(2, 0)], 'activate.load: head 0'],
    ['adds to another version than the newest', [load(1, 0), ...committed('1.1', 2)], 'commit.start: c1 adds to 1'],
    ['is found again after it was found', [load(1, 0), start('1.1', 1), unknown('1.1'), done('1.1', 1)], 'commit.done: Done c1'],
    ['is told of as unknown twice', [load(1, 0), start('1.1', 1), unknown('1.1'), unknown('1.1')], 'commit.unknown: Unknown c1'],
    ['is resolved though it is known', [load(1, 0), start('1.1', 1), resolved('1.1', true)], 'commit.resolved: LookFound c1'],
    ['is refused though it is unknown', [load(1, 0), start('1.1', 1), unknown('1.1'), conflict('1.1')], 'commit.conflict: Refused c1'],
  ])('%s', (_, story, seen) => {
    expect(follows(story).replace('c2', 'c1')).toBe(seen);
  });

  test('the bug NoConflictCheck: two holders add to the same version and both are done', () => {
    const both = [load(1, 0), load(2, 0), start('1.1', 1), start('2.1', 1), done('1.1', 1), done('2.1', 1)];
    expect(follows(both)).toMatch(/^commit.done: Done/);
  });

  test('the bug BlindRetry: after an unknown result it is sent again, and takes effect twice', () => {
    const again = [load(1, 0), start('1.1', 1), unknown('1.1'), resolved('1.1', false), ...committed('1.2', 1), load(2, 2)];
    expect(follows(again)).toBe('activate.load: head 0');
  });

  test('the bug SplitCommit: the head is of a newer commit than the state', () => {
    expect(follows([load(1, 0), ...committed('1.1', 1, 5), ...committed('1.2', 2, 6), load(2, 2, 5)])).toBe(
      'activate.load: head 0 without its state',
    );
  });

  test('the bug ReadPastBuffer: it reads from the store what it has written', () => {
    expect(follows([load(1, 0), write(1, 'k', 5), read(1, 'k', null)])).toMatch(/read past its buffer/);
  });

  test('the bug ReadLatest: it has read what was committed after the version that it adds to', () => {
    const story = [load(1, 0), write(1, 'k', 5), ...committed('1.1', 1), write(1, 'k', 6), ...committed('1.2', 2)];
    expect(follows([...story, load(2, 2), read(2, 'k', 6), start('2.1', 2)])).toMatch(/adds to 1|has read two versions/);
    expect(follows([...story, read(1, 'k', 6), ...committed('1.3', 3)])).toBe('accepted');
  });
});
