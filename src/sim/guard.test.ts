import fs, { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import { createRequire } from 'node:module';
import net from 'node:net';
import { hrtime } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import timers from 'node:timers';
import { pathToFileURL } from 'node:url';
import zlib from 'node:zlib';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { type Ambient, AmbientUseError, Guard } from './guard.js';
import { OneProcessWorld } from './guard/one-process-world.js';
import { randomOf } from './random.js';

const require = createRequire(import.meta.url);

let open: Guard[] = [];

function guardOf(options: ConstructorParameters<typeof Guard>[0]): Guard {
  const guard = new Guard(options);
  open.push(guard);
  return guard;
}

afterEach(() => {
  for (const guard of open) guard.uninstall();
  open = [];
});

describe('one guard in a thread', () => {
  const idle = { mode: 'strict', current: () => undefined, refused: () => undefined } as const;

  it('refuses a second one, which then uninstalls nothing', () => {
    const first = guardOf(idle);
    const second = guardOf(idle);
    first.install();
    const stand = Date.now;
    expect(() => second.install()).toThrow(/installed in this thread already/);
    expect(() => first.install()).toThrow(/installed in this thread already/);
    second.uninstall();
    expect(Date.now).toBe(stand);
    first.uninstall();
    expect(Date.now).not.toBe(stand);
    second.install();
    second.uninstall();
  });

  it('does nothing in mode off, beside another one too', () => {
    const real = Date.now;
    const off = guardOf({ ...idle, mode: 'off' });
    off.install();
    expect(Date.now).toBe(real);
    const on = guardOf(idle);
    on.install();
    off.uninstall();
    expect(Date.now).not.toBe(real);
    on.uninstall();
    on.uninstall();
    expect(Date.now).toBe(real);
  });

  it('stands in anew for what the host replaced between two runs', () => {
    vi.useFakeTimers({ now: 1_000, toFake: ['Date', 'setTimeout', 'performance'] });
    try {
      const world = new OneProcessWorld('adopt');
      world.guard.install();
      expect(Date.now()).toBe(1_000);
      expect(world.inside(() => Date.now())).toBe(1_893_553_445_678);
      expect(world.inside(() => performance.now())).toBe(0);
      world.guard.uninstall();
      expect(Date.now()).toBe(1_000);
    } finally {
      vi.useRealTimers();
    }
    expect(Date.now()).toBeGreaterThan(1_700_000_000_000);
  });
});

describe('the host', () => {
  it('goes on untouched while a guard is installed and no process runs', async () => {
    const world = new OneProcessWorld('strict');
    world.guard.install();
    try {
      expect(Date.now()).toBeGreaterThan(1_700_000_000_000);
      expect(new Date().getTime()).toBeGreaterThan(1_700_000_000_000);
      expect(new Date(2020, 0, 1).getHours()).toBe(0);
      expect(new Date(0)).toBeInstanceOf(Date);
      expect(readFileSync(new URL(import.meta.url), 'utf8')).toContain('goes on untouched');
      expect(await readFile(new URL(import.meta.url), 'utf8')).toContain('goes on untouched');
      const started = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 5));
      await sleep(5);
      expect(performance.now() - started).toBeGreaterThan(8);
      expect(process.hrtime.bigint()).toBeGreaterThan(0n);
      expect(randomBytes(4)).toHaveLength(4);
      expect(crypto.getRandomValues(new Uint8Array(4))).toHaveLength(4);
      expect([2, 1].toLocaleString()).toBe('2,1');
      await new Promise<void>((resolve, reject) => {
        const server = http.createServer((_request, response) => response.end('hello'));
        server.listen(0, '127.0.0.1', () => {
          const { port } = server.address() as net.AddressInfo;
          fetch(`http://127.0.0.1:${port}`)
            .then((response) => response.text())
            .then((text) => (text === 'hello' ? resolve() : reject(new Error(text))), reject)
            .finally(() => server.close());
        });
      });
    } finally {
      world.guard.uninstall();
    }
    expect(world.refused).toEqual([]);
  });

  it('may clear and keep what the simulation made', async () => {
    const world = new OneProcessWorld('adopt');
    const timer = world.guarded(() => setTimeout(() => undefined, 1000));
    expect(() => clearTimeout(timer)).not.toThrow();
    expect(typeof timer.hasRef()).toBe('boolean');
  });
});

