/** `npm run faults:check [-- SEEDS]`: proves the catalogue over default seeds and writes what it found to docs and registry. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import writeFileAtomic from 'write-file-atomic';
import { catalogue, find } from './catalogue.js';
import { checkFaults, faultFigures, faultTable, isInert, whyInert } from './fault-check.js';

const SCENARIO = 'kelpie-cluster';
const SEEDS_DEFAULT = 1_000;
const PROGRESS_EVERY = 100;

const seeds = process.argv[2] === undefined ? SEEDS_DEFAULT : Number(process.argv[2]);
if (!Number.isSafeInteger(seeds) || seeds < 1) {
  console.error(`'${process.argv[2]}' is no number of seeds; give a whole number from 1`);
  process.exit(2);
}
const scenario = find('scenario', catalogue.scenarios, SCENARIO);
const checks = await checkFaults(catalogue.faults, scenario, seeds, (seed) => {
  if ((seed + 1) % PROGRESS_EVERY === 0) console.log(`${seed + 1} of ${seeds} seeds`);
});
const written = {
  [fileURLToPath(new URL('../../docs/faults.md', import.meta.url))]: faultTable(checks, scenario.id, seeds),
  [fileURLToPath(new URL('../../faults/checked.ts', import.meta.url))]: faultFigures(checks, scenario.id, seeds),
};
for (const [path, text] of Object.entries(written)) {
  await mkdir(dirname(path), { recursive: true });
  await writeFileAtomic(path, text);
}
const inert = checks.filter(isInert);
for (const check of inert) console.error(whyInert(check));
console.log(`${checks.length} faults checked over ${seeds} seeds; docs/faults.md and faults/checked.ts are written`);
process.exitCode = inert.length === 0 ? 0 : 1;
