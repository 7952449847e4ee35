/**
 * Labelled random streams. A stream is named by the seed and the path of labels that leads to it and by nothing else, so
 * a draw more or less in one place never shifts the draws of another.
 */
import alea from 'seedrandom/lib/alea.js';
import type { Random } from '../ports.js';
import type { Seed } from '../run.js';

const TWO_32 = 4294967296;

class Stream implements Random {
  readonly #path: string;
  // Seeding costs about 1.5 µs and many streams are forked only to be forked again, so it waits for the first draw.
  #next: (() => number) | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  int(bound: number): number {
    if (!Number.isSafeInteger(bound) || bound < 1) throw new RangeError(`random bound must be an integer from 1 to 2^53 - 1, not ${bound}`);
    // Rejection keeps small remainders from being likelier than others.
    if (bound <= TWO_32) {
      const limit = TWO_32 - (TWO_32 % bound);
      let draw = this.#word();
      while (draw >= limit) draw = this.#word();
      return draw % bound;
    }
    const span = 2 ** 53;
    const limit = span - (span % bound);
    let draw = this.#doubleWord();
    while (draw >= limit) draw = this.#doubleWord();
    return draw % bound;
  }

  between(min: number, max: number): number {
    if (min > max) throw new RangeError(`random range [${min}, ${max}] is empty`);
    return min + this.int(max - min + 1);
  }

  chance(numerator: number, denominator: number): boolean {
    return this.int(denominator) < numerator;
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('random pick from no items');
    return items[this.int(items.length)] as T; // the index is below the length
  }

  shuffle<T>(items: readonly T[]): T[] {
    // Fisher and Yates.
    const result = [...items];
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      const held = result[i] as T; // both indices are below the length
      result[i] = result[j] as T;
      result[j] = held;
    }
    return result;
  }

  bytes(length: number): Uint8Array {
    const result = new Uint8Array(length);
    for (let i = 0; i < length; i++) result[i] = this.int(256);
    return result;
  }

  fork(label: string): Random {
    // A slash inside a label would make two paths alike.
    return new Stream(`${this.#path}/${label.replaceAll('%', '%25').replaceAll('/', '%2F')}`);
  }

  #word(): number {
    this.#next ??= wordsOf(this.#path);
    return this.#next();
  }

  #doubleWord(): number {
    const high = this.#word() >>> 11;
    return high * TWO_32 + this.#word();
  }
}

function wordsOf(path: string): () => number {
  const generator = alea(path);
  return () => generator.int32() >>> 0;
}

/** The root stream of a run. */
export function randomOf(seed: Seed): Random {
  return new Stream(String(seed));
}
