/** What mappings share: the events of a run by their types, and the few places that a model has for the many nodes of a run. */
import type { TraceEvent } from '../src/trace.js';
import type { Mapping, Observation, SpecState, Told, Walks } from './mapping.js';

/** The bodies of events of these types: a mapping that looks for one which it does not hear is none that compiles. */
export type Heard<Type extends Told['type']> = Extract<Told, { readonly type: Type }>;

export const told = <Type extends Told['type']>({ body }: TraceEvent): Heard<Type> => body as Heard<Type>;

/** The process of a node is over, in one way or another. */
export const ENDS = ['kill', 'exit', 'crash'] as const;

type End = (typeof ENDS)[number];

export const isEnd = <Body extends { readonly type: string }>(body: Body): body is Extract<Body, { readonly type: End }> =>
  (ENDS as readonly string[]).includes(body.type);

/** What a run has shown so far, and what its nodes tell next. That a process is over ends something in every walk that its node is in. */
export interface Follower<Type extends Told['type']> {
  observe(body: Heard<Type>, event: TraceEvent): void;
  ended(node: string): void;
}

/** The part of a mapping that hears events of these types and the ends of processes, and shows each to its follower. */
export const following = <Type extends Exclude<Told['type'], End>>(
  types: readonly Type[],
  start: (walks: Walks) => Follower<Type>,
): Pick<Mapping, 'hears' | 'start'> => ({
  hears: [...ENDS, ...types],
  start(walks) {
    const follower = start(walks);
    return {
      observe(event) {
        if (isEnd(event.body)) follower.ended(event.node);
        else follower.observe(told<Type>(event), event);
      },
    };
  },
});

/** A number that depends on the text alone (FNV-1a), so that alike things take the places of a model in an order of their own. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** In an order that the text decides, so that of places which differ in nothing but their names each gets its turn. */
export const eitherWay = <T>(places: readonly T[], text: string): readonly T[] => (hashOf(text) % 2 === 0 ? places : places.toReversed());

/** One of the orders of three places, which the text decides. */
export function anyOrder<T>([first, second, third]: readonly [T, T, T], text: string): readonly [T, T, T] {
  switch (hashOf(text) % 6) {
    case 0:
      return [first, second, third];
    case 1:
      return [first, third, second];
    case 2:
      return [second, first, third];
    case 3:
      return [second, third, first];
    case 4:
      return [third, first, second];
    default:
      return [third, second, first];
  }
}

/** A node in its place of a model. */
export interface Seated {
  readonly node: string;
  readonly place: string;
  /** Its process has ended, and has not begun again. */
  down: boolean;
}

/** The seat of a node, undefined where it has none. */
export function seatOf<Seat extends Seated>(seats: ReadonlyMap<string, Seat>, node: string): Seat | undefined {
  for (const seat of seats.values()) if (seat.node === node) return seat;
  return undefined;
}

/** The process of the node begins again, in every walk where it had a place when it ended. */
export function restart(
  walks: Walks,
  all: Iterable<{ readonly walk: string; readonly seats: ReadonlyMap<string, Seated> }>,
  node: string,
): void {
  for (const { walk, seats } of all) {
    const seat = seatOf(seats, node);
    if (seat?.down !== true) continue;
    seat.down = false;
    walks.see(walk, step('Restart', seat.place));
  }
}

/**
 * Whether who has loaded an actor holds it, and is the newest to do so. It does not where somebody else has taken over between its
 * reading and its telling: what it has read was true then.
 */
export function isNewestHolder(actor: { newestToken: number }, token: number): boolean {
  if (token < actor.newestToken) return false;
  actor.newestToken = token;
  return true;
}

/** The entry under a key, made where there is none. */
export function entryOf<K, V>(entries: Map<K, V>, key: K, make: () => V): V {
  const found = entries.get(key);
  if (found !== undefined) return found;
  const made = make();
  entries.set(key, made);
  return made;
}

/** This step has happened. */
export const step = (action: string, ...args: readonly (string | number | boolean)[]): Observation => ({
  key: [action, ...args].join(' '),
  steps: [{ action, args }],
});

/** Nothing has happened that is a step, and this holds. */
export const look = (key: string, still: (state: SpecState) => boolean): Observation => ({ key, steps: [], still });

/** The value of a function of the model at a place. */
export const at = (state: SpecState, variable: string, place: string): unknown =>
  (state[variable] as Readonly<Record<string, unknown>>)[place];

/** Whether a set of the model holds this. */
export const holds = (state: SpecState, variable: string, member: string): boolean =>
  (state[variable] as { readonly $set: readonly unknown[] }).$set.includes(member);
