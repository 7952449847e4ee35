/** `npm run mutants`: lets Stryker change the runtime, one place at a time, and a storm look for it; writes docs/mutants.md. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Stryker } from '@stryker-mutator/core';
import writeFileAtomic from 'write-file-atomic';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { EXIT } from '../../src/run.js';
import { exploreFirst } from '../conformance/explore-first.js';
import { interruptible } from '../interrupt.js';
import { UsageError } from '../usage-error.js';
import { criticalFiles, SUBJECTS, testsOf } from './critical.js';
import { parseSample } from './mutant.js';
import { drawnOf, mutantsPage, plainScore, scoreOfPromises, scoreWithTests, staleVerdicts, tallyOf, unread } from './page.js';
import type { StormOptions } from './plugins.js';
import { digestOf, type MutantResult, ResultStore } from './results.js';
import { TestResults } from './test-results.js';
import { TestsBeside } from './tests-beside.js';
import { verdicts } from './verdicts.js';

const RUNS_DEFAULT = 100;
/** A worker that has not come back by then is ended, and the mutant counts as a hang. On top of this many times what its runs took without it. */
const TIMEOUT_MS = 60_000;
const TIMEOUT_FACTOR = 5;
const DRY_RUN_MINUTES_MAX = 60;

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = join(root, '.kelpie-dst', 'mutants');

const flags = yargs(hideBin(process.argv))
  .scriptName('npm run mutants --')
  .strict()
  .options({
    files: { type: 'string', array: true, describe: `parts to mutate: ${SUBJECTS.join(', ')}; all when absent` },
    sample: { type: 'string', default: '1', describe: 'ONE_IN[/SEED]: run one mutant in so many, drawn from a seed' },
    only: { type: 'string', array: true, describe: 'run the mutants with these keys alone' },
    new: { type: 'boolean', default: false, describe: 'leave out mutants whose result is known, to make a sample larger step by step' },
    runs: { type: 'number', default: RUNS_DEFAULT, describe: 'runs of the storm against each mutant' },
    workers: { type: 'number', default: 1, describe: 'mutants at a time' },
    tests: {
      type: 'boolean',
      default: false,
      describe: 'run no storm, but the tests beside the runtime against survivors that they have not run against, or those of --only',
    },
    page: { type: 'boolean', default: false, describe: 'run nothing; write the page again, after verdicts have changed' },
  })
  .parseSync();

const isCount = (number: number): boolean => Number.isSafeInteger(number) && number >= 1;

/** What the flags ask for. Throws UsageError. */
function asked(): { readonly files: readonly string[]; readonly storm: StormOptions } {
  const sample = parseSample(flags.sample);
  if (sample === undefined) throw new UsageError(`--sample ${flags.sample}: give ONE_IN or ONE_IN/SEED, such as 40/7`);
  if (!isCount(flags.runs)) throw new UsageError(`--runs ${flags.runs}: give a whole number from 1`);
  if (!isCount(flags.workers)) throw new UsageError(`--workers ${flags.workers}: give a whole number from 1`);
  const only = (flags.only ?? []).flatMap((keys) => keys.split(','));
  const files = criticalFiles(flags.files?.flatMap((names) => names.split(',')));
  const known = flags.new
    ? ResultStore.read(folder)
        .current(textOf)
        .results.map(({ key }) => key)
    : [];
  return { files, storm: { root, folder, runs: flags.runs, workers: flags.workers, sample, only, known } };
}

