/**
 * What a power loss leaves of the changes that were not durable. The legal outcomes are these, and each of them can be drawn:
 *
 * - Each sector holds what was durable, or what the cache held in it right after one of the unsynced writes to it. So writes to
 *   different sectors are kept, lost, torn and reordered freely, and no sector ever holds what the cache never did.
 * - The length is the durable one, one that the file had since then, or a sector bound that a growing write passed. A
 *   truncation counts with the length: when the length is one from after it, nothing of what it cut comes back.
 * - Of the name operations in each directory a prefix is kept, as by a journal; one that touches two directories is in both
 *   prefixes or in neither. With 'lose-names' each is kept or lost for itself, but never without those before it on the same
 *   name. Moving or removing a directory waits for everything before it, and moving a file for the names of the directories
 *   that it moves into; so no rename loses a durable file.
 */
import type { Random } from '../../ports.js';
import type { CrashBehaviour } from '../seams.js';
import type { DataOperation, DataWrite, Fate } from './file.js';
import { SECTOR_BYTES } from './pages.js';
import type { Directory, NameOperation } from './tree.js';

/** How likely each fate of a write is in one crash; drawn per crash, so that some lose nearly all and some nearly nothing. */
interface Weights {
  readonly keep: number;
  readonly lose: number;
  readonly tear: number;
}

const LOST: Fate = { sectors: [], length: undefined };

export class CrashDraw {
  readonly #behaviour: CrashBehaviour;
  readonly #random: Random;
  readonly #weights: Weights;

  constructor(behaviour: CrashBehaviour, random: Random) {
    this.#behaviour = behaviour;
    this.#random = random;
    this.#weights = { keep: 1 + random.int(6), lose: 1 + random.int(6), tear: 1 + random.int(6) };
  }

  /** Which of the operations that had begun and not ended were carried out, and in which order. */
  inFlight<T>(begun: readonly T[]): T[] {
    return this.#random.shuffle(begun).filter(() => this.#random.chance(1, 2));
  }

  /** One fate for each unsynced operation of a file. */
  fates(operations: readonly DataOperation[]): Fate[] {
    const fates = this.#behaviour === 'reorder' ? this.#reordered(operations) : operations.map((operation) => this.#fate(operation));
    // A length from after a truncation includes the truncation.
    let included = false;
    for (let i = operations.length - 1; i >= 0; i--) {
      const operation = operations[i] as DataOperation; // the loop bounds it
      if (included && operation.kind === 'truncate') fates[i] = whole(operation);
      if (fates[i]?.length !== undefined) included = true;
    }
    return fates;
  }

  /** Which of the name operations that are not durable are kept. */
  names(journal: readonly NameOperation[]): ReadonlySet<NameOperation> {
    switch (this.#behaviour) {
      case 'keep':
        return new Set(journal);
      case 'lose':
        return new Set();
      case 'lose-names':
        return this.#independentNames(journal);
      case 'mixed':
      case 'tear':
      case 'reorder':
        return this.#prefixes(journal);
    }
  }

