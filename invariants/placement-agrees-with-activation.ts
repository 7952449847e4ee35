/** Who serves an actor is who the registry says. A deposed holder may not know it for a while; it finds out within the length of a lease. */
import type { Micros } from '../src/ports.js';
import type { TraceEvent } from '../src/trace.js';
import { lifeOf, within } from './bookkeeping/keyed.js';
import { PLACEMENT_TYPES, Placements } from './bookkeeping/placements.js';
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
  hears: [...PLACEMENT_TYPES, 'activate.done', 'activate.drop', 'deactivate.done', 'kill', 'exit', 'crash', 'phase'],
  start() {
    const placements = new Placements();
    const active = new Map<string, Active>();
    /** When each newest grant was told. */
    const grantedAt = new Map<string, { readonly token: number; readonly at: Micros; readonly node: string }>();
    let healedAt: Micros = 0;
    let endedAt: Micros | undefined;
    return {
      observe(event) {
        const { actor = '', grant } = placements.observe(event) ?? {};
        if (grant !== undefined && grant.token > (grantedAt.get(actor)?.token ?? 0)) {
          grantedAt.set(actor, { token: grant.token, at: event.at, node: grant.node });
        }
        const body = told(event);
        switch (body.type) {
          case 'activate.done':
            active.set(within(event, body.actor), { actor: body.actor, token: body.token, event });
            return undefined;
          case 'activate.drop':
          case 'deactivate.done':
            active.delete(within(event, body.actor));
            return undefined;
          case 'kill':
          case 'exit':
          case 'crash':
            for (const [place, one] of active) if (lifeOf(one.event) === lifeOf(event)) active.delete(place);
            return undefined;
          case 'phase':
            if (body.phase === 'heal') healedAt = event.at;
            if (body.phase === 'end') endedAt = event.at;
            return undefined;
          default:
            return undefined;
        }
      },
      finish() {
        if (endedAt === undefined) return 'unknown';
        for (const { actor, token, event } of active.values()) {
          const newest = grantedAt.get(actor);
          if (newest === undefined || newest.token <= token || endedAt - Math.max(healedAt, newest.at) < FOUND_OUT_MICROS) continue;
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
