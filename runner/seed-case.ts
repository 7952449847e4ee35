/** The case of a seed, as `shrink` and `replay` take one in place of a file. */
import type { Case } from '../src/run.js';
import { catalogue, DEFAULT_SCENARIO, find } from './catalogue.js';
import { draw } from './draw.js';
import { once } from './flags.js';
import { parseSeed } from './seed.js';
import { UsageError } from './usage-error.js';

export const SEED_CASE_FLAGS = {
  scenario: { type: 'string', describe: `Scenario of a seed; ${DEFAULT_SCENARIO} when left out`, coerce: once('scenario') },
  bug: { type: 'string', describe: "Known bug of a seed ('list bugs')", coerce: once('bug') },
} as const;

interface SeedCaseArguments {
  readonly scenario: string | undefined;
  readonly bug: string | undefined;
}

export function seedCase(seed: string, { scenario: scenarioId, bug }: SeedCaseArguments): Case {
  const scenario = find('scenario', catalogue.scenarios, scenarioId ?? DEFAULT_SCENARIO);
  const bugId = bug === undefined ? undefined : find('bug', catalogue.bugs, bug).id;
  return draw(parseSeed(seed), scenario, { faults: catalogue.faults, ...(bugId === undefined ? {} : { bug: bugId }) });
}

/** Throws UsageError for flags that are of seeds only. */
export function refuseSeedFlags(path: string, { scenario, bug }: SeedCaseArguments): void {
  if (scenario === undefined && bug === undefined) return;
  throw new UsageError(`'${path}' is a file, which says its scenario and bug itself; leave --scenario and --bug out`);
}

/** The flags that name the scenario and the bug of a case, as far as they are not the normal ones. */
export const seedFlagsOf = ({ scenario, bug }: Case): readonly string[] => [
  ...(scenario === DEFAULT_SCENARIO ? [] : [`--scenario ${scenario}`]),
  ...(bug === undefined ? [] : [`--bug ${bug}`]),
];
