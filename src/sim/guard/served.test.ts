/** What a guarded process gets, use by use: refused in strict mode, served in adopt mode the same way on every machine and in every run. */
import { spawnSync } from 'node:child_process';
import nodeCrypto from 'node:crypto';
import os from 'node:os';
import perfHooks, { performance as hooksPerformance } from 'node:perf_hooks';
import timersModule from 'node:timers';
import timersPromises, { scheduler } from 'node:timers/promises';
import { promisify } from 'node:util';
import { MessageChannel as WorkerChannel } from 'node:worker_threads';
import zlib from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AmbientUseError } from '../guard.js';
import { OneProcessWorld, WALL_START_MICROS } from './one-process-world.js';

const WALL_START_MILLIS = Math.floor(WALL_START_MICROS / 1000);

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
  instantiate(source: Uint8Array | object): Promise<{ readonly instance?: object }>;
  readonly Instance: new () => object;
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

describe('dates in adopt mode', () => {
  const adopt = <T>(code: () => T): T => new OneProcessWorld('adopt').guarded(code);

  it('read the wall clock of the node', () => {
    const world = new OneProcessWorld('adopt');
    world.now = 1_500;
    const seen = world.guarded(() => [
      Date.now(),
      new Date().toISOString(),
      Date(),
      new Date() instanceof Date,
      new (class extends Date {})().getTime(),
    ]);
    const now = WALL_START_MILLIS + 2;
    expect(seen).toEqual([now, '2030-01-02T03:04:05.680Z', 'Wed Jan 02 2030 03:04:05 GMT+0000 (Coordinated Universal Time)', true, now]);
  });

  /** What the code prints in a Node process of its own whose local time zone is UTC: the oracle for local time. */
  function inUtcProcess(code: string): unknown {
    const child = spawnSync(process.execPath, ['-p', `JSON.stringify(${code})`], {
      env: { ...process.env, TZ: 'UTC', LC_ALL: 'en_US.UTF-8' },
      encoding: 'utf8',
    });
    expect(child.stderr).toBe('');
    return JSON.parse(child.stdout);
  }

  /** Runs the code in this process, whose local time zone is put far from UTC. */
  function farFromUtc<T>(code: () => T): T {
    const zone = process.env.TZ;
    process.env.TZ = 'Asia/Kathmandu';
    try {
      expect(new Date(0).getTimezoneOffset()).not.toBe(0);
      return code();
    } finally {
      if (zone === undefined) delete process.env.TZ;
      else process.env.TZ = zone;
    }
  }

  const days = [
    '2024-03-10',
    '2024-3-1',
    '3/1/2024',
    'Mar 10 2024',
    '10 Mar 2024',
    'March 10, 2024',
    'Sun Mar 10 2024',
    'Sun, 10 Mar 2024',
    '+012024-03-10',
  ];
  const times = [
    '',
    ' 02:30',
    ' 02:30:15',
    ' 02:30:15.5',
    ' 10:00 PM',
    'T02:30',
    'T02:30:15',
    'T02:30:15.123',
    'T02:30:15.123456',
    ' 2:05:59 am',
  ];
  const zones = [
    '',
    'Z',
    ' Z',
    ' UTC',
    ' GMT',
    ' GMT+0545',
    ' GMT-8',
    '+02:00',
    '-0330',
    ' +0100',
    ' EST',
    ' PDT',
    ' (no zone)',
    ' GMT-0800 (Pacific)',
    ' +0200 (CEST)',
  ];
  const oddTexts = [
    '2024',
    '2024-03',
    '-000001-01-01T00:00',
    '',
    'nonsense',
    '2024-13-01',
    '2024-02-30T00:00',
    ' 2024-03-10 ',
    '12:30',
    '1',
    'Z',
    '0',
  ];
  const dateTexts = [...days.flatMap((day) => times.flatMap((time) => zones.map((zone) => day + time + zone))), ...oddTexts];

  it('read texts without a time zone as UTC', () => {
    const expected = inUtcProcess(
      `${JSON.stringify(dateTexts)}.map((text) => [text, Date.parse(text), new Date(text).getTime(), new Date(Object(text)).getTime()])`,
    );
    const seen = farFromUtc(() =>
      adopt(() => dateTexts.map((text) => [text, Date.parse(text), new Date(text).getTime(), new Date(Object(text) as string).getTime()])),
    );
    expect(JSON.parse(JSON.stringify(seen))).toEqual(expected);
  });

  it('have a local time zone of UTC in every method', () => {
    const instants = fc.sample(fc.integer({ min: -8.64e15, max: 8.64e15 }), { numRuns: 200, seed: 1 });
    instants.push(0, -1, 8.64e15, -8.64e15, Date.UTC(2024, 2, 10, 2, 30), Number.NaN);
    const describeAll = (given: readonly (number | null)[]): unknown =>
      given.map((at) => {
        const call = (name: string, ...args: number[]): unknown => {
          const date = new Date(at ?? Number.NaN);
          return [(Reflect.get(date, name) as (...args: number[]) => unknown).apply(date, args), date.getTime()];
        };
        const reads = ['FullYear', 'Month', 'Date', 'Day', 'Hours', 'Minutes', 'Seconds', 'Milliseconds', 'TimezoneOffset', 'Year'];
        const texts = ['', 'Date', 'Time', 'Locale', 'LocaleDate', 'LocaleTime'];
        return [
          reads.map((name) => call(`get${name}`)),
          texts.map((name) => call(`to${name}String`)),
          [call('setFullYear', 2023, 1, 30), call('setMonth', 14), call('setDate', 0), call('setHours', 25, 61, 61, 1001)],
          [call('setMinutes', -1), call('setSeconds', 99), call('setMilliseconds', 5000), call('setYear', 99), call('setYear', 2011)],
          String(new Date(at ?? Number.NaN)),
        ];
      });
    const given = JSON.stringify(instants);
    const seen = farFromUtc(() => adopt(() => describeAll(JSON.parse(given) as (number | null)[])));
    // The same source runs there, so that the two cannot differ in anything but the world around them.
    expect(JSON.parse(JSON.stringify(seen))).toEqual(inUtcProcess(`(${String(describeAll)})(${given})`));
  });

  it('have parts that mean UTC', () => {
    const seen = farFromUtc(() =>
      adopt(() => [new Date(2024, 0), new Date(99, 11, 31, 23, 59, 59, 999), new Date(2024, 0, Number.NaN)].map((date) => date.getTime())),
    );
    expect(seen).toEqual([Date.UTC(2024, 0), Date.UTC(1999, 11, 31, 23, 59, 59, 999), Number.NaN]);
  });

  it('format in en-US and UTC where the program names neither', () => {
    const seen = farFromUtc(() =>
      adopt(() => [
        new Intl.DateTimeFormat(undefined, { dateStyle: 'short', timeStyle: 'short' }).format(0),
        Intl.DateTimeFormat().resolvedOptions().timeZone,
        new Intl.DateTimeFormat('de', { timeZone: 'Asia/Tokyo', timeStyle: 'short' }).format(0),
        new Intl.DateTimeFormat('en', { timeZone: 'UTC' }).format(),
        new Date(0).toLocaleDateString(),
        (1234.5).toLocaleString(),
        new Intl.NumberFormat('de').format(1234.5),
        new Intl.NumberFormat().resolvedOptions().locale,
        'ä'.localeCompare('z'),
        ['ä', 'z'].sort(new Intl.Collator().compare),
      ]),
    );
    expect(seen).toEqual([
      new Intl.DateTimeFormat('en-US', { dateStyle: 'short', timeStyle: 'short', timeZone: 'UTC' }).format(0),
      'UTC',
      '09:00',
      '1/2/2030',
      '1/1/1970',
      '1,234.5',
      '1.234,5',
      'en-US',
      -1,
      ['ä', 'z'],
    ]);
  });

  it('have a formatter whose bound function stays the same', () => {
    expect(
      adopt(() => {
        const formatter = new Intl.DateTimeFormat();
        return formatter.format === formatter.format;
      }),
    ).toBe(true);
  });
});

