/** What a guarded process gets, use by use: refused in strict mode, served in adopt mode the same way on every machine and in every run. */
import nodeCrypto from 'node:crypto';
import os from 'node:os';
import perfHooks, { performance as hooksPerformance } from 'node:perf_hooks';
import timersModule from 'node:timers';
import timersPromises, { scheduler } from 'node:timers/promises';
import { promisify } from 'node:util';
import { MessageChannel as WorkerChannel } from 'node:worker_threads';
import zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { AmbientUseError } from '../guard.js';
import { OneProcessWorld } from './one-process-world.js';

/** A function of the newest Node or of a browser that the types here do not know. */
function unknownFunction(holder: object, name: string): ((...args: unknown[]) => unknown) | undefined {
  return Reflect.get(holder, name) as ((...args: unknown[]) => unknown) | undefined;
}

const noop = (): void => undefined;

/** A WebAssembly module without anything in it. */
const EMPTY_WASM = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);

/** What is used of it here; the types of Node leave it to those of browsers. */
interface WasmLike {
  compile(bytes: Uint8Array): Promise<object>;
  instantiate(bytes: Uint8Array): Promise<object>;
}

const wasm = Reflect.get(globalThis, 'WebAssembly') as WasmLike;

const signingKey = nodeCrypto.generateKeyPairSync('ed25519').privateKey;
const agreementKeys = nodeCrypto.generateKeyPairSync('x25519');

