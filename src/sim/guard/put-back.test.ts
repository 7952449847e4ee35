/** Whatever a guard swaps is put back exactly: every descriptor of every object it might touch is compared before and after. */
import { randomBytes } from 'node:crypto';
import fs, { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import module, { createRequire } from 'node:module';
import net from 'node:net';
import { hrtime } from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import zlib from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { OneProcessWorld } from './one-process-world.js';

const require = createRequire(import.meta.url);

/** Every object whose properties a guard might swap, with the descriptors as they are: two of these are equal when nothing differs. */
function descriptors(): Map<object, [PropertyKey, PropertyDescriptor][]> {
  const objects = new Set<object>([
    globalThis,
    process,
    console,
    performance,
    crypto,
    Object.getPrototypeOf(crypto),
    Object.getPrototypeOf(crypto.subtle),
    Math,
    Atomics,
    Error,
    ...module.builtinModules
      .filter((name) => !/^(?:_|sys$|punycode$|test\/|wasi$|node:sqlite$|trace_events$)/.test(name))
      .map((name) => require(name) as object),
    net.Socket.prototype,
    net.Server.prototype,
    Intl,
    process.hrtime,
  ]);
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    // Reading deprecated or experimental globals warns; their descriptors are compared with the global object's.
    if (/^(?:localStorage|sessionStorage|navigator|process|GLOBAL|root)$/.test(name)) continue;
    const value: unknown = Reflect.get(globalThis, name);
    if (typeof value !== 'function') continue;
    objects.add(value);
    const prototype: unknown = Reflect.get(value, 'prototype');
    if (typeof prototype === 'object' && prototype !== null) objects.add(prototype);
  }
  for (let at: object | null = zlib.Gzip.prototype; at !== null; at = Object.getPrototypeOf(at) as object | null) objects.add(at);
  return new Map(
    [...objects].map((object) => [
      object,
      Reflect.ownKeys(object).flatMap((key) => {
        const descriptor = Reflect.getOwnPropertyDescriptor(object, key);
        return descriptor === undefined ? [] : [[key, descriptor] as [PropertyKey, PropertyDescriptor]];
      }),
    ]),
  );
}

/** What differs, by identity: `toEqual` would take two functions for equal that are not the same. */
function differences(before: ReturnType<typeof descriptors>): string[] {
  const found: string[] = [];
  for (const [object, was] of before) {
    const keys = Reflect.ownKeys(object);
    if (keys.length !== was.length || keys.some((key, index) => key !== was[index]?.[0]))
      found.push(`keys of ${String(Reflect.get(object, 'name'))}`);
    for (const [key, descriptor] of was) {
      const is = Reflect.getOwnPropertyDescriptor(object, key) ?? {};
      for (const field of ['value', 'get', 'set', 'writable', 'enumerable', 'configurable'] as const) {
        if (!Object.is(is[field], descriptor[field])) found.push(`${String(key)} ${field}`);
      }
    }
  }
  return found;
}

describe('put back', () => {
  // The first installation loads parts of Node; what it leaves loaded is no difference that a program can make.
  new OneProcessWorld('strict').guarded(() => undefined);

  it.each(['strict', 'adopt'] as const)('exactly, after a run in %s mode', (mode) => {
    const before = descriptors();
    expect(before.size).toBeGreaterThan(100);
    const world = new OneProcessWorld(mode);
    world.guard.install();
    expect(differences(before).length).toBeGreaterThan(300);
    world.guard.uninstall();
    expect(differences(before)).toEqual([]);
  });

  it('after a throw of the program', () => {
    const before = descriptors();
    const world = new OneProcessWorld('adopt');
    expect(() =>
      world.guarded(() => {
        throw new Error('of the program');
      }),
    ).toThrow('of the program');
    expect(differences(before)).toEqual([]);
  });

  it('after the program assigned and deleted what was swapped', () => {
    const before = descriptors();
    new OneProcessWorld('adopt').guarded(() => {
      globalThis.setTimeout = (() => 1) as unknown as typeof setTimeout;
      globalThis.Date = class extends Date {} as DateConstructor;
      fs.readFile = (() => undefined) as unknown as typeof fs.readFile;
      Reflect.set(fs, 'ReadStream', fs.WriteStream);
      Reflect.deleteProperty(Math, 'random');
      Reflect.defineProperty(process, 'uptime', { get: () => () => 5, configurable: true });
    });
    // Keys that were deleted come back at the end; nobody relies on their order.
    expect(differences(before).filter((difference) => !difference.startsWith('keys'))).toEqual([]);
  });

  it('puts back the rest when the program froze something, and says what it could not', () => {
    const probe = { probe: () => 1 };
    vi.stubGlobal('console', probe);
    const realRandom = Math.random;
    const world = new OneProcessWorld('adopt');
    expect(() => world.guarded(() => Object.freeze(probe))).toThrow(/could not put back console\.probe.*read-only/);
    expect(Math.random).toBe(realRandom);
    vi.unstubAllGlobals();
    expect(() => new OneProcessWorld('adopt').guarded(() => undefined)).not.toThrow();
  });

  it('leaves everything as it was when something cannot be swapped', () => {
    vi.stubGlobal('console', Object.freeze({ log: () => undefined }));
    const before = descriptors();
    const world = new OneProcessWorld('adopt');
    expect(() => world.guard.install()).toThrow(/cannot guard console\.log.*read-only/);
    expect(differences(before)).toEqual([]);
    vi.unstubAllGlobals();
    expect(() => world.guarded(() => undefined)).not.toThrow();
  });

  it('gives named imports their real functions again', () => {
    const real = [readFileSync, readFile, randomBytes, hrtime, sleep];
    const world = new OneProcessWorld('strict');
    world.guard.install();
    expect([readFileSync, readFile, randomBytes, hrtime, sleep].some((value, index) => value === real[index])).toBe(false);
    world.guard.uninstall();
    expect([readFileSync, readFile, randomBytes, hrtime, sleep]).toEqual(real);
    expect([readFileSync, readFile, randomBytes, hrtime, sleep].every((value, index) => value === real[index])).toBe(true);
  });
});
