/** The embedded engine on small models: every verdict, every way to have none. */
import { describe, expect, test } from 'vitest';
import { checksSmallModels, COUNTER, smallModel } from '../fixtures/small-models.js';
import { embeddedChecker } from './embedded.js';
import { DEFAULT_BOUNDS, type ModelCheckErrorCode } from './model-checker.js';

describe('check', () => {
  checksSmallModels(embeddedChecker);

  test('a state without a step is a deadlock, unless the configuration allows it', async () => {
    const stuck = "Init == x = 0\nStep == x < 1 /\\ x' = 1\nNext ==\n    \\/ Step\n";
    expect(await embeddedChecker.check(smallModel(stuck, ''))).toMatchObject({ verdict: 'deadlock', depth: 2 });
    expect(await embeddedChecker.check(smallModel(stuck, 'CHECK_DEADLOCK FALSE\n'))).toMatchObject({ verdict: 'holds', distinctStates: 2 });
  });

  test('a Next that is no list of actions is checked all the same, with steps that have no name', async () => {
    const result = await embeddedChecker.check(smallModel("Init == x = 0\nNext == x' = x + 1\nSmall == x < 2", 'INVARIANT Small\n'));
    expect(result).toMatchObject({ verdict: 'violated', depth: 3 });
    expect(result.trace.map(({ action }) => action)).toEqual([null, null, null]);
  });
});

describe('graph', () => {
  test('has all states and labelled steps', async () => {
    const graph = await embeddedChecker.graph(smallModel(COUNTER, ''));
    expect(graph.states.map(({ x }) => x)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(graph.initial).toEqual([0]);
    expect(graph.steps).toBe(5 + 4 + 1);
    expect(graph.stepsOf(3, graph.actionIdOf('Up', [2]) ?? -1).map((step) => graph.targetOf(step))).toEqual([5]);
    expect(graph.enabled(5).map((action) => graph.actions[action]?.label)).toEqual(['Reset']);
  });

  test('is refused where an invariant fails, for it would not be whole', async () => {
    await expect(embeddedChecker.graph(smallModel(COUNTER, 'INVARIANT Small\n'))).rejects.toMatchObject({
      code: 'violated',
      message: 'M.cfg: Small fails, so the graph of M is not whole',
    });
  });

  test('is refused where steps have no names', async () => {
    await expect(embeddedChecker.graph(smallModel("Init == x = 0\nNext == x' = x", ''))).rejects.toMatchObject({ code: 'unsupported' });
  });
});

describe('no verdict:', () => {
  const refused: readonly (readonly [string, string, string, ModelCheckErrorCode, RegExp])[] = [
    ['a module that is not TLA+', "Init == x = 0\nNext ==\n    \\/ x' = (1 +", '', 'parse', /^M\.tla:\d+:\d+: /],
    ['an invariant that is not there', COUNTER, 'INVARIANT Nope\n', 'config', /M\.cfg: .*Nope/],
    ['a constant without a value', `CONSTANT N\n${COUNTER}`, '', 'config', /M\.cfg: .*N/],
    ['an expression without a value', "Init == x = 0\nNext == x' = 1 % x", '', 'evaluation', /^M\.tla with M\.cfg: /],
    [
      'a temporal property',
      `${COUNTER}\nLive == <>(x = 5)`,
      'PROPERTY Live\n',
      'unsupported',
      /M\.cfg has temporal properties \(Live\), which TLC alone checks/,
    ],
  ];
  test.each(refused)('%s', async (_, body, config, code, message) => {
    await expect(embeddedChecker.check(smallModel(body, config))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
  });

  const WIDE = smallModel("Init == x = 0\nNext == \\E n \\in 1..3 : x' = (x * 3 + n) % 2000003", '');

  test('more states than the bound', async () => {
    await expect(embeddedChecker.check(WIDE, { bounds: { ...DEFAULT_BOUNDS, states: 1_000 } })).rejects.toMatchObject({
      code: 'states-bound',
    });
  });

  test('more time than the bound: the search is ended from outside', async () => {
    const begun = performance.now();
    await expect(embeddedChecker.check(WIDE, { bounds: { ...DEFAULT_BOUNDS, states: 10_000_000, seconds: 0.5 } })).rejects.toMatchObject({
      code: 'time-bound',
      message: 'the embedded model checker did not finish within 0.5 s',
    });
    expect(performance.now() - begun).toBeLessThan(10_000);
  });

  test('more memory than the bound: the engine ends and the process lives', async () => {
    await expect(embeddedChecker.check(WIDE, { bounds: { states: 10_000_000, seconds: 60, megabytes: 16 } })).rejects.toMatchObject({
      code: 'memory-bound',
      message: 'the embedded model checker needs more than 16 MB',
    });
  });

  test('aborted before and while it works', async () => {
    const reason = new Error('enough');
    await expect(embeddedChecker.check(WIDE, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const pending = embeddedChecker.check(WIDE, { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 300);
    await expect(pending).rejects.toBe(reason);
  });
});
