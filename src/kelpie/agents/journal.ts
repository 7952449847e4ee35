/**
 * The journal of the steps that this node has taken on, on its disk: what was under way when the process ended is known at the next
 * start, and is gone on with at once. The database is the source of truth: a step is there with its driver, its outcome counts once, and
 * every node looks there for work that nobody does. So a journal that is gone, damaged or cannot be written costs time and nothing
 * else, and steps go on without it.
 */
import type { Choices, Clock, Disk, Tracer } from '../../ports.js';
import type { AgentEvent } from '../../story.js';
import { type CheckpointParts, CheckpointStore } from '../checkpoint.js';
import { KelpieError } from '../errors.js';
import { type Apply, Wal, type WalParts, type WalRequest } from '../wal/wal.js';
import type { AgentOptions } from './agent-options.js';

const WAL_DIRECTORY = 'agents/wal';
const CHECKPOINT_DIRECTORY = 'agents/checkpoints';

/** Where the search for work that nobody does has come to. */
export interface SweepCursor {
  /** The last agent looked at; null at the begin of a round. */
  readonly after: string | null;
  /** Counts pages. */
  readonly sequence: number;
}

export interface JournalAccess {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly choices: Choices;
  readonly parts: { readonly wal: WalParts; readonly checkpoint: CheckpointParts };
  readonly options: Pick<AgentOptions, 'journalKeptMicros' | 'journalSegmentBytes' | 'journalBytesMax'>;
  tell(event: AgentEvent): void;
}

export class Journal {
  readonly #access: JournalAccess;
  readonly #checkpoints: CheckpointStore;
  #wal: Wal | undefined;
  #checkpointing = true;
  #closed = false;

  constructor(access: JournalAccess) {
    this.#access = access;
    const { disk, tracer, parts } = access;
    this.#checkpoints = new CheckpointStore(disk, tracer, { directory: CHECKPOINT_DIRECTORY }, parts.checkpoint);
  }

  /** Opens what is there. Never rejects for the state of the disk. */
  async open(): Promise<void> {
    const { disk, clock, tracer, choices, parts, options } = this.#access;
    const { journalKeptMicros: keptMicros, journalSegmentBytes: segmentBytes, journalBytesMax: bytesMax } = options;
    try {
      const kept = { directory: WAL_DIRECTORY, keptMicros, segmentBytes, bytesMax, choices };
      const wal = await Wal.open(disk, clock, tracer, kept, parts.wal);
      if (this.#closed) await wal.close();
      else this.#wal = wal;
    } catch (error) {
      this.#unusable('journal', error);
    }
  }

  /** Performs what was pending at the last end of the process. Errors: those of `apply` that may go away. */
  async replay(apply: Apply): Promise<void> {
    await this.#wal?.replay(apply);
  }

  /** Performs a step, journaled where that is possible. Errors: those of `apply`. */
  async execute(request: WalRequest, apply: () => Promise<string>): Promise<void> {
    let applied = false;
    const once = (): Promise<string> => {
      applied = true;
      return apply();
    };
    try {
      await this.#wal?.execute(request, once);
    } catch (error) {
      if (applied || this.#closed) throw error;
      this.#unusable('journal', error);
    }
    // The journal has failed, or knows the step as ended, and the agent knows better.
    if (!applied) await apply();
  }

  /** Ends an entry whose step is somebody else's now. */
  async abandon(request: WalRequest): Promise<void> {
    if (this.#wal?.find(request.key)?.status !== 'pending') return;
    try {
      await this.#wal.execute(request, () => Promise.resolve('"past"'));
    } catch (error) {
      if (!this.#closed) this.#unusable('journal', error);
    }
  }

  async restoreCursor(): Promise<SweepCursor> {
    try {
      const found = await this.#checkpoints.restore();
      if (found === undefined) return { after: null, sequence: 0 };
      return { after: (JSON.parse(found.state) as { readonly after: string | null }).after, sequence: found.sequence };
    } catch (error) {
      // Without a cursor the round begins anew. What is on the disk is left for an operator to look at.
      this.#checkpointing = false;
      this.#unusable('checkpoint', error);
      return { after: null, sequence: 0 };
    }
  }

  async saveCursor({ after, sequence }: SweepCursor): Promise<void> {
    if (!this.#checkpointing) return;
    try {
      await this.#checkpoints.save({ sequence, state: JSON.stringify({ after }) });
    } catch (error) {
      this.#unusable('checkpoint', error);
    }
  }

  async cleanup(): Promise<void> {
    try {
      await this.#wal?.cleanup();
    } catch (error) {
      if (!this.#closed) this.#unusable('journal', error);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    try {
      await this.#wal?.close();
    } catch (error) {
      this.#unusable('journal', error);
    }
  }

  #unusable(what: 'journal' | 'checkpoint', error: unknown): void {
    this.#access.tell({ type: 'journal.unusable', what, code: KelpieError.from(error).code });
  }
}
