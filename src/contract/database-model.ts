/**
 * The database in its simplest form: one sorted map, one transaction at a time. It is the oracle of the contract suite, so it
 * shares no code with any implementation: keys are strings of one character a byte (whose order is the order of the bytes), and
 * the little-endian operations are sums of big integers.
 */
import type { AtomicOperation, Bytes, KeySelector, KeyValue } from '../ports.js';

const VALUE_BYTES_MAX = 100_000;
/** The end of the ordinary key space, and what a selector beyond the last key names. */
const END = '\xff';

/** Bytes as a string of one character a byte. */
export function text(value: Bytes): string {
  let result = '';
  for (const byte of value) result += String.fromCharCode(byte);
  return result;
}

/** The inverse of `text`. */
export function bytes(latin: string): Bytes {
  const result = new Uint8Array(latin.length);
  for (let i = 0; i < latin.length; i++) result[i] = latin.charCodeAt(i);
  return result;
}

export class DatabaseModel {
  readonly #items: Map<string, string>;
  #sorted: string[] | undefined;

  constructor(items: ReadonlyMap<string, string> = new Map()) {
    this.#items = new Map(items);
  }

  copy(): DatabaseModel {
    return new DatabaseModel(this.#items);
  }

  get(key: string): string | undefined {
    return this.#items.get(key);
  }

  set(key: string, value: string): void {
    if (!this.#items.has(key)) this.#sorted = undefined;
    this.#items.set(key, value);
  }

  clear(key: string): void {
    if (this.#items.delete(key)) this.#sorted = undefined;
  }

  clearRange(begin: string, end: string): void {
    for (const key of this.keys()) if (key >= begin && key < end) this.clear(key);
  }

  atomic(operation: AtomicOperation, key: string, operand: string): void {
    const result = applyAtomic(operation, this.#items.get(key), operand);
    if (result === undefined) this.clear(key);
    else this.set(key, result);
  }

  keys(): readonly string[] {
    this.#sorted ??= [...this.#items.keys()].sort((a, b) => (a < b ? -1 : 1));
    return this.#sorted;
  }

  getKey(selector: KeySelector): string {
    const anchor = text(selector.key);
    const below = this.keys().filter((key) => key < anchor || (selector.orEqual && key === anchor)).length;
    const index = below - 1 + selector.offset;
    return index < 0 ? '' : (this.keys()[index] ?? END);
  }

  getRange(begin: string, end: string, limit: number, reverse: boolean): readonly KeyValue[] {
    const inside = this.keys().filter((key) => key >= begin && key < end);
    if (reverse) inside.reverse();
    const wanted = limit > 0 ? inside.slice(0, limit) : inside;
    return wanted.map((key) => ({ key: bytes(key), value: bytes(this.#items.get(key) ?? '') }));
  }
}

/** What the operation leaves of a value; undefined is absent. */
export function applyAtomic(operation: AtomicOperation, existing: string | undefined, operand: string): string | undefined {
  switch (operation) {
    case 'add':
      return fromInteger(toInteger(existing ?? '', operand.length) + toInteger(operand, operand.length), operand.length);
    case 'bit-and':
      if (existing === undefined) return operand;
      return fromInteger(toInteger(existing, operand.length) & toInteger(operand, operand.length), operand.length);
    case 'bit-or':
      return fromInteger(toInteger(existing ?? '', operand.length) | toInteger(operand, operand.length), operand.length);
    case 'bit-xor':
      return fromInteger(toInteger(existing ?? '', operand.length) ^ toInteger(operand, operand.length), operand.length);
    case 'append-if-fits': {
      const whole = (existing ?? '') + operand;
      return whole.length > VALUE_BYTES_MAX ? existing : whole;
    }
    case 'max': {
      const [a, b] = [toInteger(existing ?? '', operand.length), toInteger(operand, operand.length)];
      return fromInteger(a > b ? a : b, operand.length);
    }
    case 'min': {
      if (existing === undefined) return operand;
      const [a, b] = [toInteger(existing, operand.length), toInteger(operand, operand.length)];
      return fromInteger(a < b ? a : b, operand.length);
    }
    case 'byte-max':
      return existing === undefined || operand > existing ? operand : existing;
    case 'byte-min':
      return existing === undefined || operand < existing ? operand : existing;
    case 'compare-and-clear':
      return existing === operand ? undefined : existing;
    case 'set-versionstamped-key':
    case 'set-versionstamped-value':
      throw new Error(`the model has no commit versions, so it cannot apply ${operation}`);
  }
}

function toInteger(little: string, length: number): bigint {
  let sum = 0n;
  for (let i = 0; i < Math.min(little.length, length); i++) sum += BigInt(little.charCodeAt(i)) << BigInt(8 * i);
  return sum;
}

function fromInteger(value: bigint, length: number): string {
  let result = '';
  for (let i = 0; i < length; i++) result += String.fromCharCode(Number((value >> BigInt(8 * i)) & 0xffn));
  return result;
}
