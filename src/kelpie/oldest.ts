/** Drops what was added first to a map or set that may hold no more; returns its key, or nothing where there is none. */
export function dropOldest<K>(entries: Map<K, unknown> | Set<K>): K | undefined {
  for (const oldest of entries.keys()) {
    entries.delete(oldest);
    return oldest;
  }
  return undefined;
}
