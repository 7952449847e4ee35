/**
 * One walk for each agent. Of the operations on it (`create`, `update` and `delete`, each under its idempotency key) two at a time
 * take the places of the model's clients; others wait for a place until their turn comes in the actor. What a client waits for that
 * has not reached the actor can give up its place and take one again.
 */
import type { TraceEvent } from '../../src/trace.js';
import type { Mapping, Observation, SpecState, Walks } from '../mapping.js';
import { at, entryOf, type Follower, following, hashOf, type Heard, holds, isNewestHolder, look, step, told } from '../projection.js';

const HEARS = [
  'boot',
  'op.invoke',
  'op.ok',
  'op.fail',
  'op.info',
  'activate.load',
  'activate.fail',
  'activate.drop',
  'deactivate.done',
  'agent.key',
  'agent.create',
  'agent.update',
  'agent.delete',
  'agent.get',
  'commit.start',
  'commit.done',
  'rollback',
  'request.duplicate',
  'invoke.end',
] as const;
type Type = (typeof HEARS)[number];

const NAMESPACE = 'agents:';
const CLIENTS = ['c1', 'c2'] as const;
type Client = (typeof CLIENTS)[number];
type Kind = 'create' | 'update' | 'delete';

const KINDS: Readonly<Record<string, Kind>> = { 'agent create': 'create', 'agent remember': 'update', 'agent delete': 'delete' };
const isKind = (operation: string): operation is Kind => operation === 'create' || operation === 'update' || operation === 'delete';

/** One idempotency key and the client that it is for. */
interface Place {
  readonly key: string;
  readonly client: Client;
  /** `done`: its client has heard of success. `over`: of a failure. `open`: its client asks no more, and does not know. */
  phase: 'waits' | 'reached' | 'open' | 'over' | 'done';
  refused: boolean;
  /** An operation under this key came to an end of which its client does not know what it was. */
  isInDoubt: boolean;
}

/** The operation that the actor carries out. */
interface Effect {
  readonly request: string;
  readonly client: Client;
  commit: string | undefined;
}

interface Agent {
  readonly walk: string;
  readonly places: Map<Client, Place>;
  /** The key under which a request came. */
  readonly keys: Map<string, string>;
  /** Who has made which version of the agent, by incarnation and version. */
  readonly writers: Map<string, Client>;
  /** Keys whose places others have taken since: the model does not know them any more. */
  readonly past: Set<string>;
  turn: number;
  holder: { readonly node: string; readonly token: number } | undefined;
  /** The newest token under which somebody has loaded it. */
  newestToken: number;
  /** The node that is down in the model. */
  down: string | undefined;
  effect: Effect | undefined;
}

/** Why the actor refuses an operation. */
const REFUSALS: Readonly<Record<Kind, string>> = { create: 'already-exists', update: 'not-found', delete: 'not-found' };

const acked = (client: Client): Observation =>
  look(`${client} has its answer`, (state) => at(state, 'client', client) === 'Acked' && holds(state, 'answers', client));
const heardRefusal = (client: Client): Observation => look(`${client} was refused`, (state) => at(state, 'client', client) === 'Idle');
const repeat = (client: Client): Observation => ({
  key: `Repeat ${client}`,
  steps: [{ action: 'Repeat', args: [client] }],
  // An answer that was lost on its way is asked for again.
  still: (state) => at(state, 'client', client) === 'Acked' && holds(state, 'answers', client) && state['busy'] === 'None',
});
const possible = (state: SpecState, client: Client): boolean => (at(state, 'kind', client) === 'create') === (state['mem'] === 'None');
const refuse = (client: Client): Observation => ({
  key: `Refuse ${client}`,
  steps: [{ action: 'Refuse', args: [client] }],
  // The refusal may be lost on its way, and leaves nothing behind.
  still: (state) =>
    at(state, 'client', client) === 'Waiting' && !holds(state, 'answers', client) && !possible(state, client) && state['busy'] === 'None',
});
/** Nobody has told it so. */
const refusedByNobody = (client: Client): Observation =>
  look(`${client} was refused by nobody`, (state) => at(state, 'client', client) === 'Idle' && holds(state, 'answers', client));
const noEffect = (client: Client): Observation =>
  look(
    `${client} took no effect`,
    (state) => at(state, 'client', client) === 'Waiting' && !holds(state, 'answers', client) && state['busy'] !== client,
  );
