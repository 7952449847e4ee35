/** The contract of every invariant: it lets a good run pass, names what is wrong with a bad one, and keeps nothing between runs. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { TraceEvent } from '../src/trace.js';
import { invariants } from './index.js';
import type { Breach, Invariant, Told } from './invariant.js';

/** An event with the node, and the life of its process, that told it; n1 in its first life unless it says so. */
type Line = Told | readonly [node: string, body: Told] | readonly [node: string, life: number, body: Told];

function traceOf(lines: readonly Line[]): TraceEvent[] {
  return lines.map((line, index) => {
    const [node, life, body] = !Array.isArray(line) ? ['n1', 1, line] : line.length === 2 ? [line[0], 1, line[1]] : line;
    return { index, at: index * 10, node, life, cause: index - 1, body };
  });
}

/** What a run with these events is told. */
function judge(invariant: Invariant, lines: readonly Line[]): Breach | 'unknown' | undefined {
  const fold = invariant.start();
  for (const event of traceOf(lines)) {
    const breach = fold.observe(event);
    if (breach !== undefined) return breach;
  }
  return fold.finish?.();
}

const claimed = (token: number, version: number, claim = `claim-${token}-${version}`): Told => ({
  type: 'claim.commit',
  actor: 'ledger:a',
  claim,
  token,
  generation: token,
  previous: null,
  version,
  count: 1,
  capacity: 10,
});
const began = (token: number): Told => ({ type: 'invoke.start', actor: 'ledger:a', request: 'r', operation: 'move', token, tries: 1 });
const activated = (token: number, state: number | null): Told => ({
  type: 'activate.load',
  actor: 'ledger:a',
  token,
  stateVersion: 1,
  state,
});
const wrote = (token: number, key: string, value: number | null): Told => ({ type: 'kv.write', actor: 'ledger:a', token, key, value });
const read = (token: number, key: string, value: number | null): Told => ({ type: 'kv.read', actor: 'ledger:a', token, key, value });
const committing = (token: number, commit: string, state: number | null, stateDeleted = false): Told => ({
  type: 'commit.start',
  actor: 'ledger:a',
  request: 'r',
  commit,
  token,
  stateVersion: 1,
  reads: 0,
  writes: [],
  state,
  stateDeleted,
});
const committed = (token: number, commit: string, version = 1): Told => ({
  type: 'commit.done',
  actor: 'ledger:a',
  commit,
  token,
  stateVersion: 1,
  version,
});
const resolved = (token: number, commit: string, applied: boolean): Told => ({
  type: 'commit.resolved',
  actor: 'ledger:a',
  commit,
  token,
  applied,
});
const unknown = (token: number, commit: string): Told => ({ type: 'commit.unknown', actor: 'ledger:a', commit, token, code: 1021 });
const conflicted = (commit: string): Told => ({ type: 'commit.conflict', actor: 'ledger:a', commit, code: 1020 });
const rolledBack: Told = { type: 'rollback', actor: 'ledger:a', token: 1, request: 'r', reason: 'actor-error' };

const asked = (op: string, kind: string, writes: readonly string[] = []): Told => ({
  type: 'op.invoke',
  op,
  client: 'c1',
  kind,
  args: null,
  writes,
});
const succeeded = (op: string): Told => ({ type: 'op.ok', op, result: null });
const failed = (op: string): Told => ({ type: 'op.fail', op, code: 'overloaded' });
const undecided = (op: string): Told => ({ type: 'op.info', op, code: 'timeout' });
const showed = (op: string, target: string, ...marks: string[]): Told => ({ type: 'op.ok', op, result: null, shows: { target, marks } });
const verifying: Told = { type: 'phase', phase: 'verify' };

