/**
 * What the runs of the storm are without any mutant, and how many of them a survivor made others: it tells a mutant that no promise sees
 * from one that changes nothing. Stryker runs mutants in processes of their own and has no words for it, so they tell each other by files.
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';

const HASHES = z.array(z.string());
const DIFFERING = z.int().min(0);

export class RunHashes {
  readonly #folder: string;
  #hashes: readonly string[] | undefined;

  /** Of all processes that work on the same mutants. */
  constructor(folder: string) {
    this.#folder = join(folder, 'hashes');
  }

  /** The trace hashes of all runs without any mutant. What survivors of an earlier storm were is forgotten. */
  keep(hashes: readonly string[]): void {
    rmSync(this.#folder, { recursive: true, force: true });
    mkdirSync(this.#folder, { recursive: true });
    writeFileAtomic.sync(join(this.#folder, 'original.json'), JSON.stringify(hashes));
    this.#hashes = hashes;
  }

  /** The trace hash of one run, counted from 0, without any mutant. Throws where none was kept. */
  kept(nth: number): string {
    this.#hashes ??= HASHES.parse(JSON.parse(readFileSync(join(this.#folder, 'original.json'), 'utf8')));
    const hash = this.#hashes[nth];
    if (hash === undefined) throw new RangeError(`run ${nth} has no hash without mutants: ${this.#hashes.length} were kept; run all again`);
    return hash;
  }

  /** So many runs had another hash with this mutant of Stryker's. */
  tell(mutantId: string, differing: number): void {
    writeFileAtomic.sync(this.#pathOf(mutantId), JSON.stringify(differing));
  }

  /** What was told of a mutant. Throws where nothing was. */
  taken(mutantId: string): number {
    return DIFFERING.parse(JSON.parse(readFileSync(this.#pathOf(mutantId), 'utf8')));
  }

  #pathOf(mutantId: string): string {
    return join(this.#folder, `differing-${mutantId}.json`);
  }
}
