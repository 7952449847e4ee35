/**
 * The legal outcomes of a crash, enumerated by brute force from the rules that open `crash.ts`, and from what the cache held
 * after each operation. It shares no code with the disk: it is the oracle of its tests.
 */

const SECTOR = 512;

export type FileStep =
  | { readonly kind: 'write'; readonly offset: number; readonly length: number; readonly fill: number }
  | { readonly kind: 'truncate'; readonly length: number }
  | { readonly kind: 'sync' };

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

function resized(bytes: Uint8Array, length: number): Uint8Array {
  const result = new Uint8Array(length);
  result.set(bytes.subarray(0, length));
  return result;
}

function stepped(bytes: Uint8Array, step: FileStep): Uint8Array {
  switch (step.kind) {
    case 'sync':
      return bytes;
    case 'truncate':
      return resized(bytes, step.length);
    case 'write': {
      const result = resized(bytes, Math.max(bytes.length, step.offset + step.length));
      return result.fill(step.fill, step.offset, step.offset + step.length);
    }
  }
}

/** What a file that began empty and durable may be after a crash behind these steps: contents in hexadecimal. */
export function legalContents(steps: readonly FileStep[]): ReadonlySet<string> {
  const synced = steps.findLastIndex(({ kind }) => kind === 'sync') + 1;
  const durable = steps.slice(0, synced).reduce(stepped, new Uint8Array(0));
  const unsynced = steps.slice(synced);
  /** The cache after the first n unsynced steps. */
  const cache = [durable];
  for (const step of unsynced) cache.push(stepped(cache.at(-1) ?? durable, step));

  const outcomes = new Set<string>();
  const sectorCount = Math.ceil(Math.max(...cache.map(({ length }) => length)) / SECTOR);
  for (const { length, included } of legalLengths(unsynced, cache)) {
    const choices: Uint8Array[][] = [];
    for (let sector = 0; sector < sectorCount; sector++) choices.push(legalSectors(sector, unsynced, cache, included));
    for (const sectors of product(choices)) {
      const content = new Uint8Array(sectorCount * SECTOR);
      sectors.forEach((bytes, index) => content.set(bytes, index * SECTOR));
      outcomes.add(hex(resized(content, length)));
    }
  }
  return outcomes;
}

/** Lengths, and how many steps each of them comes after. */
function legalLengths(steps: readonly FileStep[], cache: readonly Uint8Array[]): { readonly length: number; readonly included: number }[] {
  const lengths = [{ length: cache[0]?.length ?? 0, included: 0 }];
  steps.forEach((step, index) => {
    const before = cache[index]?.length ?? 0;
    const after = cache[index + 1]?.length ?? 0;
    lengths.push({ length: after, included: index + 1 });
    if (step.kind !== 'write') return;
    for (let bound = 0; bound < after; bound += SECTOR) {
      if (bound > before && bound > step.offset) lengths.push({ length: bound, included: index + 1 });
    }
  });
  return lengths;
}

function legalSectors(sector: number, steps: readonly FileStep[], cache: readonly Uint8Array[], included: number): Uint8Array[] {
  const begin = sector * SECTOR;
  const at = (index: number): Uint8Array => {
    const bytes = resized(resized(cache[index] ?? new Uint8Array(0), begin + SECTOR).subarray(begin), SECTOR);
    steps.slice(0, included).forEach((step, later) => {
      // What a truncation cut stays cut when the truncation counts.
      if (step.kind === 'truncate' && later >= index) bytes.fill(0, Math.min(SECTOR, Math.max(0, step.length - begin)));
    });
    return bytes;
  };
  const result = [at(0)];
  steps.forEach((step, index) => {
    if (step.kind !== 'write' || step.length === 0) return;
    if (step.offset < begin + SECTOR && step.offset + step.length > begin) result.push(at(index + 1));
  });
  return result;
}

function* product<T>(choices: readonly (readonly T[])[]): Iterable<T[]> {
  const [first, ...rest] = choices;
  if (first === undefined) {
    yield [];
    return;
  }
  for (const tail of product(rest)) for (const head of first) yield [head, ...tail];
}

export type NameStep =
  | { readonly kind: 'create'; readonly path: string }
  | { readonly kind: 'make-directory'; readonly path: string }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string }
  | { readonly kind: 'remove'; readonly path: string }
  | { readonly kind: 'sync-directory'; readonly path: string };

/** A directory as its names, a file as the number of the step that created it. */
type Entry = number | Map<string, Entry>;
type Names = Map<string, Entry>;

interface Change {
  readonly slots: readonly { readonly directory: Names; readonly name: string; readonly entry: Entry | undefined }[];
  /** It moves or removes a directory. */
  readonly structural: boolean;
  /** Earlier changes that named the directories which it moves into, when it comes from another directory. */
  readonly under: readonly number[];
}

/** The changes of names that all these steps make, or undefined when one of them cannot be done. Steps that are kept begin with the root empty. */
export class NameOracle {
  readonly #changes: Change[] = [];
  readonly #root: Names = new Map();
  /** The tree as programs see it: the same directories, by what is in them now. */
  readonly #cached = new Map<Names, Names>([[this.#root, new Map()]]);
  readonly #parents = new Map<Names, Names>();
  #durable = new Set<number>();
  #steps = 0;

