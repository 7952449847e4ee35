/** Walks told by a mapping made up for the test, through a real spec, checked by real engines. */
import { existsSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Mapping } from '../../specs/mapping.js';
import type { TraceEvent } from '../../src/trace.js';
import { readSpecs, type Spec } from '../tla/spec-catalogue.js';
import { installedJar } from '../tla/tlc.js';
import { checkTrace, type TraceVerdict } from './check-trace.js';
import { type RecordedWalk, WalkRecorder } from './walks.js';

const HIDDEN = ['SetState', 'PutKv', 'Fail', 'CommitApply', 'Depose', 'OtherCommit'];

/** Every event names its walk and its action; `looks` are no steps. */
const mapping: Mapping = {
  module: 'KelpieActorState',
  hidden: HIDDEN,
  start: (walks) => ({
    observe({ body }) {
      const { walk, action } = body as unknown as { readonly walk: string; readonly action: string };
      if (action === 'looks idle') walks.see(walk, { key: action, steps: [], still: ({ phase }) => phase === 'Idle' });
      else if (action === 'looks even') {
        walks.see(walk, { key: action, steps: [{ action: 'Drop' }], still: ({ mem, snap, owner }) => owner === true && mem === snap });
      } else if (action === 'too big') walks.leave(walk, 'it has two heads');
      else walks.see(walk, { key: action, steps: [{ action }] });
    },
  }),
};

function walksOf(told: readonly (readonly [walk: string, action: string])[]): readonly RecordedWalk[] {
  const recorder = new WalkRecorder(mapping);
  told.forEach(([walk, action], index) => {
    const body = { type: 'test', walk, action };
    const event: TraceEvent = { index, at: index, node: 'n1', life: 1, cause: -1, body };
    recorder.observe(event);
  });
  return recorder.walks();
}

/** Starting TLC takes a second of a machine that has nothing else to do. */
const TIMEOUT_MS = 60_000;

const COMMIT = ['Activate', 'looks even', 'InvokeStart', 'CommitSend', 'CommitDone', 'looks idle'];
const LOST = ['Activate', 'InvokeStart', 'CommitSend', 'CommitUnknown', 'ResolvedLost', 'Rollback', 'DeactivateStart', 'DeactivateDone'];

const both = [...COMMIT.map((action) => ['a', action] as const), ...LOST.map((action) => ['b', action] as const)];

const engines = (['embedded', 'tlc'] as const).filter((engine) => engine === 'embedded' || existsSync(installedJar()));

let spec: Spec;
beforeAll(() => {
  const found = readSpecs().find(({ module }) => module === mapping.module);
  if (found === undefined) throw new Error(`there is no ${mapping.module}`);
  spec = found;
});

const check = (walks: readonly RecordedWalk[], engine: 'embedded' | 'tlc'): Promise<TraceVerdict> =>
  checkTrace([{ spec, mapping, walks }], engine);

describe.each(engines)('%s', { timeout: TIMEOUT_MS }, (engine) => {
  test('accepts what the spec allows, all walks in one module', async () => {
    const { rows, rejections, disagreements } = await check(walksOf(both), engine);
    expect({ rejections, disagreements }).toEqual({ rejections: [], disagreements: [] });
    expect(rows).toMatchObject([{ module: 'KelpieActorStateTrace1', engine, walks: 2, observations: both.length, verdict: 'matched' }]);
  });

  test.each([0, 3, 7, both.length - 1])('rejects it when step %i is another one', async (at) => {
    const altered = both.map((told, index) => (index === at ? ([told[0], 'Restart'] as const) : told));
    const { rows, rejections, disagreements } = await check(walksOf(altered), engine);
    const [walk] = both[at] ?? [];
    expect(disagreements).toEqual([]);
    expect(rejections).toMatchObject([{ walk, stop: { matched: at - (walk === 'b' ? COMMIT.length : 0) } }]);
    expect(rows.map(({ verdict }) => verdict).sort()).toEqual(['matched', 'rejected']);
  });
});

test('a rejection says where the walk was and what it could have told', { timeout: TIMEOUT_MS }, async () => {
  const { rejections } = await check(walksOf([...COMMIT, 'CommitDone'].map((action) => ['a', action])), 'embedded');
  const [rejection] = rejections;
  expect(rejection?.stop).toMatchObject({ matched: COMMIT.length, seen: { event: { index: COMMIT.length } } });
  expect(rejection?.stop.states[0]).toMatchObject({ phase: 'Idle', leaving: false });
  expect(rejection?.stop.allowed).toEqual(['Crash', 'DeactivateStart', 'Drop', 'InvokeStart']);
});

test('a look that does not hold is rejected', { timeout: TIMEOUT_MS }, async () => {
  const { rejections, disagreements } = await check(
    walksOf(['Activate', 'InvokeStart', 'looks idle'].map((action) => ['a', action])),
    'embedded',
  );
  expect(disagreements).toEqual([]);
  expect(rejections).toMatchObject([{ stop: { matched: 2 } }]);
});

test('walks without an observation are no trace', { timeout: TIMEOUT_MS }, async () => {
  const left = walksOf([['a', 'too big']]);
  expect(left).toMatchObject([{ left: 'it has two heads', seen: [] }]);
  expect((await check(left, 'embedded')).rows).toEqual([]);
});

test('the observations before a walk is left are kept, those after it are not', () => {
  const [walk] = walksOf([
    ['a', 'Activate'],
    ['a', 'too big'],
    ['a', 'Restart'],
  ]);
  expect(walk?.seen.map(({ observation }) => observation.key)).toEqual(['Activate']);
});