describe('Temporal in adopt mode', () => {
  const temporal = Reflect.get(globalThis, 'Temporal') as { Now: Record<string, () => { toString(): string }> } | undefined;

  it.skipIf(temporal === undefined)('reads the wall clock of the node in UTC (needs a Node with Temporal)', () => {
    const now = temporal?.Now ?? {};
    const seen = new OneProcessWorld('adopt').guarded(() =>
      ['instant', 'timeZoneId', 'zonedDateTimeISO', 'plainDateTimeISO', 'plainDateISO', 'plainTimeISO'].map((name) =>
        String(now[name]?.()),
      ),
    );
    const time = '03:04:05.678901';
    expect(seen).toEqual([`2030-01-02T${time}Z`, 'UTC', `2030-01-02T${time}+00:00[UTC]`, `2030-01-02T${time}`, '2030-01-02', time]);
    expect(() => new OneProcessWorld('strict').guarded(() => now.instant?.())).toThrow(AmbientUseError);
  });
});

describe('timers in adopt mode', () => {
  it('fire in the order of their times, with their arguments, on the simulated clock', async () => {
    const world = new OneProcessWorld('adopt');
    const seen: unknown[] = [];
    await world.live(async () => {
      setTimeout((...args: unknown[]) => seen.push(['second', ...args, performance.now()]), 20, 'a', 'b');
      setTimeout(() => seen.push(['first', performance.now()]), 10.9);
      setTimeout(() => seen.push(['at least one millisecond', performance.now()]), 0);
      setTimeout(() => seen.push(['too long for a timer', performance.now()]), 2 ** 31);
      setImmediate((value) => seen.push([value, performance.now()]), 'immediate');
      const cleared = setTimeout(() => seen.push('never'), 5);
      clearTimeout(cleared);
      const byNumber = Number(setTimeout(() => seen.push('never'), 5));
      clearTimeout(byNumber);
      await new Promise((resolve) => setTimeout(resolve, 30));
    });
    expect(seen).toEqual([
      ['immediate', 0],
      ['at least one millisecond', 1],
      ['too long for a timer', 1],
      ['first', 10],
      ['second', 'a', 'b', 20],
    ]);
    expect(world.now).toBe(30_000);
    expect(world.pending).toBe(0);
  });

  it('repeat, refresh and close as in Node', async () => {
    const seen: unknown[] = [];
    await new OneProcessWorld('adopt').live(async () => {
      const interval = setInterval(function (this: unknown) {
        seen.push(['tick', performance.now(), this === interval]);
        if (performance.now() === 9) clearInterval(interval);
      }, 3);
      const late = setTimeout(() => seen.push(['late', performance.now()]), 4);
      setTimeout(() => late.refresh(), 2);
      const closed = setTimeout(() => seen.push('never'), 5);
      setTimeout(() => {
        closed.close();
        closed.refresh();
        expect(closed.unref().hasRef()).toBe(false);
        expect(closed.ref().hasRef()).toBe(true);
      }, 1);
      const again = setTimeout(() => seen.push(['again', performance.now()]), 1);
      setTimeout(() => again.refresh(), 11);
      await timersPromises.setTimeout(50);
    });
    expect(seen).toEqual([
      ['again', 1],
      ['tick', 3, true],
      ['late', 6],
      ['tick', 6, true],
      ['tick', 9, true],
      ['again', 12],
    ]);
  });

  it('resolve promises with their values, and reject when aborted', async () => {
    const seen = await new OneProcessWorld('adopt').live(async () => {
      const controller = new AbortController();
      const aborted = timersPromises.setTimeout(1000, 'never', { signal: controller.signal });
      const outcomes: unknown[] = [
        await timersPromises.setTimeout(5, 'value'),
        performance.now(),
        await timersPromises.setImmediate('now'),
      ];
      controller.abort('a reason');
      outcomes.push(await aborted.catch((error: Error & { code?: string }) => [error.name, error.code, error.cause]));
      outcomes.push(await timersPromises.setTimeout(1, 0, { signal: controller.signal }).catch((error: Error) => error.name));
      await scheduler.wait(5);
      await scheduler.yield();
      outcomes.push(performance.now());
      let ticks = 0;
      for await (const value of timersPromises.setInterval(10, 'tick')) {
        outcomes.push([value, performance.now()]);
        // Two intervals pass while the consumer is busy; both are owed.
        if (ticks++ === 0) await timersPromises.setTimeout(20);
        if (ticks === 3) break;
      }
      return outcomes;
    });
    expect(seen).toEqual([
      'value',
      5,
      'now',
      ['AbortError', 'ABORT_ERR', 'a reason'],
      'AbortError',
      10,
      ['tick', 20],
      ['tick', 40],
      ['tick', 40],
    ]);
  });

  it('leave nothing pending when an interval is left or aborted', async () => {
    const world = new OneProcessWorld('adopt');
    await world.live(async () => {
      const controller = new AbortController();
      const ticks = timersPromises.setInterval(10, 'tick', { signal: controller.signal });
      const first = await ticks[Symbol.asyncIterator]().next();
      expect(first.value).toBe('tick');
      const next = ticks[Symbol.asyncIterator]().next();
      controller.abort();
      await expect(next).rejects.toMatchObject({ name: 'AbortError' });
    });
    expect(world.pending).toBe(0);
  });

  it('abort a signal after its timeout', async () => {
    const seen = await new OneProcessWorld('adopt').live(async () => {
      const signal = AbortSignal.timeout(25);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      return [performance.now(), signal.aborted, (signal.reason as DOMException).name];
    });
    expect(seen).toEqual([25, true, 'TimeoutError']);
  });

  it('deliver the messages of a channel as events of their own', async () => {
    const seen: unknown[] = [];
    await new OneProcessWorld('adopt').live(async () => {
      const { port1, port2 } = new MessageChannel();
      const message = { deep: [1, new Date(0)] };
      port1.postMessage(message);
      message.deep.push(2);
      port2.on('message', (value) => seen.push(value));
      await new Promise<void>((resolve) => {
        Object.assign(port1, {
          onmessage: (event: { data: unknown }) => {
            seen.push(event.data);
            resolve();
          },
        });
        port2.postMessage('back');
        seen.push('sent');
      });
      const closed = new Promise((resolve) => port2.once('close', resolve));
      port1.close();
      port2.postMessage('never');
      await closed;
      expect(() => port1.postMessage(() => 1)).toThrow(/could not be cloned/);
    });
    expect(seen).toEqual(['sent', { deep: [1, new Date(0)] }, 'back']);
  });
});

