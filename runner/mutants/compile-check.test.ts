import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { CompileCheck } from './compile-check.js';
import type { Mutation } from './mutant.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const file = 'src/kelpie/lease.ts';
const ignored = join(root, '.kelpie-dst');
mkdirSync(ignored, { recursive: true });
const folder = mkdtempSync(join(ignored, 'compile-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Puts something behind the first `export` of the file. */
function mutation(replacement: string): Mutation {
  const lines = readFileSync(join(root, file), 'utf8').split('\n');
  const line = lines.findIndex((text) => text.startsWith('export '));
  const column = 'export '.length;
  return { file, mutator: 'Test', span: { start: { line, column }, end: { line, column } }, replacement };
}

test('a mutant that does not compile is told from one that does, and both leave the sources alone', { timeout: 120_000 }, () => {
  const before = readFileSync(join(root, file), 'utf8');
  const check = new CompileCheck(root, folder);
  const [wrong, right, alsoWrong, elsewhere] = check.refusals([
    mutation("const planted: number = 'text';\nexport "),
    mutation('const planted: number = 1;\nexport '),
    mutation('const planted: number = true;\nexport '),
    mutation('const planted: number = 1;\n'),
  ]);
  expect(wrong).toMatch(/lease\.mutant0\.ts.*TS2322.*string/);
  expect(right).toBeUndefined();
  expect(alsoWrong).toMatch(/lease\.mutant2\.ts.*TS2322.*boolean/);
  // Nothing is wrong with the file itself, but with those that import what it no longer exports.
  expect(elsewhere).toMatch(/TS2459|TS2724|TS2305/);
  expect(elsewhere).not.toMatch(/lease\.(mutant\d+\.)?ts\(/);
  check.remove();
  expect(readdirSync(folder)).toEqual([]);
  expect(readFileSync(join(root, file), 'utf8')).toBe(before);
});
