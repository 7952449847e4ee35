/**
 * The Disk port of one life of a machine. Every operation asks the faults, takes its time, has its effect when it completes,
 * and settles as an event of its process, so that nothing of a dead life ever goes on.
 */
import { type Disk, type DiskFile, type Micros, type OpenMode, PortError } from '../../ports.js';
import type { Host, Incarnation } from '../host.js';
import type { DiskOperation, DiskVerdict } from '../seams.js';
import type { CrashDraw } from './crash.js';
import type { SimulatedFile, WriteDamage } from './file.js';
import { failure, type Tree } from './tree.js';

/** No file may reach further. Holes take no space, so this bounds numbers, not memory. */
const FILE_LENGTH_MAX = 2 ** 40;

/** What can be asked of a disk; faults judge all but the last two, which never touch the platter. */
export type TimedOperation = DiskOperation | 'size' | 'close';

/** The disk behind a session. */
export interface Device {
  readonly host: Host;
  /** Replaced when the disk is wiped. */
  tree: Tree;
  bytesMax: number;
  readonly openFilesMax: number;
  /** Draws how long an operation takes that moves this many bytes. */
  takes(operation: TimedOperation, bytes: number): Micros;
}

/** Where a verdict means something. Anywhere else it is a mistake of the fault that gave it. */
const MEANT_FOR: Readonly<Partial<Record<DiskVerdict['kind'], readonly DiskOperation[]>>> = {
  short: ['read', 'write'],
  phantom: ['write', 'sync', 'rename', 'sync-directory'],
  misdirect: ['read', 'write'],
  stale: ['read'],
  'fail-and-forget': ['sync'],
};

/** Operations that change something, so that a crash may find them done although nobody was told. */
const CHANGES: ReadonlySet<TimedOperation> = new Set<TimedOperation>(['open', 'write', 'truncate', 'rename', 'remove', 'make-directory']);
/** Operations whose success is told to the trace, too: promises of durability stand on them. */
const TOLD: ReadonlySet<TimedOperation> = new Set<TimedOperation>(['sync', 'rename', 'sync-directory']);

const WHAT: Readonly<Record<TimedOperation, string>> = {
  open: 'disk open',
  read: 'disk read',
  write: 'disk write',
  truncate: 'disk truncate',
  sync: 'disk sync',
  rename: 'disk rename',
  remove: 'disk remove',
  'make-directory': 'disk make-directory',
  list: 'disk list',
  'sync-directory': 'disk sync-directory',
  size: 'disk size',
  close: 'disk close',
};

/**
 * Carries an operation out as the verdict bends it, and says to `damaged` what the program is not told. Throws `PortError`
 * when the operation fails.
 */
type Effect<T> = (verdict: DiskVerdict | undefined, damaged: (outcome: string) => void) => T;

interface Request {
  readonly operation: TimedOperation;
  readonly path: string;
  readonly offset?: number;
  readonly length?: number;
  readonly mode?: OpenMode;
  /** Why it cannot be done whatever the disk does; then no fault is asked. */
  readonly refusal?: PortError | undefined;
}

export class Session implements Disk {
  readonly owner: Incarnation;
  readonly device: Readonly<Device>;
  readonly handles = new Set<Handle>();
  /** Changes that have begun and not ended, each as what carries it out. */
  readonly #inFlight = new Set<() => void>();

  constructor(device: Readonly<Device>, owner: Incarnation) {
    this.device = device;
    this.owner = owner;
  }

