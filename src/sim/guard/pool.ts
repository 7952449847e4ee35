/**
 * Work that the platform does on other threads and answers when the machine is ready: in a simulation the answer would come at
 * no simulated moment. Where a synchronous twin exists, it computes and the answer comes as an event; streams and keys of Web
 * Crypto have none and are refused.
 */
import { later } from './chance.js';
import {
  builtin,
  type Callable,
  classPrototype,
  eachRule,
  globalObject,
  memberOf,
  prototypeOf,
  type Rule,
  rules,
  type Serve,
} from './gate.js';
import type { Section } from './swap.js';

/** A function that answers a callback, served by its twin, which returns the answer. */
function byTwin(moduleName: string, name: string, twin: string): Rule {
  return {
    kind: 'served',
    api: `${moduleName}.${name}`,
    remedy: `use ${moduleName}.${twin} without a callback, which does not wait for the machine's thread pool`,
    passes: (args) => typeof args.at(-1) !== 'function',
    serve: ({ ambient, args }) => {
      const module = builtin(moduleName);
      const compute = memberOf(module, twin) as Callable;
      const callback = args.at(-1);
      let result: unknown;
      try {
        result = Reflect.apply(compute, module, args.slice(0, -1));
      } catch (error) {
        // A wrong argument is thrown at once, as by the original; a failed computation goes to the callback.
        const isArgument = error instanceof TypeError || error instanceof RangeError;
        if (isArgument && (error as { code?: unknown }).code !== 'ERR_BUFFER_TOO_LARGE') throw error;
        later(ambient, callback, error);
        return;
      }
      later(ambient, callback, null, result);
    },
  };
}

/** These compute at once when they are given no callback. */
const POOL_WITH_CALLBACK = ['sign', 'verify', 'diffieHellman', 'decapsulate'] as const;
const POOL_CRYPTO = ['pbkdf2', 'scrypt', 'hkdf', 'checkPrime', 'argon2'] as const;
const POOL_ZLIB = [
  'deflate',
  'gzip',
  'deflateRaw',
  'unzip',
  'inflate',
  'gunzip',
  'inflateRaw',
  'brotliCompress',
  'brotliDecompress',
  'zstdCompress',
  'zstdDecompress',
] as const;
interface HashLike {
  createHash(algorithm: string): { update(data: Uint8Array): { digest(): Uint8Array } };
}

/** The bytes of a buffer source. */
function bytesOf(source: unknown): Uint8Array {
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source as ArrayBuffer);
}

/** The name of `node:crypto` for a digest of Web Crypto: `SHA-256` is `sha256`, `SHA3-256` is `sha3-256`. */
function digestName(algorithm: unknown): string {
  const name = String(typeof algorithm === 'object' && algorithm !== null ? (algorithm as { name?: unknown }).name : algorithm);
  if (!/^sha3?-\d+$/i.test(name)) throw new DOMException(`Unrecognized algorithm name: ${name}`, 'NotSupportedError');
  return name.toLowerCase().replace(/^sha-/, 'sha');
}

const SUBTLE_REMEDY =
  'use the synchronous functions of node:crypto or of a JavaScript library: Web Crypto answers when the machine is ready';

const subtleDigest: Rule = {
  kind: 'served',
  api: 'crypto.subtle.digest',
  remedy: SUBTLE_REMEDY,
  passes: ([, data]) => !(ArrayBuffer.isView(data) || data instanceof ArrayBuffer),
  serve: async ({ args: [algorithm, data] }) => {
    const { createHash } = builtin('crypto') as unknown as HashLike;
    const digest = createHash(digestName(algorithm)).update(bytesOf(data)).digest();
    return digest.buffer.slice(digest.byteOffset, digest.byteOffset + digest.byteLength);
  },
};

function subtleRules(target: object): Record<string, Rule> {
  const names = Object.getOwnPropertyNames(target).filter((name) => name !== 'constructor');
  const refused = eachRule(names, (name): Rule => ({ kind: 'refused', api: `crypto.subtle.${name}`, remedy: SUBTLE_REMEDY }));
  // Only Node can compute a digest at once.
  return builtin('crypto') === undefined ? refused : { ...refused, digest: subtleDigest };
}

/** Streams of `zlib` and `CompressionStream` do their work on the thread pool, all of them in this method. */
function zlibStreamPrototype(): object | undefined {
  let prototype = classPrototype('zlib', 'Gzip');
  while (prototype !== undefined && !Object.hasOwn(prototype, '_transform')) prototype = prototypeOf(prototype);
  return prototype;
}

/** What `WebAssembly` has besides its promises. */
interface WebAssemblyLike {
  readonly Module: Callable;
  readonly Instance: Callable;
}

function webAssembly(name: string, serve: Serve): Rule {
  return {
    kind: 'served',
    api: `WebAssembly.${name}`,
    remedy: 'use new WebAssembly.Module and new WebAssembly.Instance, which do not wait for another thread',
    serve,
  };
}

const webAssemblyRules: Record<string, Rule> = {
  compile: webAssembly('compile', async ({ args: [bytes] }) => {
    const { Module } = globalObject('WebAssembly') as unknown as WebAssemblyLike;
    return Reflect.construct(Module, [bytes]);
  }),
  instantiate: webAssembly('instantiate', async ({ args: [source, imports] }) => {
    const { Module, Instance } = globalObject('WebAssembly') as unknown as WebAssemblyLike;
    if (source instanceof Module) return Reflect.construct(Instance, [source, imports]);
    const module: unknown = Reflect.construct(Module, [source]);
    return { module, instance: Reflect.construct(Instance, [module, imports]) };
  }),
  ...eachRule(['compileStreaming', 'instantiateStreaming'], (name) => ({
    kind: 'refused',
    api: `WebAssembly.${name}`,
    remedy: 'use WebAssembly.compile of bytes that are there',
  })),
};

export const poolSections: readonly Section[] = [
  rules('crypto', () => builtin('crypto'), {
    ...eachRule(POOL_CRYPTO, (name) => byTwin('crypto', name, `${name}Sync`)),
    ...eachRule(POOL_WITH_CALLBACK, (name) => byTwin('crypto', name, name)),
  }),
  {
    name: 'SubtleCrypto.prototype',
    locate: () => prototypeOf(memberOf(globalObject('crypto'), 'subtle')),
    entries: (target) => rules('', () => target, subtleRules(target)).entries(target),
  },
  rules(
    'zlib',
    () => builtin('zlib'),
    eachRule(POOL_ZLIB, (name) => byTwin('zlib', name, `${name}Sync`)),
  ),
  rules('zlib streams', zlibStreamPrototype, {
    _transform: { kind: 'refused', api: 'a zlib stream', remedy: 'use the synchronous functions of zlib, such as gzipSync' },
  }),
  rules('WebAssembly', () => globalObject('WebAssembly'), webAssemblyRules),
];
