/**
 * The count of a node is the number of actors placed on it. Not every change is told (a node may die before it tells), so the count is
 * held between what is surely placed (granted before, and renewed after) and what may be placed (ever tried, and not known to be gone).
 */
import type { TraceEvent } from '../src/trace.js';
import { entryOf } from './bookkeeping/keyed.js';
import { type Breach, breachAt, type Invariant, told } from './invariant.js';

interface Books {
  /** Counts that were told and are not checked against a later renewal yet. */
  counts: { readonly version: number; readonly count: number }[];
  /** Since when each actor is surely held, under which token. */
  readonly held: Map<string, { readonly token: number; readonly since: number }>;
  readonly possible: Set<string>;
  /** The last renewal, told as one event for each actor. */
  renewal: { readonly version: number; readonly actors: Map<string, number> } | undefined;
}

/** Answers whether all counts before the renewal reach what was surely placed then. */
function settle(event: TraceEvent, books: Books): Breach | undefined {
  const { renewal, held } = books;
  if (renewal === undefined) return undefined;
  const due = books.counts.filter(({ version }) => version < renewal.version);
  books.counts = books.counts.filter(({ version }) => version >= renewal.version);
  for (const { version, count } of due) {
    const sure = [...renewal.actors].filter(([actor, token]) => {
      const since = held.get(actor);
      return since?.token === token && since.since <= version;
    });
    if (count >= sure.length) continue;
    return breachAt(
      event,
      `the count of ${event.node} at version ${version} is ${sure.length} or more: ${sure.map(([actor]) => actor).join(', ')} were placed there`,
      `it was ${count}`,
    );
  }
  for (const [actor, token] of renewal.actors) if (held.get(actor)?.token !== token) held.set(actor, { token, since: renewal.version });
  return undefined;
}

export const capacityConsistency: Invariant = {
  id: 'capacity-consistency',
  promise:
    'The count of actors in the record of a node is the number of actors placed on it: none is forgotten and none is counted for ever.',
  kind: 'always',
  spec: 'KelpieRegistry!CapacityConsistency',
  hears: ['node.register', 'claim.read', 'claim.commit', 'claim.release', 'migrate.prepare', 'lease.renew'],
  start() {
    const nodes = new Map<string, Books>();
    const fresh = (): Books => ({ counts: [], held: new Map(), possible: new Set(), renewal: undefined });
    return {
      observe(event) {
        const body = told(event);
        const books = entryOf(nodes, event.node, fresh);
        switch (body.type) {
          case 'node.register':
            nodes.set(event.node, fresh());
            return undefined;
          case 'migrate.prepare':
            entryOf(nodes, body.to, fresh).possible.add(body.actor);
            return undefined;
          case 'claim.read':
            if (body.decision !== 'existing' && body.decision !== 'elsewhere') books.possible.add(body.actor);
            return undefined;
          case 'claim.commit':
            books.possible.add(body.actor);
            if (body.version < 0) return undefined;
            books.held.set(body.actor, { token: body.token, since: body.version });
            books.counts.push({ version: body.version, count: body.count });
            return undefined;
          case 'claim.release': {
            books.possible.delete(body.actor);
            books.held.delete(body.actor);
            books.counts.push({ version: body.version, count: body.count });
            if (body.count <= books.possible.size) return undefined;
            return breachAt(
              event,
              `the count of ${event.node} is at most ${books.possible.size}: so many actors it has tried to hold and not given back`,
              `after the release of ${body.actor} it is ${body.count}`,
            );
          }
          case 'lease.renew': {
            const breach = books.renewal?.version === body.version ? undefined : settle(event, books);
            if (books.renewal?.version !== body.version) books.renewal = { version: body.version, actors: new Map() };
            books.renewal.actors.set(body.actor, body.token);
            return breach;
          }
          default:
            return undefined;
        }
      },
    };
  },
};
