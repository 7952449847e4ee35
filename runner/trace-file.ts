/** Where a recorded trace goes: one canonical JSON line an event, written whole or not at all. */
import writeFileAtomic from 'write-file-atomic';
import { encodeEvent, type TraceEvent } from '../src/trace.js';
import { probeWritable } from './writable.js';

export class TraceFile {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Finds out before the run whether the file can be written after it. Throws UsageError when not. */
  static async probe(path: string): Promise<TraceFile> {
    await probeWritable(path, 'trace');
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
