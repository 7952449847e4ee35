/**
 * Builds `dist/` before the tests of the command, so that they never judge an old build, and makes one run, so that the specs are explored
 * before a test that knows to the letter what a run prints.
 */
import { spawnSync } from 'node:child_process';

function done(what: string, ...args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: import.meta.dirname, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${what} failed with exit code ${status}:\n${stdout}${stderr}`);
}

export default function buildOnce(): void {
  done('the build', 'build.js');
  done('a first run', 'dist/runner/cli.js', 'run', '--seed', '0', '--profile', 'none', '--json');
}
