/**
 * Chance for simulated processes: `Math.random`, Web Crypto and `node:crypto` draw from the run's random streams. Fresh keys and
 * padding come from OpenSSL's own generator, which no seed reaches: they are refused in both modes. What is not caught:
 * signatures whose algorithm draws a nonce (ECDSA, RSA-PSS).
 */
import { wallMillis } from './dates.js';
import {
  type Ambient,
  builtin,
  type Callable,
  classPrototype,
  eachRule,
  globalObject,
  prototypeOf,
  type Rule,
  rules,
  type Serve,
} from './gate.js';
import type { Section } from './swap.js';

const BYTES = 'use platform.random.bytes';
const INTEGER = 'use platform.random.int';

/** `Math.random` has 53 bits; the largest draw of a `Random` is below 2^53 - 1. */
const FRACTION_BOUND = Number.MAX_SAFE_INTEGER;

const mathRandom: Rule = {
  kind: 'served',
  api: 'Math.random',
  remedy: `${INTEGER}, or platform.random.chance`,
  serve: ({ ambient }) => ambient.random.int(FRACTION_BOUND) / 2 ** 53,
};

function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/** The bytes as a UUID of RFC 9562, with version and variant bits set. */
function uuid(bytes: Uint8Array, version: 4 | 7): string {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | (version << 4);
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const text = hex(bytes);
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-${text.slice(12, 16)}-${text.slice(16, 20)}-${text.slice(20)}`;
}

function uuidV7(ambient: Ambient): string {
  const bytes = ambient.random.bytes(16);
  let millis = wallMillis(ambient);
  for (let at = 5; at >= 0; at--) {
    bytes[at] = millis % 256;
    millis = Math.floor(millis / 256);
  }
  return uuid(bytes, 7);
}

function served(api: string, remedy: string, serve: Serve, passes?: (args: readonly unknown[]) => boolean): Rule {
  return { kind: 'served', api, remedy, serve, ...(passes === undefined ? {} : { passes }) };
}

const WEB_BYTES_MAX = 65_536;

const INTEGER_ARRAY = /^\[object (?:Big)?(?:Int|Uint)\d+(?:Clamped)?Array\]$/;

/** The integer arrays that `getRandomValues` takes; the platform itself complains about everything else. */
function fillable(value: unknown): boolean {
  return ArrayBuffer.isView(value) && INTEGER_ARRAY.test(Object.prototype.toString.call(value)) && value.byteLength <= WEB_BYTES_MAX;
}

function fill(ambient: Ambient, buffer: ArrayBufferLike, offset: number, length: number): void {
  if (length > 0) new Uint8Array(buffer, offset, length).set(ambient.random.bytes(length));
}

const randomUuid = served('crypto.randomUUID', BYTES, ({ ambient }) => uuid(ambient.random.bytes(16), 4));

const webCrypto: Record<string, Rule> = {
  getRandomValues: served(
    'crypto.getRandomValues',
    BYTES,
    ({ ambient, args }) => {
      const view = args[0] as Uint8Array;
      fill(ambient, view.buffer, view.byteOffset, view.byteLength);
      return view;
    },
    ([view]) => !fillable(view),
  ),
  randomUUID: randomUuid,
};

/** Node's bounds: bytes of one call, and the range of `randomInt`. */
const NODE_BYTES_MAX = 2 ** 31 - 1;
const NODE_INTEGER_RANGE_MAX = 2 ** 48 - 1;

/** Calls back in an event of its own. */
export function later(ambient: Ambient, callback: unknown, ...results: unknown[]): void {
  ambient.after(0, () => Reflect.apply(callback as Callable, undefined, results));
}

interface BufferLike {
  from(buffer: ArrayBufferLike, offset: number, length: number): unknown;
}

const randomBytes = served(
  'crypto.randomBytes',
  BYTES,
  ({ ambient, args: [size, callback] }) => {
    const bytes = ambient.random.bytes(size as number);
    const made = (globalObject('Buffer') as unknown as BufferLike).from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (callback === undefined) return made;
    later(ambient, callback, null, made);
    return undefined;
  },
  ([size, callback]) =>
    !(Number.isInteger(size) && (size as number) >= 0 && (size as number) <= NODE_BYTES_MAX) ||
    (callback !== undefined && typeof callback !== 'function'),
);

/** `randomInt([min, ]max[, callback])`. */
function integerArguments(args: readonly unknown[]): { readonly min: number; readonly max: number; readonly callback: unknown } {
  const withoutMin = args[1] === undefined || typeof args[1] === 'function';
  return withoutMin
    ? { min: 0, max: args[0] as number, callback: args[1] }
    : { min: args[0] as number, max: args[1] as number, callback: args[2] };
}

const randomInt = served(
  'crypto.randomInt',
  INTEGER,
  ({ ambient, args }) => {
    const { min, max, callback } = integerArguments(args);
    const drawn = min + ambient.random.int(max - min);
    if (callback === undefined) return drawn;
    later(ambient, callback, undefined, drawn);
    return undefined;
  },
  (args) => {
    const { min, max, callback } = integerArguments(args);
    return (
      !(Number.isSafeInteger(min) && Number.isSafeInteger(max) && max > min && max - min <= NODE_INTEGER_RANGE_MAX) ||
      (callback !== undefined && typeof callback !== 'function')
    );
  },
);

interface Span {
  readonly buffer: ArrayBufferLike;
  /** In bytes. */
  readonly offset: number;
  readonly length: number;
}

/** The bytes that `randomFill(buffer[, offset[, size]])` means, in elements of the array; undefined when Node would complain. */
function spanOf(target: unknown, offset: unknown, size: unknown): Span | undefined {
  const isView = ArrayBuffer.isView(target);
  if (!isView && !(target instanceof ArrayBuffer) && !(target instanceof SharedArrayBuffer)) return undefined;
  const width = isView ? ((target as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1) : 1;
  const start = (offset === undefined ? 0 : (offset as number)) * width;
  const length = size === undefined ? target.byteLength - start : (size as number) * width;
  if (!Number.isInteger(start) || !Number.isInteger(length) || start < 0 || length < 0 || start + length > target.byteLength)
    return undefined;
  return isView ? { buffer: target.buffer, offset: target.byteOffset + start, length } : { buffer: target, offset: start, length };
}

const randomFillSync = served(
  'crypto.randomFillSync',
  BYTES,
  ({ ambient, args: [target, offset, size] }) => {
    const span = spanOf(target, offset, size);
    if (span !== undefined) fill(ambient, span.buffer, span.offset, span.length);
    return target;
  },
  ([target, offset, size]) => spanOf(target, offset, size) === undefined,
);

/** `randomFill(buffer[, offset[, size]], callback)`. */
function fillArguments(args: readonly unknown[]): { readonly span: Span | undefined; readonly callback: unknown } {
  const at = args.findIndex((value) => typeof value === 'function');
  const [target, offset, size] = args.slice(0, Math.max(at, 0));
  return { span: spanOf(target, offset, size), callback: args[at] };
}

const randomFill = served(
  'crypto.randomFill',
  BYTES,
  ({ ambient, args }) => {
    const { span, callback } = fillArguments(args);
    if (span !== undefined) fill(ambient, span.buffer, span.offset, span.length);
    later(ambient, callback, null, args[0]);
  },
  (args) => {
    const { span, callback } = fillArguments(args);
    return span === undefined || callback === undefined;
  },
);

const FRESH_KEYS = [
  'generateKey',
  'generateKeySync',
  'generateKeyPair',
  'generateKeyPairSync',
  'generatePrime',
  'generatePrimeSync',
  'publicEncrypt',
  'encapsulate',
] as const;

function freshKey(api: string): Rule {
  return { kind: 'refused', api, remedy: 'make the key before the run and pass it in: its randomness comes from no seed' };
}

const nodeCrypto: Record<string, Rule> = {
  randomBytes,
  pseudoRandomBytes: randomBytes,
  prng: randomBytes,
  rng: randomBytes,
  randomInt,
  randomFillSync,
  randomFill,
  randomUUID: randomUuid,
  randomUUIDv7: served('crypto.randomUUIDv7', BYTES, ({ ambient }) => uuidV7(ambient)),
  ...eachRule(FRESH_KEYS, (name) => freshKey(`crypto.${name}`)),
  // Given a length it makes a prime, given a prime it makes nothing.
  createDiffieHellman: { ...freshKey('crypto.createDiffieHellman'), passes: ([prime]) => typeof prime !== 'number' },
};

export const chanceSections: readonly Section[] = [
  rules('Math', () => Math, { random: mathRandom }),
  rules('Crypto.prototype', () => prototypeOf(globalObject('crypto')), webCrypto),
  rules('crypto', () => builtin('crypto'), nodeCrypto),
  ...['ECDH', 'DiffieHellman', 'DiffieHellmanGroup'].map((name) =>
    rules(`${name}.prototype`, () => classPrototype('crypto', name), { generateKeys: freshKey(`${name}.generateKeys`) }),
  ),
];