async function mutate(files: readonly string[], storm: StormOptions): Promise<void> {
  process.chdir(root);
  await new Stryker({
    mutate: [...files],
    plugins: [resolve(import.meta.dirname, 'plugins.js')],
    testRunner: 'storm',
    checkers: ['sample'],
    reporters: ['stored'],
    storm,
    buildCommand: 'node build.js',
    coverageAnalysis: 'perTest',
    concurrency: storm.workers,
    disableTypeChecks: 'src/kelpie/**/*.ts',
    // TypeScript 7 has no programming interface to rewrite its configuration with, and ours names nothing outside of the sandbox.
    tsconfigFile: 'no-tsconfig.json',
    ignorePatterns: ['dist', 'dist.*', 'docs', 'bench', '.ci', '.github', '.kelpie-dst', 'kelpie-dst-failures', '*.test.ts'],
    cleanTempDir: 'always',
    timeoutMS: TIMEOUT_MS,
    timeoutFactor: TIMEOUT_FACTOR,
    dryRunTimeoutMinutes: DRY_RUN_MINUTES_MAX,
    allowConsoleColors: false,
    // Else it tells of mutants that are slow to load; there are few, and the page shows the time.
    warnings: { slow: false, unknownOptions: true, preprocessorErrors: true, unserializableOptions: true },
  }).runMutationTest();
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(join(root, file), 'utf8');
  } catch {
    return undefined;
  }
}

/** Of the texts that the files have now. */
const digestsOf = (): ReadonlyMap<string, string> => new Map(criticalFiles().map((file) => [file, digestOf(textOf(file) ?? '')]));

const testResultsOf = (results: readonly MutantResult[]): TestResults => TestResults.read(folder, new Set(results.map(({ key }) => key)));

/** Needs no storm to be at rest: results are read once, and what is found is kept apart from them. */
async function runTests(only: readonly string[], signal: AbortSignal): Promise<void> {
  const { results } = ResultStore.read(folder).current(textOf);
  const known = testResultsOf(results);
  const wanted = results.filter(
    ({ key, status }) =>
      (status === 'survived' || status === 'unreached') && (only.length > 0 ? only.includes(key) : known.killer(key) === undefined),
  );
  console.log(`${wanted.length} survivors`);
  if (wanted.length === 0) return;
  const tests = new TestsBeside(root, folder, testsOf);
  try {
    for (const [at, { key, file, mutator, span, replacement }] of wanted.entries()) {
      if (signal.aborted) return;
      const killer = await tests.killer({ file, mutator, span, replacement });
      known.put(key, killer);
      console.log(`${at + 1}/${wanted.length} ${key} ${file}:${span.start.line + 1} ${mutator}: ${killer ?? 'all tests pass'}`);
    }
  } finally {
    tests.remove();
  }
}

async function writePage(): Promise<void> {
  const { keys, results } = ResultStore.read(folder).current(textOf);
  const tests = testResultsOf(results);
  const judged = tests.over(verdicts);
  await writeFileAtomic(join(root, 'docs', 'mutants.md'), mutantsPage({ keys, results, digests: digestsOf(), verdicts: judged }));
  const tally = tallyOf(drawnOf({ keys, results }), judged);
  console.log(
    `${tally.killed} of ${tally.run} mutants are killed by the storm (${plainScore(tally) ?? '-'} %; ${scoreOfPromises(tally) ?? '-'} % without equivalent ones, ${scoreWithTests(tally) ?? '-'} % with unit tests); docs/mutants.md is written`,
  );
  const survivors = unread(results, judged);
  if (survivors.length > 0) console.error(`nobody has read ${survivors.map(({ key }) => key).join(', ')}; write verdicts on them`);
  for (const { key, why } of tests.refuted(verdicts)) console.error(`tests beside the file let ${key} live (${why}); read it again`);
  // A part alone says nothing of the verdicts on the others.
  if (criticalFiles().every((file) => keys.has(file))) {
    for (const { key, why } of staleVerdicts(verdicts, keys))
      console.error(`no file has mutant ${key} any more (${why}); read its successor`);
  }
}

try {
  process.exitCode = await interruptible(async (signal) => {
    const { files, storm } = asked();
    if (flags.tests) await runTests(storm.only, signal);
    else if (!flags.page) {
      await exploreFirst(signal);
      await mutate(files, storm);
    }
    await writePage();
    return EXIT.clean;
  });
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = EXIT.usage;
}
