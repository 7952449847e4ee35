import { expect, test } from 'vitest';
import { withMemoryBound } from './wasm-memory.js';

/** The types of Node leave it out; this much of it is needed here. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: { readonly [name: string]: unknown } };
};

/** (module (memory (export "m") 1) (func (export "grow") (param i32) (result i32) local.get 0 memory.grow)) */
const MODULE = Uint8Array.from([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...[1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f],
  ...[3, 2, 1, 0],
  ...[5, 3, 1, 0, 1],
  ...[7, 12, 2, 1, 0x6d, 2, 0, 4, 0x67, 0x72, 0x6f, 0x77, 0, 0],
  ...[10, 8, 1, 6, 0, 0x20, 0, 0x40, 0, 0x0b],
]);

const PAGE = 65_536;

function growBy(wasm: Uint8Array, pages: number): number {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm));
  return (exports.grow as (pages: number) => number)(pages);
}

test('memory grows up to the bound and not beyond', () => {
  const bounded = withMemoryBound(MODULE, 10);
  const most = (10 * 1_048_576) / PAGE;
  expect(growBy(MODULE, most)).toBe(1);
  expect(growBy(bounded, most - 1)).toBe(1);
  expect(growBy(bounded, most)).toBe(-1);
});

test('a bound below what the module starts with lets it start and grow no more', () => {
  expect(growBy(withMemoryBound(MODULE, 0), 0)).toBe(1);
  expect(growBy(withMemoryBound(MODULE, 0), 1)).toBe(-1);
});

test('what is no module with a memory is refused', () => {
  expect(() => withMemoryBound(MODULE.subarray(0, 20), 10)).toThrow(RangeError);
  expect(() => withMemoryBound(Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 5]), 10)).toThrow(RangeError);
});
