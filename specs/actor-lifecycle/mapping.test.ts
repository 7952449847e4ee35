import { describe, expect, test } from 'vitest';
import { follow, type Line } from '../../runner/fixtures/follow.js';
import { mapping } from './mapping.js';

const follows = await follow(mapping);

const actor = 'a:1';
const tell = (body: Line[1], node = 'n1'): Line => [node, body];
const start = tell({ type: 'activate.start', actor });
const claimed = (token: number, node = 'n1'): Line =>
  tell(
    { type: 'claim.commit', actor, claim: `${token}`, token, generation: token, previous: null, version: token, count: 1, capacity: 9 },
    node,
  );
const load = (token: number, state: number | null, node = 'n1'): Line =>
  tell({ type: 'activate.load', actor, token, stateVersion: token, state }, node);
const done = (token: number, node = 'n1'): Line => tell({ type: 'activate.done', actor, token, stateVersion: token }, node);
const up = (token: number, state: number | null, node = 'n1'): Line[] => [
  tell({ type: 'activate.start', actor }, node),
  claimed(token, node),
  load(token, state, node),
  done(token, node),
];
const invoke = (request: string, token = 1, tries = 1): Line =>
  tell({ type: 'invoke.start', actor, request, operation: 'op', token, tries });
const commit = (request: string, state: number | null, stateDeleted = false, token = 1): Line =>
  tell({ type: 'commit.start', actor, request, commit: request, token, stateVersion: 1, reads: 0, writes: [], state, stateDeleted });
const end = (request: string, committed = true, token = 1): Line =>
  tell({ type: 'invoke.end', actor, request, token, outcome: 'ok', commit: committed ? request : null });
const going = (reason: 'idle' | 'shutdown' | 'asked' | 'migration', pending = 0, token = 1): Line =>
  tell({ type: 'deactivate.start', actor, token, reason, pending });
const gone = (token = 1): Line => tell({ type: 'deactivate.done', actor, token, outcome: 'clean' });
/** Calls that waited run, one after the other. */
const served = (calls: number): Line[] => Array.from({ length: calls }, (_, i) => [invoke(`s${i}`), end(`s${i}`, false)]).flat();
const drop = (token = 1): Line => tell({ type: 'activate.drop', actor, token, reason: 'lease-lost' });
const kill = tell({ type: 'kill', reason: 'test' });
const boot = tell({ type: 'boot', reason: 'restart' });
/** Up, with a state in the store. */
const written = [...up(1, null), invoke('r0'), commit('r0', 7), end('r0')];
const lost = tell({ type: 'claim.lost', actor, claim: '1', why: 'existing', owner: 'n2' });

describe('the life of an actor', () => {
  test.each<readonly [string, readonly Line[]]>([
    ['up, called, idle, gone', [...up(1, null), invoke('r1'), commit('r1', 7), end('r1'), going('idle'), gone(), ...up(2, 7)]],
    ['deleted and made again', [...written, invoke('r1'), commit('r1', null, true), end('r1'), going('asked'), gone(), ...up(2, null)]],
    [
      'calls are served before it goes',
      [...up(1, null), invoke('r1'), going('asked', 2), end('r1', false), invoke('r2'), end('r2', false), gone()],
    ],
    [
      'three wait and none runs when it is asked to go',
      [...up(1, null), going('migration', 3), ...served(3), gone(), drop(), ...up(2, null)],
    ],
    ['many wait behind the one that runs', [...up(1, null), invoke('r0'), going('asked', 6), end('r0', false), ...served(5), gone()]],
    ['of many that wait some are not served', [...up(1, null), going('shutdown', 9), ...served(2), gone(), ...up(2, null)]],
    ['many wait, and it is dropped before they are served', [...up(1, null), going('asked', 6), ...served(1), drop(), ...up(2, null)]],
    ['many wait, and its node dies', [...up(1, null), going('asked', 6), ...served(1), kill, boot, ...up(2, null)]],
    ['a claim that is lost', [start, lost, start, lost, tell({ type: 'activate.fail', actor, code: 'overloaded' })]],
    ['a conflict and another try', [...up(1, null), invoke('r1'), commit('r1', 7), invoke('r1', 1, 2), commit('r1', 8), end('r1')]],
    ['a crash, after which a commit may be there', [...up(1, null), invoke('r1'), commit('r1', 7), kill, boot, ...up(2, 7)]],
    ['a crash, after which it may not', [...up(1, null), invoke('r1'), commit('r1', 7), kill, boot, ...up(2, null)]],
    [
      'dropped, and told of its end afterwards',
      [...up(1, null), invoke('r1'), commit('r1', 7), drop(), ...up(2, 7), end('r1'), invoke('r2', 2)],
    ],
    [
      'dropped, and the same request is served anew before its first end is told',
      [...up(1, null), invoke('r1'), drop(), ...up(2, null), invoke('r1', 2), end('r1', false, 2), invoke('r2', 2), end('r1', false)],
    ],
    ['passed on by a migration, and dropped on the way', [...up(1, null), going('migration'), gone(), drop()]],
    ['another node had it meanwhile', [...up(1, null), going('asked'), gone(), ...up(2, null, 'n2'), ...up(3, 7)]],
    [
      'claimed, and its answer so late that another node has written since',
      [start, ...up(2, null, 'n2'), claimed(1), load(1, 7), tell({ type: 'lease.expire-local', actor, token: 1 }), drop()],
    ],
    [
      'that late answer was of no consequence for the next activation',
      [start, ...up(2, null, 'n2'), claimed(1), load(1, 7), drop(), ...up(3, null)],
    ],
  ])('%s', (_, story) => {
    expect(follows(story)).toBe('accepted');
  });
});