  open(path: string, mode: OpenMode): Promise<DiskFile> {
    return this.perform({ operation: 'open', path, mode }, () => {
      const { tree, openFilesMax } = this.device;
      if (this.handles.size >= openFilesMax) {
        throw failure('EMFILE', `${path} would be one open file more than the ${openFilesMax} that a process may have`);
      }
      const file = tree.open(path, mode, this.#full);
      tree.opened(file);
      const handle = new Handle(this, path, file, mode !== 'read');
      this.handles.add(handle);
      return handle;
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.perform({ operation: 'rename', path: from }, (verdict, damaged) => {
      const phantom = verdict?.kind === 'phantom';
      this.device.tree.rename(from, to, phantom);
      if (phantom) damaged('phantom');
    });
  }

  remove(path: string): Promise<void> {
    return this.perform({ operation: 'remove', path }, () => this.device.tree.remove(path));
  }

  makeDirectory(path: string): Promise<void> {
    return this.perform({ operation: 'make-directory', path }, () => this.device.tree.makeDirectory(path, this.#full));
  }

  list(directory: string): Promise<readonly string[]> {
    return this.perform({ operation: 'list', path: directory }, () => this.device.tree.list(directory));
  }

  syncDirectory(directory: string): Promise<void> {
    // Only what was done before the call is promised.
    const upTo = this.device.tree.sequence;
    return this.perform({ operation: 'sync-directory', path: directory }, (verdict, damaged) => {
      if (verdict?.kind === 'phantom') damaged('phantom');
      else this.device.tree.syncDirectory(directory, upTo);
    });
  }

  perform<T>(request: Request, effect: Effect<T>): Promise<T> {
    const { operation, path, length = 0, refusal } = request;
    const { host } = this.device;
    return new Promise((resolve, reject) => {
      // Code of a dead life gets no answer and reaches nothing, neither faults nor random streams.
      if (!this.owner.alive) return;
      const verdict = refusal === undefined ? this.#ask(request) : undefined;
      const carryOut = (): void => void effect(verdict, () => {});
      const complete = (): void => {
        this.#inFlight.delete(carryOut);
        if (verdict?.kind === 'crash' && verdict.when === 'before') {
          host.kill(this.owner, `disk: killed before ${operation} of ${path}`);
          return;
        }
        let outcome = 'ok';
        let value: T;
        try {
          if (refusal !== undefined) throw refusal;
          if (verdict?.kind === 'fail') throw failure(verdict.code, `${operation} of ${path} failed`);
          value = effect(verdict, (damage) => {
            outcome = damage;
          });
        } catch (error) {
          if (error instanceof PortError) this.#tell(operation, path, outcome === 'ok' ? error.code : outcome);
          reject(error);
          return;
        }
        if (outcome !== 'ok' || TOLD.has(operation)) this.#tell(operation, path, outcome);
        if (verdict?.kind === 'crash') host.kill(this.owner, `disk: killed after ${operation} of ${path}`);
        else resolve(value);
      };
      const mayBeDone = refusal === undefined && verdict?.kind !== 'fail' && !(verdict?.kind === 'crash' && verdict.when === 'before');
      if (mayBeDone && CHANGES.has(operation)) this.#inFlight.add(carryOut);
      const micros = this.device.takes(operation, length);
      if (verdict?.kind === 'hold') host.judge.hold({ release: () => void host.after(micros, this.owner, WHAT[operation], complete) });
      else host.after(verdict?.kind === 'delay' ? micros + verdict.micros : micros, this.owner, WHAT[operation], complete);
    });
  }

  /** The life is over. Returns how many changes in flight were carried out all the same. */
  end(draw: CrashDraw): number {
    const carriedOut = draw.inFlight([...this.#inFlight]);
    this.#inFlight.clear();
    for (const carryOut of carriedOut) {
      try {
        carryOut();
      } catch (error) {
        // It would have failed, and there is nobody left to be told.
        if (!(error instanceof PortError)) throw error;
      }
    }
    for (const { file } of this.handles) this.device.tree.closed(file);
    this.handles.clear();
    return carriedOut.length;
  }

  #ask({ operation, path, offset = 0, length = 0, mode }: Request): DiskVerdict | undefined {
    const { judge } = this.device.host;
    if (operation === 'size' || operation === 'close' || !judge.active('disk')) return undefined;
    const verdict = judge.ask({
      seam: 'disk',
      node: this.owner.node,
      operation,
      path,
      offset,
      length,
      ...(mode === undefined ? {} : { mode }),
    });
    const meantFor = verdict === undefined ? undefined : MEANT_FOR[verdict.kind];
    if (verdict !== undefined && meantFor !== undefined && !meantFor.includes(operation)) {
      throw new Error(`a fault answered '${verdict.kind}' to a disk ${operation}; it means something for ${meantFor.join(', ')} only`);
    }
    return verdict;
  }

  #tell(operation: TimedOperation, path: string, outcome: string): void {
    this.device.host.tell(this.owner, { type: 'disk', operation, path, outcome });
  }

  get #full(): boolean {
    return !this.device.tree.fits(this.device.bytesMax);
  }
}

class Handle implements DiskFile {
  readonly path: string;
  readonly file: SimulatedFile;
  readonly #session: Session;
  readonly #writable: boolean;
  #closed = false;

  constructor(session: Session, path: string, file: SimulatedFile, writable: boolean) {
    this.#session = session;
    this.path = path;
    this.file = file;
    this.#writable = writable;
  }

  read(offset: number, length: number): Promise<Uint8Array> {
    const refusal = this.#refusal(false) ?? outOfRange(this.path, offset, length);
    return this.#session.perform({ operation: 'read', path: this.path, offset, length, refusal }, (verdict, damaged) => {
      const { file } = this;
      if (verdict?.kind === 'short') {
        damaged('short');
        return file.read(offset, part(length, verdict.numerator, verdict.denominator));
      }
      const right = file.read(offset, length);
      if (verdict?.kind !== 'stale' && verdict?.kind !== 'misdirect') return right;
      const wrong = verdict.kind === 'stale' ? file.readStale(offset, length) : file.readMisdirected(offset, length, verdict.pages);
      if (wrong.some((byte, index) => byte !== right[index])) damaged(verdict.kind === 'stale' ? 'stale' : 'misdirected');
      return wrong;
    });
  }

  write(offset: number, bytes: Uint8Array): Promise<number> {
    const refusal = this.#refusal(true) ?? outOfRange(this.path, offset, bytes.length);
    // The caller may use its buffer again while the write is under way.
    const own = new Uint8Array(bytes);
    return this.#session.perform({ operation: 'write', path: this.path, offset, length: own.length, refusal }, (verdict, damaged) => {
      const { tree, bytesMax } = this.#session.device;
      const asked = verdict?.kind === 'short' ? part(own.length, verdict.numerator, verdict.denominator) : own.length;
      const length = tree.room(this.file, offset, asked, bytesMax);
      if (length === 0 && asked > 0) throw failure('ENOSPC', `no space for ${asked} bytes at ${offset} of ${this.path}`);
      if (length < own.length) damaged('short');
      let damage: WriteDamage | undefined;
      if (verdict?.kind === 'phantom' || verdict?.kind === 'misdirect') {
        damage = verdict;
        damaged(verdict.kind === 'phantom' ? 'phantom' : 'misdirected');
      }
      tree.alter(this.file, () => this.file.write(offset, own.subarray(0, length), damage));
      return length;
    });
  }

