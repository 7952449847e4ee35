/** Names and look-ups that folds share. */
import type { TraceEvent } from '../../src/trace.js';
import type { Told } from '../invariant.js';

/** The entry of a key, made when it is not there yet. */
export function entryOf<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

/** One life of a process, by name. */
export const lifeOf = ({ node, life }: TraceEvent): string => `${node} (life ${life})`;

/** One activation, or call, of an actor in one life of a process, by name. */
export const within = (event: TraceEvent, ...names: readonly (string | number)[]): string =>
  `${event.node}/${event.life}/${names.join('/')}`;

/** The actor that an event is about. */
export const actorOf = (body: Told): string | undefined => ('actor' in body && typeof body.actor === 'string' ? body.actor : undefined);
