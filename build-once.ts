/** Builds `dist/` before the tests of the command, so that they never judge an old build. */
import { spawnSync } from 'node:child_process';

export default function buildOnce(): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['build.js'], { cwd: import.meta.dirname, encoding: 'utf8' });
  if (status !== 0) throw new Error(`the build failed with exit code ${status}:\n${stdout}${stderr}`);
}
