/**
 * The write-ahead log of each node as it was told: what is durable in it, by node, for the log outlives its process. Of a disk that
 * has lied nothing is known any more; what a process did and did not tell before it died may be there too.
 */
import type { TraceEvent } from '../../src/trace.js';
import { type Told, told } from '../invariant.js';
import { DISK_TYPES, DiskTrust } from '../../src/disk-trust.js';
import { entryOf } from './keyed.js';

export interface WalEntry {
  readonly id: number;
  readonly key: string;
  status: 'pending' | 'complete' | 'failed';
}

export interface WalLog {
  readonly entries: Map<number, WalEntry>;
  /** The highest id that was ever told. */
  newest: number;
  /** The last recovery found entries that nobody had told of. */
  untold: boolean;
}

export const WAL_TYPES = [
  'wal.recover',
  'wal.append',
  'wal.replay',
  'wal.end',
  'wal.cleanup',
  ...DISK_TYPES,
] as const satisfies readonly Told['type'][];

export class WalLogs {
  readonly #trust = new DiskTrust();
  readonly #logs = new Map<string, WalLog>();

  /** The log of a node whose disk can be trusted, as it was before the event; undefined for others, and for other events. */
  before(event: TraceEvent): WalLog | undefined {
    this.#trust.observe(event);
    if (!event.body.type.startsWith('wal.') || !this.#trust.trusts(event.node)) return undefined;
    return this.of(event.node);
  }

  of(node: string): WalLog {
    return entryOf(this.#logs, node, () => ({ entries: new Map(), newest: 0, untold: false }));
  }

  /** Takes the event in. */
  take(event: TraceEvent): void {
    const body = told(event);
    if (!event.body.type.startsWith('wal.')) return;
    const log = this.of(event.node);
    switch (body.type) {
      case 'wal.recover':
        log.untold = body.entries > log.entries.size;
        return;
      case 'wal.append':
        log.entries.set(body.id, { id: body.id, key: body.key, status: 'pending' });
        log.newest = Math.max(log.newest, body.id);
        return;
      case 'wal.replay':
        // It may be one that nobody had told of.
        entryOf(log.entries, body.id, () => ({ id: body.id, key: body.key, status: 'pending' }));
        log.newest = Math.max(log.newest, body.id);
        return;
      case 'wal.end':
        entryOf(log.entries, body.id, () => ({ id: body.id, key: body.key, status: 'pending' })).status = body.status;
        log.newest = Math.max(log.newest, body.id);
        return;
      case 'wal.cleanup':
        // Which of those that had ended are dropped is not told.
        for (const [id, { status }] of log.entries) if (body.dropped > 0 && status !== 'pending') log.entries.delete(id);
        return;
      default:
        return;
    }
  }
}
