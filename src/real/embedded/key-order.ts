/** The order of keys: bytes compared as unsigned numbers, a prefix before what it begins. */
import type { Bytes } from '../../ports.js';

/** `[begin, end)`. */
export interface KeyRange {
  readonly begin: Bytes;
  readonly end: Bytes;
}

export const FIRST_KEY: Bytes = new Uint8Array(0);
/** The end of the ordinary key space; no key from here on is legal. */
export const END_KEY: Bytes = Uint8Array.of(0xff);

export function compareKeys(a: Bytes, b: Bytes): number {
  return Buffer.compare(a, b);
}

/** A copy that is a plain Uint8Array. `slice` would not do: that of a Buffer, which callers may give, shares its bytes. */
export function copyOf(bytes: Bytes): Bytes {
  return new Uint8Array(bytes);
}

/** The next key in order. */
export function keyAfter(key: Bytes): Bytes {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}

export const later = (a: Bytes, b: Bytes): Bytes => (compareKeys(a, b) >= 0 ? a : b);
export const earlier = (a: Bytes, b: Bytes): Bytes => (compareKeys(a, b) <= 0 ? a : b);

/** A key as a map key: one character a byte. */
export function nameOf(key: Bytes): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
}

/** How many of the sorted items come before the point where `isBefore` turns false. */
export function countBefore<T>(sorted: readonly T[], isBefore: (item: T) => boolean): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    // The index is below the length.
    if (isBefore(sorted[middle] as T)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The same keys as disjoint ranges in order, empty ones left out. */
export function mergeRanges(ranges: readonly KeyRange[]): readonly KeyRange[] {
  const sorted = ranges.filter((range) => compareKeys(range.begin, range.end) < 0).sort((a, b) => compareKeys(a.begin, b.begin));
  const merged: KeyRange[] = [];
  for (const range of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && compareKeys(range.begin, last.end) <= 0) {
      merged[merged.length - 1] = { begin: last.begin, end: later(last.end, range.end) };
    } else {
      merged.push(range);
    }
  }
  return merged;
}

/** Whether a sorted, disjoint list of ranges has a key of `[begin, end)`. */
export function meets(ranges: readonly KeyRange[], begin: Bytes, end: Bytes): boolean {
  const next = ranges[countBefore(ranges, (range) => compareKeys(range.end, begin) <= 0)];
  return next !== undefined && compareKeys(next.begin, end) < 0;
}

/** Whether a sorted, disjoint list of ranges has this key. */
export function holds(ranges: readonly KeyRange[], key: Bytes): boolean {
  const next = ranges[countBefore(ranges, (range) => compareKeys(range.end, key) <= 0)];
  return next !== undefined && compareKeys(next.begin, key) <= 0;
}