describe('performance in adopt mode', () => {
  it('keeps a timeline for each process, on the simulated clock', async () => {
    const run = () =>
      new OneProcessWorld('adopt').live(async () => {
        const origin = performance.timeOrigin;
        performance.mark('start', { detail: { a: 1 } });
        await timersPromises.setTimeout(7);
        performance.mark('end');
        performance.mark('placed', { startTime: 3 });
        const between = performance.measure('between', 'start', 'end');
        const open = performance.measure('open', { start: 'placed' });
        const whole = performance.measure('whole');
        expect(() => performance.measure('a', 'unknown')).toThrow(/has not been set/);
        const names = performance.getEntriesByType('mark').map((entry) => entry.name);
        performance.clearMarks('start');
        performance.clearMeasures();
        return [
          [origin, performance.timeOrigin, performance.now(), names],
          [between, open, whole].map(({ startTime, duration }) => [startTime, duration]),
          performance.getEntries().map((entry) => entry.name),
        ];
      });
    const origin = WALL_START_MICROS / 1000;
    const expected = [
      [origin, origin, 7, ['start', 'placed', 'end']],
      [
        [0, 7],
        [3, 4],
        [0, 7],
      ],
      ['placed', 'end'],
    ];
    expect(await run()).toEqual(expected);
    // A second run finds nothing of the first one, nor does the host.
    expect(await run()).toEqual(expected);
    expect(performance.getEntriesByName('placed')).toEqual([]);
  });

  it('gives hrtime as pairs, differences and nanoseconds', () => {
    const world = new OneProcessWorld('adopt');
    world.now = 3_000_250;
    const seen = world.guarded(() => [
      process.hrtime(),
      process.hrtime([1, 999_999_000]),
      process.hrtime.bigint(),
      process.uptime(),
      os.uptime(),
    ]);
    expect(seen).toEqual([[3, 250_000], [1, 251_000], 3_000_250_000n, 3.00025, 3.00025]);
    expect(() => new OneProcessWorld('adopt').guarded(() => process.hrtime([1] as unknown as [number, number]))).toThrow(RangeError);
  });
});

