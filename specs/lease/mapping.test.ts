import { describe, expect, test } from 'vitest';
import { follow, type Line } from '../../runner/fixtures/follow.js';
import { mapping } from './mapping.js';

const follows = await follow(mapping);

/** Two actors, one for each order in which nodes get their places: either clock may be the fast one. */
const ACTORS = ['a:1', 'a:2', 'a:3', 'a:4'] as const;

const stories = (make: (actor: string) => readonly Line[]): string[] => [
  ...new Set(
    ACTORS.map((actor) =>
      follows(make(actor))
        .replace(/ ?n\d( and n\d)?$/, '')
        .replace(/n\d( and n\d)? /, ''),
    ),
  ),
];

const about = (actor: string) => {
  const claim = (node: string, token: number): Line => [
    node,
    {
      type: 'claim.commit',
      actor,
      claim: `${node}.${token}`,
      token,
      generation: token,
      previous: null,
      version: token,
      count: 1,
      capacity: 9,
    },
  ];
  const renew = (node: string, token: number): Line => [
    node,
    { type: 'lease.renew', actor, token, leaseVersion: 2, untilMicros: 1, version: 9 },
  ];
  const lost = (node: string, token: number, newestToken: number): Line => [node, { type: 'lease.lost', actor, token, newestToken }];
  const expire = (node: string, token: number): Line => [node, { type: 'lease.expire-local', actor, token }];
  const drop = (node: string, token: number): Line => [node, { type: 'activate.drop', actor, token, reason: 'lease-expired' }];
  const gone = (node: string, token: number): Line => [node, { type: 'deactivate.done', actor, token, outcome: 'clean' }];
  const serve = (node: string, token: number): Line => [
    node,
    { type: 'invoke.start', actor, request: 'r', operation: 'op', token, tries: 1 },
  ];
  const send = (node: string, token: number): Line => [
    node,
    { type: 'commit.start', actor, request: 'r', commit: 'c', token, stateVersion: 1, reads: 0, writes: [], state: 1, stateDeleted: false },
  ];
  return { claim, renew, lost, expire, drop, gone, serve, send };
};
const kill = (node: string): Line => [node, { type: 'kill', reason: 'test' }];
const boot = (node: string): Line => [node, { type: 'boot', reason: 'restart' }];

describe('the lease of an actor', () => {
  test.each<readonly [string, (at: ReturnType<typeof about>) => readonly Line[]]>([
    ['held and renewed', ({ claim, renew, serve }) => [claim('A', 1), serve('A', 1), renew('A', 1), renew('A', 1), serve('A', 1)]],
    ['given back and taken', ({ claim, serve, gone }) => [claim('A', 1), serve('A', 1), gone('A', 1), claim('B', 2), serve('B', 2)]],
    ['given up in time', ({ claim, serve, expire, drop }) => [claim('A', 1), expire('A', 1), drop('A', 1), claim('B', 2), serve('B', 2)]],
    [
      'lost by a node that is slow to see it',
      ({ claim, serve, lost, drop }) => [claim('A', 1), serve('A', 1), claim('B', 2), lost('A', 1, 2), drop('A', 1), serve('B', 2)],
    ],
    ['taken from a node that died', ({ claim, serve }) => [claim('A', 1), kill('A'), claim('B', 2), serve('B', 2), boot('A')]],
    ['taken up by the next life', ({ claim, serve }) => [claim('A', 1), kill('A'), boot('A'), claim('A', 2), serve('A', 2)]],
    ['of a life that was failed', ({ claim, lost, serve }) => [claim('A', 1), lost('A', 1, 1), claim('B', 2), serve('B', 2)]],
    [
      'through many hands',
      ({ claim, gone, serve }) => [
        claim('A', 1),
        gone('A', 1),
        claim('B', 2),
        gone('B', 2),
        claim('C', 3),
        serve('C', 3),
        gone('C', 3),
        claim('D', 4),
        serve('D', 4),
      ],
    ],
    [
      'taken by a third one when two have died',
      ({ claim, serve }) => [claim('A', 1), kill('A'), claim('B', 2), kill('B'), claim('C', 3), serve('C', 3), boot('A')],
    ],
    [
      'a claim that is answered when it is over',
      ({ claim, serve }) => [claim('A', 1), kill('A'), claim('B', 3), claim('C', 2), serve('B', 3)],
    ],
    ['a renewal that is answered too late', ({ claim, gone, renew }) => [claim('A', 1), gone('A', 1), renew('A', 1), claim('B', 2)]],
  ])('%s', (_, make) => {
    expect(stories((actor) => make(about(actor)))).toEqual(['accepted']);
  });

  test('more than the model has is not judged', () => {
    const { claim } = about('a:1');
    expect(follows([claim('A', 1), claim('B', 2), claim('C', 3)])).toMatch(/^left: three nodes/);
  });
});

describe('what nobody does with a lease', () => {
  test.each<readonly [string, (at: ReturnType<typeof about>) => readonly Line[], string]>([
    ['serves when another one has it', ({ claim, serve }) => [claim('A', 1), claim('B', 2), serve('A', 1)], 'invoke.start: serves'],
    ['commits when another one has it', ({ claim, send }) => [claim('A', 1), claim('B', 2), send('A', 1)], 'commit.start: serves'],
    [
      'takes it back at once',
      ({ claim, serve }) => [claim('A', 1), claim('B', 2), serve('B', 2), claim('A', 3), serve('B', 2)],
      'invoke.start: serves',
    ],
    [
      'is refused, and serves on',
      ({ claim, lost, gone, serve }) => [
        claim('A', 1),
        claim('B', 2),
        lost('A', 1, 2),
        gone('B', 2),
        claim('A', 3),
        claim('B', 4),
        serve('A', 3),
      ],
      'invoke.start: serves',
    ],
  ])('%s', (_, make, seen) => {
    expect(stories((actor) => make(about(actor)))).toEqual([seen]);
  });

  test('the bug AcquireWithoutCheck: it takes the lease of one who serves', () => {
    const taken = stories((actor) => {
      const { claim, serve } = about(actor);
      return [claim('A', 1), serve('A', 1), claim('B', 2), serve('B', 2), serve('A', 1)];
    });
    expect(taken).toEqual(['invoke.start: serves']);
  });

  test('the bug SplitRenewal: a deposed holder renews', () => {
    const renewed = stories((actor) => {
      const { claim, serve, renew } = about(actor);
      // The answer to one renewal may have been late; a second one was sent when the lease was gone.
      return [claim('A', 1), claim('B', 2), serve('B', 2), renew('A', 1), renew('A', 1)];
    });
    expect(renewed).toEqual(['lease.renew: RenewDone']);
  });

  test('the bug SameToken: two claims have one token', () => {
    const same = stories((actor) => {
      const { claim, gone } = about(actor);
      return [claim('A', 1), gone('A', 1), claim('B', 1)];
    });
    expect(same).toEqual(['claim.commit: have one token']);
  });

  test('the bug NoGrace, where it shows: a holder serves when its lease has run out for another one', () => {
    const late = stories((actor) => {
      const { claim, serve, send } = about(actor);
      return [claim('A', 1), serve('A', 1), claim('B', 2), send('A', 1)];
    });
    expect(late).toEqual(['commit.start: serves']);
  });
});
