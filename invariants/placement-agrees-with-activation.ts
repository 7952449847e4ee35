/** Who serves an actor is who the registry says. A deposed holder may not know it for a while; it finds out within the length of a lease. */
import type { Micros } from '../src/ports.js';
import type { TraceEvent } from '../src/trace.js';
import { lifeOf, within } from './bookkeeping/keyed.js';
import { PLACEMENT_TYPES, Placements } from './bookkeeping/placements.js';
import { endsLife, Settling, SETTLING_TYPES } from './bookkeeping/settling.js';
import { breachAt, type Invariant, told } from './invariant.js';

interface Active {
  readonly actor: string;
  readonly token: number;
  readonly event: TraceEvent;
}

/** Longer than a lease and its renewal. */
const FOUND_OUT_MICROS: Micros = 60_000_000;

export const placementAgreesWithActivation: Invariant = {
  id: 'placement-agrees-with-activation',
  promise: 'Where an actor is active is where the registry places it: when all is healed, whoever was deposed has found out.',
  kind: 'eventually',
  hears: [...PLACEMENT_TYPES, 'activate.done', 'activate.drop', 'deactivate.done', ...SETTLING_TYPES],
  start() {
    const placements = new Placements();
    const active = new Map<string, Active>();
    /** When each newest grant was told. */
    const grantedAt = new Map<string, { readonly token: number; readonly at: Micros; readonly node: string }>();
    const settling = new Settling();
    return {
      observe(event) {
        const { actor = '', grant } = placements.observe(event) ?? {};
        if (grant !== undefined && grant.token > (grantedAt.get(actor)?.token ?? 0)) {
          grantedAt.set(actor, { token: grant.token, at: event.at, node: grant.node });
        }
        settling.observe(event);
        const body = told(event);
        if (endsLife(body)) {
          for (const [place, one] of active) if (lifeOf(one.event) === lifeOf(event)) active.delete(place);
          return undefined;
        }
        switch (body.type) {
          case 'activate.done':
            active.set(within(event, body.actor), { actor: body.actor, token: body.token, event });
            return undefined;
          case 'activate.drop':
          case 'deactivate.done':
            active.delete(within(event, body.actor));
            return undefined;
          default:
            return undefined;
        }
      },
      finish() {
        if (!settling.ended) return 'unknown';
        for (const { actor, token, event } of active.values()) {
          const newest = grantedAt.get(actor);
          if (newest === undefined || newest.token <= token || settling.atEnd(newest.at) < FOUND_OUT_MICROS) continue;
          return breachAt(
            event,
            `${actor} is active on ${newest.node} alone, which was granted token ${newest.token} at ${newest.at} us`,
            `${lifeOf(event)} has it active under token ${token} still`,
            [event.node, newest.node],
          );
        }
        return undefined;
      },
    };
  },
};
