/**
 * Decides whether what a transaction read was written since. Keys written one by one are looked up in a Map; ranges, which are
 * rarer, and reads of ranges are compared with the log of what was written since the read version, newest first. That costs as
 * much as was written in the life of one transaction, never as much as is stored.
 */

/** What a transaction read, and what else it wants to count as read. */
export interface ReadSet {
  readonly points: Iterable<string>;
  /** None is empty. */
  readonly ranges: readonly (readonly [begin: string, end: string])[];
}

/** A queue of parallel columns whose head moves on. */
class Log {
  keys: string[] = [];
  /** Ends of ranges; unused in the log of points. */
  ends: string[] = [];
  versions: number[] = [];
  head = 0;

  /** Forgets the first `head` rows once they are most of the log. */
  compact(): void {
    if (this.head < 1024 || this.head * 2 < this.versions.length) return;
    this.keys = this.keys.slice(this.head);
    this.ends = this.ends.slice(this.head);
    this.versions = this.versions.slice(this.head);
    this.head = 0;
  }
}

export class Resolver {
  /** The version at which each key was last written by itself. */
  readonly #newest = new Map<string, number>();
  readonly #points = new Log();
  readonly #ranges = new Log();

  /** Notes a write; versions never go back. */
  writePoint(key: string, version: number): void {
    this.#newest.set(key, version);
    this.#points.keys.push(key);
    this.#points.versions.push(version);
  }

  writeRange(begin: string, end: string, version: number): void {
    if (begin >= end) return;
    this.#ranges.keys.push(begin);
    this.#ranges.ends.push(end);
    this.#ranges.versions.push(version);
  }

  /** Whether anything of the read set was written after `readVersion`, which must not be older than what was forgotten. */
  conflicts(reads: ReadSet, readVersion: number): boolean {
    const rangesWritten = (this.#ranges.versions.at(-1) ?? 0) > readVersion;
    for (const key of reads.points) {
      if ((this.#newest.get(key) ?? 0) > readVersion) return true;
      if (rangesWritten && this.#rangeWritten(key, undefined, readVersion)) return true;
    }
    const pointsWritten = (this.#points.versions.at(-1) ?? 0) > readVersion;
    if (!pointsWritten && !rangesWritten) return false;
    for (const [begin, end] of reads.ranges) {
      if (pointsWritten && this.#pointWritten(begin, end, readVersion)) return true;
      if (rangesWritten && this.#rangeWritten(begin, end, readVersion)) return true;
    }
    return false;
  }

  /** Forgets writes at `oldest` or before: no transaction that may still commit read below it. */
  prune(oldest: number): void {
    const points = this.#points;
    for (; (points.versions[points.head] ?? Number.POSITIVE_INFINITY) <= oldest; points.head++) {
      const key = points.keys[points.head] ?? '';
      if (this.#newest.get(key) === points.versions[points.head]) this.#newest.delete(key);
    }
    points.compact();
    const ranges = this.#ranges;
    while ((ranges.versions[ranges.head] ?? Number.POSITIVE_INFINITY) <= oldest) ranges.head++;
    ranges.compact();
  }

  #pointWritten(begin: string, end: string, readVersion: number): boolean {
    const { keys, versions, head } = this.#points;
    for (let i = versions.length - 1; i >= head && (versions[i] ?? 0) > readVersion; i--) {
      const key = keys[i] ?? '';
      if (key >= begin && key < end) return true;
    }
    return false;
  }

  /** Whether a written range covers a key (`end` undefined) or meets `[begin, end)`. */
  #rangeWritten(begin: string, end: string | undefined, readVersion: number): boolean {
    const { keys, ends, versions, head } = this.#ranges;
    for (let i = versions.length - 1; i >= head && (versions[i] ?? 0) > readVersion; i--) {
      const [from, to] = [keys[i] ?? '', ends[i] ?? ''];
      if (to > begin && (end === undefined ? from <= begin : from < end)) return true;
    }
    return false;
  }
}