describe('what no actor does', () => {
  test.each<readonly [string, readonly Line[], string]>([
    ['comes up without an activation', [done(1)], 'activate.done: ActivateDone'],
    ['comes up twice', [...up(1, null), start], 'activate.start: Activate'],
    ['fails after it has come up', [...up(1, null), tell({ type: 'activate.fail', actor, code: 'x' })], 'activate.fail: ActivateFail'],
    ['runs before it is up', [start, invoke('r1')], 'invoke.start: Start'],
    ['runs two at a time', [...up(1, null), invoke('r1'), invoke('r2')], 'invoke.start: Start'],
    ['ends what does not run', [...up(1, null), end('r1', false)], 'invoke.end: FinishFail'],
    ['commits what does not run', [...up(1, null), invoke('r1'), end('r1', false), invoke('r1', 1, 2)], 'invoke.start: running'],
    ['writes what does not run', [...up(1, null), invoke('r1'), commit('r1', 7), end('r1'), end('r1')], 'invoke.end: FinishWrite'],
    ['deletes what does not run', [...written, invoke('r1'), commit('r1', null, true), end('r1'), end('r1')], 'invoke.end: FinishDelete'],
    ['goes before it is up', [start, going('asked')], 'deactivate.start: DeactivateAsked'],
    ['goes before it is up, though many wait', [start, going('asked', 6)], 'deactivate.start: active'],
    ['goes twice while many wait', [...up(1, null), going('asked', 6), going('asked', 6)], 'deactivate.start: active'],
    ['comes up again while many wait', [...up(1, null), going('asked', 6), start], 'activate.start: Activate'],
    ['runs more than waited as it went', [...up(1, null), going('asked', 3), ...served(4)], 'invoke.start: Start'],
    [
      'runs more than waited behind the one that ran',
      [...up(1, null), invoke('r'), going('asked', 4), end('r', false), ...served(4)],
      'invoke.start: Start',
    ],
    ['goes for idleness while it runs', [...up(1, null), invoke('r1'), going('idle', 1)], 'deactivate.start: DeactivateIdle'],
    ['is gone without going', [...up(1, null), gone()], 'deactivate.done: DeactivateDone'],
    ['is dropped when it is not there', [drop()], 'activate.drop: Drop'],
    [
      'forgets what was committed',
      [...up(1, null), invoke('r1'), commit('r1', 7), end('r1'), kill, boot, ...up(2, null)],
      'activate.load: stored false',
    ],
    [
      'loads what nobody has written, though another node had the actor before it',
      [...up(1, null, 'n2'), start, claimed(2), load(2, null), drop(), start, claimed(3), load(3, 7)],
      'activate.load: stored true',
    ],
    [
      'loads what nobody has written, though another actor has a newer holder',
      [
        start,
        claimed(1),
        tell(
          { type: 'claim.commit', actor: 'a:2', claim: '9', token: 9, generation: 9, previous: null, version: 9, count: 1, capacity: 9 },
          'n2',
        ),
        load(1, 7),
      ],
      'activate.load: stored true',
    ],
    ['loads another one’s state before it comes up', [load(5, 7)], 'activate.load: Elsewhere true'],
    ['starts again without having ended', [boot, ...up(1, null), boot], 'boot: Restart'],
  ])('%s', (_, story, seen) => {
    expect(follows(story)).toBe(seen);
  });

  test('the bug DeactivateWithPending: it goes while an accepted call runs', () => {
    expect(follows([...up(1, null), invoke('r1'), going('asked', 1), gone()])).toBe('deactivate.done: DeactivateDone');
    expect(follows([...up(1, null), invoke('r1'), going('asked', 6), gone()])).toBe('deactivate.done: DeactivateDone');
  });

  test('the bug IdleTooSoon, where it shows: it goes for idleness while a call waits', () => {
    expect(follows([...up(1, null), going('idle', 1)])).toBe('deactivate.start: pending 1');
    expect(follows([...up(1, null), going('idle', 6)])).toBe('deactivate.start: pending 2');
  });

  test('the bug InvokeWhileDeactivating: it runs what came late', () => {
    expect(follows([...up(1, null), going('asked'), invoke('r1')])).toBe('invoke.start: Start');
    expect(follows([...up(1, null), going('asked'), gone(), invoke('r1')])).toBe('invoke.start: Start');
  });

  test('the bug LateSave: its end brings back what was deleted', () => {
    const deleted = [...written, invoke('r1'), commit('r1', null, true), end('r1'), going('idle'), gone()];
    expect(follows([...deleted, ...up(2, 7)])).toBe('activate.load: stored true');
  });
});
