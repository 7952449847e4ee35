/**
 * One walk for each actor, with its migrations and what comes between them. Two nodes at a time take the places of the model's: a node
 * that comes to hold the actor, or agrees to take it, has the place of one that has nothing more to do with it. The version of the
 * state is counted modulo two.
 */
import type { ClaimDecision, KelpieEvent } from '../../src/story.js';
import type { TraceEvent } from '../../src/trace.js';
import type { Mapping, Observation, SpecState, Walks } from '../mapping.js';
import {
  at,
  eitherWay,
  entryOf,
  type Follower,
  following,
  type Heard,
  isNewestHolder,
  look,
  restart,
  type Seated,
  seatOf,
  step,
  told,
} from '../projection.js';

const HEARS = [
  'boot',
  'claim.read',
  'activate.load',
  'activate.done',
  'activate.fail',
  'activate.drop',
  'deactivate.start',
  'deactivate.done',
  'invoke.start',
  'commit.start',
  'commit.done',
  'commit.conflict',
  'commit.fenced',
  'commit.resolved',
  'rollback',
  'migrate.prepare',
  'migrate.stop',
  'migrate.transfer',
  'migrate.move',
  'migrate.start',
  'migrate.abort',
] as const;
type Type = (typeof HEARS)[number];

const PLACES = ['n1', 'n2'] as const;
type Place = (typeof PLACES)[number];

/** A node in its place. */
interface Seat extends Seated {
  readonly place: Place;
  /** Of the claim under which the actor is active here, 0 when it is not. */
  token: number;
  /** A commit that was sent, and whose outcome is not told. */
  commit: string | undefined;
}

/** What a node is about to bring up. */
interface Coming {
  /** Its last claim, and what that read first: later tries may find what the first one has written. */
  claim: string;
  read: ClaimDecision | undefined;
  /** It was asked to start the actor by the one who passed it on. */
  handover: boolean;
  /** What it has read: under which claim, and how many commits the actor has had. */
  token: number;
  loaded: number;
}

/** It was prepared while its node did not have the actor. It goes on where the actor comes up there. */
interface Early {
  readonly name: string;
  readonly to: string;
}

interface UnderWay {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  phase: 'under way' | 'over';
  /** Of the source's claim. */
  readonly token: number;
  /** What the move has made of it, once it is told. */
  moved: { readonly newToken: number; readonly version: number } | undefined;
}

interface Actor {
  readonly walk: string;
  readonly seats: Map<Place, Seat>;
  readonly coming: Map<string, Coming>;
  /** The node that was last told to have it. */
  holder: string;
  /** The newest token under which somebody has loaded it. */
  newestToken: number;
  /** By the nodes that hope to be sources: whoever is told to move the actor while it comes up may find that another node has it. */
  readonly early: Map<string, Early>;
  /** The last one that began on a node which has the actor. */
  migration: UnderWay | undefined;
  /** Why the actor goes, on the node that tells of it. */
  reason: string;
}

const active = (place: Place): Observation => look(`${place} is active`, (state) => at(state, 'actor', place) === 'Active');
const ended = (place: Place): Observation => look(`${place} is not active`, (state) => at(state, 'actor', place) === 'Idle');
const holds = (place: Place): Observation => look(`${place} holds it`, ({ holder }) => holder === place);
const versionIs = (bit: number): Observation => look(`version ${bit}`, ({ version }) => version === bit);
const loadedIs = (place: Place, bit: number): Observation =>
  look(`${place} has version ${bit}`, (state) => at(state, 'loaded', place) === bit);
const blank = (place: Place): Observation =>
  look(
    `${place} has nothing`,
    (state: SpecState) =>
      at(state, 'actor', place) === 'Idle' &&
      at(state, 'agreed', place) === 'No' &&
      state['holder'] !== place &&
      state['placement'] !== place &&
      state['step'] === 'None',
  );
