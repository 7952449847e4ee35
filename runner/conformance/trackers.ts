/** From the mappings of a catalogue to trackers: graphs are explored once on a machine, and loaded once in a thread. */
import { availableParallelism } from 'node:os';
import type { Mapping } from '../../specs/mapping.js';
import { type CacheOptions, cachedGraph, hasGraph } from '../tla/graph-cache.js';
import type { Model } from '../tla/model-checker.js';
import { readSpecs } from '../tla/spec-catalogue.js';
import { Tracker } from './tracker.js';

const made = new WeakMap<readonly Mapping[], Promise<readonly Tracker[]>>();

/**
 * The trackers of this thread, in the order of the mappings; made on the first call. Rejects as `ModelChecker.graph` does, and with a
 * RangeError for a mapping that does not fit its spec.
 */
export function trackersOf(mappings: readonly Mapping[]): Promise<readonly Tracker[]> {
  const known = made.get(mappings);
  if (known !== undefined) return known;
  const making = makeTrackers(mappings);
  made.set(mappings, making);
  // What failed is tried again when it is asked for again.
  making.catch(() => made.delete(mappings));
  return making;
}

async function makeTrackers(mappings: readonly Mapping[]): Promise<readonly Tracker[]> {
  const trackers: Tracker[] = [];
  for (const { mapping, model } of withModels(mappings)) trackers.push(new Tracker(await cachedGraph(model), mapping));
  return trackers;
}

/** The tracker of one mapping, for a thread that needs no other. Rejects as `trackersOf` does. */
export async function trackerOf(mapping: Mapping): Promise<Tracker> {
  const [only] = await makeTrackers([mapping]);
  return only as Tracker; // one for each mapping
}

/**
 * Explores what this machine has not explored yet, so that the threads which are started next find it, and do not all explore the same; as
 * many models at once as there are processors. `onExplore` is called before each. Rejects as `ModelChecker.graph` does, after all have ended.
 */
export async function prepareGraphs(
  mappings: readonly Mapping[],
  { onExplore, signal, ...cache }: { readonly onExplore: (module: string) => void } & Pick<CacheOptions, 'checker' | 'folder' | 'signal'>,
): Promise<void> {
  const failing = new AbortController();
  const ends = signal === undefined ? failing.signal : AbortSignal.any([signal, failing.signal]);
  const models = withModels(mappings).values();
  const explore = async (): Promise<void> => {
    for (const { mapping, model } of models) {
      ends.throwIfAborted();
      if (await hasGraph(model, cache)) continue;
      onExplore(mapping.module);
      await cachedGraph(model, { ...cache, signal: ends });
    }
  };
  const lanes = Array.from({ length: availableParallelism() }, () => explore());
  for (const lane of lanes) lane.catch((error: unknown) => failing.abort(error));
  await Promise.allSettled(lanes);
  await Promise.all(lanes);
}

function withModels(mappings: readonly Mapping[]): readonly { readonly mapping: Mapping; readonly model: Model }[] {
  const specs = readSpecs();
  return mappings.map((mapping) => {
    const spec = specs.find(({ module }) => module === mapping.module);
    if (spec === undefined) throw new RangeError(`there is a mapping of ${mapping.module}, and no such module in specs/`);
    return { mapping, model: spec.good.model };
  });
}
