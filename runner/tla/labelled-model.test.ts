import { describe, expect, test } from 'vitest';
import { labelledModel } from './labelled-model.js';
import type { Model } from './model-checker.js';

const model = (next: string, config = 'SPECIFICATION Spec\nCONSTANT Nodes = {"a", "b"}\nINVARIANT Inv\n'): Model => ({
  module: 'M',
  configName: 'M.cfg',
  config,
  source: `---- MODULE M ----\nVARIABLE x\nInit == x = 0\n${next}\n\nSpec == Init /\\ [][Next]_x\n====\n`,
});

const evaluate = (expression: string): Promise<string> => {
  const values: Readonly<Record<string, string>> = { Nodes: '{"a", "b"}', '{1, 2}': '{1, 2}', Empty: '{}', Seven: '7' };
  return Promise.resolve(values[expression] ?? expression);
};

const labels = async (next: string): Promise<readonly string[] | undefined> => {
  const labelled = await labelledModel(model(next), evaluate);
  return labelled === undefined ? undefined : [...labelled.actions.values()].map(({ label }) => label);
};

describe('Next is written out', () => {
  test('one definition for each action and choice of arguments', async () => {
    const next = 'Next ==\n    \\/ \\E n \\in Nodes : A(n)\n    \\/ \\E n \\in Nodes, k \\in {1, 2} : B(k, n)\n    \\/ C';
    expect(await labels(next)).toEqual(['A("a")', 'A("b")', 'B(1, "a")', 'B(2, "a")', 'B(1, "b")', 'B(2, "b")', 'C']);
  });

  test('behind the last line, so that all lines keep their numbers', async () => {
    const before = model('Next ==\n    \\/ C');
    const labelled = await labelledModel(before, evaluate);
    const lines = before.source.split('\n').slice(0, -2);
    expect(labelled?.model.source.split('\n').slice(0, lines.length)).toEqual(lines);
    expect(labelled?.model.source).toMatch(/DstStep0 == TRUE \/\\ C\nDstNext ==\n {4}\\\/ DstStep0\n====\n$/);
    expect(labelled?.actions.get('DstStep0')).toEqual({ name: 'C', args: [], label: 'C' });
  });

  test('and the configuration starts from it', async () => {
    const labelled = await labelledModel(model('Next ==\n    \\/ C'), evaluate);
    expect(labelled?.model.config).toBe('INIT Init\nNEXT DstNext\nCONSTANTS\n    Nodes = {"a", "b"}\nINVARIANTS\n    Inv\n');
  });

  test('with INIT and NEXT of the configuration, too', async () => {
    const labelled = await labelledModel(model('Next ==\n    \\/ C', 'INIT Init\nNEXT Next\nCHECK_DEADLOCK FALSE\n'), evaluate);
    expect(labelled?.model.config).toBe('INIT Init\nNEXT DstNext\nCHECK_DEADLOCK FALSE\n');
  });

  test('an action over an empty set has no steps', async () => {
    expect(await labels('Next ==\n    \\/ \\E n \\in Empty : A(n)\n    \\/ C')).toEqual(['C']);
  });
});

describe('Next that is no list of actions is left alone', () => {
  test.each([
    ['one line', 'Next == C'],
    ['a conjunction', "Next ==\n    \\/ C /\\ x' = 1"],
    ['nested quantifiers', 'Next ==\n    \\/ \\E n \\in Nodes : \\E m \\in Nodes : A(n, m)'],
  ])('%s', async (_, next) => expect(await labels(next)).toBeUndefined());
});

test('a domain that is no set, and an argument that is not bound, are named', async () => {
  await expect(labels('Next ==\n    \\/ \\E n \\in Seven : A(n)')).rejects.toThrow('Seven is not a set, but 7');
  await expect(labels('Next ==\n    \\/ \\E n \\in Nodes : A(n, m)')).rejects.toThrow('argument m of A is not bound by its quantifier');
});
