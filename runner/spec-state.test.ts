import { expect, test } from 'vitest';
import { catalogue, find } from './catalogue.js';
import { draw } from './draw.js';
import { simulateCase } from './simulate-case.js';
import { specStateOf } from './spec-state.js';

async function recorded(bug?: string) {
  const scenario = find('scenario', catalogue.scenarios, 'kv-state-atomicity');
  const run = draw(1, scenario, { faults: catalogue.faults, profile: 'none', ...(bug === undefined ? {} : { bug }) });
  const simulated = await simulateCase(run, catalogue, { record: true });
  if (typeof simulated === 'string') throw new Error(simulated);
  return simulated;
}

test('a broken promise that a spec has too comes with where the spec stands, for what it was told of last', {
  timeout: 60_000,
}, async () => {
  const { run, trace } = await recorded('kv-write-through');
  const [broken] = run.violations;
  expect(broken?.spec).toMatch(/^KelpieActorState!/);
  const { specState } = await specStateOf({ run, trace }, catalogue);
  expect(specState).toMatchObject({ module: 'KelpieActorState', walk: expect.stringMatching(/^ledger:\S+ on n\d$/) as string });
  expect(specState?.states).toBeGreaterThan(0);
  // The commit has begun, and the spec knows of it.
  expect(specState?.variables.find(({ name }) => name === 'phase')).toEqual({ name: 'phase', values: ['"Committing"'], count: 1 });
  expect(await specStateOf({ run, trace: [] }, catalogue)).toEqual({});
  expect(await specStateOf({ run: { ...run, violations: [] }, trace }, catalogue)).toEqual({});
});
