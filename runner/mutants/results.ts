/**
 * What became of the mutants, kept in a file from run to run. A result stays as long as its mutant does, that is, as long as the line and
 * the code that it changes stay as they are; where the text around has changed since, the page tells so.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';

const POSITION = z.strictObject({ line: z.int().min(0), column: z.int().min(0) });

export const SAMPLE_SCHEMA = z.strictObject({ oneIn: z.int().min(1), seed: z.int().min(0) });

const OUTCOME = z.discriminatedUnion('status', [
  /** `by` is an invariant, or the verdict of a run that broke none; it took that many runs. */
  z.strictObject({ status: z.literal('killed'), by: z.string(), detail: z.string(), attempts: z.int().min(0) }),
  /** After that many runs: those of the storm that reach it. So many of them had another trace than without it. */
  z.strictObject({ status: z.literal('survived'), attempts: z.int().min(0), differing: z.int().min(0) }),
  /** The compiler does not take it. */
  z.strictObject({ status: z.literal('refused'), detail: z.string() }),
  /** No run of the storm comes by. */
  z.strictObject({ status: z.literal('unreached') }),
]);
export type Outcome = z.infer<typeof OUTCOME>;

const RESULT = z.intersection(
  z.object({
    key: z.string(),
    file: z.string(),
    mutator: z.string(),
    span: z.strictObject({ start: POSITION, end: POSITION }),
    original: z.string(),
    replacement: z.string(),
    /** Of the text of the file that was mutated. */
    digest: z.string(),
    /** Runs of the storm. */
    runs: z.int().min(1),
    /** How it was drawn; null when somebody asked for it by its key. */
    sample: SAMPLE_SCHEMA.nullable(),
    /** Of one worker. */
    seconds: z.number().min(0),
  }),
  OUTCOME,
);
export type MutantResult = z.infer<typeof RESULT>;

const STORED = z.strictObject({
  version: z.literal(3),
  /** Digest of the text, and the keys of all its mutants. */
  files: z.record(z.string(), z.strictObject({ digest: z.string(), keys: z.array(z.string()).readonly() })),
  results: z.array(RESULT),
});
type Stored = z.infer<typeof STORED>;

/** What Stryker says of a mutant. */
export interface Told {
  readonly status: string;
  readonly statusReason?: string | undefined;
  readonly testsCompleted?: number | undefined;
}

/** `differing` is asked for those that survive alone. Throws RangeError for a status that tells neither. */
export function outcomeOf({ status, statusReason = '', testsCompleted = 0 }: Told, differing: () => number): Outcome {
  const [by = '', ...detail] = statusReason.split('\n');
  switch (status) {
    case 'Killed':
      return { status: 'killed', by, detail: detail.join('\n'), attempts: testsCompleted };
    case 'Survived':
      return { status: 'survived', attempts: testsCompleted, differing: differing() };
    case 'CompileError':
      return { status: 'refused', detail: statusReason };
    case 'NoCoverage':
      return { status: 'unreached' };
    case 'Timeout':
      return { status: 'killed', by: 'hang', detail: statusReason, attempts: testsCompleted };
    // The process that simulated it died, more than once.
    case 'RuntimeError':
      return { status: 'killed', by: 'crash', detail: statusReason, attempts: testsCompleted };
    default:
      throw new RangeError(`Stryker calls a mutant '${status}' (${statusReason}), which is no outcome of a run`);
  }
}

export class ResultStore {
  readonly #path: string;
  #stored: Stored;

  private constructor(path: string, stored: Stored) {
    this.#path = path;
    this.#stored = stored;
  }

  /** Throws for a file that is there and cannot be read. */
  static read(folder: string): ResultStore {
    const path = join(folder, 'results.json');
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return new ResultStore(path, { version: 3, files: {}, results: [] });
    }
    const parsed = STORED.safeParse(JSON.parse(text));
    if (!parsed.success) throw new Error(`${path} holds no results of mutants (${z.prettifyError(parsed.error)}); delete it and run again`);
    return new ResultStore(path, parsed.data);
  }

  /** Notes which mutants a file has. Results of those that it has no more are forgotten. */
  note(file: string, keys: readonly string[], text: string): void {
    const digest = digestOf(text);
    const known = new Set(keys);
    this.#write({
      ...this.#stored,
      files: { ...this.#stored.files, [file]: { digest, keys } },
      results: this.#stored.results.filter((result) => result.file !== file || known.has(result.key)),
    });
  }

  /** Takes the place of an earlier result of the same mutant. One that has been drawn stays so when it is asked for again. */
  put(result: MutantResult): void {
    const { results } = this.#stored;
    const earlier = results.find(({ key }) => key === result.key);
    const sample = result.sample ?? earlier?.sample ?? null;
    this.#write({ ...this.#stored, results: [...results.filter((one) => one !== earlier), { ...result, sample }] });
  }

  /** Of the files whose mutants are known as their text is now; some of their results may be of an earlier one. `textOf` answers undefined for a file that is gone. */
  current(textOf: (file: string) => string | undefined): {
    readonly keys: ReadonlyMap<string, readonly string[]>;
    readonly results: readonly MutantResult[];
  } {
    const keys = new Map<string, readonly string[]>();
    for (const [file, stored] of Object.entries(this.#stored.files)) {
      const text = textOf(file);
      if (text !== undefined && digestOf(text) === stored.digest) keys.set(file, stored.keys);
    }
    return { keys, results: this.#stored.results.filter(({ file }) => keys.has(file)) };
  }

  #write(stored: Stored): void {
    this.#stored = stored;
    mkdirSync(dirname(this.#path), { recursive: true });
    writeFileAtomic.sync(this.#path, `${JSON.stringify(stored, undefined, 1)}\n`);
  }
}

/** What tells one text of a file from another. */
export const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');
