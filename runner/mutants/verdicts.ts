/**
 * What people found when they read the mutants that survived a storm. The key of a mutant stands in docs/mutants.md; a verdict is kept as
 * long as there is code like it.
 */

/**
 * - `equivalent`: the changed code does the same.
 * - `telemetry`: only how fast it is, what it counts or what it says to people changes.
 * - `unit-tests`: tests beside the file find it.
 * - `hole`: it breaks a promise, and neither a storm nor a test notices.
 */
export type Kind = 'equivalent' | 'telemetry' | 'unit-tests' | 'hole';

export interface MutantVerdict {
  readonly key: string;
  readonly kind: Kind;
  /** One sentence: why it is equivalent, which tests find it, which promise it breaks. */
  readonly why: string;
}

export const verdicts: readonly MutantVerdict[] = [];
