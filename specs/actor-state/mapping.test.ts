import { describe, expect, test } from 'vitest';
import { follow, type Line } from '../../runner/fixtures/follow.js';
import { mapping } from './mapping.js';

const followed = await follow(mapping);

const actor = 'bank:a1';
const load = (token = 1): Line => ['n1', { type: 'activate.load', actor, token, stateVersion: 0, state: null }];
const ready = (token = 1): Line => ['n1', { type: 'activate.done', actor, token, stateVersion: 0 }];
const start = (request = 'r1', token = 1, tries = 1): Line => [
  'n1',
  { type: 'invoke.start', actor, request, operation: 'add', token, tries },
];
const end = (outcome: string, commit: string | null = null, request = 'r1'): Line => [
  'n1',
  { type: 'invoke.end', actor, request, token: 1, outcome, commit },
];
const send = (commit: string, token = 1, request: string | null = 'r1'): Line => [
  'n1',
  { type: 'commit.start', actor, request, commit, token, stateVersion: 1, reads: 0, writes: [], state: 7, stateDeleted: false },
];
const done = (commit: string, token = 1): Line => ['n1', { type: 'commit.done', actor, commit, token, stateVersion: 1, version: 5 }];
const conflict = (commit: string): Line => ['n1', { type: 'commit.conflict', actor, commit, code: 1020 }];
const unknown = (commit: string, token = 1): Line => ['n1', { type: 'commit.unknown', actor, commit, token, code: 1021 }];
const resolved = (commit: string, applied: boolean, token = 1): Line => ['n1', { type: 'commit.resolved', actor, commit, token, applied }];
const rollback = (reason: string, token = 1, request: string | null = 'r1'): Line => [
  'n1',
  { type: 'rollback', actor, token, request, reason },
];
const leave = (token = 1): Line => ['n1', { type: 'deactivate.start', actor, token, reason: 'idle', pending: 0 }];
const left = (token = 1): Line => ['n1', { type: 'deactivate.done', actor, token, outcome: 'clean' }];
const drop = (token = 1): Line => ['n1', { type: 'activate.drop', actor, token, reason: 'lease-lost' }];
const kill: Line = ['n1', { type: 'kill', reason: 'a fault' }];
const boot: Line = ['n1', { type: 'boot', reason: 'restart' }];

describe('a story that KelpieActorState allows:', () => {
  test.each<[string, Line[]]>([
    ['a commit', [load(), ready(), start(), send('1.1'), done('1.1'), end('ok', '1.1')]],
    [
      'a conflict that is told when the actor is active again',
      [load(), ready(), start(), send('1.1'), drop(), load(2), ready(2), start('r2', 2), conflict('1.1')],
    ],
    ['an invocation without effect', [load(), ready(), start(), end('ok')]],
    ['a throw', [load(), ready(), start(), rollback('actor-error'), end('actor-error')]],
    [
      'a conflict and another try',
      [load(), start(), send('1.1'), conflict('1.1'), rollback('conflict'), start('r1', 1, 2), send('1.2'), done('1.2'), end('ok', '1.2')],
    ],
    ['a lost answer, applied', [load(), start(), send('1.1'), unknown('1.1'), resolved('1.1', true), done('1.1'), end('ok', '1.1')]],
    ['a lost answer, lost', [load(), start(), send('1.1'), unknown('1.1'), resolved('1.1', false), rollback('commit lost')]],
    ['a repeated request', [load(), start(), send('1.1'), rollback('duplicate'), end('ok')]],
    ['a hook that commits while the actor leaves', [load(), leave(), send('1.1', 1, null), done('1.1'), left()]],
    ['a request that is served while the actor leaves', [load(), start(), leave(), send('1.1'), done('1.1'), left()]],
    [
      'an answer for an activation that is over',
      [load(), start(), send('1.1'), drop(), done('1.1'), end('ended'), load(2), start('r2', 2)],
    ],
    ['a crash in a commit', [load(), start(), send('1.1'), kill, boot, load(2), start('r1', 2)]],
    ['an activation that fails after it has read', [load(), ['n1', { type: 'activate.fail', actor, code: 'corrupted' }], load(2)]],
    ['an activation that fails before', [['n1', { type: 'activate.fail', actor, code: 'overloaded' }], load()]],
  ])('%s', (_, lines) => expect(followed(lines)).toBe('accepted'));
});

describe('a story that it does not allow:', () => {
  test.each<[string, Line[], string]>([
    ['two invocations at once', [load(), start(), start('r2')], 'InvokeStart'],
    ['a commit that nobody sent', [load(), start(), resolved('1.1', true)], 'ResolvedApplied'],
    ['a conflict that is not rolled back', [load(), start(), send('1.1'), conflict('1.1'), start('r1', 1, 2)], 'InvokeStart'],
    ['an unknown commit that is taken for a failed one', [load(), start(), send('1.1'), unknown('1.1'), rollback('conflict')], 'Rollback'],
    ['leaving in the middle of an invocation', [load(), leave(), start(), left()], 'DeactivateDone'],
    ['leaving twice', [load(), leave(), leave()], 'DeactivateStart'],
    ['two activations at once', [load(), load(2)], 'Activate'],
  ])('%s', (_, lines, told) => expect(followed(lines)).toBe(`${lines.at(-1)?.[1].type}: ${told}`));
});