const audited = (
  op: string,
  audit: Partial<Record<'ledger' | 'total' | 'balances' | 'opened' | 'inFlight' | 'receipts', unknown>>,
): Line[] => [
  asked(op, 'audit'),
  {
    type: 'op.ok',
    op,
    result: { ledger: 'a', total: 10, opened: { x: 6, y: 4 }, balances: { x: 6, y: 4 }, inFlight: {}, receipts: [], ...audit } as never,
  },
];
const sequences = (stateSequence: number, keysSequence: number): Line[] => [
  asked('a1', 'audit'),
  { type: 'op.ok', op: 'a1', result: { stateSequence, keysSequence } },
];

interface Example {
  readonly good: Readonly<Record<string, readonly Line[]>>;
  /** With what the breach must say it has seen. */
  readonly bad: Readonly<Record<string, readonly [seen: RegExp, lines: readonly Line[]]>>;
  readonly undecided?: Readonly<Record<string, readonly Line[]>>;
}

const EXAMPLES: Readonly<Record<string, Example>> = {
  'single-activation': {
    good: {
      'an actor that moves after its lease': [
        ['n1', claimed(1, 10)],
        ['n1', began(1)],
        ['n2', claimed(2, 30)],
        ['n2', began(2)],
        ['n2', began(2)],
      ],
      'a holder that hears late of its own earlier grant': [
        ['n2', claimed(2, 30)],
        ['n1', claimed(1, 10)],
        ['n2', began(2)],
      ],
      'an invocation that runs on while the actor moves': [
        ['n1', claimed(1, 10)],
        ['n1', began(1)],
        ['n2', claimed(2, 30)],
        ['n1', conflicted('1.1')],
      ],
      'a grant told twice, whose answer was lost': [
        ['n1', claimed(1, -1, 'c')],
        ['n1', claimed(1, 10, 'c')],
        ['n1', began(1)],
      ],
    },
    bad: {
      'a token given to two nodes': [
        /token 1 was granted to n1 .*token 1 to n2/,
        [
          ['n1', claimed(1, 10)],
          ['n2', claimed(1, 12)],
        ],
      ],
      'a token that falls': [
        /token 5 .*token 4 to n2/,
        [
          ['n1', claimed(5, 10)],
          ['n2', claimed(4, 12)],
        ],
      ],
      'a deposed holder that goes on serving': [
        /^n1 \(life 1\) begins move under token 1$/,
        [
          ['n1', claimed(1, 10)],
          ['n2', claimed(2, 30)],
          ['n1', began(1)],
        ],
      ],
      'a new life that serves on the grant of the old one': [
        /^n1 \(life 2\)/,
        [
          ['n1', 1, claimed(1, 10)],
          ['n1', 2, began(1)],
        ],
      ],
    },
  },
  'no-zombie-write': {
    good: {
      'a commit told late that took effect in time': [
        ['n1', claimed(1, 10)],
        ['n2', claimed(2, 30)],
        ['n1', committed(1, '1.1', 20)],
        ['n2', committed(2, '2.1', 40)],
      ],
      'a commit whose version is not known': [
        ['n1', claimed(1, 10)],
        ['n2', claimed(2, 30)],
        ['n1', committed(1, '1.1', -1)],
      ],
    },
    bad: {
      'a commit after a newer grant': [
        /commit of n1 under token 1 took effect at version 35/,
        [
          ['n1', claimed(1, 10)],
          ['n2', claimed(2, 30)],
          ['n1', committed(1, '1.1', 35)],
        ],
      ],
      'a grant that is told after the zombie has written': [
        /version 35/,
        [
          ['n1', claimed(1, 10)],
          ['n1', committed(1, '1.1', 35)],
          ['n2', claimed(2, 30)],
        ],
      ],
    },
  },
  'transaction-atomicity': {
    good: {
      'reads of what was committed': [
        activated(1, null),
        began(1),
        wrote(1, 'x', 7),
        committing(1, '1.1', 70),
        committed(1, '1.1'),
        began(1),
        read(1, 'x', 7),
        read(1, 'y', null),
      ],
      'a rollback that left nothing': [activated(1, null), began(1), wrote(1, 'x', 7), rolledBack, began(1), read(1, 'x', null)],
      'a conflict, tried again': [
        activated(1, null),
        began(1),
        wrote(1, 'x', 7),
        committing(1, '1.1', 70),
        conflicted('1.1'),
        began(1),
        read(1, 'x', null),
        wrote(1, 'x', 8),
        committing(1, '1.2', 80),
        committed(1, '1.2'),
        read(1, 'x', 8),
      ],
      'a commit that nobody heard of and that took effect': [
        activated(1, null),
        wrote(1, 'x', 7),
        committing(1, '1.1', 70),
        ['n2', activated(2, 70)],
        ['n2', read(2, 'x', 7)],
      ],
      'a commit that nobody heard of and that did not': [
        activated(1, null),
        wrote(1, 'x', 7),
        committing(1, '1.1', 70),
        ['n2', activated(2, null)],
        ['n2', read(2, 'x', null)],
      ],
      'a commit that was not made because the request had been served before': [
        activated(1, null),
        wrote(1, 'x', 7),
        committing(1, '1.1', 70),
        { ...rolledBack, reason: 'duplicate' },
        ['n2', activated(2, null)],
      ],
      'an unknown commit, resolved as applied': [
        activated(1, null),
        wrote(1, 'x', 7),
        committing(1, '1.1', 70),
        unknown(1, '1.1'),
        resolved(1, '1.1', true),
        read(1, 'x', 7),
      ],
      'an old holder that reads what the new one wrote': [
        ['n1', activated(1, null)],
        ['n2', activated(2, null)],
        ['n2', wrote(2, 'x', 7)],
        ['n2', committing(2, '2.1', 70)],
        ['n2', committed(2, '2.1')],
        ['n1', read(1, 'x', 7)],
      ],
      'a state that was deleted': [
        activated(1, null),
        committing(1, '1.1', 70),
        committed(1, '1.1'),
        committing(1, '1.2', null, true),
        committed(1, '1.2'),
        ['n2', activated(2, null)],
      ],
      'an old holder that rolls back while the new one writes': [
        ['n1', activated(1, null)],
        ['n2', activated(2, null)],
        ['n2', wrote(2, 'x', 7)],
        ['n1', rolledBack],
        ['n2', committing(2, '2.1', 70)],
        ['n2', committed(2, '2.1')],
        ['n2', read(2, 'x', 7)],
      ],
      'a delete and a clear': [
        activated(1, null),
        wrote(1, 'x', 7),
        wrote(1, 'y', 8),
        committing(1, '1.1', 1),
        committed(1, '1.1'),
        began(1),
        { type: 'kv.clear', actor: 'ledger:a', token: 1 },
        wrote(1, 'z', 9),
        committing(1, '1.2', null),
        committed(1, '1.2'),
        began(1),
        read(1, 'x', null),
        read(1, 'z', 9),
        ['n2', activated(2, 1)],
      ],
    },
    bad: {
      'a key that was rolled back': [
        /^checksum 7$/,
        [activated(1, null), began(1), wrote(1, 'x', 7), rolledBack, began(1), read(1, 'x', 7)],
      ],
      'a key whose commit conflicted': [
        /^checksum 7$/,
        [activated(1, null), wrote(1, 'x', 7), committing(1, '1.1', 70), conflicted('1.1'), read(1, 'x', 7)],
      ],
      'a commit that saved state and lost keys': [
        /^nothing stored$/,
        [activated(1, null), wrote(1, 'x', 7), committing(1, '1.1', 70), committed(1, '1.1'), read(1, 'x', null)],
      ],
      'a commit that was not to be made': [
        /^checksum 7$/,
        [activated(1, null), wrote(1, 'x', 7), committing(1, '1.1', 70), { ...rolledBack, reason: 'duplicate' }, read(1, 'x', 7)],
      ],
      'half of a commit that nobody heard of': [
        /^checksum 7$/,
        [activated(1, null), wrote(1, 'x', 7), committing(1, '1.1', 70), ['n2', activated(2, null)], ['n2', read(2, 'x', 7)]],
      ],
      'a deleted state that is back': [
        /^checksum 70$/,
        [
          activated(1, null),
          committing(1, '1.1', 70),
          committed(1, '1.1'),
          committing(1, '1.2', null, true),
          committed(1, '1.2'),
          ['n2', activated(2, 70)],
        ],
      ],
      'a state that no commit left': [
        /^checksum 99$/,
        [activated(1, null), committing(1, '1.1', 70), committed(1, '1.1'), ['n2', activated(2, 99)]],
      ],
    },
    undecided: {
      'more commits without an answer than can be told apart': [
        activated(1, null),
        ...Array.from({ length: 7 }, (_, i): Line => committing(1, `1.${i}`, null)),
        read(1, 'x', null),
      ],
    },
  },
  'durable-on-success': {
    good: {
      'every success is read back': [asked('w1', 'move', ['a']), succeeded('w1'), asked('r1', 'audit'), showed('r1', 'a', 'w1')],
      'a reading that began before the success': [
        asked('w1', 'move', ['a']),
        asked('r1', 'audit'),
        succeeded('w1'),
        showed('r1', 'a'),
        asked('r2', 'audit'),
        showed('r2', 'a', 'w1'),
      ],
      'a failure and an unknown need not show': [
        asked('w1', 'move', ['a']),
        failed('w1'),
        asked('w2', 'move', ['a']),
        undecided('w2'),
        asked('r1', 'audit'),
        showed('r1', 'a'),
      ],
    },
    bad: {
      'a success that is not there': [
        /this one is missing: w1$/,
        [
          asked('w1', 'move', ['a', 'b']),
          succeeded('w1'),
          asked('r1', 'audit'),
          showed('r1', 'a', 'w1'),
          asked('r2', 'audit'),
          showed('r2', 'b'),
        ],
      ],
      'a success that was there and is gone': [
        /missing: w1$/,
        [
          asked('w1', 'move', ['a']),
          succeeded('w1'),
          asked('r1', 'audit'),
          showed('r1', 'a', 'w1'),
          asked('r2', 'audit'),
          showed('r2', 'a'),
        ],
      ],
    },
    undecided: { 'a success that nobody read back': [asked('w1', 'move', ['a']), succeeded('w1')] },
  },
  'no-effect-on-failure': {
    good: {
      'a failure without a mark': [asked('w1', 'move', ['a']), failed('w1'), asked('r1', 'audit'), showed('r1', 'a')],
      'an unknown with a mark': [asked('w1', 'move', ['a']), undecided('w1'), asked('r1', 'audit'), showed('r1', 'a', 'w1')],
    },
    bad: {
      'a mark after the failure': [
        /a bears its mark/,
        [asked('w1', 'move', ['a']), failed('w1'), asked('r1', 'audit'), showed('r1', 'a', 'w1')],
      ],
      'a mark before the failure': [
        /a bears its mark/,
        [asked('w1', 'move', ['a']), asked('r1', 'audit'), showed('r1', 'a', 'w1'), failed('w1')],
      ],
    },
  },
  conservation: {
    good: {
      'ledgers that add up': [
        ...audited('a1', { balances: { x: 1, y: 4 }, inFlight: { t: 5 }, receipts: [{ account: 'x', amount: -5 }] }),
        verifying,
        ...audited('a2', { total: 5, balances: { x: 1, y: 4 }, receipts: [{ account: 'x', amount: -5 }] }),
        ...audited('a3', { ledger: 'b', total: 5, opened: {}, balances: { z: 5 }, receipts: [{ account: 'z', amount: 5 }] }),
      ],
    },
    bad: {
      'an entry without its other half': [
        /^they add up to 9$/,
        audited('a1', { balances: { x: 5, y: 4 }, receipts: [{ account: 'x', amount: -1 }] }),
      ],
      'a change without a receipt': [/^it holds 7$/, audited('a1', { balances: { x: 7, y: 3 } })],
      'a change applied twice': [
        /^it holds 4$/,
        audited('a1', {
          balances: { x: 4, y: 6 },
          receipts: [
            { account: 'x', amount: -1 },
            { account: 'y', amount: 1 },
          ],
        }),
      ],
      'money that never arrived': [
        /^they hold 5: a 5, b 0$/,
        [
          verifying,
          ...audited('a1', { total: 5, balances: { x: 1, y: 4 }, receipts: [{ account: 'x', amount: -5 }] }),
          ...audited('a2', { ledger: 'b', total: 0, opened: {}, balances: {} }),
        ],
      ],
    },
    undecided: {
      'a ledger that was not read at the end': [...audited('a1', {}), ...audited('a2', { ledger: 'b' }), verifying, ...audited('a3', {})],
      'money still under way at the end': [
        verifying,
        ...audited('a1', { balances: { x: 1, y: 4 }, inFlight: { t: 5 }, receipts: [{ account: 'x', amount: -5 }] }),
      ],
    },
  },
  'state-consistency': {
    good: { 'state and keys of the same commits': sequences(3, 3) },
    bad: { 'state ahead of keys': [/^state shows 3, keys show 2/, sequences(3, 2)] },
  },
};

