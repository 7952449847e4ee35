import { describe, expect, test } from 'vitest';
import { follow, followBug, type Line } from '../../runner/fixtures/follow.js';
import type { ClaimDecision } from '../../src/story.js';
import type { SpecState } from '../mapping.js';
import { at } from '../projection.js';
import { mapping } from './mapping.js';

const follows = await follow(mapping);

const actor = 'a:1';
const migration = 'm';
const up = (node: string, token: number, stateVersion: number, decision: ClaimDecision = 'new'): Line[] => [
  [
    node,
    {
      type: 'claim.read',
      actor,
      claim: `${node}.${token}`,
      readVersion: 1,
      owner: null,
      ownerLife: 0,
      token: token - 1,
      leaseVersion: 1,
      leaseMicros: 1_000,
      decision,
    },
  ],
  [node, { type: 'activate.load', actor, token, stateVersion, state: null }],
  [node, { type: 'activate.done', actor, token, stateVersion }],
];
/** Until `onActivate` begins to commit. */
const coming = (node: string, token: number, stateVersion: number): Line[] => up(node, token, stateVersion).slice(0, -1);
const fail = (node: string): Line => [node, { type: 'activate.fail', actor, code: 'store-unavailable' }];
const serve = (node: string, token: number): Line => [
  node,
  { type: 'invoke.start', actor, request: 'r', operation: 'op', token, tries: 1 },
];
const send = (node: string, token: number, stateVersion: number): Line => [
  node,
  {
    type: 'commit.start',
    actor,
    request: 'r',
    commit: `${token}.${stateVersion}`,
    token,
    stateVersion,
    reads: 0,
    writes: [],
    state: 1,
    stateDeleted: false,
  },
];
const sent = (node: string, token: number, stateVersion: number): Line => [
  node,
  { type: 'commit.done', actor, commit: `${token}.${stateVersion}`, token, stateVersion, version: 1 },
];
const commit = (node: string, token: number, stateVersion: number): Line[] => [
  send(node, token, stateVersion),
  sent(node, token, stateVersion),
];
const going = (node: string, token: number, reason: 'idle' | 'migration'): Line[] => [
  [node, { type: 'deactivate.start', actor, token, reason, pending: 0 }],
  [node, { type: 'deactivate.done', actor, token, outcome: 'clean' }],
];
const prepare = (from = 'A', to = 'B', token = 1, name = migration): Line => [
  from,
  { type: 'migrate.prepare', actor, migration: name, from, to, token },
];
const stop = (from = 'A', token = 1, name = migration): Line[] => [
  ...going(from, token, 'migration'),
  [from, { type: 'migrate.stop', actor, migration: name, token }],
];
const transfer = (stateVersion: number, from = 'A', token = 1, name = migration): Line => [
  from,
  { type: 'migrate.transfer', actor, migration: name, token, stateVersion },
];
const move = (to = 'B', token = 1, newToken = 2, from = 'A', name = migration): Line => [
  from,
  { type: 'migrate.move', actor, migration: name, token, newToken, to, version: 1 },
];
const begin = (to = 'B', name = migration): Line => [to, { type: 'migrate.start', actor, migration: name }];
const abort = (at: 'prepare' | 'stop' | 'transfer' | 'move', from = 'A', name = migration): Line => [
  from,
  { type: 'migrate.abort', actor, migration: name, step: at, code: 'timeout' },
];
const drop = (node: string, token: number): Line => [node, { type: 'activate.drop', actor, token, reason: 'lease-expired' }];
const kill = (node: string): Line => [node, { type: 'kill', reason: 'test' }];
const boot = (node: string): Line => [node, { type: 'boot', reason: 'restart' }];

/** Somebody who looks finds it placed there, and its lease under this token. */
const readBy = (node: string, owner: string, token: number): Line => [
  node,
  {
    type: 'claim.read',
    actor,
    claim: `${node}.looks`,
    readVersion: 1,
    owner,
    ownerLife: 1,
    token,
    leaseVersion: 1,
    leaseMicros: 1_000,
    decision: 'existing',
  },
];

