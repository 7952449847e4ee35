/** What every command does that simulates: the specs are explored before its threads start, and those who wait are told why. */
import { catalogue } from '../catalogue.js';
import { prepareGraphs } from './trackers.js';

/** Rejects as `ModelChecker.graph` does. */
export function exploreFirst(signal: AbortSignal): Promise<void> {
  const onExplore = (module: string): void => console.error(`kelpie-dst: exploring ${module}, once on this machine`);
  return prepareGraphs(catalogue.mappings ?? [], { onExplore, signal });
}
