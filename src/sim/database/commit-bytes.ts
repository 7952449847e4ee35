/** How large a commit is, as FoundationDB reckons it. */
import type { WriteBuffer } from './write-buffer.js';

/** What counts against the size limit: keys and values of mutations, and both ends of each conflict range. */
export function commitBytes(
  { mutations }: WriteBuffer,
  points: ReadonlySet<string>,
  readRanges: readonly (readonly [string, string])[],
  writeRanges: readonly (readonly [string, string])[],
): number {
  let bytes = 0;
  for (const mutation of mutations) {
    const { length } = mutation.key;
    switch (mutation.kind) {
      case 'set':
        bytes += 3 * length + 1 + (mutation.value === undefined ? length + 1 : mutation.value.length);
        break;
      case 'clear-range':
        bytes += 2 * (length + mutation.end.length);
        break;
      case 'atomic':
        bytes += 3 * length + 1 + mutation.operand.length;
        break;
      case 'stamped-key':
      case 'stamped-value':
        bytes += 3 * length + 1 + mutation.value.length;
        break;
    }
  }
  for (const key of points) bytes += 2 * key.length + 1;
  for (const [begin, end] of readRanges) bytes += begin.length + end.length;
  for (const [begin, end] of writeRanges) bytes += begin.length + end.length;
  return bytes;
}
