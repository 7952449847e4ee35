/** Where a recorded trace goes: one canonical JSON line an event, written whole or not at all. */
import { open, unlink } from 'node:fs/promises';
import writeFileAtomic from 'write-file-atomic';
import { encodeEvent, type TraceEvent } from '../src/trace.js';
import { UsageError } from './usage-error.js';

export class TraceFile {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Finds out before the run whether the file can be written after it. Throws UsageError when not. */
  static async probe(path: string): Promise<TraceFile> {
    const neighbour = `${path}.${process.pid}.probe`;
    try {
      // Asking for permissions does not tell (root, read-only mounts, full disks): making a file does.
      const file = await open(neighbour, 'wx');
      await file.close();
      await unlink(neighbour);
      // Opening for append finds a directory or a protected file in its place, and changes neither.
      await openExisting(path);
    } catch (error) {
      throw new UsageError(
        `the trace cannot be written to '${path}': ${(error as Error).message}; name a file in a folder that exists and may be written`,
      );
    }
    return new TraceFile(path);
  }

  async write(trace: readonly TraceEvent[]): Promise<void> {
    const lines: Buffer[] = [];
    // In pieces: one string may not be longer than 512 MB.
    for (let at = 0; at < trace.length; at += LINES_PER_PIECE) {
      lines.push(
        Buffer.from(
          trace
            .slice(at, at + LINES_PER_PIECE)
            .map((event) => `${encodeEvent(event)}\n`)
            .join(''),
        ),
      );
    }
    await writeFileAtomic(this.path, Buffer.concat(lines));
  }
}

const LINES_PER_PIECE = 10_000;

async function openExisting(path: string): Promise<void> {
  try {
    const file = await open(path, 'r+');
    await file.close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
