/** Finds out before the work is done whether its result can be stored after it. */
import { open, unlink } from 'node:fs/promises';
import { UsageError } from './usage-error.js';

/** Changes nothing. Throws UsageError when a file of this name cannot be written; `what` is named in it. */
export async function probeWritable(path: string, what: string): Promise<void> {
  const neighbour = `${path}.${process.pid}.probe`;
  try {
    // Asking for permissions does not tell (root, read-only mounts, full disks): making a file does.
    const file = await open(neighbour, 'wx');
    await file.close();
    await unlink(neighbour);
    // Opening finds a directory or a protected file in its place, and changes neither.
    await openExisting(path);
  } catch (error) {
    throw new UsageError(
      `the ${what} cannot be written to '${path}': ${(error as Error).message}; name a file in a folder that exists and may be written`,
    );
  }
}

async function openExisting(path: string): Promise<void> {
  try {
    const file = await open(path, 'r+');
    await file.close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
