import { describe, expect, test } from 'vitest';
import { follow, type Line } from '../../runner/fixtures/follow.js';
import { mapping } from './mapping.js';

const follows = await follow(mapping);

const actor = 'agents:g';
const KINDS = { create: 'agent create', update: 'agent remember', delete: 'agent delete' } as const;
type Kind = keyof typeof KINDS;

const invoke = (op: string, kind: Kind, under = op): Line => [
  'c1',
  { type: 'op.invoke', op, client: 'c1', kind: KINDS[kind], args: { agent: 'g', key: under }, writes: [] },
];
const ok = (op: string): Line => ['c1', { type: 'op.ok', op, result: null }];
const fail = (op: string, code: string): Line => ['c1', { type: 'op.fail', op, code }];
const info = (op: string): Line => ['c1', { type: 'op.info', op, code: 'timeout' }];
const load = (token: number, state: number | null, node = 'n1'): Line => [
  node,
  { type: 'activate.load', actor, token, stateVersion: token, state },
];
const key = (op: string, operation: string, how: 'miss' | 'hit' | 'mismatch', request = `r-${op}`, node = 'n1'): Line => [
  node,
  { type: 'agent.key', actor, request, key: op, operation, how },
];
const effect = (kind: Kind, request: string, version: number, node = 'n1'): Line => [
  node,
  { type: `agent.${kind}`, actor, request, incarnation: 'i', version },
];
const start = (request: string, node = 'n1'): Line => [
  node,
  { type: 'commit.start', actor, request, commit: request, token: 1, stateVersion: 1, reads: 0, writes: [], state: 1, stateDeleted: false },
];
const done = (request: string, node = 'n1'): Line => [
  node,
  { type: 'commit.done', actor, commit: request, token: 1, stateVersion: 1, version: 1 },
];
const end = (request: string, outcome = 'ok', committed = outcome === 'ok', node = 'n1'): Line => [
  node,
  { type: 'invoke.end', actor, request, token: 1, outcome, commit: committed ? request : null },
];
const rollback = (request: string): Line => ['n1', { type: 'rollback', actor, token: 1, request, reason: 'conflict' }];
const get = (version: number | null, node = 'n1'): Line => [
  node,
  { type: 'agent.get', actor, request: 'g', incarnation: version === null ? null : 'i', version },
];
const gone = (token: number): Line => ['n1', { type: 'deactivate.done', actor, token, outcome: 'clean' }];
const drop = (token: number): Line => ['n1', { type: 'activate.drop', actor, token, reason: 'lease-lost' }];
const kill: Line = ['n1', { type: 'kill', reason: 'test' }];
const boot: Line = ['n1', { type: 'boot', reason: 'restart' }];
const stored = (op: string): Line => ['n1', { type: 'request.duplicate', actor, request: `r-${op}`, how: 'stored' }];

/** Carried out and committed. */
const carriedOut = (op: string, kind: Kind, version: number): Line[] => {
  const request = `r-${op}`;
  return [key(op, kind, 'miss'), effect(kind, request, version), start(request), done(request), end(request)];
};
const whole = (op: string, kind: Kind, version: number): Line[] => [invoke(op, kind), ...carriedOut(op, kind, version), ok(op)];
const refused = (op: string, kind: Kind, code: string): Line[] => [key(op, kind, 'miss'), end(`r-${op}`, code)];

/** Another request under a key that was used: it is refused. */
const borrowed = (op: string, under: string): Line[] => [
  invoke(op, 'update', under),
  key(under, 'update', 'mismatch', `r-${op}`),
  end(`r-${op}`, 'idempotency-mismatch', false),
  fail(op, 'idempotency-mismatch'),
];