it('every file of the folder is registered, and every invariant has examples', () => {
  const folder = fileURLToPath(new URL('.', import.meta.url));
  const files = readdirSync(folder).filter((file) => /^(?!index|invariant\.).*(?<!\.test)\.ts$/.test(file));
  expect(invariants.map(({ id }) => `${id}.ts`).sort()).toEqual(files.sort());
  expect(Object.keys(EXAMPLES).sort()).toEqual(invariants.map(({ id }) => id).sort());
});

describe.each(invariants.map((invariant) => [invariant.id, invariant] as const))('%s', (id, invariant) => {
  const { good, bad, undecided: open = {} } = EXAMPLES[id] ?? { good: {}, bad: {} };
  const goods = Object.entries(good);
  const bads = Object.entries(bad);

  it('has a promise in words and names its spec operator in full', () => {
    expect(invariant.promise).toMatch(/^[A-Z].{40,300}\.$/);
    if (invariant.spec !== undefined) expect(invariant.spec).toMatch(/^Kelpie\w+!\w+$/);
    expect(goods.length).toBeGreaterThan(0);
    expect(bads.length).toBeGreaterThan(0);
  });

  it.each(goods)('holds for %s', (_, lines) => {
    expect(judge(invariant, lines)).toBeUndefined();
  });

  it.each(bads)('is broken by %s', (_, [seen, lines]) => {
    const breach = judge(invariant, lines);
    expect(breach).toMatchObject({ seen: expect.stringMatching(seen), expected: expect.stringMatching(/.{10,}/) });
    expect((breach as Breach).nodes.length).toBeGreaterThan(0);
  });

  it.each(Object.entries(open))('is undecided for %s', (_, lines) => {
    expect(judge(invariant, lines)).toBe('unknown');
  });

  it('keeps nothing from one run to the next', () => {
    for (const [, [, lines]] of bads) judge(invariant, lines);
    for (const [, lines] of goods) expect(judge(invariant, lines)).toBeUndefined();
  });

  it('passes over the stories of other programs', () => {
    const others = [
      { type: 'peer.hello', actor: 'ledger:a' },
      { type: 'boot', reason: 'start' },
    ] as unknown as Told[];
    const [[, lines] = ['', []]] = goods;
    expect(
      judge(
        invariant,
        lines.flatMap((line) => [...others, line]),
      ),
    ).toBeUndefined();
  });
});
