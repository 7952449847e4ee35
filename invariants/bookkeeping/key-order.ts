/** Ranges of keys, which are in the order of their UTF-8 bytes, as the database has them. */

/** Surrogates stand for code points above all others, and are not the greatest UTF-16 units. */
const rank = (unit: number): number => (unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800);

/** Whether `a` comes before `b`. */
function before(a: string, b: string): boolean {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) return rank(x) < rank(y);
  }
  return a.length < b.length;
}

/** Whether a list from `begin` up to `end`, or of the keys that start with `begin` when that is null, has the key in its range. */
export const inRange = (key: string, begin: string, end: string | null): boolean =>
  end === null ? key.startsWith(begin) : !before(key, begin) && before(key, end);
