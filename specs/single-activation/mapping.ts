/**
 * KelpieSingleActivation: one walk for each actor. Three nodes at a time take the places of the model's: one that comes when all are
 * taken gets the place of a node that has told that it has stopped, and must be idle in the model then. Which place a node gets depends
 * on the actor, so that states which differ only in the names of nodes are all visited. What `onActivate` writes is part of the
 * activation, and what a node does after it has told of its release is no step.
 */
import type { NodeId } from '../../src/ports.js';
import type { TraceEvent } from '../../src/trace.js';
import type { Mapping, Observation, Walks } from '../mapping.js';
import { anyOrder, at, entryOf, type Follower, following, type Heard, look, step } from '../projection.js';

const HEARS = [
  'boot',
  'claim.commit',
  'claim.release',
  'claim.release-void',
  'activate.load',
  'activate.done',
  'activate.fail',
  'activate.drop',
  'invoke.start',
  'commit.start',
  'commit.done',
  'commit.fenced',
  'lease.lost',
  'lease.expire-local',
  'deactivate.done',
] as const;
type Type = (typeof HEARS)[number];

const PLACES = ['n1', 'n2', 'n3'] as const;
type Place = (typeof PLACES)[number];

const phaseIs = (key: string, place: Place, phases: readonly string[]): Observation =>
  look(`${place} ${key}`, (state) => phases.includes(String(at(state, 'phase', place))));

/** What can be seen of a node in its place. */
const observationsAt = (place: Place) => ({
  claimed: phaseIs('has claimed', place, ['Activating']),
  activate: step('Activate', place),
  serves: phaseIs('serves', place, ['Active']),
  writeDone: step('WriteDone', place),
  writeFenced: step('WriteFenced', place),
  /** A node that stood still for too long has stopped before it says so. */
  stop: {
    key: `StopServing ${place}`,
    steps: [{ action: 'StopServing', args: [place] }],
    still: (state) => ['Stopping', 'Releasing', 'Idle'].includes(String(at(state, 'phase', place))),
  } satisfies Observation,
  failed: phaseIs('has failed to activate', place, ['Releasing', 'Idle']),
  deposed: look(`${place} is deposed`, (state) => at(state, 'newest', place) === false),
  released: phaseIs('has released', place, ['Idle', 'Claiming', 'Activating']),
  idle: phaseIs('is idle', place, ['Idle']),
  crash: step('Crash', place),
  restart: step('Restart', place),
});
type Observations = ReturnType<typeof observationsAt>;

const OBSERVATIONS: Readonly<Record<Place, Observations>> = {
  n1: observationsAt('n1'),
  n2: observationsAt('n2'),
  n3: observationsAt('n3'),
};

/** A node in its place. */
interface Seat {
  readonly node: NodeId;
  readonly place: Place;
  /** Of its newest claim. */
  token: number;
  /** Under this claim: `done` when all that can still come of it is no step. */
  phase: 'claimed' | 'serving' | 'stopped' | 'done' | 'down';
}

class Actors implements Follower<Type> {
  readonly #walks: Walks;
  readonly #actors = new Map<string, Seat[]>();

  constructor(walks: Walks) {
    this.#walks = walks;
  }

  observe(body: Heard<Type>, { node }: TraceEvent): void {
    if (body.type === 'boot') return this.#booted(node);
    // A migration's target is told of its claim by what it activates.
    if (body.type === 'claim.commit' || body.type === 'activate.load') return this.#claimed(body.actor, node, body.token);
    const seat = this.#actors.get(body.actor)?.find((one) => one.node === node);
    if (seat === undefined || seat.phase === 'down' || seat.phase === 'done') return;
    if ('token' in body && body.token !== seat.token) return;
    const see = (observation: Observation): void => this.#walks.see(body.actor, observation);
    const observations = OBSERVATIONS[seat.place];
    switch (body.type) {
      case 'activate.done':
        seat.phase = 'serving';
        return see(observations.activate);
      case 'activate.fail':
        if (seat.phase !== 'claimed') return;
        seat.phase = 'done';
        return see(observations.failed);
      case 'invoke.start':
        return see(observations.serves);
      case 'commit.start':
        return seat.phase === 'claimed' ? undefined : see(observations.serves);
      case 'commit.done':
        return seat.phase === 'claimed' ? undefined : see(observations.writeDone);
      case 'commit.fenced':
        if (seat.phase === 'claimed' || body.newestToken === seat.token) return;
        seat.phase = 'done';
        return see(observations.writeFenced);
      case 'lease.lost':
        return body.newestToken === seat.token ? undefined : see(observations.deposed);
      case 'lease.expire-local':
      case 'deactivate.done':
      case 'activate.drop':
        seat.phase = seat.phase === 'claimed' ? 'done' : 'stopped';
        return see(observations.stop);
      case 'claim.release':
      case 'claim.release-void':
        seat.phase = 'done';
        return see(observations.released);
      default:
    }
  }

  #claimed(actor: string, node: NodeId, token: number): void {
    const seats = entryOf(this.#actors, actor, (): Seat[] => []);
    const known = seats.find((one) => one.node === node);
    const overtaken = seats.some((one) => one.token > token);
    const seat = known ?? this.#sit(actor, seats, node);
    if (seat === undefined) return this.#walks.leave(actor, 'more nodes are engaged than the model has');
    if (token <= seat.token) return;
    seat.token = token;
    seat.phase = 'claimed';
    // It had claimed before another one did, and in the model its place was not yet its own: there only what it does with the claim shows.
    if (known !== undefined || !overtaken) this.#walks.see(actor, OBSERVATIONS[seat.place].claimed);
  }

  #sit(actor: string, seats: Seat[], node: NodeId): Seat | undefined {
    const order = anyOrder(PLACES, actor);
    let place = order.find((one) => !seats.some((seat) => seat.place === one));
    if (place === undefined) {
      // The one whose claim is the oldest is the least likely to be still the holder.
      const out = seats.filter(({ phase }) => phase === 'stopped' || phase === 'done' || phase === 'down');
      const oldest = out.sort((a, b) => a.token - b.token)[0];
      if (oldest === undefined) return undefined;
      place = oldest.place;
      if (oldest.phase === 'down') this.#walks.see(actor, OBSERVATIONS[place].restart);
      this.#walks.see(actor, OBSERVATIONS[place].idle);
      seats.splice(seats.indexOf(oldest), 1);
    }
    const seat: Seat = { node, place, token: 0, phase: 'done' };
    seats.push(seat);
    return seat;
  }

  ended(node: NodeId): void {
    for (const [actor, seats] of this.#actors) {
      const seat = seats.find((one) => one.node === node);
      if (seat === undefined || seat.phase === 'down') continue;
      seat.phase = 'down';
      this.#walks.see(actor, OBSERVATIONS[seat.place].crash);
    }
  }

  #booted(node: NodeId): void {
    for (const [actor, seats] of this.#actors) {
      const seat = seats.find((one) => one.node === node);
      if (seat?.phase !== 'down') continue;
      seat.phase = 'done';
      this.#walks.see(actor, OBSERVATIONS[seat.place].restart);
    }
  }
}

export const mapping: Mapping = {
  module: 'KelpieSingleActivation',
  hidden: [
    'ClaimRead',
    'ClaimCommit',
    'ClaimLost',
    'Reclaim',
    'ActivateFail',
    'Renew',
    'WriteApply',
    'Release',
    'Sweep',
    'Move',
    'Pause',
    'Resume',
    'LeaseEnds',
    'LeaseExpires',
  ],
  ...following(HEARS, (walks) => new Actors(walks)),
};
