/** A kernel with one disk, and lives that use it one after another: what tests of the disk and of the services run on. */
import { type Disk, type DiskFile, PortError, readFully, writeFully } from '../../ports.js';
import type { Strategy } from '../../run.js';
import type { WorldEvent } from '../../trace.js';
import { NodeClock } from '../clock.js';
import { SimDisk, type SimDiskOptions } from '../disk.js';
import { Kernel } from '../kernel.js';
import type { Process } from '../process.js';
import { randomOf } from '../random.js';
import type { DiskEvent, DiskOperation, DiskVerdict, Held, Judge, Seam, SeamEvent, SeamVerdict } from '../seams.js';

export interface RigOptions {
  readonly seed?: number;
  readonly disk?: SimDiskOptions;
  readonly strategy?: Strategy;
  /** Answers at one seam. */
  readonly judge?: { readonly seam: Seam; answer(event: SeamEvent): SeamVerdict | undefined };
}

/** One life: its program, and how it ends when the program is done. */
export interface Life {
  run(disk: Disk, process: Process): Promise<void>;
  readonly end?: 'machine' | 'process';
  /** Done while the machine is down after this life. */
  after?(): void;
}

export class Rig {
  readonly kernel: Kernel;
  readonly disk: SimDisk;
  /** World events in order. */
  readonly told: WorldEvent[] = [];
  /** What `hold` verdicts hold. */
  readonly held: Held[] = [];
  readonly #lives: Life[] = [];
  #process: Process | undefined;
  #error: unknown;
  #count = 0;

  constructor(options: RigOptions = {}) {
    this.kernel = new Kernel({
      random: randomOf(options.seed ?? 1),
      strategy: options.strategy ?? { kind: 'fifo' },
      quantumMicros: 1,
      limits: { events: 1_000_000, simMicros: 10_000_000_000, queueLength: 100_000 },
      onCrash: (_process, error) => this.#fail(error),
      onKill: () => this.#ended('machine'),
      listeners: [(event) => this.told.push(event.body as WorldEvent)], // only the world speaks here
    });
    const { judge } = options;
    if (judge !== undefined) this.kernel.judge = new ScriptedJudge(judge.seam, (event) => judge.answer(event), this.held);
    this.disk = new SimDisk(this.kernel, 'n1', options.disk);
  }

  /** Runs the lives to their ends. Throws what a program throws, and Error when nothing can happen before all lives are over. */
  async run(...lives: readonly Life[]): Promise<void> {
    this.#lives.push(...lives);
    this.kernel.after(0, undefined, 'first life', () => this.#next());
    await this.kernel.run();
    if (this.#error !== undefined) throw this.#error;
    if (this.#process !== undefined || this.#lives.length > 0) throw new Error(`life ${this.#count} waits for something that never comes`);
  }

  #next(): void {
    const life = this.#lives[0];
    if (life === undefined) {
      this.kernel.stop();
      return;
    }
    const process = this.kernel.newProcess('n1', ++this.#count, new NodeClock(0));
    this.#process = process;
    this.kernel.after(0, process, 'boot', () => {
      life.run(this.disk.attach(process), process).then(
        () => {
          if (!process.alive) return;
          process.alive = false;
          this.#ended(life.end ?? 'machine');
        },
        (error: unknown) => this.#fail(error),
      );
    });
  }

  #ended(how: 'machine' | 'process'): void {
    this.#process = undefined;
    this.disk.crash(how);
    this.#lives.shift()?.after?.();
    this.kernel.after(0, undefined, 'next life', () => this.#next());
  }

  #fail(error: unknown): void {
    this.#error = error;
    this.kernel.stop();
  }
}

/** One life without a crash, and what it returns. */
export async function inOneLife<T>(rig: Rig, body: (disk: Disk, process: Process) => Promise<T>): Promise<T> {
  let result: { readonly value: T } | undefined;
  await rig.run({
    run: async (disk, process) => {
      result = { value: await body(disk, process) };
    },
    end: 'process',
  });
  if (result === undefined) throw new Error('the life was killed before its program was done');
  return result.value;
}

class ScriptedJudge implements Judge {
  constructor(
    readonly seam: Seam,
    readonly answer: (event: SeamEvent) => SeamVerdict | undefined,
    readonly held: Held[],
  ) {}

  active(seam: Seam): boolean {
    return seam === this.seam;
  }

  ask(event: SeamEvent): never {
    // The script answers in the terms of its seam, which the types of one method for all seams cannot say.
    return (event.seam === this.seam ? this.answer(event) : undefined) as never;
  }

  hold(held: Held): void {
    this.held.push(held);
  }
}

/** A rig whose disk gets this verdict at every such operation while `armed` says so, and everything that was asked. */
export function judged(
  operation: DiskOperation,
  verdict: DiskVerdict,
  seed = 1,
): { readonly rig: Rig; readonly armed: { now: boolean }; readonly asked: DiskEvent[] } {
  const armed = { now: true };
  const asked: DiskEvent[] = [];
  const answer = (event: SeamEvent): DiskVerdict | undefined => {
    if (event.seam !== 'disk') return undefined;
    asked.push(event);
    return armed.now && event.operation === operation ? verdict : undefined;
  };
  return { rig: new Rig({ seed, judge: { seam: 'disk', answer } }), armed, asked };
}

/** What the disk told the trace, as `operation path outcome`. */
export const toldOf = (rig: Rig): string[] =>
  rig.told.flatMap((event) => (event.type === 'disk' ? [`${event.operation} ${event.path} ${event.outcome}`] : []));

/** The code with which an operation fails, or `nothing`. */
export async function failing(doing: Promise<unknown>): Promise<string> {
  try {
    await doing;
    return 'nothing';
  } catch (error) {
    if (error instanceof PortError) return error.code;
    throw error;
  }
}

export const filled = (length: number, fill: number): Uint8Array => new Uint8Array(length).fill(fill);

export async function contentOf(disk: Disk, path: string): Promise<Uint8Array> {
  const file = await disk.open(path, 'read');
  const bytes = await readFully(file, 0, 1_000_000);
  await file.close();
  return bytes;
}

/** Writes a file and leaves it open and unsynced. */
export async function put(disk: Disk, path: string, bytes: Uint8Array): Promise<DiskFile> {
  const file = await disk.open(path, 'write');
  await writeFully(file, 0, bytes);
  return file;
}

/** As `put`, for a file of the root directory that is to survive a crash. */
export async function keep(disk: Disk, path: string, bytes: Uint8Array): Promise<DiskFile> {
  const file = await put(disk, path, bytes);
  await file.sync();
  await disk.syncDirectory('.');
  return file;
}

/** A life that finds this content. */
export const expecting = (path: string, bytes: Uint8Array): Life => ({
  run: async (disk) => {
    const seen = await contentOf(disk, path);
    const at = seen.findIndex((byte, index) => byte !== bytes[index]);
    if (at !== -1) throw new Error(`${path} has ${seen[at]} at ${at}, expected ${bytes[at]}`);
    if (seen.length !== bytes.length) throw new Error(`${path} has ${seen.length} bytes, expected ${bytes.length}`);
  },
});
