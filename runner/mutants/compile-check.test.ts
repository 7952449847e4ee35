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

/** Puts something in place of the first `export const NAME = VALUE` of the file. */
function mutation(replacement: string): Mutation {
  const lines = readFileSync(join(root, file), 'utf8').split('\n');
  const line = lines.findIndex((text) => text.startsWith('export '));
  const column = 'export '.length;
  return { file, mutator: 'Test', span: { start: { line, column }, end: { line, column } }, replacement };
}

test('a mutant that does not compile is told from one that does, and both leave the sources alone', { timeout: 120_000 }, () => {
  const before = readFileSync(join(root, file), 'utf8');
  const check = new CompileCheck(root, folder);
  expect(check.refuses(mutation("const planted: number = 'text';\nexport "))).toMatch(/lease\.ts.*TS2322/);
  expect(check.refuses(mutation('const planted: number = 1;\nexport '))).toBeUndefined();
  check.remove();
  expect(readdirSync(folder)).toEqual([]);
  expect(readFileSync(join(root, file), 'utf8')).toBe(before);
});
