import { describe, expect, test } from 'vitest';
import { follow, type Line } from '../../runner/fixtures/follow.js';
import { mapping } from './mapping.js';

const followed = await follow(mapping);

const actor = 'bank:a1';
const claimed = (node: string, token: number): Line => [
  node,
  { type: 'claim.commit', actor, claim: `c${token}`, token, generation: 1, previous: null, version: token, count: 1, capacity: 9 },
];
const active = (node: string, token: number): Line => [node, { type: 'activate.done', actor, token, stateVersion: 0 }];
const invoke = (node: string, token: number): Line => [
  node,
  { type: 'invoke.start', actor, request: 'r1', operation: 'add', token, tries: 1 },
];
const done = (node: string, token: number): Line => [
  node,
  { type: 'commit.done', actor, commit: `${token}.1`, token, stateVersion: 1, version: token },
];
const fenced = (node: string, token: number, newestToken: number): Line => [
  node,
  { type: 'commit.fenced', actor, commit: `${token}.1`, token, newestToken },
];
const drop = (node: string, token: number): Line => [node, { type: 'activate.drop', actor, token, reason: 'lease-lost' }];
const left = (node: string, token: number): Line => [node, { type: 'deactivate.done', actor, token, outcome: 'clean' }];
const loaded = (node: string, token: number): Line => [node, { type: 'activate.load', actor, token, stateVersion: 1, state: 1 }];
const kill = (node: string): Line => [node, { type: 'kill', reason: 'a fault' }];
const boot = (node: string): Line => [node, { type: 'boot', reason: 'restart' }];

const serving = (node: string, token: number): Line[] => [claimed(node, token), active(node, token), invoke(node, token)];

describe('a story that KelpieSingleActivation allows:', () => {
  test.each<[string, Line[]]>([
    ['an activation from its claim to its end', [...serving('a', 1), done('a', 1), left('a', 1)]],
    ['the next one elsewhere', [...serving('a', 1), left('a', 1), ...serving('b', 2)]],
    ['a crash, and another node after the lease', [...serving('a', 1), kill('a'), ...serving('b', 2), boot('a')]],
    ['an owner that stood still and is fenced', [...serving('a', 1), ...serving('b', 2), fenced('a', 1, 2), drop('a', 1)]],
    ['a migration', [...serving('a', 1), left('a', 1), loaded('b', 2), active('b', 2), invoke('b', 2)]],
    ['a claim that is told of late', [claimed('b', 2), claimed('a', 1), active('b', 2)]],
    [
      'a claim in the place of another node that is told when it was overtaken',
      [
        ...['a', 'b', 'c'].flatMap((node, at) => [...serving(node, at + 1), left(node, at + 1)]),
        ...serving('c', 5),
        claimed('d', 4),
        drop('d', 4),
        invoke('c', 5),
      ],
    ],
    ['what is told of a claim that is over', [...serving('a', 1), left('a', 1), ...serving('a', 2), done('a', 1)]],
    ['four nodes after each other', ['a', 'b', 'c', 'd'].flatMap((node, at) => [...serving(node, at + 1), left(node, at + 1)])],
  ])('%s', (_, lines) => expect(followed(lines)).toBe('accepted'));

  test('of more nodes at once than the model has, up to there', () => {
    expect(followed(['a', 'b', 'c', 'd'].map((node, at) => claimed(node, at + 1)))).toBe('left: more nodes are engaged than the model has');
  });
});

describe('a story that it does not allow:', () => {
  test.each<[string, Line[], RegExp]>([
    [
      'an activation between another one and its service',
      [claimed('a', 1), claimed('b', 2), active('b', 2), active('a', 1), invoke('b', 2)],
      /^invoke\.start: n\d serves$/,
    ],
    [
      'service of an owner that another one has followed',
      [...serving('a', 1), ...serving('b', 2), invoke('a', 1)],
      /^invoke\.start: n\d serves$/,
    ],
    [
      'service on a claim in the place of another node that was overtaken',
      [
        ...['a', 'b', 'c'].flatMap((node, at) => [...serving(node, at + 1), left(node, at + 1)]),
        ...serving('c', 5),
        ...serving('d', 4),
        invoke('c', 5),
      ],
      /^invoke\.start: n\d serves$/,
    ],
    ['service after the end', [...serving('a', 1), left('a', 1), invoke('a', 1)], /^invoke\.start: n\d serves$/],
  ])('%s', (_, lines, told) => expect(followed(lines)).toMatch(told));
});
