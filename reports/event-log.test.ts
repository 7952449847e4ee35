import { expect, test } from 'vitest';
import type { StoryEvent } from '../src/ports.js';
import type { TraceEvent } from '../src/trace.js';
import { eventLog } from './event-log.js';

function traceOf(...events: readonly (readonly [node: string, body: StoryEvent & Readonly<Record<string, unknown>>])[]): TraceEvent[] {
  return events.map(([node, body], index) => ({ index, at: index * 1_000, node, life: 1, cause: -1, body }));
}

test('each node has its column: the world, servers, clients, the rest; the marked event is the last', () => {
  const trace = traceOf(
    ['c1', { type: 'client.invoke', request: 'r1' }],
    ['n10', { type: 'claim.read', actor: 'bank:a' }],
    ['observer', { type: 'setup' }],
    ['', { type: 'phase', phase: 'chaos' }],
    ['n2', { type: 'claim.commit', token: 7 }],
  );
  const lines = eventLog(trace, 4);
  expect(lines).toEqual([
    '        seconds  world                        n2                           n10                          c1                           observer',
    '       0.000000                                                                                         client.invoke request=r1',
    '       0.001000                                                            claim.read actor=bank:a',
    '       0.002000                                                                                                                      setup',
    '       0.003000  phase phase=chaos',
    '>      0.004000                               claim.commit token=7',
  ]);
});

test('a long event goes on below in its own column, and is cut when it would fill the page', () => {
  const nodes = Array.from({ length: 6 }, (_, i) => [`n${i + 1}`, { type: 'boot' }] as const);
  const commit = { type: 'commit.done', actor: 'ledger:l1', token: 7, key: 'x'.repeat(60), version: 1 };
  expect(eventLog(traceOf(...nodes, ['n2', commit]), 6).slice(7)).toEqual([
    '>      0.006000                          commit.done',
    '                                           actor=ledger:l1',
    '                                           token=7',
    `                                           key=${'x'.repeat(16)}~`,
  ]);
});

test('many columns stay within the width of a page', () => {
  const trace = traceOf(...Array.from({ length: 24 }, (_, i) => [`n${(i % 6) + 1}`, { type: 'step', detail: 'x'.repeat(200) }] as const));
  const lines = eventLog(trace, 23);
  expect(lines.filter((line) => /\d\.\d{6}/.test(line))).toHaveLength(24);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(160);
});

test('text of the program cannot reach the terminal as control codes', () => {
  const lines = eventLog(traceOf(['n1', { type: 'note\u001b[31m', text: '\u001b[2J\nowned' }]), 0);
  expect(lines).toHaveLength(2);
  expect(lines[1]).toContain('note?[31m text="\\u001b[2J\\nowned"');
});
