/** Every mapping there is. A folder here whose mapping is missing fails a test. */
import type { Mapping } from './mapping.js';

export const mappings: readonly Mapping[] = [];
