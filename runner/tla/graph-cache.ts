/** State graphs on disk, under a digest of what they were made from: a storm explores each model once, whatever number of threads it has. */
import { createHash } from 'node:crypto';
import { access, mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { embeddedChecker } from './embedded.js';
import type { CheckOptions, Model, ModelChecker } from './model-checker.js';
import { StateGraph, type StoredGraph } from './state-graph.js';
import { installedJar } from './tlc.js';

/** Grows whenever the form of the file does, or the way in which steps are named. */
const FORMAT = 2;

const storedGraph = z.object({
  module: z.string(),
  variables: z.array(z.string()),
  values: z.array(z.unknown()),
  states: z.array(z.array(z.number())),
  initial: z.array(z.number()),
  actions: z.array(z.object({ name: z.string(), args: z.array(z.unknown()), label: z.string() })),
  offsets: z.array(z.number()),
  stepActions: z.array(z.number()),
  stepTargets: z.array(z.number()),
});

export interface CacheOptions extends CheckOptions {
  /** Where graphs lie; beside the installed TLC when absent. */
  readonly folder?: string;
  /** Who explores what is not there yet; the embedded engine when absent. Both number states and steps alike. */
  readonly checker?: ModelChecker;
}

/** Name of the file of a model's graph. */
export function graphDigest({ module, source, config }: Model): string {
  return createHash('sha256')
    .update(JSON.stringify([FORMAT, module, source, config]))
    .digest('hex');
}

const pathOf = (model: Model, folder = join(dirname(installedJar()), 'graphs')): string => join(folder, `${graphDigest(model)}.json.gz`);

/** Whether the graph lies on the disk; it is not looked into. */
export async function hasGraph(model: Model, { folder }: Pick<CacheOptions, 'folder'> = {}): Promise<boolean> {
  try {
    await access(pathOf(model, folder));
    return true;
  } catch {
    return false;
  }
}

/** The graph from the disk, or explored and stored. Rejects as `ModelChecker.graph` does. */
export async function cachedGraph(model: Model, options: CacheOptions = {}): Promise<StateGraph> {
  const { folder, checker = embeddedChecker } = options;
  const path = pathOf(model, folder);
  const stored = await load(path);
  if (stored !== undefined) return stored;
  const graph = await checker.graph(model, options);
  await store(path, graph);
  return graph;
}

/** Undefined when there is no whole graph: it is made again then. */
async function load(path: string): Promise<StateGraph | undefined> {
  try {
    // The compression carries a checksum, so a damaged file does not get as far as the schema.
    const parsed = storedGraph.parse(JSON.parse(gunzipSync(await readFile(path)).toString('utf8')));
    return StateGraph.fromStored(parsed as StoredGraph);
  } catch {
    return undefined;
  }
}

async function store(path: string, graph: StateGraph): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFileAtomic(path, gzipSync(JSON.stringify(graph.toStored())));
  } catch {
    // A folder that cannot be written costs time in the next run, nothing else.
  }
}
