import { describe, expect, test } from 'vitest';
import type { Case } from '../src/run.js';
import { checkCase } from './case-check.js';
import { catalogue, find } from './catalogue.js';
import { draw } from './draw.js';

const scenario = find('scenario', catalogue.scenarios, 'kelpie-cluster');
const drawn = draw(7, scenario, { faults: catalogue.faults, only: ['network/loss', 'disk/read-fail'] });

/** The case with its first fault changed. */
const changed = (change: Readonly<Record<string, unknown>>): Case => {
  const [first, ...rest] = drawn.faults;
  return { ...drawn, faults: [{ ...first, ...change }, ...rest] } as Case;
};
const withParams = (change: Readonly<Record<string, unknown>>): Case => changed({ params: { ...drawn.faults[0]?.params, ...change } });

describe('a case from a file', () => {
  test('as seeds draw it may run, in every scenario and every profile', () => {
    for (const one of catalogue.scenarios) {
      for (const profile of ['swarm', 'all', 'beyond-budget', 'none'] as const) {
        for (let seed = 0; seed < 5; seed++) {
          expect(checkCase(draw(seed, one, { faults: catalogue.faults, profile }), catalogue)).toBe(one);
        }
      }
    }
  });

  test.each<[string, Case, string]>([
    [
      'an unknown scenario',
      { ...drawn, scenario: 'kelpie-cluste' },
      "there is no scenario 'kelpie-cluste'; did you mean 'kelpie-cluster'?",
    ],
    ['an unknown bug', { ...drawn, bug: 'racy-clai' }, "there is no bug 'racy-clai'"],
    [
      'an unknown fault',
      changed({ id: 'disk/read-fai', label: 'disk/read-fai#1' }),
      "there is no fault 'disk/read-fai'; did you mean 'disk/read-fail'",
    ],
    [
      'a magnitude out of range',
      withParams({ rate: { numerator: 3, denominator: 2 } }),
      "fault 'disk/read-fail#1' cannot be as the case has it: rate must be a rate",
    ],
    ['a missing parameter', withParams({ nodes: [] }), 'nodes must be a list of at least 1 different node names, not []'],
    ['a parameter that there is not', withParams({ rat: 1 }), 'rat is no parameter; there are startMicros, durationMicros, nodes, rate'],
    ['the label of another fault', changed({ label: 'network/loss#1' }), "the label of fault 'disk/read-fail' must be 'disk/read-fail#'"],
    [
      'a label without a number',
      changed({ label: 'disk/read-fail' }),
      "and the number of its episode, or the label of the fault that brought it and a number, not 'disk/read-fail'",
    ],
    ['one label twice', { ...drawn, faults: [...drawn.faults, ...drawn.faults] }, "two faults with the label 'disk/read-fail#1'"],
    [
      'a fault that the scenario has no use for',
      { ...drawn, scenario: 'zombie-owner', knobs: {} },
      "fault 'disk/read-fail' needs disk, which scenario 'zombie-owner' does not have",
    ],
    [
      'a knob that there is not',
      { ...drawn, knobs: { leaseMicro: 1 } },
      "turns 'leaseMicro', which is no knob of scenario 'kelpie-cluster'; did you mean 'leaseMicros'?",
    ],
    ['a knob out of range', { ...drawn, knobs: { hops: 1.5 } }, 'knob hops = 1.5, which must be an integer from 1 to 3'],
    [
      'a rare way that there is not',
      { ...drawn, choices: { 'commit/wai': 4 } },
      "at 'commit/wai', which is no site of scenario 'kelpie-cluster'; did you mean 'commit/wait'?",
    ],
    ['a name of every object', { ...drawn, choices: { constructor: 4 } }, "at 'constructor', which is no site"],
  ])('with %s is refused, and says so', (_, run, message) => {
    expect(() => checkCase(run, catalogue)).toThrow(message);
  });
});
