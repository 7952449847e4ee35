/** Every scenario there is. A file that is missing here fails a test. */
import { kelpieCluster } from './kelpie-cluster.js';
import type { Scenario } from './scenario.js';

// Each scenario hands its own kind of parts to its own programs; nobody else looks into them.
export const scenarios: readonly Scenario[] = [kelpieCluster];
