/** A directory that survives a crash: a name is durable only when the directory that holds it was synced, up to the root. */
import { type Disk, PortError } from '../ports.js';

/** Creates the directory and its parents where they are missing, and makes their names durable. */
export async function makeDurableDirectory(disk: Disk, path: string): Promise<void> {
  await disk.makeDirectory(path);
  const names = path.split('/');
  for (let depth = 0; depth < names.length; depth++) {
    await disk.syncDirectory(depth === 0 ? '.' : names.slice(0, depth).join('/'));
  }
}

/** Removes a file, also one that an earlier try has removed; durable when the directory is synced after that. Errors: those of the disk. */
export async function removeIfThere(disk: Disk, path: string): Promise<void> {
  try {
    await disk.remove(path);
  } catch (error) {
    if (!(error instanceof PortError) || error.code !== 'ENOENT') throw error;
  }
}
