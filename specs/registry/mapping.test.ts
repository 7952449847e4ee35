import { describe, expect, test } from 'vitest';
import { follow, type Line } from '../../runner/fixtures/follow.js';
import { mapping } from './mapping.js';

const follows = await follow(mapping);

const actor = 'Cart:ann';
const on = (node: string, body: Line[1]): Line => [node, body];
const boot = (node: string): Line => on(node, { type: 'boot', reason: 'start' });
const register = (node: string, nodeLife = 1, version = 0): Line => on(node, { type: 'node.register', nodeLife, capacity: 3, version });
const up = (...nodes: readonly string[]): Line[] => nodes.flatMap((node) => [boot(node), register(node)]);
const read = (node: string): Line =>
  on(node, {
    type: 'claim.read',
    actor,
    claim: 'c',
    readVersion: 0,
    owner: null,
    ownerLife: 0,
    token: 0,
    leaseVersion: 0,
    leaseMicros: 0,
    decision: 'new',
  });
const commit = (node: string, token: number, version = 10 * token, count = 1): Line =>
  on(node, { type: 'claim.commit', actor, claim: 'c', token, generation: token, previous: null, version, count, capacity: 3 });
const claim = (node: string, token: number): Line[] => [read(node), commit(node, token)];
const invoke = (node: string, token: number): Line =>
  on(node, { type: 'invoke.start', actor, request: 'r', operation: 'add', token, tries: 1 });
const stop = (node: string, token: number): Line => on(node, { type: 'deactivate.done', actor, token, outcome: 'clean' });
const drop = (node: string, token: number): Line => on(node, { type: 'activate.drop', actor, token, reason: 'lease-lost' });
const load = (node: string, token: number): Line => on(node, { type: 'activate.load', actor, token, stateVersion: 1, state: null });
const release = (node: string, token: number): Line => on(node, { type: 'claim.release', actor, token, version: 10 * token + 5, count: 0 });
const fail = (by: string, member: string, nodeLife = 1, version = 100): Line =>
  on(by, { type: 'member.state', member, nodeLife, from: 'active', to: 'failed', by, term: 1, version });
const view = (node: string, member: string): Line =>
  on(node, {
    type: 'primary.view',
    term: 2,
    viewVersion: 9,
    members: [{ node: member, nodeLife: 1, state: 'failed' }],
    failovers: [member],
  });
const deposed = (node: string, nodeLife = 1): Line => on(node, { type: 'member.deposed', nodeLife, actors: 0 });
const free = (by: string, member: string, token: number, nodeLife = 1): Line =>
  on(by, { type: 'failover.free', actor, member, nodeLife, token });
const freed = (by: string, member: string, token: number, nodeLife = 1): Line =>
  on(by, { type: 'failover.actor', actor, member, nodeLife, token, version: 10 * token + 7 });
const forward = (node: string, to: string, place = false): Line => on(node, { type: 'forward', actor, request: 'r', to, hops: 1, place });
const kill = (node: string): Line => on(node, { type: 'kill', reason: 'test' });

/** A has the actor. */
const held = (): Line[] => [...up('A', 'B'), ...claim('A', 1), invoke('A', 1)];