describe('the module loader', () => {
  const folder = fs.mkdtempSync(join(tmpdir(), 'guard-'));
  afterAll(() => fs.rmSync(folder, { recursive: true }));

  /** Writes a module that was never loaded, and one that it requires. */
  function freshModule(name: string): string {
    fs.writeFileSync(join(folder, `${name}.cjs`), `exports.answer = require('./${name}.json').answer;`);
    fs.writeFileSync(join(folder, `${name}.json`), '{"answer":42}');
    fs.writeFileSync(join(folder, `${name}.mjs`), `import { answer } from './${name}.cjs'; export default answer;`);
    return join(folder, name);
  }

  it('goes on reading files for require inside a guarded process', () => {
    const world = new OneProcessWorld('strict');
    const path = `${freshModule('required')}.cjs`;
    expect(world.guarded(() => require(path) as unknown)).toEqual({ answer: 42 });
    expect(world.refused).toEqual([]);
  });

  it('goes on reading files for import()', async () => {
    const world = new OneProcessWorld('strict');
    const url = pathToFileURL(`${freshModule('imported')}.mjs`).href;
    // A data: module is Node's own affair, so its import() asks Node's loader, not the test runner's.
    const importer: string = 'data:text/javascript,export const load = (url) => import(url)';
    const { load } = (await import(importer)) as { load(url: string): Promise<{ default: unknown }> };
    world.guard.install();
    try {
      const loaded = await world.insideUntilSettled(() => load(url));
      expect(loaded.default).toBe(42);
    } finally {
      world.guard.uninstall();
    }
    expect(world.refused).toEqual([]);
  });

  it("lets the test runner's loader work too", async () => {
    const world = new OneProcessWorld('strict');
    world.guard.install();
    try {
      const fresh: string = './guard/swap.js?fresh';
      const loaded = await world.insideUntilSettled(async () => (await import(fresh)) as object);
      expect(Object.keys(loaded)).toEqual(['Swap']);
    } finally {
      world.guard.uninstall();
    }
    expect(world.refused).toEqual([]);
  });

  it('does not open a way for the program to read files itself', () => {
    const world = new OneProcessWorld('strict');
    expect(() => world.guarded(() => ['x'].map((name) => fs.readFileSync(name)))).toThrow(AmbientUseError);
    expect(world.refused).toHaveLength(1);
  });
});

describe('a refusal', () => {
  function refusal(code: () => unknown): { error: AmbientUseError; world: OneProcessWorld } {
    const world = new OneProcessWorld('strict');
    try {
      world.guarded(code);
    } catch (error) {
      if (error instanceof AmbientUseError) return { error, world };
      throw error;
    }
    throw new Error('nothing was refused');
  }

  it('names the node, the use and the port to use instead, with the stack of the program', () => {
    const { error, world } = refusal(function programUnderTest() {
      return setTimeout(() => undefined, 5);
    });
    expect(error.message).toBe(
      'setTimeout of the real world was used by node n1, whose run must depend on its seed alone; refused in strict mode (adopt mode would serve it); use platform.clock.after, or platform.clock.sleep',
    );
    expect(error).toMatchObject({ name: 'AmbientUseError', node: 'n1', api: 'setTimeout' });
    expect(world.refused).toEqual([{ node: 'n1', api: 'setTimeout', remedy: error.remedy, stack: error.stack }]);
    const frames = error.stack?.split('\n').filter((line) => /^\s+at /.test(line)) ?? [];
    expect(frames[0]).toContain('programUnderTest');
  });

  it('is told also when the program swallows the error', () => {
    const world = new OneProcessWorld('strict');
    world.guarded(() => {
      try {
        Math.random();
      } catch {
        // As a program would that must not fail for want of chance.
      }
    });
    expect(world.refused.map((use) => use.api)).toEqual(['Math.random']);
  });

  it('leaves the stack settings of the program alone', () => {
    const prepare = Reflect.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
    const limit = Error.stackTraceLimit;
    refusal(() => fs.existsSync('/'));
    expect(Reflect.getOwnPropertyDescriptor(Error, 'prepareStackTrace')).toEqual(prepare);
    expect(Error.stackTraceLimit).toBe(limit);
  });
});

