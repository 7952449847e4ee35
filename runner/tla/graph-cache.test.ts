import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cachedGraph, graphDigest } from './graph-cache.js';
import type { Model, ModelChecker } from './model-checker.js';
import { StateGraph } from './state-graph.js';

const model: Model = { module: 'M', source: 'module text', configName: 'M.cfg', config: 'config text' };

const graph = StateGraph.build({
  module: 'M',
  states: [{ x: 0 }, { x: { $set: ['a'] } }],
  initial: [0],
  actions: [{ name: 'Up', args: ['n1'], label: 'Up("n1")' }],
  steps: [[0, 0, 1]],
});

let folder: string;
let explored = 0;
const checker: ModelChecker = {
  name: 'embedded',
  check: () => Promise.reject(new Error('a graph is asked for, not a check')),
  graph: () => {
    explored++;
    return Promise.resolve(graph);
  },
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kelpie-dst-graphs-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('a graph is explored once, and again when its file is damaged', async () => {
  const first = await cachedGraph(model, { folder, checker });
  const second = await cachedGraph(model, { folder, checker });
  expect(explored).toBe(1);
  expect(second.toStored()).toEqual(first.toStored());
  const [file = ''] = readdirSync(folder);
  const bytes = readFileSync(join(folder, file));
  bytes[bytes.length - 6] = (bytes[bytes.length - 6] ?? 0) ^ 1;
  writeFileSync(join(folder, file), bytes);
  expect((await cachedGraph(model, { folder, checker })).toStored()).toEqual(first.toStored());
  expect(explored).toBe(2);
});

test('whatever changes the model changes the name of the file', () => {
  const digests = [model, { ...model, source: 'other' }, { ...model, config: 'other' }, { ...model, module: 'N' }].map(graphDigest);
  expect(new Set(digests).size).toBe(4);
  expect(graphDigest({ ...model, configName: 'other.cfg' })).toBe(digests[0]);
});

test('a folder that cannot be written costs only time', async () => {
  writeFileSync(join(folder, 'plain'), '');
  expect((await cachedGraph(model, { folder: join(folder, 'plain'), checker })).steps).toBe(1);
});
