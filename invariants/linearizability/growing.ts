/** What a history says of an object that never forgets: whatever was seen on it once is there ever after. */

/** What one operation has seen: everything that was there at one moment. */
export interface Sight {
  readonly operation: number;
  readonly items: ReadonlySet<string>;
}

/** Tells whether what is there can still be followed by the sights that are left: each of them must show all of it. */
export const followedBy =
  (sights: readonly Sight[]) =>
  (there: Iterable<string>, isPlaced: (operation: number) => boolean): boolean => {
    const all = [...there];
    return sights.every(({ operation, items }) => isPlaced(operation) || all.every((item) => items.has(item)));
  };
