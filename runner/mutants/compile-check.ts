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
    const refused = this.#refused();
    if (refused !== undefined) throw new Error(`${CHECKED} does not compile as it is:\n${refused}`);
  }

  /** The compiler's first words against the mutant; undefined when it compiles. */
  refuses(mutation: Mutation): string | undefined {
    const path = join(this.#folder, mutation.file);
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, mutated(text, mutation));
    try {
      return this.#refused();
    } finally {
      writeFileSync(path, text);
    }
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #refused(): string | undefined {
    const { status, stdout, error } = spawnSync(process.execPath, [compiler, '-p', this.#folder, '--noEmit'], {
      cwd: this.#folder,
      encoding: 'utf8',
    });
    if (error !== undefined) throw error;
    return status === 0 ? undefined : (stdout.split('\n')[0] ?? '');
  }
}
