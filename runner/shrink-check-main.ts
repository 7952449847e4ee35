/** `npm run shrink:check [-- SEEDS]`: makes the first failure of every known bug small, and writes how small to docs. */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import writeFileAtomic from 'write-file-atomic';
import { counted } from '../reports/text.js';
import { EXIT } from '../src/run.js';
import { catalogue } from './catalogue.js';
import { exploreFirst } from './conformance/explore-first.js';
import { interruptible } from './interrupt.js';
import { corpusPage, FAULTS_AIM, mediansOf, OPERATIONS_AIM, shrinkCorpus, type ShrunkBug } from './shrink/corpus.js';

const SEEDS_DEFAULT = 10;
const FROM = 1_000_000;

const seeds = process.argv[2] === undefined ? SEEDS_DEFAULT : Number(process.argv[2]);
if (!Number.isSafeInteger(seeds) || seeds < 1) {
  console.error(`'${process.argv[2]}' is no number of seeds; give a whole number from 1`);
  process.exit(EXIT.usage);
}

const told = ({ id, found }: ShrunkBug): string =>
  found === undefined
    ? `${id}: no failure in ${seeds} seeds`
    : `${id}: ${counted(found.from.operations, 'operation')} and ${counted(found.from.faults, 'fault')} -> ${found.to.operations} and ${found.to.faults}, ${counted(found.runs, 'run')}, ${found.seconds.toFixed(1)} s`;

process.exitCode = await interruptible(async (signal) => {
  await exploreFirst(signal);
  const options = { catalogue, seeds, from: FROM, workers: availableParallelism(), signal };
  const rows = await shrinkCorpus(catalogue.bugs, options, (row) => console.log(told(row)));
  const untried = catalogue.bugs.slice(rows.length).map(({ id }) => id);
  const page = corpusPage(rows, { from: FROM, seeds, scenarios: catalogue.scenarios.length, untried });
  await writeFileAtomic(fileURLToPath(new URL('../../docs/shrink.md', import.meta.url)), page);
  const { operations, faults } = mediansOf(rows);
  console.log(`left at the median: ${counted(operations, 'operation')} and ${counted(faults, 'fault')}; docs/shrink.md is written`);
  if (signal.aborted) return EXIT.interrupted;
  return operations <= OPERATIONS_AIM && faults <= FAULTS_AIM ? EXIT.clean : EXIT.bug;
});
