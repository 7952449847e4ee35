/**
 * One walk for the lease of each actor. Two nodes at a time take the places of the model's: who claims the actor takes the place of
 * the one that has nothing more to do with it. Which place a node gets first depends on the actor, for one of them has the fast clock.
 * A renewal that is answered when its node has stopped serving is no step: only time is left to come of it.
 */
import type { TraceEvent } from '../../src/trace.js';
import type { Mapping, Observation, Walks } from '../mapping.js';
import { at, eitherWay, entryOf, type Follower, following, type Heard, look, restart, type Seated, seatOf, step } from '../projection.js';

const HEARS = [
  'boot',
  'claim.commit',
  'invoke.start',
  'commit.start',
  'lease.renew',
  'lease.lost',
  'lease.expire-local',
  'deactivate.done',
  'activate.drop',
  'activate.fail',
] as const;
type Type = (typeof HEARS)[number];

const PLACES = ['n1', 'n2'] as const;
type Place = (typeof PLACES)[number];

/** A node in its place. */
interface Seat extends Seated {
  readonly place: Place;
  /** Of the claim under which it serves, 0 for none. */
  token: number;
}

interface Lease {
  readonly walk: string;
  readonly seats: Map<Place, Seat>;
  /** The newest claim that was told, and whose it is. */
  newest: number;
  holder: string;
}

const serving = (place: Place): Observation => look(`${place} serves`, (state) => at(state, 'phase', place) === 'Serving');
/** A holder that comes back too late has stopped before it says so. */
const stopped = (place: Place): Observation => ({
  key: `Stop ${place}`,
  steps: [{ action: 'Stop', args: [place] }],
  still: (state) => at(state, 'phase', place) === 'Stopped',
});
/** Its token is older than one that was given out. */
const deposed = (place: Place): Observation => look(`${place} is deposed`, (state) => at(state, 'newest', place) === false);
const sameToken = (a: Place, b: Place): Observation =>
  look(`${a} and ${b} have one token`, (state) => at(state, 'newest', a) === true && at(state, 'newest', b) === true);
/** It has nothing of the lease, in the store and on its way to it. */
const blank = (place: Place): Observation =>
  look(
    `${place} has nothing`,
    (state) => at(state, 'phase', place) === 'Idle' && at(state, 'op', place) === 'None' && state['holder'] !== place,
  );

class Leases implements Follower<Type> {
  readonly #walks: Walks;
  readonly #leases = new Map<string, Lease>();

  constructor(walks: Walks) {
    this.#walks = walks;
  }

  observe(body: Heard<Type>, { node }: TraceEvent): void {
    if (body.type === 'boot') return restart(this.#walks, this.#leases.values(), node);
    if (body.type === 'claim.commit') return this.#claimed(this.#lease(body.actor), node, body.token);
    const lease = this.#leases.get(body.actor);
    const seat = lease === undefined ? undefined : seatOf(lease.seats, node);
    if (lease === undefined || seat === undefined || seat.token === 0) return;
    if ('token' in body && body.token !== seat.token) return;
    const see = (observation: Observation): void => this.#walks.see(lease.walk, observation);
    switch (body.type) {
      case 'invoke.start':
      case 'commit.start':
        return see(serving(seat.place));
      case 'lease.renew':
        return see(step('RenewDone', seat.place));
      case 'lease.lost': {
        // With its own token the lease was not lost to another claim: the life of the node is over.
        const refused = body.newestToken !== seat.token;
        seat.token = 0;
        return see(refused ? step('RenewRefused', seat.place) : stopped(seat.place));
      }
      case 'lease.expire-local':
      case 'deactivate.done':
      case 'activate.drop':
      case 'activate.fail':
        seat.token = 0;
        return see(stopped(seat.place));
      default:
    }
  }

  #lease(actor: string): Lease {
    return entryOf(this.#leases, actor, () => ({ walk: actor, seats: new Map(), newest: 0, holder: '' }));
  }

  #claimed(lease: Lease, node: string, token: number): void {
    const { walk, newest, holder } = lease;
    // Its answer was so late that others have had the lease since: it is over before it began.
    if (token < newest) return;
    const seat = seatOf(lease.seats, node) ?? this.#sit(lease, node);
    if (seat === undefined) return this.#walks.leave(walk, 'three nodes take themselves for the holder of a lease, or may');
    this.#walks.see(walk, step('AcquireDone', seat.place));
    seat.token = token;
    lease.newest = token;
    lease.holder = node;
    const before = seatOf(lease.seats, holder);
    if (before === undefined || before === seat) return;
    if (token === newest) this.#walks.see(walk, sameToken(before.place, seat.place));
    else if (before.token !== 0) this.#walks.see(walk, deposed(before.place));
  }

  /** The place of a node that has told that it does not serve, and is not the last one to have had the lease. */
  #sit(lease: Lease, node: string): Seat | undefined {
    const order = eitherWay(PLACES, lease.walk);
    let place = order.find((one) => !lease.seats.has(one));
    if (place === undefined) {
      const other = [...lease.seats.values()].find((seat) => seat.node !== lease.holder && seat.token === 0);
      if (other === undefined) return undefined;
      place = other.place;
      if (other.down) this.#walks.see(lease.walk, step('Restart', place));
      this.#walks.see(lease.walk, blank(place));
    }
    const seat: Seat = { node, place, token: 0, down: false };
    lease.seats.set(place, seat);
    return seat;
  }

  ended(node: string): void {
    for (const lease of this.#leases.values()) {
      const seat = seatOf(lease.seats, node);
      if (seat === undefined || seat.down) continue;
      seat.down = true;
      seat.token = 0;
      this.#walks.see(lease.walk, step('Crash', seat.place));
    }
  }
}

export const mapping: Mapping = {
  module: 'KelpieLease',
  hidden: [
    'See',
    'AcquireSend',
    'AcquireCommit',
    'AcquireFail',
    'RenewSend',
    'RenewCommit',
    'RenewFail',
    'Release',
    'Evict',
    'Suspect',
    'Trust',
    'Pause',
    'Resume',
    'Tick',
  ],
  ...following(HEARS, (walks) => new Leases(walks)),
};