  truncate(length: number): Promise<void> {
    const refusal = this.#refusal(true) ?? outOfRange(this.path, 0, length);
    return this.#session.perform({ operation: 'truncate', path: this.path, length, refusal }, () =>
      this.#session.device.tree.alter(this.file, () => this.file.truncate(length)),
    );
  }

  sync(): Promise<void> {
    // Only what was written before the call is promised.
    const upTo = this.file.sequence;
    return this.#session.perform({ operation: 'sync', path: this.path, refusal: this.#refusal(false) }, (verdict, damaged) => {
      const { tree } = this.#session.device;
      if (verdict?.kind === 'phantom') {
        damaged('phantom');
      } else if (verdict?.kind === 'fail-and-forget') {
        tree.alter(this.file, () => this.file.forget());
        damaged('forgotten');
        throw failure('EIO', `sync of ${this.path} failed`);
      } else {
        tree.alter(this.file, () => this.file.sync(upTo));
      }
    });
  }

  size(): Promise<number> {
    return this.#session.perform({ operation: 'size', path: this.path, refusal: this.#refusal(false) }, () => this.file.length);
  }

  close(): Promise<void> {
    const refusal = this.#refusal(false);
    this.#closed = true;
    return this.#session.perform({ operation: 'close', path: this.path, refusal }, () => {
      this.#session.handles.delete(this);
      this.#session.device.tree.closed(this.file);
    });
  }

  #refusal(changes: boolean): PortError | undefined {
    if (this.#closed) return failure('EBADF', `${this.path} is closed`);
    if (changes && !this.#writable) return failure('EBADF', `${this.path} is open for reading only`);
    return undefined;
  }
}

/** A part of a length, at least one byte of it. */
function part(length: number, numerator: number, denominator: number): number {
  return Math.min(length, Math.max(1, Math.floor((length * numerator) / denominator)));
}

function outOfRange(path: string, offset: number, length: number): PortError | undefined {
  const whole = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (whole && offset + length <= FILE_LENGTH_MAX) return undefined;
  return failure('EINVAL', `${length} bytes at ${offset} of ${path}; both must be integers from 0 and end by ${FILE_LENGTH_MAX}`);
}
