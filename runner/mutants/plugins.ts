/**
 * What Stryker takes from this project: a test runner whose tests are the runs of a storm, a checker that lets
 * through a sample of those mutants that compile, and a reporter that stores each result as it comes. The runner works inside one process, so that a mutant costs its runs and no
 * start, and tells which runs reach which mutants, so that the others are not run for it.
 */
import { readFileSync } from 'node:fs';
import { relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Checker, type CheckResult, CheckStatus } from '@stryker-mutator/api/check';
import {
  INSTRUMENTER_CONSTANTS,
  type InstrumenterContext,
  type Mutant,
  type MutantResult,
  type StrykerOptions,
} from '@stryker-mutator/api/core';
import { commonTokens, declareClassPlugin, PluginKind, tokens } from '@stryker-mutator/api/plugin';
import type { MutationTestingPlanReadyEvent, Reporter } from '@stryker-mutator/api/report';
import {
  determineHitLimitReached,
  type DryRunResult,
  DryRunStatus,
  type MutantRunOptions,
  type MutantRunResult,
  MutantRunStatus,
  type TestResult,
  type TestRunner,
  type TestRunnerCapabilities,
  TestStatus,
} from '@stryker-mutator/api/test-runner';
import { z } from 'zod';
import { CompileCheck } from './compile-check.js';
import { isDrawn, keyOf, type Mutation, originalAt, type Span } from './mutant.js';
import { digestOf, outcomeOf, ResultStore, SAMPLE_SCHEMA } from './results.js';
import { RunHashes } from './run-hashes.js';

/** What `mutants-main.ts` asks of these plugins, under the key `storm` of Stryker's options. */
const STORM_SCHEMA = z.strictObject({
  root: z.string(),
  folder: z.string(),
  runs: z.int().min(1),
  workers: z.int().min(1),
  sample: SAMPLE_SCHEMA,
  /** Keys of the only mutants that are run; all when empty. */
  only: z.array(z.string()).readonly(),
  /** Keys of mutants that are not run again. */
  known: z.array(z.string()).readonly(),
});
export type StormOptions = z.infer<typeof STORM_SCHEMA>;

/** Tells Stryker that the key is ours. */
export const strykerValidationSchema = { properties: { storm: { type: 'object' } } };

const stormOf = (options: StrykerOptions): StormOptions => STORM_SCHEMA.parse(options['storm']);

const isWanted = (key: string, { only, known, sample }: StormOptions): boolean =>
  (only.length > 0 ? only.includes(key) : isDrawn(key, sample)) && !known.includes(key);

/** Why a mutant was not run. Stryker knows no sample, and lets a checker alone keep single mutants back. */
const NOT_DRAWN = 'not in the sample';

/** Mutants that are compiled before the first of them is run. */
const CHECKED_TOGETHER = 48;

const ATTEMPT_MODULE = 'dist/runner/mutants/attempt.js';

type AttemptModule = typeof import('./attempt.js');

class StormRunner implements TestRunner {
  static readonly inject = tokens(commonTokens.options);
  readonly #storm: StormOptions;
  /** The same object that the mutated modules look at; whoever comes first makes it. */
  readonly #context: InstrumenterContext;
  readonly #hashes: RunHashes;

  constructor(options: StrykerOptions) {
    this.#storm = stormOf(options);
    this.#hashes = new RunHashes(this.#storm.folder);
    const global = globalThis as unknown as { [INSTRUMENTER_CONSTANTS.NAMESPACE]?: InstrumenterContext };
    this.#context = global[INSTRUMENTER_CONSTANTS.NAMESPACE] ??= {};
  }

  /** A module is loaded once in a process: Stryker starts a new one for a mutant that acts while its module is loaded. */
  capabilities(): TestRunnerCapabilities {
    return { reloadEnvironment: false };
  }

