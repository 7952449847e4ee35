/** Which survivors of the storm the tests beside the runtime kill; kept in a file beside the results, for both may be written at a time. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import type { MutantVerdict } from './verdicts.js';

const STORED = z.strictObject({
  version: z.literal(1),
  /** By the key of the mutant: the test file that kills it, null when all pass, and the digest of the text that was mutated. */
  killers: z.record(z.string(), z.strictObject({ killer: z.string().nullable(), digest: z.string() })),
});
type Killers = z.infer<typeof STORED>['killers'];

export class TestResults {
  readonly #folder: string;
  readonly #digests: ReadonlyMap<string, string>;
  readonly #killers: Killers;

  private constructor(folder: string, digests: ReadonlyMap<string, string>, killers: Killers) {
    this.#folder = folder;
    this.#digests = digests;
    this.#killers = killers;
  }

  /**
   * `digests` are those of the texts that mutants change, by key; what was found of other texts is forgotten. Throws for a file that is
   * there and cannot be read.
   */
  static read(folder: string, digests: ReadonlyMap<string, string>): TestResults {
    const path = join(folder, 'tests.json');
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return new TestResults(folder, digests, {});
    }
    const parsed = STORED.safeParse(JSON.parse(text));
    if (!parsed.success) throw new Error(`${path} holds no results of tests (${z.prettifyError(parsed.error)}); delete it and run again`);
    const current = Object.entries(parsed.data.killers).filter(([key, { digest }]) => digests.get(key) === digest);
    return new TestResults(folder, digests, Object.fromEntries(current));
  }

  /** Undefined when the tests have not run against it. */
  killer(key: string): string | null | undefined {
    return this.#killers[key]?.killer;
  }

  /** `killer` is undefined when all tests pass. Throws RangeError for a mutant of no text. */
  put(key: string, killer: string | undefined): void {
    const digest = this.#digests.get(key);
    if (digest === undefined) throw new RangeError(`no file has mutant ${key}; run the storm against it first`);
    this.#killers[key] = { killer: killer ?? null, digest };
    mkdirSync(this.#folder, { recursive: true });
    const stored = { version: 1, killers: this.#killers };
    writeFileAtomic.sync(join(this.#folder, 'tests.json'), `${JSON.stringify(stored, undefined, 1)}\n`);
  }

  /**
   * The verdicts with what was measured: a mutant that tests kill is killed by them, whether somebody has read it as a hole or not at all.
   * One that is equivalent, or that only people would see, stays so: tests may hold a text or a count to what it was.
   */
  over(verdicts: readonly MutantVerdict[]): readonly MutantVerdict[] {
    const kept = verdicts.filter(({ key, kind }) => kind !== 'hole' || typeof this.killer(key) !== 'string');
    const judged = new Set(kept.map(({ key }) => key));
    const measured = Object.entries(this.#killers).flatMap(([key, { killer }]) =>
      killer === null || judged.has(key) ? [] : [{ key, kind: 'unit-tests', why: killer.replace('src/kelpie/', '') } as const],
    );
    return [...kept, ...measured];
  }

  /** Verdicts that name tests, which let the mutant live. */
  refuted(verdicts: readonly MutantVerdict[]): readonly MutantVerdict[] {
    return verdicts.filter(({ key, kind }) => kind === 'unit-tests' && this.killer(key) === null);
  }
}