const maybeCommit = (place: Place): Observation => ({
  key: `maybe Commit ${place}`,
  steps: [{ action: 'Commit', args: [place] }],
  still: () => true,
});
/** Its source has ended the actor by itself, and a migration without a source is over. */
const abortedWithoutSource: Observation = {
  key: 'Abort without a source',
  steps: [{ action: 'Abort' }],
  still: (state) => state['step'] === 'None',
};
const started = (place: Place): Observation => ({
  key: `StartTarget ${place}`,
  steps: [
    { action: 'StartTarget', args: [place] },
    { action: 'Claim', args: [place] },
  ],
});
const notThere = look('the source has the actor', () => false);
/** The placement went to the target, and the lease did not. */
const halfMoved = (place: Place): Observation =>
  look(`${place} is placed and does not hold it`, ({ placement, holder }) => placement === place && holder !== place);

type ClaimRead = Extract<KelpieEvent, { readonly type: 'claim.read' }>;

class Actors implements Follower<Type> {
  readonly #walks: Walks;
  readonly #actors = new Map<string, Actor>();

  constructor(walks: Walks) {
    this.#walks = walks;
  }

  observe(body: Heard<Type>, event: TraceEvent): void {
    const { node } = event;
    if (body.type === 'boot') return restart(this.#walks, this.#actors.values(), node);
    const actor = this.#actor(body.actor);
    const coming = entryOf(actor.coming, node, (): Coming => ({ claim: '', read: undefined, handover: false, token: 0, loaded: 0 }));
    switch (body.type) {
      case 'activate.fail':
        coming.handover = false;
        // What `onActivate` has sent may be in the store, and the actor is gone all the same.
        return this.#failed(actor, node, coming);
      case 'claim.read':
        if (coming.claim !== body.claim) Object.assign(coming, { claim: body.claim, read: body.decision });
        return this.#read(actor, body);
      case 'migrate.start':
        coming.handover = true;
        return;
      case 'activate.load':
        Object.assign(coming, { token: body.token, loaded: body.stateVersion });
        return this.#loaded(actor, node, body.token, coming);
      case 'activate.done':
        if (body.token < actor.newestToken) return;
        if (seatOf(actor.seats, node)?.token !== body.token) this.#activated(actor, node, coming, body.token);
        return this.#upToMigrate(actor, node);
      case 'commit.start':
        // `onActivate` commits before the actor is up.
        if (coming.token === body.token && body.token >= actor.newestToken && seatOf(actor.seats, node)?.token !== body.token) {
          this.#activated(actor, node, coming, body.token);
        }
        break;
      case 'migrate.abort': {
        if (actor.early.get(node)?.name !== body.migration) break;
        // Its node may never come to have anything to do with the actor.
        actor.early.delete(node);
        return;
      }
      case 'migrate.prepare':
        return this.#prepared(actor, body.migration, body.from, body.to);
      case 'migrate.stop':
      case 'migrate.transfer':
      case 'migrate.move':
        if (actor.early.get(node)?.name !== body.migration) break;
        // Who was deposed and does not know it yet may go on up to the move.
        if (body.type === 'migrate.move' || body.token >= actor.newestToken) this.#walks.see(actor.walk, notThere);
        return;
      default:
    }
    const seat = seatOf(actor.seats, node);
    if (seat !== undefined) this.#acted(actor, seat, event);
  }

  #actor(name: string): Actor {
    return entryOf(this.#actors, name, () => ({
      walk: name,
      seats: new Map(),
      coming: new Map(),
      early: new Map(),
      holder: '',
      newestToken: 0,
      migration: undefined,
      reason: '',
    }));
  }

  /** The place of a node; that of another one when it has none yet, undefined when none is free. */
  #seat(actor: Actor, node: string): Seat | undefined {
    const known = seatOf(actor.seats, node);
    if (known !== undefined) return known;
    const order = eitherWay(PLACES, actor.walk);
    let place = order.find((one) => !actor.seats.has(one));
    if (place === undefined) {
      const { holder, migration } = actor;
      const moving = migration?.phase === 'under way' ? [migration.from, migration.to] : [];
      const other = [...actor.seats.values()].find((seat) => seat.token === 0 && seat.node !== holder && !moving.includes(seat.node));
      if (other === undefined) return undefined;
      place = other.place;
      if (other.down) this.#walks.see(actor.walk, step('Restart', place));
      this.#walks.see(actor.walk, blank(place));
    }
    const seat: Seat = { node, place, token: 0, down: false, commit: undefined };
    actor.seats.set(place, seat);
    return seat;
  }

  #leave(actor: Actor): void {
    this.#walks.leave(actor.walk, 'three nodes have to do with one actor');
  }

  /** Who reads after the move finds the target placed; the lease is the target's too, under its new token. */
  #read({ walk, seats, migration }: Actor, { owner, token, readVersion }: ClaimRead): void {
    const moved = migration?.moved;
    if (migration === undefined || moved === undefined || moved.version < 0 || readVersion < moved.version) return;
    const target = [...seats.values()].find(({ node }) => node === migration.to);
    if (target !== undefined && owner === migration.to && token < moved.newToken) this.#walks.see(walk, halfMoved(target.place));
  }

  #loaded(actor: Actor, node: string, token: number, { loaded, handover }: Coming): void {
    if (!isNewestHolder(actor, token)) return;
    // What others have sent is in the store by now, or never will be.
    for (const seat of actor.seats.values()) if (seat.node !== node) this.#settle(actor, seat);
    // What the target of a migration begins with is looked at when it has begun.
    if (!handover) this.#walks.see(actor.walk, versionIs(loaded % 2));
  }

  #activated(actor: Actor, node: string, coming: Coming, token: number): void {
    const seat = this.#seat(actor, node);
    if (seat === undefined) return this.#leave(actor);
    const see = (observation: Observation): void => this.#walks.see(actor.walk, observation);
    // Nothing but the move can have given it this claim.
    if (coming.handover && (coming.read === 'again' || coming.read === undefined)) see(holds(seat.place));
    see(coming.handover ? started(seat.place) : step('Claim', seat.place));
    if (coming.handover) see(loadedIs(seat.place, coming.loaded % 2));
    Object.assign(coming, { claim: '', read: undefined, handover: false, token: 0 });
    Object.assign(seat, { token, commit: undefined });
    actor.holder = node;
  }

  /** The actor is up: a migration that waited for that goes on. */
  #upToMigrate(actor: Actor, node: string): void {
    const early = actor.early.get(node);
    if (early !== undefined) this.#prepared(actor, early.name, node, early.to);
  }

  #failed(actor: Actor, node: string, coming: Coming): void {
    const seat = seatOf(actor.seats, node);
    coming.token = 0;
    if (seat === undefined || seat.token === 0) return;
    this.#settle(actor, seat);
    seat.token = 0;
    this.#walks.see(actor.walk, ended(seat.place));
  }

  #prepared(actor: Actor, name: string, from: string, to: string): void {
    actor.early.delete(from);
    const token = seatOf(actor.seats, from)?.token ?? 0;
    if (token === 0 || token < actor.newestToken) {
      actor.early.set(from, { name, to });
      return;
    }
    const source = this.#seat(actor, from);
    actor.migration = undefined;
    const target = source === undefined ? undefined : this.#seat({ ...actor, holder: from }, to);
    if (source === undefined || target === undefined) return this.#leave(actor);
    actor.migration = { name, from, to, phase: 'under way', token: source.token, moved: undefined };
    this.#walks.see(actor.walk, step('Prepare', source.place, target.place));
  }

  #acted(actor: Actor, seat: Seat, event: TraceEvent): void {
    const body = told<Type>(event);
    const { place } = seat;
    const see = (observation: Observation): void => this.#walks.see(actor.walk, observation);
    const own = 'token' in body && body.token === seat.token && seat.token !== 0;
    switch (body.type) {
      case 'invoke.start':
        return own ? see(active(place)) : undefined;
      case 'commit.start':
        if (!own) return;
        seat.commit = body.commit;
        return see(active(place));
      case 'commit.done':
        if (!own || seat.commit !== body.commit) return;
        seat.commit = undefined;
        return see(step('Commit', place));
      case 'commit.conflict':
      case 'commit.fenced':
        if (seat.commit === body.commit) seat.commit = undefined;
        return;
      case 'commit.resolved':
        if (seat.commit === body.commit && !body.applied) seat.commit = undefined;
        return;
      case 'rollback':
        if (own) seat.commit = undefined;
        return;
      case 'deactivate.start':
        actor.reason = body.reason;
        return;
      case 'deactivate.done':
        // For a migration, `migrate.stop` says so.
        if (!own || actor.reason === 'migration') return;
        seat.token = 0;
        return see(ended(place));
      case 'activate.drop':
        if (!own) return;
        this.#settle(actor, seat);
        seat.token = 0;
        return see(ended(place));
      default:
        return this.#migrated(actor, seat, event);
    }
  }

  #migrated(actor: Actor, seat: Seat, event: TraceEvent): void {
    const body = told<Type>(event);
    const { migration } = actor;
    if (migration === undefined || !('migration' in body)) return;
    if (body.migration !== migration.name) {
      // Its target has the actor, and has begun to move it on, before this source hears of its own move.
      if (body.type === 'migrate.move' && body.token === seat.token) seat.token = 0;
      return;
    }
    const see = (observation: Observation): void => this.#walks.see(actor.walk, observation);
    switch (body.type) {
      case 'migrate.stop':
        return see(step('StopSource'));
      case 'migrate.transfer':
        // Its claim was lost since it stopped, and the actor is up anew under a newer one: who does not know it yet may go on up to the move.
        return seat.token > migration.token ? undefined : see(step('Transfer'));
      case 'migrate.move': {
        const target = seatOf(actor.seats, migration.to);
        // The target has come up, and under a token that the lease had before. One that is older than the source's is of an earlier time,
        // when the actor went to the source: its end there has not been told.
        if (target !== undefined && target.token >= body.token && target.token < body.newToken) see(halfMoved(target.place));
        seat.token = 0;
        actor.holder = actor.holder === migration.from ? migration.to : actor.holder;
        migration.phase = 'over';
        migration.moved = { newToken: body.newToken, version: body.version };
        return see(step('MoveDone'));
      }
      case 'migrate.abort': {
        const { phase } = migration;
        migration.phase = 'over';
        const ownEnd = phase === 'under way' && (seat.token === 0 || body.step === 'stop');
        // The source may have come up anew since it stopped for the migration.
        if (body.step !== 'stop' && seat.token === migration.token) seat.token = 0;
        return see(ownEnd ? abortedWithoutSource : step('Abort'));
      }
      default:
    }
  }

  /** What it has sent may be in the store. Whatever is told of it later has happened by now. */
  #settle(actor: Actor, seat: Seat): void {
    if (seat.commit !== undefined && seat.token !== 0) this.#walks.see(actor.walk, maybeCommit(seat.place));
    seat.commit = undefined;
  }

  ended(node: string): void {
    for (const actor of this.#actors.values()) {
      actor.coming.delete(node);
      actor.early.delete(node);
      const seat = seatOf(actor.seats, node);
      if (seat === undefined || seat.down) continue;
      this.#settle(actor, seat);
      Object.assign(seat, { token: 0, down: true });
      if (actor.migration?.from === node) actor.migration.phase = 'over';
      this.#walks.see(actor.walk, step('Crash', seat.place));
    }
  }
}

export const mapping: Mapping = {
  module: 'KelpieMigration',
  hidden: ['Deactivate', 'Release', 'MoveSend', 'MoveApply', 'Finish', 'Forget', 'LeaseExpires'],
  ...following(HEARS, (walks) => new Actors(walks)),
};
