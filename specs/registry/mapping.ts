/**
 * KelpieRegistry: one walk for each actor. Two nodes are followed, the first to want it and another one; which place each of them has
 * depends on the actor, and all other nodes are the model's rest. A transaction is told of when its answer comes, which may be late or
 * never: so changes of the placement are hidden, and what is told of them says what they must have come to by then. Where the order
 * matters, the versions of the database decide.
 */
import type { KelpieEvent } from '../../src/story.js';
import type { TraceEvent } from '../../src/trace.js';
import type { Mapping, Observation, Walks } from '../mapping.js';
import { at, eitherWay, entryOf, type Follower, following, hashOf, type Heard, holds, look, step } from '../projection.js';

const HEARS = [
  'boot',
  'node.register',
  'member.state',
  'member.deposed',
  'primary.view',
  'failover.free',
  'failover.actor',
  'forward',
  'claim.read',
  'claim.commit',
  'claim.release',
  'activate.load',
  'activate.drop',
  'invoke.start',
  'commit.start',
  'lease.lost',
  'lease.expire-local',
  'deactivate.done',
] as const;
type Type = (typeof HEARS)[number];

const PLACES = ['n1', 'n2'] as const;
type Place = (typeof PLACES)[number];

/** What can be seen of a node in its place. */
const observationsAt = (place: Place) =>
  ({
    register: step('RegisterNode', place),
    /** It ended while it registered: whether the registration was committed, nobody tells. */
    mayRegister: { key: `perhaps RegisterNode ${place}`, steps: [{ action: 'RegisterNode', args: [place] }], still: () => true },
    fail: step('Fail', place),
    /** A node that has stepped out has nothing to end. */
    crash: {
      key: `Crash ${place}`,
      steps: [{ action: 'Crash', args: [place] }],
      still: (state) => at(state, 'alive', place) === false,
    },
    claimed: step('ClaimDone', place),
    notFailed: look(`${place} claims and is not failed`, (state) => at(state, 'status', place) !== 'Failed'),
    overCapacity: look(`${place} has more actors than it may`, (state) => Number(at(state, 'count', place)) > CAPACITY),
    serves: look(`${place} serves`, (state) => holds(state, 'serves', place)),
    stopped: look(`${place} has stopped`, (state) => !holds(state, 'serves', place)),
    removed: look(`nothing is placed on ${place}`, (state) => state['place'] !== place),
    mayBeSwept: look(`${place} is failed and serves nothing`, (state) => {
      return at(state, 'status', place) === 'Failed' && !holds(state, 'serves', place);
    }),
    forward: step('Forward', place),
  }) satisfies Readonly<Record<string, Observation>>;
type Observations = ReturnType<typeof observationsAt>;

/** Of the model. */
const CAPACITY = 2;

const OBSERVATIONS: Readonly<Record<Place, Observations>> = { n1: observationsAt('n1'), n2: observationsAt('n2') };
/** What its nodes did before it was wanted has nothing to do with the actor. */
const untouched = look('nobody has had it', (state) => {
  return state['claim'] === 'None' && PLACES.every((place) => !holds(state, 'known', place));
});
const atRest = look('another node has it', (state) => state['place'] === 'Rest');

/** A node, as far as it was told of. */
interface Node {
  readonly name: string;
  /** The newest registration, 0 for none, and the version at which it was committed. */
  life: number;
  registered: number;
  /** Its process runs. */
  up: boolean;
  /** It has told of its registration since its process began. */
  entered: boolean;
  /** That life was given up, and the version at which it was, if that is known. */
  failed: boolean;
  failedAt: number;
}

interface Actor {
  readonly walk: string;
  readonly seats: Map<string, Place>;
  /** Places that no node has taken: nodes that come later may. */
  readonly free: Place[];
  /** Of the newest claim that was told. */
  newest: number;
}

type ClaimBody = Extract<KelpieEvent, { readonly type: 'claim.commit' }>;

class Registry implements Follower<Type> {
  readonly #walks: Walks;
  readonly #nodes = new Map<string, Node>();
  readonly #actors = new Map<string, Actor>();

  constructor(walks: Walks) {
    this.#walks = walks;
  }

  observe(body: Heard<Type>, { node }: TraceEvent): void {
    switch (body.type) {
      case 'boot':
        this.#node(node).up = true;
        return;
      case 'node.register':
        return this.#registered(this.#node(node), body.nodeLife, body.version);
      case 'member.state':
        return body.to === 'failed' ? this.#failed(body.member, body.nodeLife, body.version) : undefined;
      case 'member.deposed':
        return this.#failed(node, body.nodeLife, -1);
      case 'primary.view':
        for (const { node: member, nodeLife, state } of body.members) if (state === 'failed') this.#failed(member, nodeLife, -1);
        return;
      case 'failover.free':
      case 'failover.actor':
        return this.#swept(body);
      case 'forward':
        // A node that is asked to place the actor need not have had it.
        return body.place ? undefined : this.#see(body.actor, body.to, (seen) => seen.forward);
      default:
        this.#actorTold(node, body);
    }
  }

