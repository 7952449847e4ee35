/**
 * One walk for the checkpoints of each disk, from its first one until it is wiped or put into another machine. The oldest checkpoint
 * that is kept is where the model begins: before the first one, that is the state without any. Operations have no log of their own
 * in Kelpie's use of checkpoints, so what covers them is hidden.
 */
import type { TraceEvent } from '../../src/trace.js';
import type { Mapping, Observation, Walks } from '../mapping.js';
import { type Follower, following, type Heard, look, step } from '../projection.js';

const HEARS = ['fault', 'disk', 'checkpoint.damaged', 'checkpoint.restore', 'checkpoint.save'] as const;
type Type = (typeof HEARS)[number];

const MISREADINGS: ReadonlySet<string> = new Set(['stale', 'misdirected']);

interface Disk {
  readonly walk: string;
  /** The highest number that was told; -1 for none. */
  newest: number;
  /** The process has ended, and none has told of a checkpoint since. */
  down: boolean;
  /** It has answered this life with what was not in the place that was read. */
  misread: boolean;
  /** What this life began with, until it has saved: a node that could not go on from there opens its checkpoints again. */
  restored: number | undefined;
  /** Numbers told as damaged in this life. */
  readonly damaged: Set<number>;
}

const publish = step('Publish');
/** The process may have died between making it visible and saying so. */
const maybePublish: Observation = { key: 'maybe Publish', steps: [{ action: 'Publish' }], still: () => true };
const crash: Observation = { key: 'Crash', steps: [{ action: 'Crash' }], still: ({ phase }) => phase === 'Down' };
const restore = step('Restore');
const newestFound = look('the newest is restored', ({ whole, seq }) => whole === true || seq === 0);
const newestDamaged = look('the newest is damaged', ({ whole }) => whole === false);
const newestPassedOver = look('the newest is whole and not restored', ({ whole, seq, pos }) => whole === true && seq !== 0 && pos === 0);
/** What a checkpoint that is visible never is: its number is of another state than the one in it. */
const half = (what: string): Observation => look(what, ({ seq, data }) => seq !== data);
/** No disk has done it, so it was never whole. */
const notWhole = half('visible and not whole');
const notNewer = half('the number of another checkpoint');
const damagedRestored = half('restored and damaged');

class Checkpoints implements Follower<Type> {
  readonly #walks: Walks;
  readonly #disks = new Map<string, Disk>();
  #made = 0;
  /** Some disk of the run may spoil what it holds, or has lied about what is durable. */
  #unreliable = false;

  constructor(walks: Walks) {
    this.#walks = walks;
  }

  observe(body: Heard<Type>, { node }: TraceEvent): void {
    switch (body.type) {
      case 'fault':
        if (body.fault.startsWith('disk/')) this.#unreliable = true;
        return;
      case 'disk':
        if (body.operation === 'read' && MISREADINGS.has(body.outcome)) this.#disk(node).misread = true;
        if ((body.operation === 'wipe' || body.operation === 'swap') && typeof body['disk'] === 'string') this.#disks.delete(body['disk']);
        return;
      case 'checkpoint.damaged': {
        const disk = this.#disk(node);
        if (disk.misread) return this.#walks.leave(disk.walk, 'what was read was not what is there');
        disk.damaged.add(body.sequence);
        if (!this.#unreliable) this.#walks.see(disk.walk, notWhole);
        return;
      }
      case 'checkpoint.restore':
        return this.#restored(node, body.sequence);
      case 'checkpoint.save':
        return this.#saved(node, body.sequence);
      default:
    }
  }

  #disk(node: string): Disk {
    const found = this.#disks.get(node);
    if (found !== undefined) return found;
    this.#made += 1;
    const made: Disk = { walk: `${node}/${this.#made}`, newest: -1, down: false, misread: false, restored: undefined, damaged: new Set() };
    this.#disks.set(node, made);
    return made;
  }

  ended(node: string): void {
    const disk = this.#disks.get(node);
    if (disk === undefined) return;
    if (!disk.down) this.#walks.see(disk.walk, maybePublish);
    this.#walks.see(disk.walk, crash);
    disk.down = true;
    disk.misread = false;
    disk.restored = undefined;
    disk.damaged.clear();
  }

  #saved(node: string, sequence: number): void {
    const disk = this.#disk(node);
    const { walk, newest } = disk;
    // A node that finds no checkpoint says nothing of it.
    if (disk.down && newest < 0) this.#walks.see(walk, restore);
    else if (disk.down && this.#unreliable) return this.#walks.leave(walk, 'the disk has lost every checkpoint');
    this.#walks.see(walk, publish);
    if (sequence <= newest) this.#walks.see(walk, notNewer);
    disk.newest = sequence;
    disk.down = false;
    disk.restored = undefined;
  }

  #restored(node: string, sequence: number): void {
    const disk = this.#disk(node);
    const { walk, newest, damaged } = disk;
    if (disk.restored === sequence) return;
    if (newest < 0 && !disk.down) {
      // An earlier life has made it and died before it said so.
      this.#walks.see(walk, publish);
      this.#walks.see(walk, crash);
    }
    this.#walks.see(walk, restore);
    if (damaged.has(sequence)) this.#walks.see(walk, damagedRestored);
    else if (sequence >= newest) this.#walks.see(walk, damaged.size === 0 ? newestFound : newestDamaged);
    else if (damaged.has(newest)) this.#walks.see(walk, newestDamaged);
    else if (this.#unreliable) this.#walks.leave(walk, 'the disk has lost the newest checkpoint');
    else this.#walks.see(walk, newestPassedOver);
    disk.newest = Math.max(newest, sequence);
    disk.down = false;
    disk.restored = sequence;
  }
}

export const mapping: Mapping = {
  module: 'KelpieCheckpoint',
  hidden: ['Operate', 'SaveStart', 'SaveFail', 'Prune', 'Damage', 'ReplayNext', 'Recovered'],
  ...following(HEARS, (walks) => new Checkpoints(walks)),
};
