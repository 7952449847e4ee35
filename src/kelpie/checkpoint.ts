/**
 * Checkpoints on the Disk port: a state and the sequence number up to which it accounts for everything. Sequence, state and the
 * pointer to them become visible in one step, because they are one file that gets its name only when it is whole and durable.
 */
import { type Disk, readFully, type Tracer, writeFully } from '../ports.js';
import { decodeFrame, encodeFrame, FrameError } from '../frame.js';
import type { CheckpointEvent } from '../story.js';
import { makeDurableDirectory } from './durable-directory.js';
import { KelpieError } from './errors.js';
import { STATE_BYTES_MAX } from './limits.js';

export interface Checkpoint {
  /** Everything up to and including this number is in the state. */
  readonly sequence: number;
  /** JSON text. */
  readonly state: string;
}

export interface CheckpointOptions {
  readonly directory: string;
  /** How many of the newest are kept; at least 1. */
  readonly keep: number;
}

const CHECKPOINT_DEFAULTS: CheckpointOptions = { directory: 'checkpoints', keep: 3 };

/** How a checkpoint becomes visible, a part of its own. */
export interface CheckpointParts {
  /** Afterwards either the whole checkpoint is durable under `path`, or nothing of it is visible. */
  publish(disk: Disk, directory: string, path: string, bytes: Uint8Array): Promise<void>;
}

export const correctCheckpointParts: CheckpointParts = {
  async publish(disk, directory, path, bytes) {
    const draft = `${path}.draft`;
    const file = await disk.open(draft, 'write');
    try {
      await file.truncate(0);
      await writeFully(file, 0, bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await disk.rename(draft, path);
    await disk.syncDirectory(directory);
  },
};

const NAME = /^(\d{16})\.checkpoint$/;

export class CheckpointStore {
  readonly #disk: Disk;
  readonly #tracer: Tracer;
  readonly #options: CheckpointOptions;
  readonly #parts: CheckpointParts;
  #newest = -1;
  #saving: Promise<unknown> = Promise.resolve();

  constructor(disk: Disk, tracer: Tracer, options: Partial<CheckpointOptions> = {}, parts: CheckpointParts = correctCheckpointParts) {
    this.#options = { ...CHECKPOINT_DEFAULTS, ...options };
    if (!Number.isInteger(this.#options.keep) || this.#options.keep < 1) {
      throw new KelpieError('invalid-argument', `checkpoints to keep must be a whole number from 1, is ${this.#options.keep}`);
    }
    this.#disk = disk;
    this.#tracer = tracer;
    this.#parts = parts;
  }

  /**
   * Makes a checkpoint durable and drops the oldest beyond `keep`. One at a time.
   * Errors: `invalid-argument` (the sequence is not newer), `too-large`, `store-unavailable` (the disk failed; the checkpoint before is the newest).
   */
  save(checkpoint: Checkpoint): Promise<void> {
    const saved = this.#saving.then(() => this.#save(checkpoint));
    this.#saving = saved.catch(() => {});
    return saved;
  }

  /**
   * The newest whole checkpoint; undefined when there is none. A damaged one is told, left as it is and passed over.
   * Errors: `store-unavailable`; `corrupted` when there are checkpoints and none is whole.
   */
  async restore(): Promise<Checkpoint | undefined> {
    const { directory } = this.#options;
    let sequences: number[];
    try {
      await this.#disk.makeDirectory(directory);
      sequences = await this.#sequences();
    } catch (error) {
      throw unavailable('read', error);
    }
    const damaged: string[] = [];
    for (const sequence of sequences.toReversed()) {
      const path = this.#path(sequence);
      const checkpoint = await this.#read(path, sequence);
      if (checkpoint === undefined) {
        damaged.push(path);
        this.#tell({ type: 'checkpoint.damaged', sequence });
        continue;
      }
      // A damaged one of a higher number stays on the disk, and the next must not take its name.
      this.#newest = Math.max(this.#newest, sequences.at(-1) ?? sequence);
      this.#tell({ type: 'checkpoint.restore', sequence });
      return checkpoint;
    }
    if (damaged.length === 0) return undefined;
    throw new KelpieError('corrupted', `no checkpoint is whole: ${damaged.join(', ')}; they were left as they are`);
  }

  async #save({ sequence, state }: Checkpoint): Promise<void> {
    if (!Number.isSafeInteger(sequence) || sequence < 0 || sequence <= this.#newest) {
      throw new KelpieError('invalid-argument', `checkpoint ${sequence} is not newer than ${this.#newest}`);
    }
    const body = new TextEncoder().encode(JSON.stringify({ sequence, state }));
    if (body.length > STATE_BYTES_MAX) {
      throw new KelpieError('too-large', `a checkpoint must have at most ${STATE_BYTES_MAX} bytes, has ${body.length}`);
    }
    const { directory, keep } = this.#options;
    try {
      await makeDurableDirectory(this.#disk, directory);
      await this.#parts.publish(this.#disk, directory, this.#path(sequence), encodeFrame(body));
    } catch (error) {
      throw unavailable('save', error);
    }
    this.#newest = sequence;
    this.#tell({ type: 'checkpoint.save', sequence });
    try {
      const old = (await this.#sequences()).slice(0, -keep);
      for (const one of old) await this.#disk.remove(this.#path(one));
      if (old.length > 0) await this.#disk.syncDirectory(directory);
    } catch {
      // The new one is safe; old ones that could not be removed go with the next.
      this.#tracer.count('checkpoint.cleanup-failed');
    }
  }

  async #read(path: string, sequence: number): Promise<Checkpoint | undefined> {
    let bytes: Uint8Array;
    try {
      const file = await this.#disk.open(path, 'read');
      try {
        bytes = await readFully(file, 0, await file.size());
      } finally {
        await file.close();
      }
    } catch (error) {
      // A disk that cannot be read says nothing about what is on it.
      throw unavailable('read', error);
    }
    try {
      const checkpoint = JSON.parse(new TextDecoder().decode(decodeFrame(bytes))) as Checkpoint;
      // A whole file under another's name was misdirected.
      return checkpoint.sequence === sequence ? checkpoint : undefined;
    } catch (error) {
      if (error instanceof FrameError) return undefined;
      throw error;
    }
  }

  /** Ascending. */
  async #sequences(): Promise<number[]> {
    const names = await this.#disk.list(this.#options.directory);
    return names
      .map((name) => NAME.exec(name)?.[1])
      .filter((digits) => digits !== undefined)
      .map(Number)
      .sort((a, b) => a - b);
  }

  #path(sequence: number): string {
    return `${this.#options.directory}/${String(sequence).padStart(16, '0')}.checkpoint`;
  }

  #tell(event: CheckpointEvent): void {
    this.#tracer.emit(event);
  }
}

const unavailable = (what: string, cause: unknown): KelpieError =>
  new KelpieError('store-unavailable', `a checkpoint could not be ${what === 'read' ? 'read' : 'saved'}: ${String(cause)}`, { cause });