  #fate(operation: DataOperation): Fate {
    switch (this.#behaviour) {
      case 'keep':
        return whole(operation);
      case 'lose':
        return LOST;
      case 'tear':
        return this.#torn(operation);
      case 'mixed':
      case 'lose-names':
      case 'reorder': {
        const { keep, lose, tear } = this.#weights;
        const draw = this.#random.int(keep + lose + tear);
        if (draw < keep) return whole(operation);
        return draw < keep + lose ? LOST : this.#torn(operation);
      }
    }
  }

  /** Some sectors without others, and a length that need not fit them. */
  #torn(operation: DataOperation): Fate {
    const random = this.#random;
    if (operation.kind === 'truncate') return random.chance(1, 2) ? whole(operation) : LOST;
    const count = operation.image.length / SECTOR_BYTES;
    const lengths = growth(operation);
    if (random.chance(1, 2)) {
      // In order, cut short: the length ends with what was written.
      const kept = random.int(count + 1);
      const end = Math.min(operation.end, (operation.sector + kept) * SECTOR_BYTES);
      const length = kept > 0 && lengths.includes(end) ? end : undefined;
      return { sectors: Array.from({ length: count }, (_, i) => i < kept), length };
    }
    const sectors = Array.from({ length: count }, () => random.chance(1, 2));
    const choice = random.int(lengths.length + 1);
    return { sectors, length: lengths[choice] };
  }

  /** Writes kept or lost whole; with two or more, a later one is kept while an earlier one is lost. */
  #reordered(operations: readonly DataOperation[]): Fate[] {
    const random = this.#random;
    const fates = operations.map((operation) => (random.chance(1, 2) ? whole(operation) : LOST));
    const later = operations.length < 2 ? 0 : random.between(1, operations.length - 1);
    const kept = operations[later];
    if (later > 0 && kept !== undefined) {
      fates[later] = whole(kept);
      fates[random.int(later)] = LOST;
    }
    return fates;
  }

  #prefixes(journal: readonly NameOperation[]): ReadonlySet<NameOperation> {
    const counts = new Map<Directory, number>();
    for (const { directories } of journal) for (const directory of directories) counts.set(directory, (counts.get(directory) ?? 0) + 1);
    const left = new Map<Directory, number>();
    for (const [directory, count] of counts) left.set(directory, this.#random.int(count + 1));
    return keepOnly(journal, ({ directories }) => {
      const fits = directories.every((directory) => (left.get(directory) ?? 0) > 0);
      return {
        fits,
        settle: (kept) => {
          // What is lost ends the prefix of each of its directories.
          for (const directory of directories) left.set(directory, kept ? (left.get(directory) ?? 0) - 1 : 0);
        },
      };
    });
  }

  #independentNames(journal: readonly NameOperation[]): ReadonlySet<NameOperation> {
    const lost = new Map<Directory, Set<string>>();
    const namesLost = (directory: Directory): Set<string> => {
      let names = lost.get(directory);
      if (names === undefined) lost.set(directory, (names = new Set()));
      return names;
    };
    return keepOnly(journal, ({ changes }) => ({
      fits: this.#random.chance(1, 3) && changes.every(({ directory, name }) => !namesLost(directory).has(name)),
      settle: (kept) => {
        if (!kept) for (const { directory, name } of changes) namesLost(directory).add(name);
      },
    }));
  }
}

/** Keeps what fits and stands on what is kept or durable. */
function keepOnly(
  journal: readonly NameOperation[],
  judge: (operation: NameOperation) => { readonly fits: boolean; settle(kept: boolean): void },
): ReadonlySet<NameOperation> {
  const kept = new Set<NameOperation>();
  const lost = new Set<NameOperation>();
  for (const operation of journal) {
    const { fits, settle } = judge(operation);
    const stands = !operation.needs.some((need) => lost.has(need)) && !(operation.barrier && lost.size > 0);
    (fits && stands ? kept : lost).add(operation);
    settle(fits && stands);
  }
  return kept;
}

function whole(operation: DataOperation): Fate {
  if (operation.kind === 'truncate') return { sectors: [], length: operation.length };
  return { sectors: new Array<boolean>(operation.image.length / SECTOR_BYTES).fill(true), length: operation.lengthAfter };
}

/** The lengths that a write can leave: every sector bound that it passes while the file grows, and the one at its end. */
function growth(write: DataWrite): number[] {
  const lengths: number[] = [];
  if (write.end > write.lengthBefore) {
    const first = Math.floor(write.lengthBefore / SECTOR_BYTES) + 1;
    for (let bound = Math.max(first, write.sector + 1) * SECTOR_BYTES; bound < write.end; bound += SECTOR_BYTES) lengths.push(bound);
  }
  lengths.push(write.lengthAfter);
  return lengths;
}
