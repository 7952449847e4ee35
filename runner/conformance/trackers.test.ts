import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { mappings } from '../../specs/index.js';
import type { ModelChecker } from '../tla/model-checker.js';
import { StateGraph } from '../tla/state-graph.js';
import { prepareGraphs } from './trackers.js';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'kelpie-dst-trackers-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const checkerOf = (graph: ModelChecker['graph']): ModelChecker => ({
  name: 'embedded',
  check: () => Promise.reject(new Error('graphs are asked for, not checks')),
  graph,
});
const graphOf = (module: string): StateGraph =>
  StateGraph.build({ module, states: [{ x: 0 }], initial: [0], actions: [{ name: 'Stay', args: [], label: 'Stay' }], steps: [[0, 0, 0]] });
const modules = mappings.map(({ module }) => module).sort();

test('every model is explored once, and what lies on the disk is not', async () => {
  const told: string[] = [];
  const checker = checkerOf(({ module }) => Promise.resolve(graphOf(module)));
  const options = { folder, checker, onExplore: (module: string) => void told.push(module) };
  await prepareGraphs(mappings, options);
  expect([...told].sort()).toEqual(modules);
  expect(readdirSync(folder).length).toBe(modules.length);
  await prepareGraphs(mappings, options);
  expect(told.length).toBe(modules.length);
});

test('one that fails ends those under way, and none begins after it', async () => {
  let begun = 0;
  const ends: unknown[] = [];
  const checker = checkerOf(async (_, { signal } = {}) => {
    begun++;
    if (begun === 1) {
      await new Promise((go) => setTimeout(go, 10));
      throw new Error('a model that cannot be explored');
    }
    return new Promise((_resolve, reject) => {
      signal?.addEventListener('abort', () => {
        ends.push(signal.reason);
        reject(signal.reason as Error);
      });
    });
  });
  await expect(prepareGraphs(mappings, { folder, checker, onExplore: () => {} })).rejects.toThrow('a model that cannot be explored');
  expect(begun).toBeLessThan(modules.length);
  expect(ends.length).toBe(begun - 1);
});

test('it ends with the reason of its signal', async () => {
  const ending = new AbortController();
  const checker = checkerOf(({ module }) => {
    ending.abort(new Error('enough'));
    return Promise.resolve(graphOf(module));
  });
  await expect(prepareGraphs(mappings, { folder, checker, signal: ending.signal, onExplore: () => {} })).rejects.toThrow('enough');
});
