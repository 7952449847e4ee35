/**
 * Whether the tests beside the runtime find a mutant that the storm has let live: a verdict that says so is then measured, not believed.
 * They run on a copy of the project with the one change.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative, sep } from 'node:path';
import { z } from 'zod';
import { mutated, type Mutation } from './mutant.js';

/** Of the copy they need none; the packages are found in a folder above. */
const NOT_COPIED = new Set(['node_modules', 'dist', 'docs', '.git', '.kelpie-dst', '.stryker-tmp', 'kelpie-dst-failures']);
/** A mutant that keeps the tests from ending is ended here; without one they take a tenth of it. */
const RUN_MS_MAX = 300_000;
/** Of one test: a machine that is busy with a storm as well must not look like a mutant. */
const TEST_MS_MAX = 60_000;
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');

const REPORT = z.object({ testResults: z.array(z.object({ name: z.string(), status: z.string() })) });

export class TestsBeside {
  readonly #folder: string;
  readonly #testsOf: (file: string) => readonly string[];
  /** Tests that are known to pass without any mutant. */
  readonly #passing = new Set<string>();

  /** Copies the project. `folder` must be under the root; `testsOf` tells what the paths of a file's tests begin with. */
  constructor(root: string, folder: string, testsOf: (file: string) => readonly string[]) {
    this.#testsOf = testsOf;
    mkdirSync(folder, { recursive: true });
    this.#folder = mkdtempSync(join(folder, 'tests-'));
    const isCopied = (path: string): boolean => !NOT_COPIED.has(basename(path)) && !basename(path).startsWith('dist.');
    // Entry by entry, for no folder is copied into itself, and this one is in the root.
    for (const name of readdirSync(root)) {
      if (isCopied(name)) cpSync(join(root, name), join(this.#folder, name), { recursive: true, filter: isCopied });
    }
  }

  /** The test file that fails first against the mutant, `hang` when they do not come to an end; undefined when all pass. Rejects when the tests fail as they are. */
  async killer(mutation: Mutation): Promise<string | undefined> {
    const tests = this.#testsOf(mutation.file);
    if (!this.#passing.has(tests.join())) {
      const failed = await this.#failing(tests);
      if (failed !== undefined) throw new Error(`the tests ${tests.join(' ')} fail without any mutant: ${failed}`);
      this.#passing.add(tests.join());
    }
    const path = join(this.#folder, mutation.file);
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, mutated(text, mutation));
    try {
      return await this.#failing(tests);
    } finally {
      writeFileSync(path, text);
    }
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #failing(tests: readonly string[]): Promise<string | undefined> {
    const report = join(this.#folder, 'report.json');
    rmSync(report, { force: true });
    const flags = ['--project', 'parts', '--bail', '1', '--maxWorkers', '1', '--testTimeout', String(TEST_MS_MAX)];
    const reporter = ['--reporter', 'json', '--outputFile', report];
    const ended = await inGroup([vitest, 'run', ...flags, ...reporter, ...tests], this.#folder);
    if (ended === 'too late') return 'hang';
    if (ended === 0) return undefined;
    const { testResults } = REPORT.parse(JSON.parse(readFileSync(report, 'utf8')));
    const failed = testResults.find(({ status }) => status === 'failed');
    // An error outside of any test fails the run and no file.
    return failed === undefined ? 'an error outside of tests' : relative(this.#folder, failed.name).split(sep).join('/');
  }
}

/** Runs Node and answers with its exit code. It has processes of its own, which end with it when it is too late. */
function inGroup(args: readonly string[], folder: string): Promise<number | 'too late'> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: folder, stdio: 'ignore', detached: true });
    let isLate = false;
    const patience = setTimeout(() => {
      isLate = true;
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, RUN_MS_MAX);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(patience);
      resolve(isLate ? 'too late' : (code ?? 1));
    });
  });
}