  async dryRun(): Promise<DryRunResult> {
    const context = this.#context;
    const { attempt } = await this.#load();
    const tests: TestResult[] = [];
    const hashes: string[] = [];
    for (let nth = 0; nth < this.#storm.runs; nth++) {
      const id = String(nth);
      context.currentTestId = id;
      const begunMs = performance.now();
      const { scenario, seed, failed, detail, traceHash } = await attempt(nth);
      hashes.push(traceHash);
      delete context.currentTestId;
      const test = { id, name: `${scenario} ${seed}`, timeSpentMs: performance.now() - begunMs };
      // A run that fails without any mutant tells nothing of one; Stryker runs no skipped test again.
      if (failed === null) tests.push({ ...test, status: TestStatus.Success });
      else {
        tests.push({ ...test, status: TestStatus.Skipped });
        delete context.mutantCoverage?.perTest[id];
        console.error(`mutants: ${test.name} is left out, it fails without any mutant: ${failed}, ${detail}`);
      }
    }
    this.#hashes.keep(hashes);
    const mutantCoverage = context.mutantCoverage ?? { static: {}, perTest: {} };
    return { status: DryRunStatus.Complete, tests, mutantCoverage };
  }

  async mutantRun({ activeMutant, testFilter, hitLimit, mutantActivation }: MutantRunOptions): Promise<MutantRunResult> {
    const context = this.#context;
    delete context.activeMutant;
    if (mutantActivation === 'static') context.activeMutant = activeMutant.id;
    let module: AttemptModule;
    try {
      module = await this.#load();
    } catch (error) {
      return killed(0, 'none', 'load', String(error));
    }
    context.activeMutant = activeMutant.id;
    context.hitCount = 0;
    if (hitLimit === undefined) delete context.hitLimit;
    else context.hitLimit = hitLimit;
    const wanted = testFilter === undefined ? undefined : new Set(testFilter);
    let runs = 0;
    let differing = 0;
    for (let nth = 0; nth < this.#storm.runs; nth++) {
      if (wanted?.has(String(nth)) === false) continue;
      runs++;
      const { scenario, seed, failed, detail, traceHash } = await module.attempt(nth);
      if (determineHitLimitReached(context.hitCount, hitLimit) !== undefined) {
        return killed(runs, String(nth), 'hang', `${scenario} ${seed}: it comes by the mutant again and again`);
      }
      if (failed !== null) return killed(runs, String(nth), failed, `${scenario} ${seed}: ${detail}`);
      if (traceHash !== this.#hashes.kept(nth)) differing++;
    }
    this.#hashes.tell(activeMutant.id, differing);
    return { status: MutantRunStatus.Survived, nrOfTests: runs };
  }

  /** The working folder of this process is the sandbox. */
  #load(): Promise<AttemptModule> {
    return import(pathToFileURL(resolve(ATTEMPT_MODULE)).href) as Promise<AttemptModule>;
  }
}

/** The message's first line is what broke, for the reporter to read. */
function killed(nrOfTests: number, test: string, by: string, detail: string): MutantRunResult {
  return { status: MutantRunStatus.Killed, killedBy: [test], failureMessage: `${by}\n${detail}`, nrOfTests };
}

class SampleChecker implements Checker {
  static readonly inject = tokens(commonTokens.options);
  readonly #storm: StormOptions;
  readonly #texts = new Texts();

  constructor(options: StrykerOptions) {
    this.#storm = stormOf(options);
  }

  async init(): Promise<void> {}

