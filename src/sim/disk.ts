/**
 * The simulated disk of one machine. It outlives the processes that use it one after another: a machine that dies loses what
 * was not durable as `disk/crash.ts` says, a process that merely ends leaves the page cache behind.
 */
import type { Disk, Micros, Random, TraceValue } from '../ports.js';
import { CrashDraw } from './disk/crash.js';
import { PAGE_BYTES } from './disk/pages.js';
import { type Device, Session, type TimedOperation } from './disk/session.js';
import { Tree } from './disk/tree.js';
import type { Host, Incarnation } from './host.js';
import type { CrashBehaviour } from './seams.js';

/** How long an operation takes on a healthy disk: `[least, most]`. */
export type DiskLatency = Readonly<Record<TimedOperation, readonly [Micros, Micros]>>;

export interface SimDiskOptions {
  /** Space for data in bytes, 256 MiB by default. */
  readonly bytesMax?: number;
  /** Files that one process may have open at once, 1024 by default. */
  readonly openFilesMax?: number;
  /** What the disk reads and writes in a second; 0, the default, is without limit. */
  readonly bytesPerSecond?: number;
  readonly latency?: Partial<DiskLatency>;
}

const BYTES_MAX = 256 * 1024 * 1024;
const OPEN_FILES_MAX = 1024;

/** A cache answers in microseconds; a barrier to the platter takes as long as a solid-state disk's. */
const LATENCY: DiskLatency = {
  open: [20, 100],
  read: [2, 30],
  write: [3, 40],
  truncate: [5, 60],
  sync: [200, 3_000],
  rename: [20, 150],
  remove: [20, 150],
  'make-directory': [20, 150],
  list: [10, 100],
  'sync-directory': [200, 3_000],
  size: [1, 5],
  close: [1, 10],
};
/** One sync in this many waits for the disk's own housekeeping, this many times as long. */
const SLOW_SYNC_ONE_IN = 200;
const SLOW_SYNC_FACTOR = 20;

export class SimDisk {
  readonly #host: Host;
  readonly #name: string;
  readonly #latency: DiskLatency;
  readonly #bytesPerSecond: number;
  readonly #capacity: number;
  readonly #random: Random;
  readonly #device: Device;
  #session: Session | undefined;
  #behaviour: CrashBehaviour | undefined;
  #crashes = 0;
  #busyUntil: Micros = 0;

  constructor(host: Host, name: string, options: SimDiskOptions = {}) {
    this.#host = host;
    this.#name = name;
    this.#latency = { ...LATENCY, ...options.latency };
    this.#bytesPerSecond = options.bytesPerSecond ?? 0;
    this.#capacity = options.bytesMax ?? BYTES_MAX;
    this.#random = host.random(`disk/${name}/latency`);
    this.#device = {
      host,
      tree: new Tree(),
      bytesMax: this.#capacity,
      openFilesMax: options.openFilesMax ?? OPEN_FILES_MAX,
      takes: (operation, bytes) => this.#takes(operation, bytes),
    };
  }

  /** The disk as one life sees it. Throws Error while an earlier life is not over. */
  attach(owner: Incarnation): Disk {
    if (this.#session !== undefined) {
      const { node, life } = this.#session.owner;
      throw new Error(`disk ${this.#name} is in use by life ${life} of ${node}, which has not ended: call crash() first`);
    }
    this.#session = new Session(this.#device, owner);
    return this.#session;
  }

  /**
   * The process is over: with its machine, so that only what was durable is sure, or alone (it ended by itself or was killed on a
   * machine that goes on), so that the cache stays.
   */
  crash(kind: 'machine' | 'process' = 'machine'): void {
    const behaviour = this.#behaviour ?? 'mixed';
    const draw = new CrashDraw(behaviour, this.#host.random(`disk/${this.#name}/crash/${++this.#crashes}`));
    const carriedOut = this.#session?.end(draw) ?? 0;
    this.#session = undefined;
    if (kind === 'process') return;
    const { operations, names, namesKept } = this.#device.tree.crash(draw);
    if (operations + names > 0) this.#tell('crash', '', behaviour, { carriedOut, operations, names, namesKept });
  }

  /** Flips bits of durable data; false when there is none. */
  rot(bitFlips: number, random: Random): boolean {
    const pages = this.#device.tree.platterFiles().flatMap(([path, file]) => file.platterPages.map((page) => ({ path, file, page })));
    if (pages.length === 0 || bitFlips < 1) return false;
    for (let i = 0; i < bitFlips; i++) {
      const { path, file, page } = random.pick(pages);
      file.flip(page, random.int(PAGE_BYTES * 8));
      this.#tell('rot', path, 'damaged', { page });
    }
    return true;
  }

  /** Everything on it is gone; false when there was nothing, or while it is in use. */
  wipe(): boolean {
    if (this.#session !== undefined || this.#device.tree.empty) return false;
    this.#device.tree = new Tree();
    this.#tell('wipe', '', 'damaged', {});
    return true;
  }

  /** Two machines get each other's data; limits, speed and crash behaviour stay with the machines. False while either is in use. */
  swap(other: SimDisk): boolean {
    if (this.#session !== undefined || other.#session !== undefined || (this.#device.tree.empty && other.#device.tree.empty)) return false;
    const { tree } = this.#device;
    this.#device.tree = other.#device.tree;
    other.#device.tree = tree;
    this.#tell('swap', '', 'damaged', { with: other.#name });
    return true;
  }

  /** Space taken, in bytes. */
  usedBytes(): number {
    return this.#device.tree.bytesUsed;
  }

  /** Limits the space to this many bytes; undefined gives back all that the disk has. False when that changes nothing. */
  limit(bytesMax: number | undefined): boolean {
    const next = Math.min(bytesMax ?? this.#capacity, this.#capacity);
    if (next === this.#device.bytesMax) return false;
    this.#device.bytesMax = next;
    return true;
  }

  /** What crashes from now on do to what is not durable; undefined is the random default. False when that changes nothing. */
  setCrashBehaviour(behaviour: CrashBehaviour | undefined): boolean {
    if (behaviour === this.#behaviour) return false;
    this.#behaviour = behaviour;
    return true;
  }

  #takes(operation: TimedOperation, bytes: number): Micros {
    const [least, most] = this.#latency[operation];
    let micros = this.#random.between(least, most);
    const barrier = operation === 'sync' || operation === 'sync-directory';
    if (barrier && this.#random.chance(1, SLOW_SYNC_ONE_IN)) micros *= SLOW_SYNC_FACTOR;
    if (this.#bytesPerSecond > 0 && bytes > 0 && (operation === 'read' || operation === 'write')) {
      const now = this.#host.now();
      this.#busyUntil = Math.max(now, this.#busyUntil) + Math.ceil((bytes * 1_000_000) / this.#bytesPerSecond);
      micros += this.#busyUntil - now;
    }
    return micros;
  }

  #tell(operation: string, path: string, outcome: string, detail: Readonly<Record<string, TraceValue>>): void {
    this.#host.tell(undefined, { ...detail, type: 'disk', operation, path, outcome, disk: this.#name });
  }
}