describe('chance in adopt mode', () => {
  const adopt = <T>(code: () => T): T => new OneProcessWorld('adopt').guarded(code);

  it('gives values of the right form and range', () => {
    adopt(() => {
      for (let i = 0; i < 100; i++) {
        const fraction = Math.random();
        expect(fraction >= 0 && fraction < 1).toBe(true);
        expect(crypto.randomUUID()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        const drawn = nodeCrypto.randomInt(-3, 4);
        expect(drawn >= -3 && drawn < 4).toBe(true);
      }
      expect(nodeCrypto.randomBytes(0)).toHaveLength(0);
      expect(Buffer.isBuffer(nodeCrypto.randomBytes(3))).toBe(true);
      const words = nodeCrypto.randomFillSync(new Uint16Array(4), 1, 2);
      expect([words[0], words[3]]).toEqual([0, 0]);
      expect(words[1] === 0 && words[2] === 0).toBe(false);
      const view = new DataView(new ArrayBuffer(8), 2, 4);
      nodeCrypto.randomFillSync(view);
      expect(new Uint8Array(view.buffer).slice(0, 2)).toEqual(new Uint8Array(2));
      expect(crypto.getRandomValues(new BigUint64Array(2))).toHaveLength(2);
    });
  });

  it('leaves complaints about wrong arguments to the platform', () => {
    adopt(() => {
      expect(() => nodeCrypto.randomBytes(-1)).toThrow(RangeError);
      expect(() => nodeCrypto.randomBytes('4' as unknown as number)).toThrow(TypeError);
      expect(() => nodeCrypto.randomInt(5, 5)).toThrow(RangeError);
      expect(() => nodeCrypto.randomFillSync(new Uint8Array(4), 3, 2)).toThrow(RangeError);
      expect(() => nodeCrypto.randomFill(new Uint8Array(4), undefined as unknown as () => void)).toThrow(TypeError);
      expect(() => crypto.getRandomValues(new Float32Array(1) as unknown as Uint8Array)).toThrow(/integer|type/i);
      expect(() => crypto.getRandomValues(new Uint8Array(65_537))).toThrow(/65,?536/);
      expect(() => nodeCrypto.scrypt('a', 'b', 4, { N: 3 }, noop)).toThrow(RangeError);
      expect(() => zlib.gzip({} as unknown as string, noop)).toThrow(TypeError);
    });
  });

  it('answers callbacks as events of their own', async () => {
    const seen = await new OneProcessWorld('adopt').live(async () => {
      const order: unknown[] = [];
      const bytes = promisify(nodeCrypto.randomBytes)(4).then((made) => order.push(made.length));
      nodeCrypto.randomInt(5, (error, drawn) => order.push([error ?? null, drawn < 5]));
      nodeCrypto.randomFill(new Uint8Array(2), 1, (error, filled) => order.push([error, filled.length]));
      order.push('asked');
      await bytes;
      await timersPromises.setImmediate();
      return order;
    });
    expect(seen).toEqual(['asked', 4, [null, true], [null, 2]]);
  });

  it('computes at once what the thread pool would, and answers later', async () => {
    const seen = await new OneProcessWorld('adopt').live(async () => [
      (await promisify(nodeCrypto.pbkdf2)('password', 'salt', 2, 16, 'sha256')).toString('hex'),
      ((await promisify(nodeCrypto.scrypt)('password', 'salt', 16)) as Buffer).toString('hex'),
      (await promisify(zlib.gunzip)(await promisify(zlib.gzip)('text'))).toString(),
      await promisify(zlib.gunzip)('no gzip').catch((error: Error & { code?: string }) => error.code),
      Buffer.from(await crypto.subtle.digest('SHA-256', new TextEncoder().encode('abc'))).toString('hex'),
      (await promisify(nodeCrypto.sign)(null, Buffer.from('text'), signingKey)).toString('hex'),
      (await wasm.instantiate(EMPTY_WASM)).instance instanceof wasm.Instance,
      (await wasm.instantiate(await wasm.compile(EMPTY_WASM))) instanceof wasm.Instance,
      await wasm.compile(new Uint8Array(3)).catch((error: Error) => error.name),
      await crypto.subtle.digest('MD5', new Uint8Array(1)).catch((error: Error) => error.name),
    ]);
    expect(seen).toEqual([
      nodeCrypto.pbkdf2Sync('password', 'salt', 2, 16, 'sha256').toString('hex'),
      nodeCrypto.scryptSync('password', 'salt', 16).toString('hex'),
      'text',
      'Z_DATA_ERROR',
      nodeCrypto.createHash('sha256').update('abc').digest('hex'),
      nodeCrypto.sign(null, Buffer.from('text'), signingKey).toString('hex'),
      true,
      true,
      'CompileError',
      'NotSupportedError',
    ]);
  });
});
