/**
 * The contract of the catalogue: a bug that this system really had, put back as an alternative part of the assembly. The runtime has
 * no flag for it; whoever hands over the parts decides.
 */
import type { KelpieParts } from '../../src/kelpie/parts.js';

export interface KnownBug {
  readonly id: string;
  /** What is wrong, in one line. */
  readonly summary: string;
  /** The spec, and its configuration, that has the same bug. */
  readonly spec?: { readonly module: string; readonly config: string };
  /** The assembly with the bug in it. */
  parts(correct: unknown): unknown;
}

/** A bug of the Kelpie runtime: some of its parts, made wrong. */
export const kelpieBug = (bug: Omit<KnownBug, 'parts'> & { parts(correct: KelpieParts): Partial<KelpieParts> }): KnownBug => ({
  ...bug,
  parts(correct) {
    // Every scenario of Kelpie hands over its parts.
    const parts = correct as KelpieParts;
    return { ...parts, ...bug.parts(parts) };
  },
});
