import { describe, expect, test } from 'vitest';
import { kelpieCluster } from '../scenarios/kelpie-cluster.js';
import { CHOICE_SITES } from '../src/kelpie/choices.js';
import type { Case, Run } from '../src/run.js';
import { simulate } from '../src/sim/simulate.js';
import type { TraceEvent, TraceListener, WorldEvent } from '../src/trace.js';
import { draw } from './draw.js';

const SEEDS_MAX = 30;
const ONE_IN = 2;
/** Whole simulated runs, on a machine that may be busy. */
const TIMEOUT_MS = 60_000;

const runOf = async (seed: number, choices: Case['choices']): Promise<Run> => {
  const drawn = draw(seed, kelpieCluster, { faults: [], profile: 'none' });
  const { run } = await simulate({ ...drawn, ...(choices === undefined ? {} : { choices }) }, { scenario: kelpieCluster, faults: [] });
  return run;
};

describe.each(Object.keys(CHOICE_SITES))('%s', (site) => {
  test(
    'is met, goes another way, and harms no promise',
    async () => {
      for (let seed = 1; seed <= SEEDS_MAX; seed++) {
        const run = await runOf(seed, { [site]: ONE_IN });
        expect(`${run.verdict} ${run.reason ?? run.violations[0]?.seen ?? ''}`.trim()).toBe('pass');
        if (run.counts[`choice.${site}`] === undefined) continue;
        expect(run.traceHash).not.toBe((await runOf(seed, {})).traceHash);
        return;
      }
      expect.fail(`no seed up to ${SEEDS_MAX} takes it`);
    },
    TIMEOUT_MS,
  );
});

test(
  'every site at once harms no promise either',
  async () => {
    const all = Object.fromEntries(Object.keys(CHOICE_SITES).map((site) => [site, 4]));
    for (let seed = 1; seed <= 10; seed++) expect((await runOf(seed, all)).violations).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  'none is taken while the cluster is set up, heals or is read back',
  async () => {
    const all = Object.fromEntries(Object.keys(CHOICE_SITES).map((site) => [site, 1]));
    let phase = '';
    const phases = new Set<string>();
    const listener = ({ body }: TraceEvent<WorldEvent>): void => {
      if (body.type === 'phase') phase = body.phase;
      if (body.type === 'choice') phases.add(phase);
    };
    const drawn = draw(1, kelpieCluster, { faults: [], profile: 'none' });
    await simulate({ ...drawn, choices: all }, { scenario: kelpieCluster, faults: [], listeners: [listener as TraceListener] });
    expect([...phases]).toEqual(['chaos']);
  },
  TIMEOUT_MS,
);

test(
  'a case from before there were sites runs as one without any active',
  async () => {
    const { choices, ...drawn } = draw(1, kelpieCluster, { faults: [], profile: 'none' });
    expect(choices).toEqual({});
    const { run } = await simulate(drawn, { scenario: kelpieCluster, faults: [] });
    expect(run.traceHash).toBe((await runOf(1, {})).traceHash);
  },
  TIMEOUT_MS,
);