const giveUp = (client: Client): Observation => ({
  key: `GiveUp ${client}`,
  steps: [{ action: 'GiveUp', args: [client] }],
  still: (state) => at(state, 'client', client) !== 'Waiting',
});
const unsaved = (client: Client): Observation =>
  look(`${client} is not committed`, (state) => state['busy'] === client && state['saved'] === false);
const saved = (client: Client): Observation =>
  look(`${client} is committed`, (state) => state['busy'] === client && state['saved'] === true);
const answer: Observation = { key: 'Answer', steps: [{ action: 'Answer' }, { action: 'Unheard' }] };
/** A deposed holder may still find out that its commit was applied, and answer. */
const maybeAnswer: Observation = { key: 'maybe Answer', steps: [{ action: 'Answer' }], still: () => true };
const answeredEarly = (client: Client): Observation =>
  look(`${client} is answered without a commit`, (state) => at(state, 'client', client) === 'Acked' && !holds(state, 'answers', client));
const loaded = (there: boolean): Observation => look(`agent ${there}`, (state) => (state['mem'] !== 'None') === there);
const get: Observation = {
  key: 'Get',
  steps: [{ action: 'Get' }],
  still: (state) => state['phase'] === 'On' && state['busy'] === 'None' && state['seen'] === state['mem'],
};
const saw = (what: Client | 'None'): Observation => look(`saw ${what}`, ({ seen }) => seen === what);
const sawAny = look('saw an agent', ({ seen }) => seen !== 'None' && seen !== 'Unread');

class Agents implements Follower<Type> {
  readonly #walks: Walks;
  readonly #agents = new Map<string, Agent>();
  /** The agents that operations are for, by their names, with their keys. */
  readonly #asked = new Map<string, { readonly agent: Agent; readonly key: string; readonly kind: Kind }>();

  constructor(walks: Walks) {
    this.#walks = walks;
  }

