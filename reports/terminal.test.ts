import { describe, expect, test } from 'vitest';
import type { StoryEvent } from '../src/ports.js';
import type { Case, Run } from '../src/run.js';
import type { TraceEvent } from '../src/trace.js';
import { json } from './json.js';
import type { SpecState } from './reporter.js';
import { terminal } from './terminal.js';

const drawn: Case = {
  version: 1,
  seed: 42,
  scenario: 'two-clients',
  profile: 'swarm',
  bug: 'racy-claim',
  strategy: { kind: 'random' },
  quantumMicros: 50,
  faults: [
    {
      id: 'network/loss',
      label: 'network/loss#1',
      params: { startMicros: 1_000, durationMicros: 2_000, rate: { numerator: 5, denominator: 1_000 } },
    },
    { id: 'crash/kill', label: 'crash/kill#1', params: { startMicros: 9_000, durationMicros: 500 } },
  ],
  network: {
    latencyMicrosMin: 200,
    latencyMicrosMax: 1_500,
    jitterMicros: 100,
    tailOneIn: 500,
    tailMicros: 200_000,
    bytesPerSecond: 12_500_000,
  },
  workload: { nodes: 3, clients: 1, operations: [{ client: 1, atMicros: 0, kind: 'put' }] },
  knobs: { leaseMicros: 5_000 },
  choices: { 'cache/refuse': 4, 'lock/late': 16 },
  chaosMicros: 10_000_000,
  limits: { events: 1_000_000, simMicros: 60_000_000, queueLength: 1_000 },
};

const passed: Run = {
  seed: 42,
  scenario: 'two-clients',
  case: drawn,
  verdict: 'pass',
  withinBudget: true,
  violations: [],
  pending: [],
  judgements: { SingleActivation: 'holds' },
  simMicros: 12_345_678,
  events: 54_321,
  traceEvents: 1_234,
  traceHash: '0123456789abcdef',
  counts: { 'network.sent': 99 },
  faults: [
    { id: 'network/loss', drawn: 1, fired: 7 },
    { id: 'crash/kill', drawn: 1, fired: 0 },
  ],
  sometimes: { 'lease expired': 1_200, 'lease lost': 0 },
  spec: {
    KelpieWAL: { steps: 120, states: 17, divergences: 1, walks: 3, left: {} },
    KelpieLease: { steps: 0, states: 0, divergences: 0, walks: 0, left: {} },
  },
};

const at = (index: number, node: string, body: StoryEvent & Readonly<Record<string, unknown>>): TraceEvent => ({
  index,
  at: index * 1_000,
  node,
  life: 1,
  cause: index - 1,
  body,
});
const trace = [
  at(0, '', { type: 'phase', phase: 'chaos' }),
  at(1, '', { type: 'fault', fault: 'network/loss', label: 'network/loss#1', action: 'begins' }),
  at(2, '', { type: 'fault', fault: 'crash/kill', label: 'crash/kill#1', action: 'begins' }),
  at(3, 'n1', { type: 'claim.commit', actor: 'bank:a', token: 1 }),
  at(4, '', { type: 'fault', fault: 'crash/kill', label: 'crash/kill#1', action: 'heals' }),
  at(5, 'n2', { type: 'claim.commit', actor: 'bank:a', token: 2 }),
  at(6, '', { type: 'fault', fault: 'network/loss', label: 'network/loss#1', action: 'heals' }),
];
const broken: Run = {
  ...passed,
  verdict: 'violation',
  judgements: { SingleActivation: 'violated' },
  violations: [
    {
      invariant: 'SingleActivation',
      promise: 'an actor is active on at most one node',
      expected: 'bank:a active on n1 alone',
      seen: 'bank:a active on n1 and n2',
      atMicros: 5_000,
      nodes: ['n1', 'n2'],
      event: 5,
      spec: 'KelpieSingleActivation!SingleActivation',
    },
  ],
};
const reproduce = 'npx kelpie-dst run --seed 42';
const plainReporter = terminal({ colour: false });
const reportOf = (run: Run, events: readonly TraceEvent[] = []): string =>
  plainReporter.report({ run, wallMs: 12.6, reproduce, trace: events });

