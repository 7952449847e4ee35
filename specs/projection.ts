/** What mappings share: the events of a run by their types, and the few places that a model has for the many nodes of a run. */
import type { TraceEvent } from '../src/trace.js';
import type { Observation, SpecState, Told } from './mapping.js';

/** An event of these types: a mapping that looks for one which it does not hear is none that compiles. */
export const told = <Heard extends Told['type']>({ body }: TraceEvent): Extract<Told, { readonly type: Heard }> =>
  body as Extract<Told, { readonly type: Heard }>;

/** The process of a node is over, in one way or another. */
export const ENDS = ['kill', 'exit', 'crash'] as const;

export const isEnd = (type: string): boolean => type === 'kill' || type === 'exit' || type === 'crash';

/** A number that depends on the text alone (FNV-1a), so that alike things take the places of a model in an order of their own. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
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
