import { describe, expect, test } from 'vitest';
import type { NodeId } from '../src/ports.js';
import type { KelpieEvent, OperationEvent } from '../src/story.js';
import type { WorldEvent } from '../src/trace.js';
import { ClusterConvergence } from './cluster-convergence.js';

type Body = KelpieEvent | OperationEvent | WorldEvent;
type Told = readonly [node: NodeId, body: Body];

const WATCHED = 'ledger:l1';

/** What is seen of the events, told in this order, one a second from the third second on. */
function after(...told: readonly Told[]): ClusterConvergence {
  const convergence = new ClusterConvergence(WATCHED);
  told.forEach(([node, body], i) => convergence.observe({ at: 3_000_000 + i * 1_000_000, node, life: 1, cause: -1, index: i, body }));
  return convergence;
}

const invoked: Body = { type: 'op.invoke', op: 'c2/7', client: 'c2', kind: 'transfer', args: null, writes: [] };
const called = (request: string, actor: string): Body => ({ type: 'client.invoke', request, actor, operation: 'read' });
const claimed = (actor: string, token: number): Body => ({
  type: 'claim.commit',
  actor,
  claim: `claim ${token}`,
  token,
  generation: 1,
  previous: null,
  version: token,
  count: 1,
  capacity: 10,
});
const released = (actor: string, token: number): Body => ({ type: 'claim.release', actor, token, version: token, count: 0 });
const registered: Body = { type: 'node.register', nodeLife: 1, capacity: 10, version: 1 };
const joined: Body = { type: 'member.join', nodeLife: 1, how: 'founded', seed: null, tries: 1 };
const refused: Body = { type: 'member.join-fail', nodeLife: 1, tries: 5 };
const killed: Body = { type: 'kill', reason: 'crash/kill' };
const elected = (term: number): Body => ({ type: 'primary.elect', term, nodeLife: 1, reached: 2, voters: 3, version: term });
const viewed = (term: number): Body => ({ type: 'primary.view', term, viewVersion: term, members: [], failovers: [] });
const steppedDown = (term: number, why: 'no-majority' | 'leaving' | 'deposed'): Body => ({
  type: 'primary.stepdown',
  term,
  why,
  version: -1,
});

describe('what has not converged is', () => {
  test('nothing at first', () => {
    expect(after().pending()).toEqual([]);
  });

  test('an operation without an answer: which, whose, and since when', () => {
    expect(after(['c2', invoked]).pending()).toEqual(['transfer c2/7 of c2 has had no answer since 3 s']);
  });

  test.each<Body>([
    { type: 'op.ok', op: 'c2/7', result: null },
    { type: 'op.fail', op: 'c2/7', code: 'refused' },
    { type: 'op.info', op: 'c2/7', code: 'timeout' },
  ])('no operation that has ended: %j', (end) => {
    expect(after(['c2', invoked], ['c2', end]).pending()).toEqual([]);
  });

  test('an actor that is called and held by no node: which, and who waits for it, each once', () => {
    const calls = (['c1', 'c2', 'c1'] as const).map((client, i) => [client, called(`r${i}`, 'kv:a')] as const);
    const held = called('r9', 'kv:b');
    expect(after(...calls, ['c3', held], ['n1', claimed('kv:b', 1)]).pending()).toEqual(['kv:a is called by c1, c2 and no node holds it']);
  });

  test('an actor whose holder gave it up, and not one whose older claim ends late', () => {
    const call = ['c1', called('r1', 'kv:a')] as const;
    expect(after(call, ['n1', claimed('kv:a', 4)], ['n1', released('kv:a', 4)]).pending()).toEqual([
      'kv:a is called by c1 and no node holds it',
    ]);
    expect(after(call, ['n1', claimed('kv:a', 4)], ['n2', claimed('kv:a', 5)], ['n1', released('kv:a', 4)]).pending()).toEqual([]);
  });

  test('no actor whose callers were answered', () => {
    const answered: Body = { type: 'client.answer', request: 'r1', outcome: 'ok', code: null };
    expect(after(['c1', called('r1', 'kv:a')], ['c1', answered]).pending()).toEqual([]);
  });

  test('a node that runs outside of the cluster: which, and whether it was refused', () => {
    const cluster = [
      ['n1', registered],
      ['n1', joined],
      ['n2', registered],
      ['n3', registered],
      ['n3', refused],
    ] as const;
    expect(after(...cluster).pending()).toEqual(['n2 is no member of the cluster', 'n3 is no member of the cluster: nobody lets it in']);
    expect(after(...cluster, ['n2', joined], ['n3', killed]).pending()).toEqual([]);
  });

  test('no node where there is no membership to be part of', () => {
    expect(after(['n1', registered], ['n2', registered]).pending()).toEqual([]);
  });
});

describe('the role', () => {
  test('lease-holder is the node that holds the watched actor', () => {
    expect(after(['n1', claimed('kv:a', 1)]).role('lease-holder')).toBeUndefined();
    expect(after(['n1', claimed(WATCHED, 1)], ['n2', claimed(WATCHED, 2)]).role('lease-holder')).toBe('n2');
    expect(after(['n1', claimed(WATCHED, 1)], ['n1', released(WATCHED, 1)]).role('lease-holder')).toBeUndefined();
  });

  test.each<readonly [string, readonly Told[], NodeId | undefined]>([
    ['nobody before an election', [['n1', joined]], undefined],
    ['who was elected', [['n2', elected(1)]], 'n2'],
    [
      'who was elected in the newest term',
      [
        ['n2', elected(1)],
        ['n3', elected(2)],
      ],
      'n3',
    ],
    [
      'not who reads an old view late',
      [
        ['n3', elected(2)],
        ['n2', viewed(1)],
      ],
      'n3',
    ],
    [
      'who reads the view as primary, when its election was never told of',
      [
        ['n2', elected(1)],
        ['n3', viewed(2)],
      ],
      'n3',
    ],
    [
      'nobody after it stepped down',
      [
        ['n2', elected(1)],
        ['n2', steppedDown(1, 'no-majority')],
      ],
      undefined,
    ],
    [
      'the new one, when the old one learns late that it is deposed',
      [
        ['n2', elected(1)],
        ['n3', elected(2)],
        ['n2', steppedDown(1, 'deposed')],
      ],
      'n3',
    ],
    [
      'nobody after its process died',
      [
        ['n2', elected(1)],
        ['n2', killed],
      ],
      undefined,
    ],
    [
      'still who it was, when another node dies',
      [
        ['n2', elected(1)],
        ['n1', killed],
      ],
      'n2',
    ],
  ])('primary is %s', (_, told, expected) => {
    expect(after(...told).role('primary')).toBe(expected);
  });

  test('of any other name is held by nobody', () => {
    expect(after(['n2', elected(1)], ['n1', claimed(WATCHED, 1)]).role('janitor')).toBeUndefined();
  });
});