  /** Does a step; false when it cannot be done, which changes nothing. */
  step(step: NameStep): boolean {
    this.#steps++;
    const place = this.#place(step.path);
    if (place === undefined) return false;
    const { directory, name } = place;
    const entry = this.#seen(directory).get(name);
    switch (step.kind) {
      case 'create':
        return entry === undefined && this.#change([{ directory, name, entry: this.#steps }], false);
      case 'make-directory': {
        if (entry !== undefined) return false;
        const made: Names = new Map();
        this.#cached.set(made, new Map());
        return this.#change([{ directory, name, entry: made }], false);
      }
      case 'remove':
        if (entry === undefined || (entry instanceof Map && this.#seen(entry).size > 0)) return false;
        return this.#change([{ directory, name, entry: undefined }], entry instanceof Map);
      case 'rename': {
        const target = this.#place(step.to);
        if (entry === undefined || target === undefined) return false;
        const replaced = this.#seen(target.directory).get(target.name);
        if (replaced === entry) return false;
        if (entry instanceof Map) {
          if (typeof replaced === 'number' || (replaced !== undefined && this.#seen(replaced).size > 0)) return false;
          for (let above: Names | undefined = target.directory; above !== undefined; above = this.#parents.get(above)) {
            if (above === entry) return false;
          }
        } else if (replaced instanceof Map) return false;
        return this.#change(
          [
            { directory, name, entry: undefined },
            { directory: target.directory, name: target.name, entry },
          ],
          entry instanceof Map,
        );
      }
      case 'sync-directory': {
        if (!(entry instanceof Map) && step.path !== '.') return false;
        this.#sync(entry instanceof Map ? entry : this.#root);
        return true;
      }
    }
  }

  /** Every tree that may be there after a crash now. */
  legalTrees(rule: 'prefixes' | 'independent'): ReadonlySet<string> {
    const open = this.#changes.map((_, index) => index).filter((index) => !this.#durable.has(index));
    const outcomes = new Set<string>();
    for (let mask = 0; mask < 2 ** open.length; mask++) {
      const kept = new Set([...this.#durable, ...open.filter((_, bit) => (mask >> bit) & 1)]);
      if (open.every((index) => !kept.has(index) || this.#stands(index, kept, rule))) outcomes.add(this.#tree(kept));
    }
    return outcomes;
  }

  #stands(index: number, kept: ReadonlySet<number>, rule: 'prefixes' | 'independent'): boolean {
    const change = this.#changes[index];
    if (change === undefined) return false;
    if (change.under.some((need) => !kept.has(need))) return false;
    return this.#changes.slice(0, index).every((earlier, at) => {
      if (kept.has(at)) return true;
      if (change.structural) return false;
      return !earlier.slots.some((a) =>
        change.slots.some((b) => a.directory === b.directory && (rule === 'prefixes' || a.name === b.name)),
      );
    });
  }

  /** A sync takes the change with all that it stands on, by the rule of prefixes. */
  #sync(directory: Names): void {
    const kept = new Set(this.#durable);
    this.#changes.forEach(({ slots }, index) => {
      if (slots.some((slot) => slot.directory === directory)) kept.add(index);
    });
    for (let grown = -1; grown !== kept.size; ) {
      grown = kept.size;
      for (const index of [...kept]) {
        if (this.#durable.has(index)) continue;
        const change = this.#changes[index];
        for (const need of change?.under ?? []) kept.add(need);
        this.#changes.slice(0, index).forEach((earlier, at) => {
          const shared = earlier.slots.some((a) => change?.slots.some((b) => a.directory === b.directory));
          if (shared || change?.structural === true) kept.add(at);
        });
      }
    }
    this.#durable = kept;
  }

  #tree(kept: ReadonlySet<number>): string {
    const durable = new Map<Names, Names>();
    const names = (directory: Names): Names => {
      let found = durable.get(directory);
      if (found === undefined) durable.set(directory, (found = new Map()));
      return found;
    };
    this.#changes.forEach(({ slots }, index) => {
      if (!kept.has(index)) return;
      for (const { directory, name, entry } of slots) {
        if (entry === undefined) names(directory).delete(name);
        else names(directory).set(name, entry);
      }
    });
    const text = (directory: Names): string =>
      [...names(directory)]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, entry]) => (entry instanceof Map ? `${name}/(${text(entry)})` : `${name}=${entry}`))
        .join(' ');
    return text(this.#root);
  }

  #change(slots: Change['slots'], structural: boolean): true {
    const under: number[] = [];
    const target = slots.at(-1)?.directory;
    if (slots.length > 1 && slots[0]?.directory !== target) {
      for (let above = target; above !== undefined; above = this.#parents.get(above)) {
        const named = this.#changes.findLastIndex((change) => change.slots.some(({ entry }) => entry === above));
        if (named !== -1) under.push(named);
      }
    }
    this.#changes.push({ slots, structural, under });
    for (const { directory, name, entry } of slots) {
      if (entry === undefined) this.#seen(directory).delete(name);
      else this.#seen(directory).set(name, entry);
      if (entry instanceof Map) this.#parents.set(entry, directory);
    }
    return true;
  }

  #seen(directory: Names): Names {
    const names = this.#cached.get(directory);
    if (names === undefined) throw new Error('the oracle met a directory that it did not make');
    return names;
  }

  #place(path: string): { readonly directory: Names; readonly name: string } | undefined {
    const names = path === '.' ? [] : path.split('/');
    const name = names.pop() ?? '.';
    let directory = this.#root;
    for (const each of names) {
      const next = this.#seen(directory).get(each);
      if (!(next instanceof Map)) return undefined;
      directory = next;
    }
    return { directory, name };
  }
}
