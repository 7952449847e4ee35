/** Seeds as people type them, and fresh ones. */
import { randomInt } from 'node:crypto';
import type { Seed } from '../src/run.js';
import { UsageError } from './usage-error.js';

/** The largest number that `crypto.randomInt` can draw below; as short as it is, it can be read out to a colleague. */
const FRESH_SEEDS = 2 ** 48 - 1;

/** Reads a seed: a decimal integer from 0 to 2^53 - 1, or the 40 hex digits of a git commit. Throws UsageError for anything else. */
export function parseSeed(text: string): Seed {
  // First, because forty digits may happen to be decimal ones only.
  if (/^[0-9a-f]{40}$/.test(text)) return text;
  if (/^(0|[1-9][0-9]*)$/.test(text)) {
    const seed = Number(text);
    if (Number.isSafeInteger(seed)) return seed;
    throw new UsageError(`seed ${text} is too large; the largest is ${Number.MAX_SAFE_INTEGER}`);
  }
  const hint = /^[0-9a-fA-F]{40}$/.test(text) ? ` (in lower case: ${text.toLowerCase()})` : '';
  throw new UsageError(
    `'${text}' is no seed${hint}; a seed is an integer from 0 to ${Number.MAX_SAFE_INTEGER}, or the 40 lower-case hex digits of a git commit`,
  );
}

/** Whether a word that may name a file or a seed is a seed. One that is written so and is none, such as a number that is too large, counts as one, and is refused as such. */
export const isWrittenAsSeed = (text: string): boolean => /^(\d+|[0-9a-f]{40})$/.test(text);

/** A seed from the host's entropy. */
export function freshSeed(): Seed {
  return randomInt(FRESH_SEEDS);
}

/** The seed that comes `steps` after another: numbers count up, commits as numbers of 40 hex digits that begin again at zero after the last. Throws UsageError past the largest integer. */
export function seedAfter(seed: Seed, steps: number): Seed {
  if (typeof seed === 'string')
    return BigInt.asUintN(COMMIT_BITS, BigInt(`0x${seed}`) + BigInt(steps))
      .toString(16)
      .padStart(COMMIT_BITS / 4, '0');
  const next = seed + steps;
  if (Number.isSafeInteger(next)) return next;
  throw new UsageError(`${steps} seeds after ${seed} is past the largest seed, ${Number.MAX_SAFE_INTEGER}; begin lower or ask for fewer`);
}

const COMMIT_BITS = 160;