/** Every use that adopt mode serves, by the name under which strict mode refuses it. */
const served: Record<string, () => unknown> = {
  'Date.now': () => Date.now(),
  'Date.now of an instance': () => (new Date(0).constructor as DateConstructor).now(),
  'Date (the current time, or local time)': () => new Date(),
  'Date (the current time, or local time) called': () => Date(),
  'Date (the current time, or local time) of parts': () => new Date(2024, 0, 1),
  'Date (the current time, or local time) of a text': () => new Date('2024-01-01T00:00'),
  'Date.parse of a text without a time zone': () => Date.parse('Jan 1 2024'),
  'Date.prototype.getHours': () => new Date(0).getHours(),
  'Date.prototype.getTimezoneOffset': () => new Date(0).getTimezoneOffset(),
  'Date.prototype.setDate': () => new Date(0).setDate(3),
  'Date.prototype.toString': () => String(new Date(0)),
  'Date.prototype.toDateString': () => new Date(0).toDateString(),
  'Date.prototype.toTimeString': () => new Date(0).toTimeString(),
  'Date.prototype.toLocaleString without a locale and a timeZone': () => new Date(0).toLocaleString(),
  'Date.prototype.toLocaleDateString without a locale and a timeZone': () => new Date(0).toLocaleDateString('de'),
  'Date.prototype.toLocaleTimeString without a locale and a timeZone': () => new Date(0).toLocaleTimeString(undefined, { timeZone: 'UTC' }),
  'Intl.DateTimeFormat without a locale and a timeZone': () => Intl.DateTimeFormat(),
  'Intl.DateTimeFormat.prototype.format without a date': () => new Intl.DateTimeFormat('en', { timeZone: 'UTC' }).format(),
  'Intl.DateTimeFormat.prototype.formatToParts without a date': () => new Intl.DateTimeFormat('en', { timeZone: 'UTC' }).formatToParts(),
  'Intl.Collator without a locale': () => new Intl.Collator(),
  'Intl.NumberFormat without a locale': () => new Intl.NumberFormat(),
  'Intl.PluralRules without a locale': () => new Intl.PluralRules(),
  'Number.prototype.toLocaleString without a locale': () => (1234.5).toLocaleString(),
  'Number.prototype.toLocaleString without a locale in arrays': () => [1234.5].toLocaleString(),
  'BigInt.prototype.toLocaleString without a locale': () => 1234n.toLocaleString(),
  'String.prototype.localeCompare without a locale': () => 'a'.localeCompare('b'),
  'String.prototype.toLocaleUpperCase without a locale': () => 'i'.toLocaleUpperCase(),
  'String.prototype.toLocaleLowerCase without a locale': () => 'I'.toLocaleLowerCase(),
  setTimeout: () => setTimeout(noop, 1),
  setInterval: () => setInterval(noop, 1),
  setImmediate: () => setImmediate(noop),
  clearTimeout: () => clearTimeout(1),
  clearInterval: () => clearInterval(1),
  clearImmediate: () => clearImmediate(1 as unknown as NodeJS.Immediate),
  'setTimeout of the module': () => timersModule.setTimeout(noop, 1),
  'timers/promises.setTimeout': () => timersPromises.setTimeout(1),
  'timers/promises.setTimeout promisified': () => promisify(setTimeout)(1),
  'timers/promises.setImmediate': () => timersPromises.setImmediate(),
  'timers/promises.setImmediate promisified': () => promisify(setImmediate)(),
  'timers/promises.setInterval': () => timersPromises.setInterval(1),
  'scheduler.wait': () => scheduler.wait(1),
  'scheduler.yield': () => scheduler.yield(),
  'AbortSignal.timeout': () => AbortSignal.timeout(1),
  MessageChannel: () => new MessageChannel(),
  'MessageChannel of the module': () => new WorkerChannel(),
  'performance.now': () => performance.now(),
  'performance.now of the module': () => hooksPerformance.now(),
  'performance.timeOrigin': () => performance.timeOrigin,
  'performance.mark': () => performance.mark('a'),
  'performance.measure': () => performance.measure('a'),
  'performance.clearMarks': () => performance.clearMarks(),
  'performance.clearMeasures': () => performance.clearMeasures(),
  'performance.getEntries': () => performance.getEntries(),
  'performance.getEntriesByName': () => performance.getEntriesByName('a'),
  'performance.getEntriesByType': () => performance.getEntriesByType('mark'),
  'performance.toJSON': () => performance.toJSON(),
  'performance.timerify': () => performance.timerify(noop),
  'process.hrtime': () => process.hrtime(),
  'process.hrtime.bigint': () => process.hrtime.bigint(),
  'process.uptime': () => process.uptime(),
  'os.uptime': () => os.uptime(),
  'os.hostname': () => os.hostname(),
  'Math.random': () => Math.random(),
  'crypto.getRandomValues': () => crypto.getRandomValues(new Uint8Array(1)),
  'crypto.getRandomValues of the module': () => nodeCrypto.getRandomValues(new Uint8Array(1)),
  'crypto.getRandomValues of webcrypto': () => nodeCrypto.webcrypto.getRandomValues(new Uint8Array(1)),
  'crypto.randomUUID': () => crypto.randomUUID(),
  'crypto.randomUUID of the module': () => nodeCrypto.randomUUID(),
  'crypto.randomBytes': () => nodeCrypto.randomBytes(1),
  'crypto.randomBytes promisified': () => promisify(nodeCrypto.randomBytes)(1),
  'crypto.randomBytes by its old names': () => unknownFunction(nodeCrypto, 'prng')?.(1),
  'crypto.randomBytes as pseudo': () => nodeCrypto.pseudoRandomBytes(1),
  'crypto.randomInt': () => nodeCrypto.randomInt(5),
  'crypto.randomFillSync': () => nodeCrypto.randomFillSync(new Uint8Array(1)),
  'crypto.randomFill': () => nodeCrypto.randomFill(new Uint8Array(1), noop),
  'crypto.pbkdf2': () => nodeCrypto.pbkdf2('a', 'b', 1, 8, 'sha1', noop),
  'crypto.scrypt': () => nodeCrypto.scrypt('a', 'b', 8, noop),
  'crypto.hkdf': () => nodeCrypto.hkdf('sha1', 'a', 'b', 'c', 8, noop),
  'crypto.sign': () => nodeCrypto.sign(null, new Uint8Array(1), signingKey, noop),
  'crypto.diffieHellman': () => unknownFunction(nodeCrypto, 'diffieHellman')?.(agreementKeys, noop),
  'WebAssembly.compile': () => wasm.compile(EMPTY_WASM),
  'WebAssembly.instantiate': () => wasm.instantiate(EMPTY_WASM),
  'crypto.subtle.digest': () => crypto.subtle.digest('SHA-256', new Uint8Array(1)),
  'zlib.gzip': () => zlib.gzip('a', noop),
  'zlib.brotliDecompress': () => zlib.brotliDecompress(zlib.brotliCompressSync('a'), noop),
};