/** What the ways to a module's function lead to, each asked inside the process. */
describe('every way to a function is guarded', () => {
  const ways: Record<string, () => unknown> = {
    'default import': () => fs.readFileSync('x'),
    'named import': () => readFileSync('x'),
    'named import of promises': () => readFile('x'),
    'promises of the default import': () => fs.promises.readFile('x'),
    require: () => (require('node:fs') as typeof fs).readFileSync('x'),
    'require and take apart': () => {
      const { readFileSync: taken } = require('fs') as typeof fs;
      return taken('x');
    },
    getBuiltinModule: () => process.getBuiltinModule('fs').readFileSync('x'),
    'lazy export': () => new fs.ReadStream('x' as never),
    'named import of chance': () => randomBytes(1),
    'named import of process': () => hrtime(),
    'named import of a promised timer': () => sleep(1),
    'module of timers': () => timers.setTimeout(() => undefined, 1),
  };
  it.each(Object.entries(ways))('%s', (_name, use) => {
    const world = new OneProcessWorld('strict');
    expect(() => world.guarded(use)).toThrow(AmbientUseError);
    expect(world.refused).toHaveLength(1);
  });

  it('of modules in native ESM, loaded before and after the guard', async () => {
    const source = `import { readFileSync, promises } from 'node:fs'; import os from 'node:os'; import { setTimeout as wait } from 'node:timers/promises';
      export const uses = [() => readFileSync('x'), () => promises.readFile('x'), () => os.hostname(), () => wait(1), () => Date.now()];`;
    const load = async (tag: string) =>
      ((await import(`data:text/javascript,${encodeURIComponent(`${source} // ${tag}`)}`)) as { uses: (() => unknown)[] }).uses;
    const before = await load('before');
    const world = new OneProcessWorld('strict');
    world.guard.install();
    try {
      for (const use of [...before, ...(await load('after'))]) expect(() => world.inside(use)).toThrow(AmbientUseError);
    } finally {
      world.guard.uninstall();
    }
    expect(world.refused).toHaveLength(10);
  });

  it('keeps functions that were the same the same', () => {
    const world = new OneProcessWorld('adopt');
    world.guard.install();
    expect(timers.setTimeout).toBe(globalThis.setTimeout);
    expect(fs.promises.readFile).toBe(readFile);
    expect(fs.readFile.name).toBe('readFile');
    expect(fs.readFile.length).toBeGreaterThan(1);
    expect(Date.prototype.constructor).toBe(Date);
    world.guard.uninstall();
  });

  it('through functions and classes that were taken before the guard came', () => {
    const { now } = Date;
    const OldDate = Date;
    const connect = net.connect;
    const createServer = http.createServer;
    const gzip = zlib.createGzip;
    const world = new OneProcessWorld('strict');
    world.guard.install();
    expect(now()).toBeGreaterThan(0);
    expect(() => world.inside(() => OldDate.now())).toThrow(AmbientUseError);
    expect(() => world.inside(() => connect(1, '127.0.0.1'))).toThrow(AmbientUseError);
    expect(() => world.inside(() => createServer().listen(0))).toThrow(AmbientUseError);
    expect(() => world.inside(() => gzip().end('x'))).toThrow(AmbientUseError);
    world.guard.uninstall();
    expect(world.refused.map((use) => use.api)).toEqual(['Date.now', 'net.Socket.connect', 'net.Server.listen', 'a zlib stream']);
  });
});

describe('console', () => {
  it('stays allowed, whatever it needs of the real world', () => {
    const world = new OneProcessWorld('strict');
    const lines: unknown[] = [];
    const log = vi
      .spyOn(console, 'log')
      .mockImplementation((...args) => void lines.push([...args, Date.now() === 1_893_553_445_678 ? 'simulated' : 'real']));
    world.guarded(() => {
      console.log('inside');
      console.time('label');
    });
    log.mockRestore();
    expect(lines).toEqual([['inside', 'real']]);
    expect(world.refused).toEqual([]);
  });
});

describe('without Node', () => {
  it('guards what a browser has', async () => {
    vi.resetModules();
    const fresh = await import('./guard.js');
    const { random } = Math;
    let inside = false;
    const refused: string[] = [];
    const ambient: Ambient = {
      node: 'b1',
      wallMicros: () => 5_000,
      monotonicMicros: () => 7_000,
      after: () => ({ cancel: () => undefined }),
      random: randomOf('1'),
    };
    const guard = new fresh.Guard({
      mode: 'adopt',
      current: () => (inside ? ambient : undefined),
      refused: (use) => void refused.push(use.api),
    });
    const host = Object.getOwnPropertyDescriptor(globalThis, 'process') ?? {};
    Reflect.deleteProperty(globalThis, 'process');
    const seen: unknown[] = [];
    try {
      guard.install();
      seen.push(Math.random === random);
      inside = true;
      seen.push(Date.now(), new Date().getTime(), performance.now());
      for (const use of [() => fetch('http://localhost'), () => crypto.subtle.digest('SHA-256', new Uint8Array(1))]) {
        try {
          void use();
        } catch (error) {
          seen.push(error instanceof fresh.AmbientUseError);
        }
      }
      inside = false;
    } finally {
      guard.uninstall();
      Object.defineProperty(globalThis, 'process', host);
    }
    expect(seen).toEqual([false, 5, 5, 7, true, true]);
    expect(refused).toEqual(['fetch', 'crypto.subtle.digest']);
    expect(Math.random).toBe(random);
  });
});