  /** In parts, so that the first of them run while the others are still compiled. Those that nobody asked for are a part of their own. */
  async group(mutants: readonly Mutant[]): Promise<string[][]> {
    const wanted = mutants.filter((mutant) => isWanted(this.#keyOf(mutant), this.#storm));
    const groups = [mutants.filter((mutant) => !wanted.includes(mutant))];
    for (let at = 0; at < wanted.length; at += CHECKED_TOGETHER) groups.push(wanted.slice(at, at + CHECKED_TOGETHER));
    return groups.filter((group) => group.length > 0).map((group) => group.map(({ id }) => id));
  }

  async check(mutants: readonly Mutant[]): Promise<Record<string, CheckResult>> {
    const { root, folder } = this.#storm;
    const wanted = mutants.filter((mutant) => isWanted(this.#keyOf(mutant), this.#storm));
    const refused = new Map<Mutant, string | undefined>();
    if (wanted.length > 0) {
      const compileCheck = new CompileCheck(root, folder);
      try {
        for (const [at, refusal] of compileCheck.refusals(wanted.map((mutant) => mutationOf(mutant, root, 0))).entries()) {
          const mutant = wanted[at];
          if (mutant !== undefined) refused.set(mutant, refusal);
        }
      } finally {
        compileCheck.remove();
      }
    }
    const resultOf = (mutant: Mutant): CheckResult => {
      const reason = refused.has(mutant) ? refused.get(mutant) : NOT_DRAWN;
      return reason === undefined ? { status: CheckStatus.Passed } : { status: CheckStatus.CompileError, reason };
    };
    return Object.fromEntries(mutants.map((mutant) => [mutant.id, resultOf(mutant)]));
  }

  #keyOf(mutant: Mutant): string {
    return keyOf(mutationOf(mutant, this.#storm.root, 0), this.#texts.of(mutant.fileName));
  }
}

/** Stryker asks for results one by one, and may be interrupted: what has been found is kept. */
class StoringReporter implements Reporter {
  static readonly inject = tokens(commonTokens.options);
  readonly #storm: StormOptions;
  readonly #store: ResultStore;
  readonly #hashes: RunHashes;
  readonly #texts = new Texts();
  #lastMs = performance.now();
  #drawn = 0;
  #done = 0;

  constructor(options: StrykerOptions) {
    this.#storm = stormOf(options);
    this.#store = ResultStore.read(this.#storm.folder);
    this.#hashes = new RunHashes(this.#storm.folder);
  }

  onMutationTestingPlanReady({ mutantPlans }: MutationTestingPlanReadyEvent): void {
    const { root } = this.#storm;
    const keys = new Map<string, string[]>();
    for (const { mutant } of mutantPlans) {
      const key = keyOf(mutationOf(mutant, root, 0), this.#texts.of(mutant.fileName));
      keys.set(mutant.fileName, [...(keys.get(mutant.fileName) ?? []), key]);
      if (isWanted(key, this.#storm)) this.#drawn++;
    }
    for (const [fileName, own] of keys) this.#store.note(pathIn(root, fileName), own, this.#texts.of(fileName));
    console.log(`${mutantPlans.length} mutants, ${this.#drawn} of them are run`);
    this.#lastMs = performance.now();
  }

  onMutantTested(result: Readonly<MutantResult>): void {
    if (result.statusReason === NOT_DRAWN) return;
    const { root, runs, workers, only } = this.#storm;
    const nowMs = performance.now();
    const seconds = (workers * (nowMs - this.#lastMs)) / 1_000;
    this.#lastMs = nowMs;
    const mutation = mutationOf(result, root, 1);
    const text = this.#texts.of(resolve(root, mutation.file));
    const key = keyOf(mutation, text);
    const outcome = outcomeOf(result, () => this.#hashes.taken(result.id));
    const { start } = mutation.span;
    const sample = only.length > 0 ? null : this.#storm.sample;
    this.#store.put({
      key,
      ...mutation,
      original: originalAt(text, mutation.span),
      digest: digestOf(text),
      ...outcome,
      runs,
      sample,
      seconds,
    });
    this.#done++;
    const told =
      outcome.status === 'killed'
        ? `killed by ${outcome.by} in run ${outcome.attempts}`
        : outcome.status === 'survived'
          ? `survived ${outcome.attempts} runs, ${outcome.differing} of them another trace`
          : outcome.status;
    console.log(
      `${this.#done}/${this.#drawn} ${key} ${mutation.file}:${start.line + 1} ${mutation.mutator}: ${told}, ${seconds.toFixed(1)} s`,
    );
  }
}

/** Stryker counts from 0 in plans, and from 1 in results. */
function mutationOf({ fileName, mutatorName, location, replacement }: Mutant, root: string, base: 0 | 1): Mutation {
  const at = ({ line, column }: { readonly line: number; readonly column: number }): Span['start'] => ({
    line: line - base,
    column: column - base,
  });
  return {
    file: pathIn(root, fileName),
    mutator: mutatorName,
    span: { start: at(location.start), end: at(location.end) },
    replacement,
  };
}

const pathIn = (root: string, path: string): string => relative(root, resolve(root, path)).split(sep).join('/');

/** Source files, each read once. */
class Texts {
  readonly #read = new Map<string, string>();
  of(path: string): string {
    const text = this.#read.get(path) ?? readFileSync(path, 'utf8');
    this.#read.set(path, text);
    return text;
  }
}

export const strykerPlugins = [
  declareClassPlugin(PluginKind.TestRunner, 'storm', StormRunner),
  declareClassPlugin(PluginKind.Checker, 'sample', SampleChecker),
  declareClassPlugin(PluginKind.Reporter, 'stored', StoringReporter),
];
