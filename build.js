/**
 * Builds `dist/`: compiles beside it and swaps it in whole, so that no renamed file lives on, a failed build changes nothing, and
 * what is running meanwhile hardly notices. Marks the package's programs as such, which the compiler
 * does not.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

const require = createRequire(import.meta.url);
const manifest = require('./package.json');
const compiler = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
const root = import.meta.dirname;
const fresh = join(root, `dist.${process.pid}`);
const old = join(root, `dist.${process.pid}.old`);

function build() {
  const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json', '--outDir', fresh], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) return status ?? 1;
  for (const program of Object.values(manifest.bin)) chmodSync(join(fresh, relative('dist', program)), 0o755);
  try {
    renameSync(join(root, 'dist'), old);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  renameSync(fresh, join(root, 'dist'));
  return 0;
}

try {
  process.exitCode = build();
} finally {
  for (const folder of [fresh, old]) rmSync(folder, { recursive: true, force: true });
}