/** Every use that no mode serves, by name; modules that are guarded whole are tested export by export below. */
const refused: Record<string, () => unknown> = {
  fetch: () => fetch('http://localhost'),
  BroadcastChannel: () => new BroadcastChannel('a'),
  'Atomics.wait': () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0),
  'Atomics.waitAsync': () => unknownFunction(Atomics, 'waitAsync')?.(new Int32Array(new SharedArrayBuffer(4)), 0, 0),
  'performance.eventLoopUtilization': () => performance.eventLoopUtilization(),
  'performance.nodeTiming': () => performance.nodeTiming,
  'perf_hooks.monitorEventLoopDelay': () => perfHooks.monitorEventLoopDelay(),
  'process.cpuUsage': () => process.cpuUsage(),
  'process.memoryUsage': () => process.memoryUsage(),
  'process.memoryUsage.rss': () => process.memoryUsage.rss(),
  'process.resourceUsage': () => process.resourceUsage(),
  'process.exit': () => process.exit(0),
  'process.abort': () => process.abort(),
  'process.kill': () => process.kill(process.pid, 0),
  'process.chdir': () => process.chdir('/'),
  'process.umask': () => process.umask(),
  'os.cpus': () => os.cpus(),
  'os.availableParallelism': () => os.availableParallelism(),
  'os.freemem': () => os.freemem(),
  'os.networkInterfaces': () => os.networkInterfaces(),
  'v8.getHeapStatistics': () => process.getBuiltinModule('node:v8').getHeapStatistics(),
  'v8.writeHeapSnapshot': () => process.getBuiltinModule('node:v8').writeHeapSnapshot(),
  'crypto.generateKeyPairSync': () => nodeCrypto.generateKeyPairSync('ed25519'),
  'crypto.generateKeySync': () => nodeCrypto.generateKeySync('aes', { length: 128 }),
  'crypto.generatePrimeSync': () => nodeCrypto.generatePrimeSync(8),
  'ECDH.generateKeys': () => nodeCrypto.createECDH('prime256v1').generateKeys(),
  'crypto.createDiffieHellman': () => nodeCrypto.createDiffieHellman(64),
  'DiffieHellman.generateKeys': () => nodeCrypto.createDiffieHellman(nodeCrypto.getDiffieHellman('modp14').getPrime()).generateKeys(),
  'DiffieHellman.generateKeys of a group': () => nodeCrypto.getDiffieHellman('modp14').generateKeys(),
  'crypto.subtle.generateKey': () => crypto.subtle.generateKey({ name: 'AES-GCM', length: 128 }, true, ['encrypt']),
  'crypto.subtle.importKey': () => crypto.subtle.importKey('raw', new Uint8Array(16), 'AES-GCM', true, ['encrypt']),
  'a zlib stream': () => zlib.createGzip().end('a'),
  'a zlib stream of the Web': () => new CompressionStream('gzip').writable.getWriter().write(new Uint8Array(1)),
};

/** The name of the use without the words that tell apart two ways to it. */
function refusedName(name: string): RegExp {
  const api = name.replace(
    / (?:of (?:an instance|a group|parts|a text|the module|webcrypto|the Web)|called|in arrays|promisified|by its old names|as pseudo)$/,
    '',
  );
  return new RegExp(`^${api.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`);
}

describe('strict mode refuses', () => {
  it.each([...Object.entries(served), ...Object.entries(refused)])('%s', async (name, use) => {
    const world = new OneProcessWorld('strict');
    let error: unknown;
    world.guard.install();
    try {
      // What a Web stream refuses comes back as a rejection.
      await world.insideUntilSettled(async () => use());
    } catch (caught) {
      error = caught;
    } finally {
      world.guard.uninstall();
    }
    expect(error).toBeInstanceOf(AmbientUseError);
    expect(world.refused.map(({ api }) => api)).toEqual([expect.stringMatching(refusedName(name))]);
  });

  it('nothing that is the same everywhere', () => {
    const world = new OneProcessWorld('strict');
    world.guarded(() => {
      expect(new Date(5).getTime()).toBe(5);
      expect(new Date(new Date(5)).toISOString()).toBe('1970-01-01T00:00:00.005Z');
      expect(new Date('2024-01-01').getUTCDay()).toBe(1);
      expect(Date.parse('Tue, 02 Jan 2024 10:00:00 GMT')).toBe(Date.UTC(2024, 0, 2, 10));
      expect(JSON.stringify({ at: new Date(0) })).toBe('{"at":"1970-01-01T00:00:00.000Z"}');
      expect('a'.localeCompare('b', 'en')).toBe(-1);
      expect((1234).toLocaleString('en')).toBe('1,234');
      expect(new Intl.DateTimeFormat('en', { timeZone: 'UTC' }).format(0)).toBe('1/1/1970');
      expect(clearTimeout(undefined)).toBeUndefined();
      expect(Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1)).toBe('not-equal');
      expect(Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 0)).toBe('timed-out');
      expect(zlib.gunzipSync(zlib.gzipSync('a')).toString()).toBe('a');
      expect(nodeCrypto.createHash('sha1').update('a').digest('hex')).toHaveLength(40);
      expect(nodeCrypto.scryptSync('a', 'b', 4)).toHaveLength(4);
      expect(() => setTimeout('code' as unknown as () => void)).toThrow(TypeError);
    });
    expect(world.refused).toEqual([]);
  });
});