  #actorTold(node: string, body: KelpieEvent & { readonly actor: string }): void {
    switch (body.type) {
      case 'claim.read':
        return void this.#actor(body.actor, node);
      case 'claim.commit':
        return this.#claimed(node, body.actor, body.token, body);
      case 'activate.load':
        // The target of a migration tells so of a claim that its source has made for it.
        return this.#claimed(node, body.actor, body.token);
      case 'invoke.start':
      case 'commit.start':
        return this.#see(body.actor, node, (seen) => seen.serves);
      case 'lease.lost':
      case 'lease.expire-local':
      case 'deactivate.done':
      case 'activate.drop':
        if (body.token !== this.#actors.get(body.actor)?.newest) return;
        return this.#see(body.actor, node, (seen) => seen.stopped);
      case 'claim.release': {
        const actor = this.#actors.get(body.actor);
        if (actor === undefined || body.token < actor.newest) return;
        actor.newest = body.token;
        return this.#see(body.actor, node, (seen) => seen.removed);
      }
      default:
    }
  }

  #node(name: string): Node {
    return entryOf(this.#nodes, name, () => ({
      name,
      life: 0,
      registered: -1,
      up: false,
      entered: false,
      failed: false,
      failedAt: -1,
    }));
  }

  /** The walk begins before the first claim is committed: nobody can have had the actor. */
  #actor(name: string, claimer: string): Actor {
    return entryOf(this.#actors, name, () => {
      const actor: Actor = { walk: name, seats: new Map(), free: [...eitherWay(PLACES, name)], newest: 0 };
      this.#sit(actor, this.#node(claimer));
      const others = [...this.#nodes.values()].filter((node) => node.life > 0 && node.name !== claimer);
      const other = others[(hashOf(name) >>> 1) % others.length];
      if (other !== undefined) this.#sit(actor, other);
      this.#walks.see(actor.walk, untouched);
      return actor;
    });
  }

  /** Brings the walk to where the node is now. */
  #sit(actor: Actor, node: Node): void {
    const place = actor.free.shift();
    if (place === undefined) return;
    actor.seats.set(node.name, place);
    const { register, fail, crash } = OBSERVATIONS[place];
    if (node.life === 0) return;
    this.#walks.see(actor.walk, register);
    if (node.failed) this.#walks.see(actor.walk, fail);
    if (!node.up || !node.entered) this.#walks.see(actor.walk, crash);
  }

  #see(name: string, node: string, observation: (seen: Observations) => Observation): void {
    const actor = this.#actors.get(name);
    const place = actor?.seats.get(node);
    if (actor !== undefined && place !== undefined) this.#walks.see(actor.walk, observation(OBSERVATIONS[place]));
  }

  /** In every walk that follows the node. */
  #seeAll(node: string, observation: (seen: Observations) => Observation): void {
    for (const { walk, seats } of this.#actors.values()) {
      const place = seats.get(node);
      if (place !== undefined) this.#walks.see(walk, observation(OBSERVATIONS[place]));
    }
  }

  #registered(node: Node, life: number, version: number): void {
    // A process that registers again has found that its life was given up, whoever has told of that.
    if (node.entered) this.#failed(node.name, node.life, -1);
    const isNew = node.life === 0;
    node.life = life;
    node.registered = version;
    node.entered = true;
    node.failed = false;
    node.failedAt = -1;
    this.#seeAll(node.name, (seen) => seen.register);
    if (!isNew) return;
    for (const actor of this.#actors.values()) if (!actor.seats.has(node.name)) this.#sit(actor, node);
  }

  /** A later registration makes it meaningless. */
  #failed(name: string, life: number, version: number): void {
    const node = this.#node(name);
    if (node.life !== life) return;
    node.failedAt = Math.max(node.failedAt, version);
    if (node.failed) return;
    node.failed = true;
    this.#seeAll(name, (seen) => seen.fail);
  }

  #claimed(name: string, key: string, token: number, commit?: ClaimBody): void {
    const actor = this.#actor(key, name);
    // Its answer was so late that others have had the actor since: it is over before it began.
    if (token <= actor.newest) return;
    actor.newest = token;
    const place = actor.seats.get(name);
    if (place === undefined) return this.#walks.see(actor.walk, atRest);
    const node = this.#node(name);
    const version = commit?.version ?? -1;
    // It was made for an earlier life, and void when this one began.
    if (version >= 0 && version < node.registered) return;
    const { notFailed, claimed, overCapacity } = OBSERVATIONS[place];
    if (node.failedAt >= 0 && version > node.failedAt) this.#walks.see(actor.walk, notFailed);
    this.#walks.see(actor.walk, claimed);
    if (commit !== undefined && commit.count > commit.capacity) this.#walks.see(actor.walk, overCapacity);
  }

  #swept(body: Extract<KelpieEvent, { readonly type: 'failover.free' | 'failover.actor' }>): void {
    const actor = this.#actors.get(body.actor);
    if (actor === undefined || body.token < actor.newest || body.nodeLife !== this.#node(body.member).life) return;
    this.#see(body.actor, body.member, (seen) => (body.type === 'failover.free' ? seen.mayBeSwept : seen.removed));
  }

  ended(name: string): void {
    const node = this.#nodes.get(name);
    if (node?.up !== true) return;
    const { entered } = node;
    node.up = false;
    node.entered = false;
    if (!entered) this.#seeAll(name, (seen) => seen.mayRegister);
    this.#seeAll(name, (seen) => seen.crash);
  }
}

export const mapping: Mapping = {
  module: 'KelpieRegistry',
  hidden: [
    'ClaimRead',
    'ClaimCommit',
    'ClaimLost',
    'Reclaim',
    'Stop',
    'Release',
    'Sweep',
    'LeaseExpires',
    'RestClaims',
    'RestLoses',
    'OthersCome',
    'OthersGo',
    'HeartbeatRead',
    'HeartbeatWrite',
    'HeartbeatLost',
    'Suspect',
    'StepOut',
  ],
  ...following(HEARS, (walks) => new Registry(walks)),
};