describe('what is accepted:', () => {
  test.each<readonly [string, () => readonly Line[]]>([
    ['a claim, a release, a claim by the other one', () => [...held(), stop('A', 1), release('A', 1), ...claim('B', 2), invoke('B', 2)]],
    ['a claim of a dead node whose lease has run out', () => [...held(), kill('A'), ...claim('B', 2), invoke('B', 2)]],
    [
      'a node that comes back and claims what it had',
      () => [...held(), kill('A'), boot('A'), register('A', 2, 11), ...claim('A', 2), invoke('A', 2)],
    ],
    ['an activation that is dropped and claimed again', () => [...held(), drop('A', 1), ...claim('A', 2), invoke('A', 2)]],
    ['a claim that nobody tells of', () => [...up('A', 'B'), read('A'), kill('A'), ...claim('B', 2), invoke('B', 2)]],
    ['a release that nobody tells of', () => [...held(), stop('A', 1), kill('A'), ...claim('B', 2), stop('B', 2)]],
    [
      'a claim that is told when another one has followed',
      () => [...up('A', 'B'), read('A'), ...claim('B', 2), commit('A', 1), invoke('B', 2)],
    ],
    [
      'a claim of an earlier life that is told late',
      () => [...up('A', 'B'), read('A'), fail('B', 'A'), register('A', 2, 200), commit('A', 1), ...claim('A', 21)],
    ],
    [
      'a failed node, its actor freed when its lease has run out',
      () => [...held(), kill('A'), fail('B', 'A'), free('B', 'A', 1), freed('B', 'A', 1), ...claim('B', 2), invoke('B', 2)],
    ],
    [
      'a failure that is read and not told',
      () => [...held(), kill('A'), view('B', 'A'), free('B', 'A', 1), freed('B', 'A', 1), ...claim('B', 2)],
    ],
    [
      'a node that was failed wrongly, finds out and registers again',
      () => [...held(), fail('B', 'A'), drop('A', 1), register('A', 2, 200), deposed('A'), ...claim('A', 21), invoke('A', 21)],
    ],
    [
      'a node that finds out before anybody tells of its failure',
      () => [...held(), drop('A', 1), register('A', 2, 200), deposed('A'), fail('B', 'A'), ...claim('A', 21), invoke('A', 21)],
    ],
    ['a node that finds out and stops', () => [...held(), drop('A', 1), deposed('A'), kill('A'), free('B', 'A', 1), ...claim('B', 2)]],
    [
      'a claim that was committed before its node was failed',
      () => [...up('A', 'B'), read('A'), fail('B', 'A', 1, 100), commit('A', 1, 50)],
    ],
    [
      'a registration that nobody tells of',
      () => [...held(), kill('A'), boot('A'), kill('A'), boot('A'), register('A', 3, 200), ...claim('A', 21), invoke('A', 21)],
    ],
    [
      'a late sweep of an earlier life',
      () => [...held(), kill('A'), boot('A'), register('A', 2, 11), ...claim('A', 2), free('B', 'A', 1), invoke('A', 2)],
    ],
    ['a move to the other node', () => [...held(), stop('A', 1), load('B', 2), invoke('B', 2), forward('A', 'B')]],
    [
      'a forward to the owner, and one to where the actor was',
      () => [...held(), forward('B', 'A'), stop('A', 1), ...claim('B', 2), forward('B', 'A')],
    ],
    ['a forward to a node that is asked to place it', () => [...held(), forward('A', 'B', true)]],
    [
      'a node that the walk does not follow',
      () => [...up('A', 'B'), ...claim('A', 1), drop('A', 1), ...up('C'), ...claim('C', 2), kill('C'), ...claim('A', 3), invoke('A', 3)],
    ],
    [
      'a first claim before the other node is there',
      () => [...up('A'), ...claim('A', 1), ...up('B'), drop('A', 1), ...claim('B', 2), invoke('B', 2)],
    ],
    ['as many actors as the node may have', () => [...up('A', 'B'), read('A'), commit('A', 1, 10, 3), invoke('A', 1)]],
  ])('%s', (_, make) => {
    expect(follows(make())).toBe('accepted');
  });
});

describe('what is refused:', () => {
  test.each<readonly [string, () => readonly Line[], RegExp]>([
    [
      'a claim over the capacity',
      () => [...up('A', 'B'), read('A'), commit('A', 1, 10, 4)],
      /^claim.commit: n\d has more actors than it may/,
    ],
    ['two that serve', () => [...held(), ...claim('B', 2), invoke('A', 1)], /^invoke.start: n\d serves/],
    [
      'a node that serves what a node has that is not followed',
      () => [...held(), ...up('C'), ...claim('C', 2), invoke('A', 1)],
      /^invoke.start: n\d serves/,
    ],
    ['a node that serves what it never had', () => [...held(), invoke('B', 1)], /^invoke.start: n\d serves/],
    ['a node that serves after it has stopped', () => [...held(), stop('A', 1), invoke('A', 1)], /^invoke.start: n\d serves/],
    [
      'a life that serves what an earlier one had',
      () => [...held(), kill('A'), boot('A'), register('A', 2, 11), invoke('A', 1)],
      /^invoke.start: n\d serves/,
    ],
    ['a sweep of a node that is not failed', () => [...held(), kill('A'), free('B', 'A', 1)], /^failover.free: n\d is failed/],
    [
      'a sweep before the lease has run out',
      () => [...held(), fail('B', 'A'), free('B', 'A', 1), freed('B', 'A', 1), invoke('A', 1)],
      /^invoke.start: n\d serves/,
    ],
    [
      'a failed node that claims without a new registration',
      () => [...held(), drop('A', 1), release('A', 1), fail('B', 'A', 1, 100), read('A'), commit('A', 2, 110)],
      /^claim.commit: n\d claims and is not failed/,
    ],
    [
      'a failed node that serves again without a new registration',
      () => [...held(), drop('A', 1), release('A', 1), fail('B', 'A'), deposed('A'), kill('A'), read('A'), commit('A', 2, -1)],
      /^claim.commit: ClaimDone/,
    ],
    ['a claim by a node that is dead', () => [...up('A', 'B'), kill('B'), ...claim('B', 1)], /^claim.commit: ClaimDone/],
    ['a claim by a node that is not registered', () => [...up('A'), boot('B'), ...claim('B', 1)], /^claim.commit: ClaimDone/],
    [
      'a second registration of a node that lives',
      () => [...held(), invoke('A', 1), register('A', 2, 200), invoke('A', 1)],
      /^invoke.start: n\d serves/,
    ],
    [
      'a forward to a node that had it only if the owner had lost it',
      () => [...up('A'), boot('B'), ...claim('A', 1), register('B'), forward('A', 'B'), invoke('A', 1)],
      /^invoke.start: n\d serves/,
    ],
    [
      'a forward to a node that cannot have had it',
      () => [...up('A', 'B'), kill('B'), ...claim('A', 1), forward('A', 'B')],
      /^forward: Forward/,
    ],
  ])('%s', (_, make, seen) => {
    expect(follows(make())).toMatch(seen);
  });
});
