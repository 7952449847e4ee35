/**
 * The write-ahead log of each node as it was told: what is durable in it, by node, for the log outlives its process. Of a disk that
 * has lied nothing is known any more; what a process did and did not tell before it died may be there too.
 */
import type { TraceEvent } from '../../src/trace.js';
import { type Breach, type Fold, type Told, told } from '../invariant.js';
import { DISK_TYPES, DiskTrust } from '../../src/disk-trust.js';
import { entryOf } from './keyed.js';

export interface WalEntry {
  readonly id: number;
  readonly key: string;
  status: 'pending' | 'complete' | 'failed';
}

export interface WalLog {
  readonly entries: Map<number, WalEntry>;
  /**
   * How many have ended without being told so: the mark was durable and its process died. A recovery tells their number and not which they
   * are, so each stands in `entries` as pending until a clean-up names it.
   */
  endedUntold: number;
  /** How many of those that had ended were cleaned up by a process that died before it said so: which they were is never told, so they stay in `entries`. */
  gone: number;
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
    return entryOf(this.#logs, node, () => ({ entries: new Map(), endedUntold: 0, gone: 0, newest: 0, untold: false }));
  }

  /** Takes the event in. */
  take(event: TraceEvent): void {
    const body = told(event);
    if (!event.body.type.startsWith('wal.')) return;
    const log = this.of(event.node);
    switch (body.type) {
      case 'wal.recover':
        countEnded(log, body.entries - body.pending);
        log.untold = body.entries > heldCount(log);
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
        dropEnded(log, new Set(body.keys));
        return;
      default:
        return;
    }
  }
}

/** A fold that judges every event of a log whose disk can be trusted by the log as it was told before the event. */
export function judgingLogs(judge: (event: TraceEvent, log: WalLog) => Breach | undefined): Fold {
  const logs = new WalLogs();
  return {
    observe(event) {
      const log = logs.before(event);
      const breach = log === undefined ? undefined : judge(event, log);
      logs.take(event);
      return breach;
    },
  };
}

/** Entries that were told ended; some of them may be gone. */
export const toldEnded = ({ entries }: WalLog): WalEntry[] => [...entries.values()].filter(({ status }) => status !== 'pending');

/** How many entries the log owes to the next recovery, if it does not clean up. */
export const heldCount = ({ entries, gone }: WalLog): number => entries.size - gone;

/** How many of these have ended. */
export const endedCount = (log: WalLog): number => toldEnded(log).length + log.endedUntold - log.gone;

/**
 * Takes in how many ended entries a recovery has found. An entry that is lost while it is pending, and one that came and nobody told of,
 * leave that number as it is, so neither passes for an end that was not told.
 */
function countEnded(log: WalLog, found: number): void {
  const more = found - endedCount(log);
  if (more > 0) log.endedUntold += more;
  else log.gone -= more;
}

/**
 * Drops what a clean-up names. Of what stands there as pending it may name no more than recovery has found ended: a log that drops what is
 * pending keeps owing it, as does one that drops nothing but has lost something.
 */
function dropEnded(log: WalLog, keys: ReadonlySet<string>): void {
  let others = keys.size;
  const pending: WalEntry[] = [];
  for (const entry of log.entries.values()) {
    if (!keys.has(entry.key)) continue;
    if (entry.status === 'pending') {
      pending.push(entry);
      continue;
    }
    log.entries.delete(entry.id);
    others -= 1;
  }
  // The others are held as pending, or were never told of at all.
  const untold = Math.max(0, Math.min(others, log.endedUntold, endedCount(log)));
  for (const { id } of pending.slice(0, untold)) log.entries.delete(id);
  log.endedUntold -= untold;
}