const ready = [...up('A', 1, 0), serve('A', 1), ...commit('A', 1, 1), prepare(), ...stop(), transfer(1)];
const moved = [...ready, move()];
/** The target was called, has claimed the actor and begins to move it back: its source has not heard that it has moved. */
const overtaken = [...ready, ...up('B', 3, 1, 'again'), serve('B', 3), prepare('B', 'A', 3, 'm2')];
const whole = [...moved, begin(), ...up('B', 2, 1, 'again')];

describe('an actor and its migrations', () => {
  test.each<readonly [string, readonly Line[]]>([
    ['there', [...whole, serve('B', 2), ...commit('B', 2, 2)]],
    [
      'and back',
      [
        ...whole,
        prepare('B', 'A', 2),
        ...stop('B', 2),
        transfer(1, 'B', 2),
        move('A', 2, 3, 'B'),
        begin('A'),
        ...up('A', 3, 1, 'again'),
        serve('A', 3),
      ],
    ],
    ['started before the source hears that it has moved', [...ready, begin(), ...up('B', 2, 1, 'again'), move(), serve('B', 2)]],
    [
      'moved back before the first source hears that it has moved',
      [
        ...overtaken,
        move(),
        ...stop('B', 3, 'm2'),
        transfer(1, 'B', 3, 'm2'),
        move('A', 3, 4, 'B', 'm2'),
        begin('A', 'm2'),
        ...up('A', 4, 1, 'again'),
      ],
    ],
    [
      'moved back before the first source hears anything of its own move',
      [
        ...overtaken,
        ...stop('B', 3, 'm2'),
        transfer(1, 'B', 3, 'm2'),
        move('A', 3, 4, 'B', 'm2'),
        move(),
        begin('A', 'm2'),
        ...up('A', 4, 1, 'again'),
      ],
    ],
    [
      'moved back after the first source has given up its own move',
      [
        ...overtaken,
        abort('move'),
        ...stop('B', 3, 'm2'),
        transfer(1, 'B', 3, 'm2'),
        move('A', 3, 4, 'B', 'm2'),
        begin('A', 'm2'),
        ...up('A', 4, 1, 'again'),
      ],
    ],
    [
      'a source that hears late that it has moved leaves its place to a third node',
      [...overtaken, move(), abort('prepare', 'B', 'm2'), ...going('B', 3, 'idle'), ...up('C', 4, 1), serve('C', 4)],
    ],
    ['prepared before the actor is up', [prepare(), ...up('A', 1, 0), ...stop(), transfer(0), move()]],
    [
      'aborted while its actor was not to be had, and prepared anew when it is',
      [
        ...up('B', 1, 0),
        prepare('A', 'C', 0),
        abort('stop'),
        ...going('B', 1, 'idle'),
        ...up('A', 2, 0),
        ['A', { type: 'migrate.prepare', actor, migration: 'm2', from: 'A', to: 'B', token: 2 }],
      ],
    ],
    [
      'another node is told to move what is on its way already, and finds that it does not have it',
      [
        ...up('A', 1, 0),
        prepare(),
        ['C', { type: 'migrate.prepare', actor, migration: 'm2', from: 'C', to: 'A', token: 0 }],
        ['C', { type: 'migrate.abort', actor, migration: 'm2', step: 'stop', code: 'actor-deactivated' }],
        ...stop(),
        transfer(0),
        move(),
        begin(),
        ...up('B', 2, 0, 'again'),
        serve('B', 2),
        prepare('B', 'A', 2),
        ...stop('B', 2),
        transfer(0, 'B', 2),
        move('A', 2, 3, 'B'),
      ],
    ],
    [
      'prepared on two nodes before the actor is up on one of them',
      [
        prepare(),
        ['C', { type: 'migrate.prepare', actor, migration: 'm2', from: 'C', to: 'A', token: 0 }],
        ...up('A', 1, 0),
        ...stop(),
        transfer(0),
        ['C', { type: 'migrate.abort', actor, migration: 'm2', step: 'stop', code: 'actor-deactivated' }],
        move(),
        begin(),
        ...up('B', 2, 0, 'again'),
      ],
    ],
    [
      'a source that was deposed goes on up to the move, which fails',
      [
        ...up('A', 1, 0),
        ...up('B', 2, 0, 'takeover'),
        prepare(),
        ...stop(),
        transfer(0),
        abort('move'),
        serve('B', 2),
        ...commit('B', 2, 1),
      ],
    ],
    ['aborted before it is prepared', [...up('A', 1, 0), abort('prepare'), serve('A', 1)]],
    ['aborted, and up again', [...ready, abort('transfer'), ...up('A', 2, 1, 'again'), serve('A', 2)]],
    ['aborted, because the actor went by itself', [...up('A', 1, 0), prepare(), ...going('A', 1, 'idle'), abort('stop'), ...up('B', 2, 0)]],
    ['aborted, and moved all the same', [...ready, abort('move'), ...up('B', 2, 1, 'again'), serve('B', 2)]],
    ['a target that dies before it starts the actor', [...moved, kill('B'), ...up('A', 3, 1, 'takeover'), serve('A', 3)]],
    [
      'a target that is dead when the source hears that it agrees',
      [...up('A', 1, 0), kill('B'), prepare(), ...stop(), abort('transfer'), ...up('A', 2, 0, 'again')],
    ],
    ['a source that dies on the way', [...ready, kill('A'), ...up('B', 2, 1, 'takeover'), boot('A')]],
    ['a lease that ends on the way', [...ready, drop('A', 1), abort('move'), ...up('A', 2, 1, 'again')]],
    [
      'idle, and elsewhere',
      [...up('A', 1, 0), ...going('A', 1, 'idle'), ...up('B', 2, 0), ...going('B', 2, 'idle'), ...up('C', 3, 0), serve('C', 3)],
    ],
    [
      'taken from a holder that does not know it',
      [...up('A', 1, 0), send('A', 1, 1), ...up('B', 2, 1, 'takeover'), serve('B', 2), drop('A', 1), sent('A', 1, 1), ...commit('B', 2, 2)],
    ],
    [
      'committed before it was up',
      [...coming('A', 1, 0), ...commit('A', 1, 1), ['A', { type: 'activate.done', actor, token: 1, stateVersion: 1 }], serve('A', 1)],
    ],
    [
      'gone before it was up, and has committed',
      [...coming('A', 1, 0), ...commit('A', 1, 1), drop('A', 1), ...up('B', 2, 1), serve('B', 2)],
    ],
    [
      'failed before it was up, and may have committed',
      [...coming('A', 1, 0), send('A', 1, 1), fail('A'), ...up('B', 2, 1), serve('B', 2)],
    ],
    ['failed before it was up, and has not', [...coming('A', 1, 0), send('A', 1, 1), fail('A'), ...up('B', 2, 0), serve('B', 2)]],
    ['a crash before it was up', [...coming('A', 1, 0), send('A', 1, 1), kill('A'), ...up('B', 2, 1), serve('B', 2)]],
    ['a crash with a commit on its way', [...up('A', 1, 0), send('A', 1, 1), kill('A'), boot('A'), ...up('A', 2, 1, 'stale-life')]],
  ])('%s', (_, story) => {
    expect(follows(story)).toBe('accepted');
  });

  test('a load that was read before another took over and is told after it says nothing of now', () => {
    expect(follows([...up('B', 2, 0), ...commit('B', 2, 1), ...up('A', 1, 0), ...commit('B', 2, 2), ...up('A', 3, 2)])).toBe('accepted');
    expect(follows([...up('B', 2, 0), ...commit('B', 2, 1), ...up('A', 3, 0)])).toBe('activate.load: version 0');
  });

  test('more nodes than the model has are not judged', () => {
    expect(follows([...up('A', 1, 0), ...up('B', 2, 0, 'takeover'), ...up('C', 3, 0, 'takeover')])).toMatch(/^left: three nodes/);
  });
});

