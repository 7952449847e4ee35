/**
 * Nothing is left behind. When all is healed, every claim belongs to an actor that is up or coming up, or is on its way back; claims of
 * a life that is gone are swept; and every step in a log comes to its end.
 */
import type { Micros } from '../src/ports.js';
import type { TraceEvent } from '../src/trace.js';
import { lifeOf, within } from './bookkeeping/keyed.js';
import { PLACEMENT_TYPES, Placements } from './bookkeeping/placements.js';
import { endsLife, Settling, SETTLING_TYPES } from './bookkeeping/settling.js';
import { type Breach, breachAt, type Invariant, told } from './invariant.js';

interface Claim {
  readonly actor: string;
  readonly token: number;
  readonly event: TraceEvent;
  /** When its activation ended, or its process, and whether its node then owes it to the registry. */
  ended: { readonly at: Micros; readonly how: string; readonly owes: boolean } | undefined;
}

/** Long enough to give a claim back over many tries, to sweep, and to do a step of an agent again. */
const SETTLED_MICROS: Micros = 120_000_000;

export const noLeak: Invariant = {
  id: 'no-leak',
  promise: 'Nothing is left behind: when all is healed no claim stays with an actor or a node that is gone, and no step stays in a log.',
  kind: 'eventually',
  hears: [
    ...PLACEMENT_TYPES,
    'claim.release-void',
    'claim.release-fail',
    'node.sweep',
    'activate.fail',
    'activate.drop',
    'deactivate.start',
    'deactivate.done',
    'wal.append',
    'wal.replay',
    'wal.end',
    ...SETTLING_TYPES,
  ],
  start() {
    const placements = new Placements();
    /** The newest claim of each actor. */
    const claims = new Map<string, Claim>();
    /** Steps under way, by node and id. */
    const steps = new Map<string, { readonly key: string; readonly event: TraceEvent }>();
    const settling = new Settling();
    /** Actors that were stopped to be moved: whose they are then is not the source's alone to say. */
    const moving = new Set<string>();
    const end = (event: TraceEvent, actor: string, how: string, owes: boolean): undefined => {
      const claim = claims.get(actor);
      if (claim !== undefined && claim.event.node === event.node && claim.event.life === event.life)
        claim.ended ??= { at: event.at, how, owes };
    };
    /** Claims are given back in the order in which they were given up, so one that is passed over was forgotten. */
    const owedBefore = (event: TraceEvent, at: Micros): Claim | undefined =>
      [...claims.values()].find(({ event: granted, ended }) => ended?.owes === true && ended.at < at && lifeOf(granted) === lifeOf(event));
    const settled = (at: Micros): boolean => settling.atEnd(at) >= SETTLED_MICROS;
    return {
      observe(event): Breach | undefined {
        settling.observe(event);
        const given = told(event);
        // A release that was void may have been that of an earlier claim of the actor.
        const released = given.type === 'claim.release' ? claims.get(given.actor) : undefined;
        const due = given.type === 'claim.release' && released?.token === given.token ? released.ended : undefined;
        const forgotten = due === undefined ? undefined : owedBefore(event, due.at);
        const change = placements.observe(event);
        const body = told(event);
        if (change?.grant !== undefined) {
          const { actor, grant } = change;
          if ((claims.get(actor)?.token ?? 0) <= grant.token) {
            // The target of a move tells of its own claim when it takes it up.
            if (body.type === 'claim.commit') claims.set(actor, { actor, token: grant.token, event, ended: undefined });
            else claims.delete(actor);
          }
        }
        if (change?.removal !== undefined && claims.get(change.actor)?.token === change.removal.token) claims.delete(change.actor);
        if (endsLife(body)) {
          for (const claim of claims.values()) {
            if (lifeOf(claim.event) === lifeOf(event)) claim.ended ??= { at: event.at, how: 'went down with its node', owes: false };
          }
          for (const [place, step] of steps) if (lifeOf(step.event) === lifeOf(event)) steps.delete(place);
          return undefined;
        }
        switch (body.type) {
          case 'claim.release':
          case 'claim.release-void':
          case 'claim.release-fail':
          case 'node.sweep':
            if (body.type !== 'claim.release') claims.delete(body.actor);
            return forgotten === undefined
              ? undefined
              : breachAt(
                  event,
                  `${event.node} gives back the claim of ${forgotten.actor}, which ${forgotten.ended?.how} before, and then others`,
                  `it gives back that of ${body.actor} and has forgotten that one`,
                );
          case 'deactivate.start':
            if (body.reason === 'migration') moving.add(within(event, body.actor));
            else moving.delete(within(event, body.actor));
            return undefined;
          case 'activate.fail':
            return end(event, body.actor, `could not be brought up (${body.code})`, true);
          case 'activate.drop':
            return end(event, body.actor, `was dropped (${body.reason})`, body.reason !== 'lease-lost');
          case 'deactivate.done':
            return end(event, body.actor, 'was deactivated', !moving.has(within(event, body.actor)));
          case 'wal.append':
          case 'wal.replay':
            steps.set(within(event, body.id), { key: body.key, event });
            return undefined;
          case 'wal.end':
            steps.delete(within(event, body.id));
            return undefined;
          default:
            return undefined;
        }
      },
      finish(): Breach | 'unknown' | undefined {
        if (!settling.ended) return 'unknown';
        for (const { actor, token, event, ended } of claims.values()) {
          if (ended === undefined || !settled(ended.at)) continue;
          return breachAt(
            event,
            `the claim of ${actor} (token ${token}), which ${ended.how} at ${ended.at} us, is given back or swept`,
            `${event.node} holds it still`,
          );
        }
        for (const { key, event } of steps.values()) {
          if (settled(event.at)) return breachAt(event, `step ${key} in the log of ${event.node} comes to its end`, 'it is pending still');
        }
        return undefined;
      },
    };
  },
};
