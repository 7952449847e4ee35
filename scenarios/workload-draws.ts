/** What scenarios draw alike: names, hot and cold choices, and moments of work with idle times between them. */
import type { Micros, Random } from '../src/ports.js';
import type { Operation } from '../src/run.js';

/** What an operation of a client has whatever it does. `op` is its name, unique in the run. */
export type Common = Operation & { readonly op: string; readonly deadlineMicros: Micros };
/** The same before it is known what it does. */
export type Slot = { readonly op: string; readonly client: number; readonly atMicros: Micros; readonly deadlineMicros: Micros };

const SECOND: Micros = 1_000_000;
const DEADLINES_MICROS: readonly Micros[] = [SECOND, 4 * SECOND, 4 * SECOND, 10 * SECOND];

/** `n1`, `n2`... */
export const numbered = (letter: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${letter}${i + 1}`);

/** The first one in half of the cases: it is hot. */
export const hot = (random: Random, names: readonly string[]): string => (random.chance(1, 2) ? (names[0] as string) : random.pick(names)); // never empty

export const other = (random: Random, names: readonly string[], than: string): string => random.pick(names.filter((name) => name !== than));

/** Which way the chains of calls of a run go. */
export interface Ways {
  /** The actors of a chain in the order in which they call each other. */
  along(path: readonly string[]): readonly string[];
  /** An operation that may have to wait for a chain. */
  waiting(slot: Slot): Slot;
}

/** Less than a transaction over all its retries: what waits for that long is no matter of the runtime yet. */
const CROSSING_MICROS_MAX: Micros = 4 * SECOND;

/**
 * Chains that come from both sides wait for each other until the time of one of them is over, and so does whoever calls their actors. In
 * half of the runs all go one way, and nobody has a reason to wait; in the others nobody waits for long.
 */
export function drawWays(random: Random): Ways {
  if (random.chance(1, 2)) return { along: (path) => path.toSorted(), waiting: (slot) => slot };
  return {
    along: (path) => path,
    waiting: (slot) => ({ ...slot, deadlineMicros: Math.min(slot.deadlineMicros, CROSSING_MICROS_MAX) }),
  };
}

/** Moments of work with idle times between them. */
export function drawMoments(random: Random, count: number, chaosMicros: Micros): Micros[] {
  const bursts = Array.from({ length: random.between(1, 5) }, () => {
    const length = random.between(Math.floor(chaosMicros / 100), Math.floor(chaosMicros / 3));
    return { start: random.between(0, chaosMicros - length), length };
  });
  return Array.from({ length: count }, () => {
    const { start, length } = random.pick(bursts);
    return start + random.int(length);
  }).sort((a, b) => a - b);
}

/** Moments without a rest between them, all over the chaos phase. */
export const steadyMoments = (count: number, chaosMicros: Micros): Micros[] =>
  Array.from({ length: count }, (_, i) => Math.floor((chaosMicros * i) / count));

/** One operation for each moment, each from a stream of its own, by a client that is drawn. */
export function drawOperations<Op extends Operation>(
  random: Random,
  clients: number,
  moments: readonly Micros[],
  operation: (random: Random, slot: Slot, index: number) => Op,
): Op[] {
  return moments.map((atMicros, i) => {
    const own = random.fork(`operation ${i}`);
    const client = own.between(1, clients);
    return operation(own, { op: `c${client}-${i}`, client, atMicros, deadlineMicros: own.pick(DEADLINES_MICROS) }, i);
  });
}

/** Rounds in which every client acts at the very same moment: who wins is for the schedule to say. */
export function drawRounds<Op extends Operation>(
  random: Random,
  clients: number,
  moments: readonly Micros[],
  operation: (random: Random, slot: Slot, round: number) => Op,
): Op[] {
  return moments.flatMap((atMicros, round) => {
    const deadlineMicros = random.fork(`round ${round}`).pick(DEADLINES_MICROS);
    return Array.from({ length: clients }, (_, i) => {
      const slot = { op: `c${i + 1}-${round}`, client: i + 1, atMicros, deadlineMicros };
      return operation(random.fork(`operation ${round} of ${i + 1}`), slot, round);
    });
  });
}
