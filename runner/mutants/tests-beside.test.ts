import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import type { Mutation } from './mutant.js';
import { TestsBeside } from './tests-beside.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const file = 'src/kelpie/deadlines.ts';
const ignored = join(root, '.kelpie-dst');
mkdirSync(ignored, { recursive: true });
const folder = mkdtempSync(join(ignored, 'beside-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Puts something before the file's first line. */
function mutation(replacement: string): Mutation {
  const start = { line: 0, column: 0 };
  return { file, mutator: 'Test', span: { start, end: start }, replacement };
}

test('a mutant that tests see is told with their file, and leaves the sources alone', { timeout: 180_000 }, async () => {
  const before = readFileSync(join(root, file), 'utf8');
  const tests = new TestsBeside(root, folder, () => ['src/kelpie/deadlines.test.ts']);
  expect(await tests.killer(mutation("throw new Error('planted');\n"))).toBe('src/kelpie/deadlines.test.ts');
  // Also that the copy is as before.
  expect(await tests.killer(mutation('// planted\n'))).toBeUndefined();
  tests.remove();
  expect(readdirSync(folder)).toEqual([]);
  expect(readFileSync(join(root, file), 'utf8')).toBe(before);
});

test('tests that fail as they are, are refused', { timeout: 60_000 }, async () => {
  const tests = new TestsBeside(root, folder, (mutated) => [`${mutated}.no-such-test`]);
  await expect(tests.killer(mutation(''))).rejects.toThrow('src/kelpie/deadlines.ts.no-such-test fail without any mutant');
  tests.remove();
});