describe('adopt mode', () => {
  it.each(Object.entries(served))('serves %s', async (_name, use) => {
    const world = new OneProcessWorld('adopt');
    await world.live(async () => {
      const timer: unknown = use();
      if (typeof timer === 'object' && timer !== null && 'close' in timer && typeof timer.close === 'function')
        Reflect.apply(timer.close, timer, []);
    });
    expect(world.refused).toEqual([]);
  });

  it.each(Object.entries(refused))('refuses %s', async (name, use) => {
    const world = new OneProcessWorld('adopt');
    await expect(world.live(async () => use())).rejects.toThrow(AmbientUseError);
    expect(world.refused.map(({ api }) => api)).toEqual([expect.stringMatching(refusedName(name))]);
  });

  it('gives two runs of one seed the same of everything, and another seed other chance', async () => {
    const story = (seed: string) =>
      new OneProcessWorld('adopt', seed).live(async () => {
        const seen: unknown[] = [Math.random(), crypto.randomUUID(), nodeCrypto.randomBytes(8).toString('hex'), nodeCrypto.randomInt(1000)];
        const timer = setTimeout(noop, 5);
        seen.push(Number(timer), Number(setTimeout(noop, 7)), Date(), performance.timeOrigin, process.hrtime());
        await timersPromises.setTimeout(12);
        seen.push(Date.now(), performance.now(), crypto.getRandomValues(new Uint16Array(4)).join());
        return seen;
      });
    const first = await story('1');
    expect(await story('1')).toEqual(first);
    const other = await story('2');
    expect(other.filter((value, index) => value === first[index])).toEqual([1, 2, first[6], first[7], first[9], first[10]]);
  });
});

/** Modules that are refused export by export, with the exports that touch nothing. */
const outside: Record<string, readonly string[]> = {
  fs: ['Stats', 'Dirent', '_toUnixTimestamp'],
  'fs/promises': [],
  net: ['isIP', 'isIPv4', 'isIPv6', 'BlockList', 'SocketAddress', 'Socket', 'Stream', 'Server', '_normalizeArgs'],
  tls: ['getCiphers', 'convertALPNProtocols', 'checkServerIdentity', 'createSecureContext', 'SecureContext', 'TLSSocket', 'Server'],
  dgram: [],
  dns: [],
  'dns/promises': [],
  http: [
    'Agent',
    'IncomingMessage',
    'OutgoingMessage',
    'ServerResponse',
    'Server',
    'validateHeaderName',
    'validateHeaderValue',
    'CloseEvent',
    'MessageEvent',
  ],
  https: ['Agent', 'Server'],
  http2: ['getDefaultSettings', 'getPackedSettings', 'getUnpackedSettings', 'Http2ServerRequest', 'Http2ServerResponse'],
  child_process: [],
  cluster: [],
  worker_threads: [
    'MessageChannel',
    'MessagePort',
    'markAsUncloneable',
    'markAsUntransferable',
    'isMarkedAsUntransferable',
    'getEnvironmentData',
  ],
};

describe.each(['strict', 'adopt'] as const)('files, network, processes and threads in %s mode', (mode) => {
  it.each(Object.entries(outside))('refuses every function of %s that reaches outside', (name, harmless) => {
    const loaded = process.getBuiltinModule(name) as Record<string, unknown>;
    const world = new OneProcessWorld(mode);
    world.guard.install();
    try {
      const functions = Object.getOwnPropertyNames(loaded).filter((key) => typeof loaded[key] === 'function' && !harmless.includes(key));
      expect(functions.length).toBeGreaterThan(1);
      for (const key of functions)
        expect(() => world.inside(() => (loaded[key] as () => unknown)()), `${name}.${key}`).toThrow(AmbientUseError);
      expect(world.refused.map((use) => use.api.split('.').at(-1))).toHaveLength(functions.length);
    } finally {
      world.guard.uninstall();
    }
  });

  it('refuses what functions of these modules carry', () => {
    const world = new OneProcessWorld(mode);
    const { realpath, exists } = process.getBuiltinModule('fs');
    world.guard.install();
    const fs = process.getBuiltinModule('fs');
    const childProcess = process.getBuiltinModule('child_process');
    expect(() => world.inside(() => fs.realpathSync.native('.'))).toThrow(AmbientUseError);
    expect(() => world.inside(() => promisify(fs.exists)('.'))).toThrow(AmbientUseError);
    expect(() => world.inside(() => promisify(childProcess.exec)('true'))).toThrow(AmbientUseError);
    world.guard.uninstall();
    expect([process.getBuiltinModule('fs').realpath, process.getBuiltinModule('fs').exists]).toEqual([realpath, exists]);
  });

  it('lets data and pure functions of these modules pass', () => {
    const world = new OneProcessWorld(mode);
    world.guarded(() => {
      expect(process.getBuiltinModule('net').isIP('::1')).toBe(6);
      expect(process.getBuiltinModule('fs').constants.O_RDONLY).toBe(0);
      expect(process.getBuiltinModule('http').STATUS_CODES[404]).toBe('Not Found');
    });
    expect(world.refused).toEqual([]);
  });
});
