/**
 * KelpieWAL: walks for the log of each node, each through two of its idempotency keys. Keys get places in the order in which they are
 * told of; a place is free again when clean-up has dropped its key. A key that is first told of after a crash was in the log before it.
 * The model's disk keeps what is durable: the walks of a log end where its disk has not.
 */
import { DiskTrust } from '../../src/disk-trust.js';
import type { NodeId } from '../../src/ports.js';
import type { TraceEvent } from '../../src/trace.js';
import type { Mapping, Observation, Walks } from '../mapping.js';
import { entryOf, type Follower, following, hashOf, type Heard, step } from '../projection.js';

const HEARS = ['disk', 'wal.recover', 'wal.append', 'wal.replay', 'wal.end', 'wal.cleanup'] as const;
type Type = (typeof HEARS)[number];

const PLACES = ['k1', 'k2'] as const;
type Place = (typeof PLACES)[number];

interface Entry {
  readonly key: string;
  readonly live: boolean;
}

/** Who asks again for a pending operation takes it up before replay comes to it. */
const replay = (place: Place): Observation => ({
  key: `Replay ${place}`,
  steps: [{ action: 'Replay', args: [place] }],
  still: (state) => (state['log'] as readonly Entry[]).some(({ key, live }) => key === place && live),
});

/** The process may have died between writing a mark and saying so; a mark that was not synced may be on the disk too. */
const maybeMarked = (place: Place): Observation => ({
  key: `maybe MarkDurable ${place}`,
  steps: [{ action: 'MarkDurable', args: [place] }],
  still: () => true,
});

const CRASH = step('Crash');
const RESTART = step('Restart');

/** Two places of the model, given to keys one after the other. */
interface Pair {
  readonly walk: string;
  /** Each place that no key has, and how many crashes its log had had when it became free. */
  readonly free: Map<Place, number>;
}

interface Seat {
  readonly pair: Pair;
  readonly place: Place;
}

interface Log {
  readonly node: NodeId;
  readonly pairs: Pair[];
  readonly seats: Map<string, Seat>;
  crashes: number;
  down: boolean;
}

class Logs implements Follower<Type> {
  readonly #walks: Walks;
  readonly #logs = new Map<NodeId, Log>();
  readonly #disks = new DiskTrust();

  constructor(walks: Walks) {
    this.#walks = walks;
  }

  observe(body: Heard<Type>, event: TraceEvent): void {
    if (body.type === 'disk') return this.#onDisk(event);
    if (!this.#disks.trusts(event.node)) return;
    switch (body.type) {
      case 'wal.recover':
        return this.#recovered(this.#log(event.node));
      case 'wal.append': {
        const { pair, place } = this.#seat(this.#log(event.node), body.key, 'new');
        return this.#walks.see(pair.walk, step('Sync', place));
      }
      case 'wal.replay': {
        const { pair, place } = this.#seat(this.#log(event.node), body.key, 'old');
        return this.#walks.see(pair.walk, replay(place));
      }
      case 'wal.end': {
        const { pair, place } = this.#seat(this.#log(event.node), body.key, 'old');
        return this.#walks.see(pair.walk, step('MarkDurable', place));
      }
      case 'wal.cleanup':
        return this.#cleanedUp(this.#log(event.node), body.keys);
      default:
    }
  }

  ended(node: NodeId): void {
    if (this.#disks.trusts(node)) this.#crashed(this.#logs.get(node));
  }

  /** What happens to one disk may show that another one is not to be trusted, as when two are swapped. */
  #onDisk(event: TraceEvent): void {
    this.#disks.observe(event);
    for (const node of this.#logs.keys()) if (!this.#disks.trusts(node)) this.#lost(node);
  }

  #lost(node: NodeId): void {
    for (const { walk } of this.#logs.get(node)?.pairs ?? []) this.#walks.leave(walk, 'the disk has not kept what was durable');
    this.#logs.delete(node);
  }

  #log(node: NodeId): Log {
    return entryOf(this.#logs, node, () => ({ node, pairs: [], seats: new Map(), crashes: 0, down: false }));
  }

  /** The place of a key. An `old` key was in the log when its node crashed, so its place must have been free then. */
  #seat(log: Log, key: string, age: 'new' | 'old'): Seat {
    const known = log.seats.get(key);
    if (known !== undefined) return known;
    const before = age === 'new' ? Number.POSITIVE_INFINITY : log.crashes;
    const isFree = ([, since]: readonly [Place, number]): boolean => since < before;
    const pair = log.pairs.find(({ free }) => [...free].some(isFree)) ?? this.#begin(log, age);
    const places = [...pair.free].filter(isFree).map(([place]) => place);
    const place = places[hashOf(key) % places.length];
    if (place === undefined) throw new Error(`${pair.walk} has no place for ${key}`);
    pair.free.delete(place);
    const seat: Seat = { pair, place };
    log.seats.set(key, seat);
    return seat;
  }

  #begin(log: Log, age: 'new' | 'old'): Pair {
    // The life before is in the walk too: there the entry was written.
    const since = age === 'new' ? log.crashes : log.crashes - 1;
    const pair: Pair = { walk: `${log.node} pair ${log.pairs.length + 1}`, free: new Map(PLACES.map((place) => [place, since])) };
    log.pairs.push(pair);
    if (age === 'old') {
      this.#walks.see(pair.walk, CRASH);
      this.#walks.see(pair.walk, RESTART);
    }
    return pair;
  }

  #crashed(log: Log | undefined): void {
    if (log === undefined || log.down) return;
    log.down = true;
    log.crashes++;
    for (const { pair, place } of log.seats.values()) this.#walks.see(pair.walk, maybeMarked(place));
    for (const { walk } of log.pairs) this.#walks.see(walk, CRASH);
  }

  #recovered(log: Log): void {
    // It may have been closed and opened again by one process.
    this.#crashed(log);
    log.down = false;
    for (const { walk } of log.pairs) this.#walks.see(walk, RESTART);
  }

  #cleanedUp(log: Log, keys: readonly string[]): void {
    for (const key of keys) {
      const seat = log.seats.get(key);
      if (seat === undefined) continue;
      this.#walks.see(seat.pair.walk, step('Cleanup', seat.place));
      log.seats.delete(key);
      seat.pair.free.set(seat.place, log.crashes);
    }
  }
}

export const mapping: Mapping = {
  module: 'KelpieWAL',
  hidden: ['AppendEntry', 'Retry', 'Dedup', 'AppendFail', 'Ack', 'Apply', 'Complete', 'Fail', 'Tear', 'PutBack', 'Recovered'],
  ...following(HEARS, (walks) => new Logs(walks)),
};
