/** Which survivors of the storm the tests beside the runtime kill; kept in a file beside the results, for both may be written at a time. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import type { MutantVerdict } from './verdicts.js';

const STORED = z.strictObject({
  version: z.literal(2),
  /** By the key of the mutant: the test file that kills it, null when all pass. */
  killers: z.record(z.string(), z.string().nullable()),
});
type Killers = z.infer<typeof STORED>['killers'];

export class TestResults {
  readonly #folder: string;
  readonly #killers: Killers;

  private constructor(folder: string, killers: Killers) {
    this.#folder = folder;
    this.#killers = killers;
  }

  /** What was found of other mutants than `keys` is forgotten. Throws for a file that is there and cannot be read. */
  static read(folder: string, keys: ReadonlySet<string>): TestResults {
    const path = join(folder, 'tests.json');
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return new TestResults(folder, {});
    }
    const parsed = STORED.safeParse(JSON.parse(text));
    if (!parsed.success) throw new Error(`${path} holds no results of tests (${z.prettifyError(parsed.error)}); delete it and run again`);
    return new TestResults(folder, Object.fromEntries(Object.entries(parsed.data.killers).filter(([key]) => keys.has(key))));
  }

  /** Undefined when the tests have not run against it. */
  killer(key: string): string | null | undefined {
    return this.#killers[key];
  }

  /** `killer` is undefined when all tests pass. */
  put(key: string, killer: string | undefined): void {
    this.#killers[key] = killer ?? null;
    mkdirSync(this.#folder, { recursive: true });
    const stored = { version: 2, killers: this.#killers };
    writeFileAtomic.sync(join(this.#folder, 'tests.json'), `${JSON.stringify(stored, undefined, 1)}\n`);
  }

  /**
   * The verdicts with what was measured: a mutant that tests kill is killed by them, whether somebody has read it as a hole or not at all.
   * One that is equivalent, or that only people would see, stays so: tests may hold a text or a count to what it was.
   */
  over(verdicts: readonly MutantVerdict[]): readonly MutantVerdict[] {
    const kept = verdicts.filter(({ key, kind }) => kind !== 'hole' || typeof this.killer(key) !== 'string');
    const judged = new Set(kept.map(({ key }) => key));
    const measured = Object.entries(this.#killers).flatMap(([key, killer]) =>
      killer === null || judged.has(key) ? [] : [{ key, kind: 'unit-tests', why: killer.replace('src/kelpie/', '') } as const],
    );
    return [...kept, ...measured];
  }

  /** Verdicts that name tests, which let the mutant live. */
  refuted(verdicts: readonly MutantVerdict[]): readonly MutantVerdict[] {
    return verdicts.filter(({ key, kind }) => kind === 'unit-tests' && this.killer(key) === null);
  }
}