describe('the service of one agent', () => {
  test.each<readonly [string, readonly Line[]]>([
    [
      'made, changed, looked at, deleted',
      [load(1, null), ...whole('a', 'create', 1), ...whole('b', 'update', 2), get(2), ...whole('d', 'delete', 2), get(null)],
    ],
    [
      'two at a time',
      [
        invoke('a', 'create'),
        invoke('b', 'update'),
        load(1, null),
        ...carriedOut('a', 'create', 1),
        ...carriedOut('b', 'update', 2),
        ok('b'),
        ok('a'),
      ],
    ],
    [
      'three wait',
      [
        invoke('a', 'create'),
        invoke('b', 'update'),
        invoke('d', 'update'),
        load(1, null),
        ...carriedOut('a', 'create', 1),
        ok('a'),
        ...carriedOut('d', 'update', 2),
        ok('d'),
        ...carriedOut('b', 'update', 3),
        ok('b'),
      ],
    ],
    [
      'refused',
      [load(1, null), invoke('b', 'update'), ...refused('b', 'update', 'not-found'), fail('b', 'not-found'), ...whole('a', 'create', 1)],
    ],
    [
      'refused in vain, and then possible',
      [
        load(1, null),
        invoke('b', 'update'),
        ...refused('b', 'update', 'not-found'),
        ...whole('a', 'create', 1),
        ...carriedOut('b', 'update', 2),
        ok('b'),
      ],
    ],
    [
      'asked again after a lost answer',
      [
        load(1, null),
        invoke('a', 'create'),
        ...carriedOut('a', 'create', 1),
        gone(1),
        load(2, 5),
        key('a', 'create', 'hit'),
        end('r-a', 'ok', false),
        ok('a'),
      ],
    ],
    ['the same request again', [load(1, null), invoke('a', 'create'), ...carriedOut('a', 'create', 1), stored('a'), ok('a')]],
    [
      'the same request again, when another one has come under its key',
      [load(1, null), ...whole('a', 'create', 1), ...borrowed('b', 'a'), stored('a')],
    ],
    [
      'the same request again, when others have taken both places and one more its key',
      [
        load(1, null),
        ...whole('a', 'create', 1),
        ...whole('b', 'update', 2),
        ...whole('d', 'update', 3),
        ...borrowed('e', 'a'),
        ...borrowed('f', 'b'),
        stored('a'),
        stored('b'),
        ...whole('g', 'update', 4),
      ],
    ],
    [
      'two under one key, of which the first has failed before it came anywhere',
      [
        load(1, null),
        invoke('a', 'create'),
        invoke('b', 'create', 'a'),
        fail('a', 'overloaded'),
        key('a', 'create', 'miss', 'r-b'),
        effect('create', 'r-b', 1),
        start('r-b'),
        done('r-b'),
        end('r-b'),
        ok('b'),
      ],
    ],
    [
      'two under one key, of which the second has failed when the first was answered',
      [load(1, null), invoke('a', 'create'), invoke('b', 'create', 'a'), ...carriedOut('a', 'create', 1), ok('a'), fail('b', 'overloaded')],
    ],
    [
      // Seed 8990 of `agent-idempotency`.
      'another one that failed under the key of one that nobody knows of, and that took effect',
      [
        load(1, null),
        ...whole('a', 'create', 1),
        invoke('b', 'update'),
        info('b'),
        invoke('c', 'update', 'b'),
        ...carriedOut('b', 'update', 2),
        fail('c', 'shutting-down'),
        stored('b'),
        ...whole('d', 'update', 3),
      ],
    ],
    [
      // Seed 3510 of `agent-idempotency`.
      'another one that failed under the key of one that is being carried out',
      [
        load(1, null),
        ...whole('a', 'create', 1),
        invoke('b', 'update'),
        invoke('c', 'update', 'b'),
        key('b', 'update', 'miss'),
        effect('update', 'r-b', 2),
        start('r-b'),
        fail('c', 'overloaded'),
        done('r-b'),
        end('r-b'),
        ok('b'),
      ],
    ],
    [
      'failed, and tried again under the same key',
      [load(1, null), invoke('a', 'create'), fail('a', 'overloaded'), ...whole('a', 'create', 1)],
    ],
    [
      'a conflict and another try',
      [
        load(1, null),
        invoke('a', 'create'),
        key('a', 'create', 'miss'),
        effect('create', 'r-a', 1),
        start('r-a'),
        rollback('r-a'),
        ...carriedOut('a', 'create', 1),
        ok('a'),
      ],
    ],
    [
      'a crash before the commit',
      [
        load(1, null),
        invoke('a', 'create'),
        key('a', 'create', 'miss'),
        effect('create', 'r-a', 1),
        kill,
        boot,
        load(2, null),
        ...carriedOut('a', 'create', 1),
        ok('a'),
      ],
    ],
    [
      'a crash after it',
      [
        load(1, null),
        invoke('a', 'create'),
        key('a', 'create', 'miss'),
        effect('create', 'r-a', 1),
        start('r-a'),
        kill,
        load(2, 5, 'n2'),
        key('a', 'create', 'hit', 'r-2', 'n2'),
        ok('a'),
      ],
    ],
    [
      'a deposed holder that answers',
      [
        load(1, null),
        invoke('a', 'create'),
        key('a', 'create', 'miss'),
        effect('create', 'r-a', 1),
        start('r-a'),
        drop(1),
        ok('a'),
        load(2, 5),
      ],
    ],
    ['given up', [load(1, null), invoke('a', 'create'), info('a'), invoke('b', 'create'), info('b'), ...whole('d', 'create', 1)]],
    ['an error that is no refusal', [load(1, null), invoke('a', 'create'), fail('a', 'overloaded'), ...whole('d', 'create', 1)]],
  ])('%s', (_, story) => {
    expect(follows(story)).toBe('accepted');
  });

  test('more than the model has is not judged', () => {
    const reach = (op: string): Line[] => [invoke(op, 'update'), ...refused(op, 'update', 'not-found')];
    expect(follows([load(1, null), ...reach('a'), ...reach('b'), ...reach('d')])).toMatch(/^left: three operations/);
    const keyless = [load(1, null), effect('create', 'r', 1)];
    expect(follows(keyless)).toBe('left: an operation without an idempotency key');
  });
});