  observe(body: Heard<Type>, event: TraceEvent): void {
    const { node } = event;
    switch (body.type) {
      case 'op.invoke': {
        const kind = KINDS[body.kind];
        const { agent: name, key } = body.args as { readonly agent?: string; readonly key?: string };
        if (kind === undefined || name === undefined || key === undefined) return;
        const agent = this.#agent(NAMESPACE + name);
        this.#asked.set(body.op, { agent, key, kind });
        return this.#invoked(agent, key, kind);
      }
      case 'op.ok':
      case 'op.fail':
      case 'op.info': {
        const asked = this.#asked.get(body.op);
        this.#asked.delete(body.op);
        if (asked !== undefined) this.#heard(asked.agent, asked.key, asked.kind, body.type, body.type === 'op.ok' ? '' : body.code);
        return;
      }
      case 'boot':
        for (const agent of this.#agents.values()) if (agent.down === node) this.#restart(agent);
        return;
      default:
    }
    if (!body.actor.startsWith(NAMESPACE)) return;
    const agent = this.#agent(body.actor);
    if (body.type === 'activate.load') return this.#activated(agent, node, body.token, body.state !== null);
    if (agent.holder?.node === node) this.#acted(agent, agent.holder.token, event);
  }

  #agent(actor: string): Agent {
    return entryOf(this.#agents, actor, () => ({
      walk: actor,
      places: new Map(),
      keys: new Map(),
      writers: new Map(),
      past: new Set(),
      turn: hashOf(actor),
      holder: undefined,
      newestToken: 0,
      down: undefined,
      effect: undefined,
    }));
  }

  #see(agent: Agent, observation: Observation): void {
    this.#walks.see(agent.walk, observation);
  }

  #placeOf(agent: Agent, key: string): Place | undefined {
    for (const place of agent.places.values()) if (place.key === key) return place;
    return undefined;
  }

  /** By an operation that has not come to its end. */
  #isAsked(agent: Agent, key: string): boolean {
    for (const asked of this.#asked.values()) if (asked.agent === agent && asked.key === key) return true;
    return false;
  }

  /** A place for an operation, of those that give theirs up the most dispensable one. */
  #takePlace(agent: Agent, key: string, kind: Kind, dispensable: readonly Place['phase'][]): Place | undefined {
    agent.turn += 1;
    const clients = agent.turn % 2 === 0 ? CLIENTS : CLIENTS.toReversed();
    let client = clients.find((one) => !agent.places.has(one));
    for (const phase of dispensable) {
      client ??= clients.find((one) => agent.places.get(one)?.phase === phase && agent.effect?.client !== one);
    }
    if (client === undefined) return undefined;
    const before = agent.places.get(client);
    if (before !== undefined && before.phase !== 'waits') agent.past.add(before.key);
    if (['waits', 'open'].includes(agent.places.get(client)?.phase ?? '')) this.#see(agent, giveUp(client));
    const place: Place = { key, client, phase: 'waits', refused: false, isInDoubt: false };
    agent.places.set(client, place);
    this.#see(agent, step('Request', client, kind));
    return place;
  }

  /** The walk ends where a key comes back that the model has forgotten. */
  #isPast(agent: Agent, key: string): boolean {
    const past = this.#placeOf(agent, key) === undefined && agent.past.has(key);
    if (past) this.#walks.leave(agent.walk, 'a key that comes back when two others were used');
    return past;
  }

  #invoked(agent: Agent, key: string, kind: Kind): void {
    const place = this.#placeOf(agent, key);
    if (place === undefined) {
      // What a key of which the model has nothing left stands for shows when it has reached the actor.
      if (!agent.past.has(key)) this.#takePlace(agent, key, kind, ['over', 'done', 'open']);
    } else if (place.phase === 'over') this.#again(agent, place, kind);
    // Asked again under the same key by one who does not know. A key whose answer was heard stands for that one, whoever uses it.
    else if (place.phase === 'open') place.phase = 'reached';
  }

  /** What had failed is tried under the same key. */
  #again(agent: Agent, place: Place, kind: Kind): void {
    Object.assign(place, { phase: 'waits', refused: false });
    this.#see(agent, step('Request', place.client, kind));
  }

  #heard(agent: Agent, key: string, kind: Kind, how: 'op.ok' | 'op.fail' | 'op.info', code: string): void {
    // Another operation came under a key that was used before.
    if (code === 'idempotency-mismatch' || code === 'in-progress') return;
    if (how === 'op.ok' && this.#isPast(agent, key)) return;
    const place =
      this.#placeOf(agent, key) ?? (how === 'op.ok' ? this.#takePlace(agent, key, kind, ['over', 'done', 'open', 'waits']) : undefined);
    if (place === undefined) return;
    const { client } = place;
    if (how === 'op.ok') {
      place.phase = 'done';
      return this.#see(agent, acked(client));
    }
    // It came under a key whose answer was heard before, and changes nothing of that.
    if (place.phase === 'done') return;
    if (how === 'op.info') {
      place.isInDoubt = true;
      place.phase = 'open';
      return;
    }
    if (code === REFUSALS[kind]) {
      place.phase = 'over';
      return this.#see(agent, place.refused ? heardRefusal(client) : refusedByNobody(client));
    }
    // That one operation has failed says nothing of another one that used the same key.
    if (this.#isAsked(agent, key)) return;
    if (place.isInDoubt) {
      place.phase = 'open';
      return;
    }
    place.phase = 'over';
    this.#see(agent, noEffect(client));
    this.#see(agent, giveUp(client));
  }

  #activated(agent: Agent, node: string, token: number, there: boolean): void {
    if (!isNewestHolder(agent, token)) return;
    // It is deposed and does not know it yet.
    if (agent.holder !== undefined) this.#deposed(agent, agent.holder.node);
    this.#restart(agent);
    agent.holder = { node, token };
    this.#see(agent, step('Activate'));
    this.#see(agent, loaded(there));
  }

  /** What the actor does on the node that holds it. */
  #acted(agent: Agent, token: number, event: TraceEvent): void {
    const body = told<Type>(event);
    const { effect } = agent;
    switch (body.type) {
      case 'agent.key':
        if (isKind(body.operation) && body.request !== null) this.#looked(agent, body.request, body.key, body.operation, body.how);
        return;
      case 'agent.create':
      case 'agent.update':
      case 'agent.delete':
        if (body.request === null) return;
        return this.#executed(agent, body.request, body.type === 'agent.delete' ? undefined : `${body.incarnation}/${body.version}`);
      case 'agent.get': {
        const { incarnation, version } = body;
        this.#see(agent, get);
        if (incarnation === null) return this.#see(agent, saw('None'));
        const writer = agent.writers.get(`${incarnation}/${version}`);
        return this.#see(agent, writer === undefined ? sawAny : saw(writer));
      }
      case 'commit.start':
        if (effect === undefined || body.request !== effect.request) return;
        effect.commit = body.commit;
        return this.#see(agent, unsaved(effect.client));
      case 'commit.done':
        if (effect !== undefined && body.commit === effect.commit) this.#see(agent, saved(effect.client));
        return;
      case 'rollback':
        if (effect === undefined || body.request !== effect.request) return;
        agent.effect = undefined;
        return this.#see(agent, step('CommitFail'));
      case 'request.duplicate': {
        const place = this.#placeOf(agent, agent.keys.get(body.request) ?? '');
        if (body.how === 'stored' && place !== undefined) this.#see(agent, repeat(place.client));
        return;
      }
      case 'invoke.end':
        return this.#answered(agent, body.request, body.outcome, body.commit);
      case 'deactivate.done':
        if (body.token !== token) return;
        agent.holder = undefined;
        return this.#see(agent, step('Deactivate'));
      case 'activate.fail':
        agent.holder = undefined;
        return this.#see(agent, step('Deactivate'));
      case 'activate.drop':
        if (body.token !== token) return;
        this.#deposed(agent, event.node);
        return this.#restart(agent);
      default:
    }
  }

  #looked(agent: Agent, request: string, key: string, kind: Kind, how: string): void {
    agent.keys.set(request, key);
    // The key was used for another request, or that one is under way: this one does nothing.
    if (how === 'mismatch' || how === 'in-progress') return;
    if (how === 'hit' && this.#isPast(agent, key)) return;
    const place = this.#placeOf(agent, key) ?? this.#takePlace(agent, key, kind, ['over', 'done', 'open', 'waits']);
    if (place === undefined) return this.#walks.leave(agent.walk, 'three operations on one agent have reached it and are not answered');
    // Of two that came under one key the first has failed.
    if (place.phase === 'over') this.#again(agent, place, kind);
    if (place.phase === 'waits') place.phase = 'reached';
    if (how === 'hit') this.#see(agent, repeat(place.client));
  }

  #executed(agent: Agent, request: string, version: string | undefined): void {
    const place = this.#placeOf(agent, agent.keys.get(request) ?? '');
    if (place === undefined) return this.#walks.leave(agent.walk, 'an operation without an idempotency key');
    agent.effect = { request, client: place.client, commit: undefined };
    if (version !== undefined) agent.writers.set(version, place.client);
    this.#see(agent, step('Execute', place.client));
  }

  #answered(agent: Agent, request: string, outcome: string, commit: string | null): void {
    const { effect } = agent;
    if (effect?.request === request) {
      agent.effect = undefined;
      this.#see(agent, commit === null ? answeredEarly(effect.client) : answer);
      return;
    }
    const place = this.#placeOf(agent, agent.keys.get(request) ?? '');
    if (place === undefined || (outcome !== 'not-found' && outcome !== 'already-exists')) return;
    place.refused = true;
    this.#see(agent, refuse(place.client));
  }

  ended(node: string): void {
    for (const agent of this.#agents.values()) if (agent.holder?.node === node) this.#gone(agent, node);
  }

  #deposed(agent: Agent, node: string): void {
    if (agent.effect?.commit !== undefined) this.#see(agent, maybeAnswer);
    this.#gone(agent, node);
  }

  /** The memory of the actor is gone, with what it has not sent to the store. */
  #gone(agent: Agent, node: string): void {
    if (agent.effect !== undefined && agent.effect.commit === undefined) this.#see(agent, step('CommitFail'));
    agent.effect = undefined;
    agent.holder = undefined;
    agent.down = node;
    this.#see(agent, step('Crash'));
  }

  #restart(agent: Agent): void {
    if (agent.down === undefined) return;
    agent.down = undefined;
    this.#see(agent, step('Restart'));
  }
}

export const mapping: Mapping = {
  module: 'KelpieAgentService',
  hidden: ['Commit', 'Forget'],
  ...following(HEARS, (walks) => new Agents(walks)),
};
