import { expect, test } from 'vitest';
import { github } from './github.js';
import { junit } from './junit.js';
import { stormJson } from './storm-json.js';
import type { StormReport } from './storm-report.js';
import { stormTerminal } from './storm-terminal.js';

const clean: StormReport = {
  scenarios: [{ id: 'bank', seeds: 1_000, failed: 0 }],
  profile: 'swarm',
  bug: null,
  from: 0,
  shard: { index: 1, of: 1 },
  seeds: 1_000,
  notRun: 0,
  stopped: null,
  passed: 1_000,
  failed: 0,
  failures: [],
  faults: [{ id: 'network/loss', seedsDrawn: 20, seedsFired: 19 }],
  inert: [],
  impotent: null,
  twins: { checked: 20, differed: 1 },
  sometimes: { 'lease expired': 3 },
  neverReached: [],
  coverage: { decides: true, rule: 'the rule' },
  spec: {
    KelpieWAL: { statesVisited: 3_000, statesReachable: 3_736, transitionsVisited: 9, transitionsReachable: 20_723, statesCertain: 2 },
  },
  newBehaviourEstimate: {
    probability: 0.014,
    singletons: 1_010,
    behaviours: 20_050,
    runs: 1_000,
    kinds: {
      situations: { probability: 0.001, singletons: 1, behaviours: 50 },
      specStates: { probability: 0.013, singletons: 1_009, behaviours: 20_000 },
    },
  },
  wallMs: 12_345,
  seedsPerSecond: 81,
};
const bad: StormReport = {
  ...clean,
  scenarios: [{ id: 'bank', seeds: 1_000, failed: 2 }],
  passed: 998,
  failed: 2,
  failures: [
    {
      scenario: 'bank',
      signature: 'conservation: 5% <lost>, "all"',
      verdict: 'violation',
      count: 2,
      seeds: [3, 9],
      smallest: { seed: 9, events: 12, traceHash: '0123456789abcdef' },
      reproduce: 'npx kelpie-dst run --seed 9',
    },
  ],
  stopped: 'budget',
  notRun: 7,
  inert: ['disk/rot'],
  impotent: ['disk/full'],
  neverReached: ['pigs flew'],
};

test('the terminal shows a few lines a failure, with the command, and what was not covered', () => {
  const text = stormTerminal({ colour: false }).report(bad);
  expect(text).toContain(
    '1. conservation: 5% <lost>, "all"\n   bank, 2 seeds: 3, 9; the smallest, 9, has 12 events\n   npx kelpie-dst run --seed 9\n\n998 of 1000 runs passed, 2 failed\n',
  );
  for (const line of [
    /stopped +by its budget of wall time; 7 runs not done/,
    /inert +disk\/rot/,
    /impotent +disk\/full/,
    /never reached +pigs flew/,
    /rule +the rule/,
  ])
    expect(text).toMatch(line);
  expect(stormTerminal({ colour: false }).report(clean)).toMatch(/twins +19 of 20 runs did the same again in another process/);
  expect(text).toContain(
    `  next seed      shows something that none has shown with a chance of about 1.4 %\n                 situations                  0.1 %: 1 of 50 were seen in one run alone`,
  );
  expect(stormTerminal({ colour: false }).report(clean)).not.toMatch(/inert|rule|stopped/);
  expect(stormTerminal({ colour: true }).report(clean)).toContain('\u001b[');
});

test('the terminal says which machines shared a storm, and that it ended with its Redis', () => {
  const machines = [
    { name: 'east.7', runs: 1_200 },
    { name: 'west\u001b.9', runs: 3 },
  ];
  const text = stormTerminal({ colour: false }).report({ ...clean, machines, stopped: 'queue-lost', notRun: 2 });
  expect(text).toMatch(/machines +east\.7 1.?200, west\?\.9 3\n/);
  expect(text).toMatch(/stopped +by the loss of the Redis that it shared; 2 runs not done/);
});

test('JSON is the report as it is', () => expect(JSON.parse(stormJson.report(bad))).toEqual(bad));

test('JUnit has a case for each scenario and one for coverage, escaped', () => {
  expect(junit.report(clean)).toContain('tests="2" failures="0"');
  const xml = junit.report(bad);
  expect(xml).toContain('tests="2" failures="2"');
  expect(xml).toContain('conservation: 5% &lt;lost&gt;, &quot;all&quot;\n  2 seeds\n  npx kelpie-dst run --seed 9</failure>');
  expect(xml).toContain('inert: disk/rot\nimpotent: disk/full\nnever reached: pigs flew');
  expect(junit.report({ ...bad, coverage: { decides: false, rule: '' } })).toContain('failures="1"');
  expect(junit.report({ ...bad, scenarios: [{ id: 'a\u0000\u001b', seeds: 1, failed: 0 }] })).toContain('name="a??"');
});

test('GitHub gets a line for each group, encoded as its runner reads it', () => {
  expect(github.report(clean)).toBe('');
  expect(github.report(bad).split('\n')).toEqual([
    '::error title=bank%3A conservation%3A 5%25 <lost>%2C "all"::2 failing seeds%0Anpx kelpie-dst run --seed 9',
    '::error title=not covered by this storm::inert: disk/rot%0Aimpotent: disk/full%0Anever reached: pigs flew%0Athe rule',
    '',
  ]);
});

test('the terminal names a few of the situations that a small storm missed, and all that one missed which decides', () => {
  const neverReached = Array.from({ length: 20 }, (_, nth) => `situation ${nth}`);
  const told = (decides: boolean): string =>
    stormTerminal({ colour: false })
      .report({ ...clean, neverReached, coverage: { decides, rule: 'the rule' } })
      .replaceAll(/\n +/g, ' ');
  expect(told(false)).toContain('never reached  situation 0, situation 1,');
  expect(told(false)).toContain('situation 7, and 12 more rule');
  expect(told(true)).toContain('situation 18, situation 19 rule');
});
