import { describe, expect, test } from 'vitest';
import type { TraceEvent } from '../src/trace.js';
import { lastOf, leadingTo } from './causes.js';

/** An event from its node, its type, what it follows from, and the rest of its body. */
type Line = readonly [node: string, type: string, cause: number, more?: Readonly<Record<string, string>>];
const traceOf = (...lines: readonly Line[]): TraceEvent[] =>
  lines.map(([node, type, cause, more = {}], index) => ({
    index,
    at: index * 1_000,
    node,
    life: node === '' ? 0 : 1,
    cause,
    body: { type, ...more },
  }));
const types = (events: readonly TraceEvent[]): string[] => events.map(({ body }) => body.type);
const a = { actor: 'ledger:l1' };
const b = { actor: 'ledger:l2' };

describe('what led to an event', () => {
  test('is what it followed from, through packets, without what only came before it', () => {
    const trace = traceOf(
      ['c1', 'op.invoke', -1, { op: 'x' }],
      ['c2', 'op.invoke', -1, { op: 'y' }],
      ['c1', 'send', 0],
      ['n1', 'deliver', 2],
      ['n2', 'claim.read', 1, b],
      ['n1', 'commit.done', 3, a],
    );
    expect(types(leadingTo(trace, 5, 40))).toEqual(['op.invoke', 'commit.done']);
    expect(leadingTo(trace, 5, 40)[0]?.node).toBe('c1');
  });

  test('is also what others did to the same actor, and why they did it', () => {
    const trace = traceOf(
      ['c2', 'op.invoke', -1, { op: 'y' }],
      ['n2', 'claim.commit', 0, a],
      ['n3', 'claim.commit', -1, b],
      ['n1', 'claim.commit', -1, a],
    );
    expect(leadingTo(trace, 3, 40).map(({ index }) => index)).toEqual([0, 1, 3]);
  });

  test('is what the world did to the nodes that took part', () => {
    const trace = traceOf(['n1', 'claim.commit', -1, a], ['n1', 'pause', -1], ['n9', 'kill', -1], ['n2', 'claim.commit', -1, a]);
    expect(types(leadingTo(trace, 3, 40))).toEqual(['claim.commit', 'pause', 'claim.commit']);
  });

  test('is a crash of long before, the fault behind it and what the node was about, however much came after it', () => {
    const calls = Array.from({ length: 100 }, (_, nth): Line => ['n1', 'invoke.start', 4 + nth, a]);
    const trace = traceOf(
      ['n1', 'boot', -1, { reason: 'start' }],
      ['', 'fault', -1, { action: 'begins' }],
      ['n1', 'commit.start', -1, b],
      ['n1', 'kill', 2, { reason: 'crash during a commit' }],
      ['n1', 'boot', 1, { reason: 'restart' }],
      ...calls,
      ['n1', 'commit.done', 104, a],
    );
    const led = leadingTo(trace, 105, 20);
    expect(types(led).slice(0, 5)).toEqual(['fault', 'commit.start', 'kill', 'boot', 'invoke.start']);
    expect(led).toHaveLength(20);
    expect(led.at(-1)?.index).toBe(105);
  });

  test('is a few turns of a clock, not all of them', () => {
    const turns = Array.from({ length: 30 }, (): Line => ['n1', 'clock', -1, { change: 'jump' }]);
    const trace = traceOf(['n1', 'pause', -1], ...turns, ['n1', 'claim.commit', -1, a]);
    expect(types(leadingTo(trace, 31, 20))).toEqual(['pause', 'clock', 'clock', 'clock', 'claim.commit']);
  });

  test('is what other actors did alike on the same node', () => {
    const trace = traceOf(
      ['n1', 'claim.commit', -1, b],
      ['n2', 'claim.commit', -1, b],
      ['n1', 'lease.renew', -1, b],
      ['n1', 'claim.release', -1, a],
    );
    expect(leadingTo(trace, 3, 40).map(({ index }) => index)).toEqual([0, 3]);
  });

  test('keeps what weighs where there is much of it', () => {
    const reads = Array.from({ length: 100 }, (): Line => ['n1', 'kv.read', -1, a]);
    const trace = traceOf(['n2', 'claim.commit', -1, a], ...reads, ['n1', 'commit.done', -1, a]);
    const led = leadingTo(trace, 101, 40);
    expect(types(led)).toContain('claim.commit');
    expect(led.length).toBeLessThanOrEqual(40);
    expect(led.at(-1)?.index).toBe(101);
  });

  test('follows the nearest subject where the event has none, and ends where nothing is known', () => {
    const trace = traceOf(['n2', 'claim.commit', -1, a], ['n1', 'claim.read', -1, a], ['', 'phase', 1]);
    expect(types(leadingTo(trace, 2, 40))).toEqual(['claim.commit', 'claim.read', 'phase']);
    expect(leadingTo(trace, 7, 40)).toEqual([]);
    expect(types(leadingTo(traceOf(['', 'phase', -1]), 0, 40))).toEqual(['phase']);
  });
});

describe('what was last told of what has not come to its end', () => {
  const calls = Array.from({ length: 60 }, (): Line => ['n1', 'invoke.start', -1, a]);
  const trace = traceOf(
    ['n3', 'boot', -1, { reason: 'start' }],
    ['n3', 'node.register', -1],
    ['n3', 'database', -1],
    ...calls,
    ['n3', 'claim.read', -1, b],
    ['n3', 'member.join-fail', -1],
    ['n1', 'exit', -1],
  );

  test('is what is about the node that is named, and not what its actors did', () => {
    expect(types(lastOf(trace, ['n3 is no member of the cluster: nobody lets it in'], 40))).toEqual([
      'boot',
      'node.register',
      'member.join-fail',
    ]);
  });

  test('is all that is told of the actor that is named, the latest first', () => {
    const led = lastOf(trace, ['ledger:l1 is called by c1, c2 and no node holds it'], 40);
    expect(led).toHaveLength(40);
    expect(new Set(types(led))).toEqual(new Set(['invoke.start']));
  });

  test('is what a node did where nothing is about the node itself', () => {
    const [op, other] = [{ op: 'c2-7' }, { op: 'c2-8' }];
    const client = traceOf(['c2', 'boot', -1, { reason: 'start' }], ['c2', 'op.invoke', -1, op], ['c1', 'op.invoke', -1, other]);
    expect(types(lastOf(client, ['transfer of c2 has had no answer since 3 s'], 40))).toEqual(['boot', 'op.invoke']);
  });

  test('is what the last operation without an answer names, where the sentences name nothing', () => {
    const reads = traceOf(
      ['n1', 'boot', -1, { reason: 'restart' }],
      ['n1', 'wal.recover', -1],
      ['n2', 'wal.recover', -1],
      ['observer', 'op.invoke', -1, { op: 'observer-1', node: 'n2' }],
      ['observer', 'op.fail', -1, { op: 'observer-1' }],
      ['observer', 'op.invoke', -1, { op: 'observer-2', node: 'n1' }],
    );
    expect(lastOf(reads, ['reading back has not completed'], 40).map(({ index }) => index)).toEqual([0, 1, 5]);
  });

  test('is nothing where nothing is named, and every operation has its answer', () => {
    expect(lastOf(trace, ['somebody waits'], 40)).toEqual([]);
  });
});
