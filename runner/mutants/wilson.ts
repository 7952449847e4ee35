/** The quantile of the normal distribution that leaves 2.5 % on either side. */
const QUANTILE = 1.959964;

/**
 * Where a share lies of which a sample has shown so many out of so many, with 95 % confidence: the score interval of Wilson, which holds
 * for small samples and for shares near 0 and 1. `whole` is at least 1.
 */
export function wilson(part: number, whole: number): { readonly low: number; readonly high: number } {
  const share = part / whole;
  const square = QUANTILE ** 2;
  const centre = (share + square / (2 * whole)) / (1 + square / whole);
  const half = (QUANTILE / (1 + square / whole)) * Math.sqrt((share * (1 - share)) / whole + square / (4 * whole ** 2));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}
