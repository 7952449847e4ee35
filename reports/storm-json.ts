/** A storm as one JSON document. */
import type { StormReporter } from './reporter.js';

export const stormJson: StormReporter = {
  id: 'storm-json',
  report: (storm) => `${JSON.stringify(storm, undefined, 2)}\n`,
};