const nodesWith = (state: SpecState, phase: string): readonly string[] =>
  Object.entries(state['actor'] as Readonly<Record<string, string>>)
    .filter(([, is]) => is === phase)
    .map(([node]) => node);
/** As KelpieMigration.tla has them. */
const INVARIANTS: Readonly<Record<string, (state: SpecState) => boolean>> = {
  MigrationAtomicity: ({ placement, holder }) => placement === holder,
  SingleActivationDuringMigration: (state) => nodesWith(state, 'Active').length <= 1,
  NoStateLoss: (state) => nodesWith(state, 'Active').every((node) => at(state, 'loaded', node) === state['version']),
  MigrationRollback: (state) =>
    nodesWith(state, 'Stopped').every(
      (node) => state['source'] === node && ['Stopped', 'Transferred', 'Moving', 'Applied'].includes(String(state['step'])),
    ),
};

describe('what no migration does', () => {
  test.each<readonly [string, readonly Line[], RegExp]>([
    [
      'commits where it is not active',
      [...up('A', 1, 0), ...up('B', 2, 0, 'takeover'), serve('B', 2), send('A', 1, 1)],
      /^commit.start: .* is active/,
    ],
    ['loses a commit', [...up('A', 1, 0), ...commit('A', 1, 1), ...going('A', 1, 'idle'), ...up('B', 2, 0)], /^activate.load: version 0/],
    [
      'loses what was committed before it was up',
      [...coming('A', 1, 0), ...commit('A', 1, 1), drop('A', 1), ...up('B', 2, 0)],
      /^activate.load: version 0/,
    ],
    [
      'moves from a node that does not have it',
      [
        ...up('A', 1, 0),
        prepare(),
        ['C', { type: 'migrate.prepare', actor, migration: 'm2', from: 'C', to: 'A', token: 0 }],
        ['C', { type: 'migrate.stop', actor, migration: 'm2', token: 1 }],
      ],
      /^migrate.stop: the source has the actor/,
    ],
    [
      'moves what another one has taken over',
      [...up('A', 1, 0), ...up('B', 2, 0, 'takeover'), prepare(), ...stop(), transfer(0), move()],
      /^migrate.move: the source has the actor/,
    ],
    [
      'goes back under the claim of the node that it leaves',
      [
        ...overtaken,
        move(),
        ...stop('B', 3, 'm2'),
        transfer(1, 'B', 3, 'm2'),
        begin('A', 'm2'),
        ...up('A', 3, 1, 'again'),
        move('A', 3, 4, 'B', 'm2'),
      ],
      /^migrate.move: .* is placed and does not hold it/,
    ],
    [
      'serves at the first source while it is moved back',
      [...overtaken, move(), ...up('A', 4, 1, 'again'), serve('A', 4), serve('B', 3)],
      /is active/,
    ],
    ['aborts what is over', [...moved, abort('move')], /^migrate.abort: Abort/],
    [
      'starts again without having ended',
      [...up('A', 1, 0), kill('A'), boot('A'), ...up('B', 2, 0, 'takeover'), kill('B'), ...up('B', 3, 0)],
      /^activate.done: Claim/,
    ],
    ['prepares twice', [...up('A', 1, 0), prepare(), prepare()], /^migrate.prepare: Prepare/],
    ['stops what was not prepared', [...up('A', 1, 0), prepare(), ...stop(), ...stop()], /^migrate.stop: StopSource/],
    ['transfers what was not stopped', [...up('A', 1, 0), prepare(), transfer(0)], /^migrate.transfer: Transfer/],
    ['moves what was not transferred', [...up('A', 1, 0), prepare(), ...stop(), move()], /^migrate.move: MoveDone/],
    [
      'serves at the source when it has moved',
      [...whole, serve('B', 2), ...up('A', 3, 1, 'again'), serve('A', 3), serve('B', 2)],
      /^invoke.start: .* is active/,
    ],
    [
      'starts at the target and was not moved',
      [...up('A', 1, 0), prepare(), begin(), ...up('B', 2, 0, 'again')],
      /^activate.done: .* holds it/,
    ],
    ['is gone and serves', [...up('A', 1, 0), ...up('B', 2, 0, 'takeover'), serve('A', 1), serve('B', 2)], /^invoke.start: .* is active/],
    [
      'goes on with what was aborted',
      [...up('A', 1, 0), prepare(), ...stop(), abort('transfer'), transfer(0)],
      /^migrate.transfer: Transfer/,
    ],
    ['moves what was aborted', [...ready, abort('move'), move()], /^migrate.move: MoveDone/],
    ['dies twice', [...up('A', 1, 0), kill('A'), ...up('A', 2, 0)], /^activate.done: Claim/],
  ])('%s', (_, story, seen) => {
    expect(follows(story)).toMatch(seen);
  });

  test.each<readonly [string, string, string, readonly Line[], string, string]>([
    [
      'ActivateBeforeMove',
      'the target starts, the move fails, and the source goes on',
      'SingleActivationDuringMigration',
      [...ready, begin(), ...up('B', 1, 1, 'existing'), abort('move'), ...up('A', 2, 1, 'again'), serve('A', 2), serve('B', 1)],
      'invoke.start: n1 is active',
      'invoke.start: n1 is active',
    ],
    [
      'SkipTransfer',
      'the target begins with an old state',
      'NoStateLoss',
      [...moved, begin(), ...up('B', 2, 0, 'again')],
      'activate.done: n1 has version 0',
      'activate.done: n1 has version 0',
    ],
    [
      'SplitMove',
      'the target has the placement, and the lease is the source’s',
      'MigrationAtomicity',
      [...moved, readBy('C', 'B', 1)],
      'claim.read: n1 is placed and does not hold it',
      'migrate.move: MoveDone',
    ],
  ])('the bug %s: %s', async (variant, _, violates, story, refusedAt, violatedAt) => {
    const bug = await followBug(mapping, variant, INVARIANTS);
    expect({
      violates: bug.violates,
      good: follows(story),
      buggy: bug.follows(story),
      unviolated: bug.followsWhereItHolds(story),
    }).toEqual({ violates, good: refusedAt, buggy: 'accepted', unviolated: violatedAt });
  });

  test('the bug NoAbort, which no event shows: the source stays stopped', async () => {
    const aborted = [...up('A', 1, 0), prepare(), ...stop(), abort('transfer')];
    const bug = await followBug(mapping, 'NoAbort', INVARIANTS);
    expect({ violates: bug.violates, buggy: bug.follows(aborted), unviolated: bug.followsWhereItHolds(aborted) }).toEqual({
      violates: 'MigrationRollback',
      buggy: 'accepted',
      unviolated: 'migrate.abort: Abort',
    });
    expect(follows(aborted)).toBe('accepted');
  });

  test('what was stopped may go on up to the move, though its actor is up anew under a newer claim', () => {
    const anew = [...up('A', 1, 0), prepare(), ...stop(), drop('A', 1), ...up('A', 2, 0), ...commit('A', 2, 1), transfer(0)];
    expect(follows([...anew, abort('move'), serve('A', 2), ...commit('A', 2, 2)])).toBe('accepted');
    expect(follows([...anew, move()])).toMatch(/^migrate.move: MoveDone/);
    expect(follows([...anew, begin(), ...up('B', 3, 1, 'again')])).toMatch(/^activate.done: .* holds it/);
  });

  test('an abort that is told late is of the life before it', () => {
    const late = [...ready, drop('A', 1), ...up('A', 2, 1, 'again'), abort('move')];
    expect(follows([...late, ...commit('A', 2, 2), ...going('A', 2, 'idle'), ...up('A', 3, 2)])).toBe('accepted');
    expect(follows([...late, ...commit('A', 2, 2), ...going('A', 2, 'idle'), ...up('A', 3, 1)])).toBe('activate.load: version 1');
  });
});
