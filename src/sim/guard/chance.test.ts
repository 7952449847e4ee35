/** Chance, and the work of other threads, in adopt mode. */
import nodeCrypto from 'node:crypto';
import timersPromises from 'node:timers/promises';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { OneProcessWorld } from './one-process-world.js';

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
