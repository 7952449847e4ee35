/**
 * Whether a mutant compiles. One that does not could never have been written, and says nothing of a storm. Stryker's own checker needs the
 * programming interface that TypeScript 7 does not have, so the compiler runs on a copy of the sources with the one change.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { mutated, type Mutation } from './mutant.js';

/** All that the runtime imports of this project. */
const SOURCES = 'src';
const CHECKED = 'src/kelpie';
/** Mutants that are compiled at a time. */
const BESIDE_MAX = 64;
/** Of all that the compiler says of so many; it may have much to say of each. */
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');

export class CompileCheck {
  readonly #folder: string;

  /** Copies the sources. `folder` must be under the root, or the compiler does not find the packages. Throws when they do not compile as they are. */
  constructor(root: string, folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#folder = mkdtempSync(join(folder, 'compile-'));
    const isSource = (path: string): boolean => !path.endsWith('.test.ts');
    cpSync(join(root, SOURCES), join(this.#folder, SOURCES), { recursive: true, filter: isSource });
    const config = { extends: join(root, 'tsconfig.json'), include: [CHECKED] };
    writeFileSync(join(this.#folder, 'tsconfig.json'), JSON.stringify(config));
    const refused = this.#compile();
    if (refused.length > 0) throw new Error(`${CHECKED} does not compile as it is:\n${refused.join('\n')}`);
  }

  /**
   * The compiler's first words against each mutant; undefined for one that compiles. Most that do not are wrong in themselves: they are
   * found together, each as a file of its own beside the one that it changes, for a start of the compiler costs as much as thirty such
   * files. Only a mutant that gets through takes the place of its file, and is compiled with all that imports it.
   */
  refusals(mutations: readonly Mutation[]): readonly (string | undefined)[] {
    const refused: (string | undefined)[] = [];
    for (let at = 0; at < mutations.length; at += BESIDE_MAX) refused.push(...this.#refusedBeside(mutations.slice(at, at + BESIDE_MAX)));
    return mutations.map((mutation, at) => refused[at] ?? this.#refusedInPlace(mutation));
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #refusedBeside(mutations: readonly Mutation[]): readonly (string | undefined)[] {
    const besides = mutations.map(({ file }, at) => file.replace(/\.ts$/, `.mutant${at}.ts`));
    try {
      for (const [at, mutation] of mutations.entries()) {
        const text = mutated(readFileSync(join(this.#folder, mutation.file), 'utf8'), mutation);
        writeFileSync(join(this.#folder, besides[at] ?? mutation.file), text);
      }
      const refused = this.#compile();
      return besides.map((beside) => refused.find((line) => line.startsWith(`${beside}(`)));
    } finally {
      for (const beside of besides) rmSync(join(this.#folder, beside), { force: true });
    }
  }

  #refusedInPlace(mutation: Mutation): string | undefined {
    const path = join(this.#folder, mutation.file);
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, mutated(text, mutation));
    try {
      return this.#compile()[0];
    } finally {
      writeFileSync(path, text);
    }
  }

  /** What the compiler says, line by line; nothing when everything compiles. */
  #compile(): readonly string[] {
    const { status, stdout, error } = spawnSync(process.execPath, [compiler, '-p', this.#folder, '--noEmit', '--pretty', 'false'], {
      cwd: this.#folder,
      encoding: 'utf8',
      maxBuffer: OUTPUT_BYTES_MAX,
    });
    if (error !== undefined) throw error;
    return status === 0 ? [] : stdout.split('\n');
  }
}