describe('what the service never does', () => {
  const made = [load(1, null), ...whole('a', 'create', 1)];
  test.each<readonly [string, readonly Line[], RegExp]>([
    ['carries out a creation twice', [...made, ...whole('b', 'create', 1)], /^agent.create: Execute/],
    ['changes what is not there', [load(1, null), ...whole('b', 'update', 1)], /^agent.update: Execute/],
    ['refuses what is possible', [...made, invoke('b', 'update'), ...refused('b', 'update', 'not-found')], /^invoke.end: Refuse/],
    [
      'refuses, and says yes',
      [load(1, null), invoke('b', 'update'), ...refused('b', 'update', 'not-found'), ok('b')],
      /^op.ok: .* has its answer/,
    ],
    [
      'says no after it has done it',
      [load(1, null), invoke('a', 'create'), ...carriedOut('a', 'create', 1), fail('a', 'overloaded')],
      /took no effect/,
    ],
    [
      'was done although both that used its key have failed',
      [
        load(1, null),
        invoke('a', 'create'),
        invoke('b', 'create', 'a'),
        ...carriedOut('a', 'create', 1),
        fail('a', 'overloaded'),
        fail('b', 'overloaded'),
      ],
      /took no effect/,
    ],
    ['says no without a refusal', [load(1, null), invoke('a', 'update'), fail('a', 'not-found')], /^op.fail: .* was refused by nobody/],
    ['knows a key that was never used', [load(1, null), invoke('a', 'create'), key('a', 'create', 'hit')], /^agent.key: Repeat/],
    [
      'repeats an answer that it does not have',
      [load(1, null), invoke('a', 'create'), ...refused('a', 'create', 'x'), stored('a')],
      /^request.duplicate: Repeat/,
    ],
    [
      'rolls back what is committed',
      [load(1, null), invoke('a', 'create'), ...carriedOut('a', 'create', 1).slice(0, 4), rollback('r-a')],
      /^rollback: CommitFail/,
    ],
    [
      'answers before it has committed',
      [load(1, null), invoke('a', 'create'), key('a', 'create', 'miss'), effect('create', 'r-a', 1), end('r-a', 'ok', false)],
      /answered without a commit/,
    ],
    [
      'carries out what it has answered when somebody asks under its key again',
      [...made, ...whole('d', 'delete', 1), invoke('a', 'create'), ...carriedOut('a', 'create', 1)],
      /^agent.create: Execute/,
    ],
    [
      'refuses what it has answered when somebody asks under its key again',
      [...made, invoke('a', 'create'), ...refused('a', 'create', 'already-exists')],
      /^invoke.end: Refuse/,
    ],
    ['looks at what is gone', [...made, ...whole('d', 'delete', 1), get(1)], /^agent.get: saw/],
    ['shows an old version', [...made, ...whole('b', 'update', 2), get(1)], /^agent.get: saw/],
    [
      'ends with an operation under way',
      [load(1, null), invoke('a', 'create'), key('a', 'create', 'miss'), effect('create', 'r-a', 1), gone(1)],
      /^deactivate.done: Deactivate/,
    ],
  ])('%s', (_, story, seen) => {
    expect(follows(story)).toMatch(seen);
  });

  test('the bug AckBeforePersist: success is told, and the agent is not there', () => {
    const early = [load(1, null), invoke('a', 'create'), key('a', 'create', 'miss'), effect('create', 'r-a', 1), ok('a')];
    expect(follows(early)).toMatch(/^op.ok: .* has its answer/);
    expect(follows([...made, kill, boot, load(2, null)])).toBe('activate.load: agent false');
  });

  test('the bug DefaultOnReadError: an agent that is there is taken for none', () => {
    expect(follows([...made, gone(1), load(2, null)])).toBe('activate.load: agent false');
  });

  test('the bug SplitIdempotency: the key is known, and the effect never came', () => {
    const torn = [load(1, null), invoke('a', 'create'), key('a', 'create', 'miss'), effect('create', 'r-a', 1), kill, boot, load(2, null)];
    expect(follows([...torn, key('a', 'create', 'hit')])).toMatch(/^agent.key: Repeat/);
  });

  test('the bug VolatileIdempotency: after its end the actor carries out again what it was asked before', () => {
    const first = [
      load(1, null),
      invoke('a', 'create'),
      ...carriedOut('a', 'create', 1),
      ...whole('d', 'delete', 1),
      gone(1),
      load(2, null),
    ];
    expect(follows([...first, ...carriedOut('a', 'create', 1)])).toMatch(/^agent.create: Execute/);
  });
});
