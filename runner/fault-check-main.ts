/** `npm run faults:check [-- SEEDS]`: proves the catalogue over default seeds and writes what it found to docs and registry. */
import writeFileAtomic from 'write-file-atomic';
import { catalogue, find } from './catalogue.js';
import { checkFaults, faultTable, isInert } from './fault-check.js';

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
const root = new URL('../../', import.meta.url);
const figures = checks.map(({ id, seedsFired, potent }) => `  '${id}': { fired: ${seedsFired}, potent: ${potent} },`);
await writeFileAtomic(new URL('docs/faults.md', root).pathname, faultTable(checks, scenario.id, seeds));
await writeFileAtomic(
  new URL('faults/checked.ts', root).pathname,
  [
    `/** Figures of the last \`npm run faults:check\`, which writes this file: in how many of ${seeds} default seeds each fault fired, and in how many of up to five it mattered. */`,
    'export const checked: Readonly<Record<string, { readonly fired: number; readonly potent: number }>> = {',
    ...figures,
    '};',
    '',
  ].join('\n'),
);
const inert = checks.filter(isInert);
for (const { id, seedsDrawn, seedsFired } of inert)
  console.error(`inert: ${id} (drawn in ${seedsDrawn} seeds, fired in ${seedsFired}, never mattered)`);
console.log(`${checks.length} faults checked over ${seeds} seeds; docs/faults.md and faults/checked.ts are written`);
process.exitCode = inert.length === 0 ? 0 : 1;