describe('the opening', () => {
  test('prints the seed first, and all that was drawn', () => {
    expect(plainReporter.opening?.(drawn)).toBe(
      [
        'seed 42  scenario two-clients  profile swarm  bug racy-claim',
        '  world      3 servers, 1 client, 1 operation',
        '  chaos      10 s of simulated time, on a grid of 50 us',
        '  schedule   random',
        '  network    200 us to 1.5 ms one way, jitter 100 us, 1 in 500 takes 200 ms longer, 12 500 000 bytes/s',
        '  faults     network/loss#1  1 ms to 3 ms  rate=5/1000',
        '             crash/kill#1    9 ms to 9.5 ms',
        '  knobs      leaseMicros=5000',
        '  rare ways  cache/refuse 1 in 4, lock/late 1 in 16',
        '  limits     1 000 000 events, 60 s of simulated time, queue of 1 000',
        '',
      ].join('\n'),
    );
  });

  test('says so where nothing was drawn', () => {
    const text = plainReporter.opening?.({ ...drawn, faults: [], knobs: {}, choices: {} });
    expect(text).toContain('faults     none drawn');
    expect(text).toContain('knobs      none');
    expect(text).toContain('rare ways  none');
  });
});

describe('the report', () => {
  test('of a run that passed ends with the command that does it again', () => {
    expect(reportOf(passed)).toBe(
      [
        '',
        'verdict pass  (within the fault budget: safety and liveness)',
        '  ran        12.345678 s simulated, 54 321 events, 13 ms of wall time',
        '  trace      hash 0123456789abcdef over 1 234 events',
        '  fired      network/loss 7',
        '  not fired  crash/kill',
        '  reached    1 of 2 situations worth reaching',
        '             lease expired 1 200',
        '  counts     network.sent 99',
        '  specs      KelpieWAL 120 steps through 17 states, 1 divergence, 1 spec untouched',
        '  promises   1 promise holds',
        '',
        'To do it again:',
        '  npx kelpie-dst run --seed 42',
        '',
      ].join('\n'),
    );
  });

  test('of a violation tells promise, expected, seen, time, nodes, spec, the events before it and the faults active then', () => {
    const text = reportOf(broken, trace);
    expect(text).toContain(
      [
        'SingleActivation is broken at 0.005000 s on n1, n2',
        '  promise    an actor is active on at most one node',
        '  expected   bank:a active on n1 alone',
        '  seen       bank:a active on n1 and n2',
        '  spec       KelpieSingleActivation!SingleActivation',
      ].join('\n'),
    );
    expect(text).toMatch(/^>\s+0\.005000\s+claim\.commit actor=bank:a token=2$/m);
    // What happened after it is not what led to it.
    expect(text).not.toContain('0.006000');
    expect(text).toContain('Faults active then:\n  network/loss#1  1 ms to 3 ms  rate=5/1000\n\nTo do it again:');
  });

  test('of a violation counts the promises that it did not come to judge', () => {
    const text = reportOf({
      ...broken,
      judgements: { SingleActivation: 'violated', Durability: 'unknown', Idempotency: 'unknown', Order: 'holds' },
    });
    expect(text).toContain(
      '  promises   1 promise holds, 2 not judged: the run ended before that\n             SingleActivation violated\n',
    );
    expect(reportOf({ ...passed, judgements: { Durability: 'unknown' } })).toContain(
      '  promises   0 promises hold\n             Durability unknown\n',
    );
  });

  test('of a violation shows beside it where its spec stands, open variables with a few of their values', () => {
    const specState: SpecState = {
      module: 'KelpieSingleActivation',
      walk: 'bank:a',
      after: 'Claim',
      states: 1_200,
      variables: [
        { name: 'holder', values: ['"n1"'], count: 1 },
        { name: 'up', values: ['{"n1", "n2"}', '{"n1"}'], count: 2 },
        { name: 'clock', values: ['1', '2', '3'], count: 9 },
      ],
    };
    const text = plainReporter.report({ run: broken, wallMs: 12.6, reproduce, trace, specState });
    expect(text).toContain(
      [
        'What KelpieSingleActivation knows of bank:a then, after Claim; 1 200 states explain what was told:',
        '  holder  "n1"',
        '  up      {"n1", "n2"} or {"n1"}',
        '  open: clock',
      ].join('\n'),
    );
    const one = { ...specState, after: null, states: 1, variables: [] };
    expect(plainReporter.report({ run: broken, wallMs: 12.6, reproduce, trace, specState: one })).toContain(
      'What KelpieSingleActivation knows of bank:a then, at its beginning:\n',
    );
  });

  test('names the file that has every event, and of a failure the command that looks for a smaller case', () => {
    const more = { shrink: 'npx kelpie-dst shrink 42', traceFile: 'events.jsonl' };
    const ending = `Every event is in events.jsonl\n\nTo look for a smaller case:\n  npx kelpie-dst shrink 42\n\nTo do it again:\n  ${reproduce}\n`;
    expect(plainReporter.report({ run: broken, wallMs: 12.6, reproduce, trace, ...more })).toContain(ending);
    expect(plainReporter.report({ run: passed, wallMs: 12.6, reproduce, trace, ...more })).not.toContain('smaller');
    expect(JSON.parse(json.report({ run: broken, wallMs: 12.6, reproduce, trace, ...more }))).toMatchObject({
      shrink: more.shrink,
      trace: more.traceFile,
    });
  });

  test('of a run without convergence says in words what is missing, and shows the end of the trace', () => {
    const text = reportOf(
      { ...passed, verdict: 'liveness', reason: 'not converged within 30 s', pending: ['client c1 waits for its answer'] },
      trace,
    );
    expect(text).toContain('\nnot converged within 30 s\n\nNot converged:\n  client c1 waits for its answer\n');
    expect(text).toMatch(/^>\s+0\.006000/m);
    const named = reportOf({ ...passed, verdict: 'liveness', reason: 'not converged', pending: ['n1 is no member'] }, trace);
    expect(named).toMatch(/What was last told of it:\n +seconds +n1\n +0\.003000 +claim\.commit actor=bank:a token=1\n\nFaults/);
    expect(text).toContain('Faults active then:\n  none\n');
  });

  test('of a run that was cut off has no hash and no events to show', () => {
    const text = reportOf({ ...passed, verdict: 'hang', reason: 'no progress for 10 s of wall time', traceHash: '' });
    expect(text).toContain('verdict hang');
    expect(text).toContain('no progress for 10 s of wall time');
    expect(text).not.toContain('hash');
    expect(text).not.toContain('last events');
  });

  test('beyond the budget says that liveness was not demanded', () => {
    expect(reportOf({ ...passed, withinBudget: false })).toContain('verdict pass  (beyond the fault budget: safety only)');
  });

  test('colours only when asked', () => {
    const coloured = terminal({ colour: true });
    const strip = (text: string): string => text.replaceAll(/\p{Cc}\[\d+m/gu, '');
    for (const run of [passed, broken]) {
      const text = coloured.report({ run, wallMs: 12.6, reproduce, trace });
      expect(text).toContain('\u001b[');
      expect(strip(text)).toBe(reportOf(run, trace));
      expect(reportOf(run, trace)).not.toContain('\u001b');
    }
  });

  test('lets no control code of the program through', () => {
    const text = reportOf({ ...passed, verdict: 'crash', reason: 'n1 crashed: \u001b[2Jboo\nat line 1', pending: ['\u0007'] });
    expect(text).toContain('n1 crashed: ?[2Jboo\nat line 1');
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });
});

describe('the JSON document', () => {
  test('has the promised fields', () => {
    const document: unknown = JSON.parse(json.report({ run: broken, wallMs: 12.6, reproduce, trace }));
    expect(document).toMatchObject({
      seed: 42,
      scenario: 'two-clients',
      profile: 'swarm',
      bug: 'racy-claim',
      verdict: 'violation',
      simMicros: 12_345_678,
      wallMs: 13,
      events: 54_321,
      traceHash: '0123456789abcdef',
      violations: [{ invariant: 'SingleActivation', atMicros: 5_000, nodes: ['n1', 'n2'] }],
      faults: [
        { id: 'network/loss', drawn: 1, fired: 7 },
        { id: 'crash/kill', drawn: 1, fired: 0 },
      ],
      sometimes: { 'lease expired': 1_200, 'lease lost': 0 },
      spec: {},
      reproduce,
      case: drawn,
    });
    expect(json.opening).toBeUndefined();
  });

  test('leaves out what there is not', () => {
    const { bug: _, ...correct } = drawn;
    const document = JSON.parse(json.report({ run: { ...passed, case: correct }, wallMs: 1, reproduce, trace: [] })) as object;
    expect(document).not.toHaveProperty('bug');
    expect(document).not.toHaveProperty('reason');
  });
});
