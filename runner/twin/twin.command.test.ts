/** A twin agrees with what is tight, and says where the host got in with what is not. Runs the built modules, because it forks them. */
import { afterAll, describe, expect, test } from 'vitest';
import { catalogue as known } from '../catalogue.js';
import { draw } from '../draw.js';
import { catalogue } from '../fixtures/leaky-catalogue.js';
import type { Case } from '../../src/run.js';
import type { TwinOutcome } from './twin.js';

const built = (path: string): string => new URL(`../../dist/runner/${path}`, import.meta.url).href;
const { Twin } = (await import(built('twin/twin.js'))) as typeof import('./twin.js');
const { runCase } = (await import(built('run-case.js'))) as typeof import('../run-case.js');

const catalogueUrl = new URL('../fixtures/leaky-catalogue.js', import.meta.url);
const twin = new Twin({ catalogueUrl, timeoutMs: 20_000 });
afterAll(() => twin.end());

function caseOf(id: string, seed = 1): Case {
  const scenario = catalogue.scenarios.find((one) => one.id === id);
  if (scenario === undefined) throw new Error(`no scenario ${id}`);
  return draw(seed, scenario, { faults: [], chaosMicros: 100_000 });
}

async function check(id: string): Promise<TwinOutcome> {
  const { run } = await runCase(caseOf(id), { catalogueUrl });
  expect(run.verdict).toBe('pass');
  return twin.check(caseOf(id), run);
}

const told = async (id: string): Promise<string> => {
  const outcome = await check(id);
  if (outcome.kind === 'equal') expect.fail(`${id} was equal`);
  return outcome.told;
};

describe('a twin', () => {
  test('of a tight program is equal, also after others', async () => {
    await twin.warmUp([caseOf('tight', 2), caseOf('tight', 3)]);
    expect(await check('tight')).toMatchObject({ kind: 'equal', traceHash: expect.stringMatching(/^[0-9a-f]{16}$/) as string });
  });

  test('of a run that ends by breaking a promise is equal: it is judged there too', async () => {
    const scenario = known.scenarios.find(({ id }) => id === 'single-activation-race');
    if (scenario === undefined) throw new Error('no scenario single-activation-race');
    const other = new Twin();
    try {
      for (let seed = 0; ; seed++) {
        const buggy: Case = { ...draw(seed, scenario, { faults: known.faults }), bug: 'racy-claim' };
        const { run } = await runCase(buggy, {});
        if (run.verdict !== 'violation') continue;
        expect(await other.check(buggy, run)).toEqual({ kind: 'equal', traceHash: run.traceHash });
        return;
      }
    } finally {
      other.end();
    }
  });

  test('names the event, both stacks and the clock that was taken before the guard', async () => {
    const text = await told('captured-clock');
    expect(text).toMatch(/The first event that differs is number \d+:\n {2}here {3}\{.*"type":"leak".*\}\n {2}there {2}\{.*"type":"leak"/);
    expect(text).toMatch(/It was told here at:\n.*leaky-catalogue\.js/);
    expect(text).toMatch(/It was told there at:\n.*leaky-catalogue\.js/);
    expect(text).toMatch(/past the guard before it, the nearest first:\nDate\.now\n.*leaky-catalogue\.js/);
  });

  test('has another time zone', async () => {
    expect(await told('captured-zone')).toMatch(/nearest first:\nDate\.prototype\.getTimezoneOffset\n/);
  });

  test('shows what one run leaves to the next', async () => {
    await twin.warmUp([caseOf('kept-between-runs', 2)]);
    expect(await told('kept-between-runs')).toMatch(/"type":"leak","value":1\}.*\n.*"type":"leak","value":[2-9]/);
  });

  test('that never comes to its end is a difference, and the next one has a process again', async () => {
    const impatient = new Twin({ catalogueUrl, timeoutMs: 3_000 });
    try {
      const { run } = await runCase(caseOf('dies-there'), { catalogueUrl });
      const outcome = await impatient.check(caseOf('dies-there'), run);
      expect(outcome).toMatchObject({ kind: 'differs', signature: 'nondeterminism: no end in the twin' });
      expect(outcome).toMatchObject({ told: expect.stringContaining('no answer within 3 s of wall time') as string });
      const tight = await runCase(caseOf('tight'), { catalogueUrl });
      expect(await impatient.check(caseOf('tight'), tight.run)).toMatchObject({ kind: 'equal' });
    } finally {
      impatient.end();
    }
  });
});
