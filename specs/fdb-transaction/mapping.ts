/**
 * One walk for the commits of each actor. A client of the model is one activation of the actor, for as long as it has a commit under
 * way: usually there is one, and a second one where a deposed holder does not know it yet. Every commit adds one to the number that the
 * actor's head has in the store (key `x`), and gives the state that belongs to it (key `y`); the model counts both modulo two.
 *
 * What an invocation reads and buffers is hidden until it commits. Then what it has read must be of one version, the one that it adds
 * to, and when an activation loads the actor, head and state must be what the commits have left.
 */
import type { TraceEvent } from '../../src/trace.js';
import type { Mapping, Observation, SpecState, Walks } from '../mapping.js';
import { at, eitherWay, entryOf, type Follower, following, type Heard, isNewestHolder, look, step } from '../projection.js';

const HEARS = [
  'activate.load',
  'activate.drop',
  'invoke.start',
  'rollback',
  'kv.write',
  'kv.read',
  'commit.start',
  'commit.conflict',
  'commit.fenced',
  'commit.unknown',
  'commit.resolved',
  'commit.done',
] as const;
type Type = (typeof HEARS)[number];

const CLIENTS = ['c1', 'c2'] as const;
type Client = (typeof CLIENTS)[number];

/** `sent`: its outcome is not known. `unknown`: nor will the one who sent it find out. */
interface Commit {
  readonly id: string;
  readonly node: string;
  readonly token: number;
  readonly client: Client;
  readonly stateVersion: number;
  phase: 'sent' | 'asking' | 'found' | 'unknown';
  /**
   * What the first holder after its own has loaded, and that is final: an older token commits nothing any more. Later holders cannot
   * tell, for the version that it was to make may be of another commit by then. Undefined until a later holder has loaded the actor.
   */
  inStore: boolean | undefined;
}

/** What the last commit that wrote it has left under a key. */
interface Written {
  readonly stateVersion: number;
  readonly value: number | null;
  readonly before: number | null | undefined;
}

/** What an activation has done since its last commit. */
interface Buffer {
  readonly written: Map<string, number | null>;
  /** The newest version that a value it read is known to be of. */
  read: number;
}

interface Actor {
  readonly walk: string;
  readonly commits: Map<string, Commit>;
  readonly buffers: Map<number, Buffer>;
  readonly keys: Map<string, Written>;
  /** State of the store after the newest commit that is known, undefined where it is not. */
  state: { readonly stateVersion: number; readonly checksum: number | null } | undefined;
  /** The newest token under which somebody has loaded the actor. */
  newestToken: number;
  /** What commits under way make of the state, by their names. */
  readonly states: Map<string, number | null | 'unchanged'>;
}

const keyOf = (state: SpecState, variable: string, client: Client, key: string): unknown =>
  (at(state, variable, client) as Readonly<Record<string, unknown>>)[key];

/** The transaction adds to this version. */
const addsTo = (client: Client, bit: number): Observation =>
  look(`${client} adds to ${bit}`, (state) => keyOf(state, 'view', client, 'x') === bit);
const torn = (client: Client): Observation =>
  look(`${client} has read two versions`, (state) => keyOf(state, 'view', client, 'x') !== keyOf(state, 'view', client, 'y'));
const pastBuffer = (client: Client): Observation =>
  look(`${client} has read past its buffer`, (state) => at(state, 'own', client) === keyOf(state, 'snap', client, 'x'));
const headIs = (bit: number): Observation => look(`head ${bit}`, (state) => at(state, 'db', 'x') === bit);
const halfIs = (bit: number): Observation =>
  look(`head ${bit} without its state`, (state) => at(state, 'db', 'x') === bit && at(state, 'db', 'y') !== bit);
const idle = (client: Client): Observation => look(`${client} is done`, (state) => at(state, 'phase', client) === 'Idle');

const emptyBuffer = (): Buffer => ({ written: new Map(), read: 0 });

class Commits implements Follower<Type> {
  readonly #walks: Walks;
  readonly #actors = new Map<string, Actor>();

  constructor(walks: Walks) {
    this.#walks = walks;
  }

  observe(body: Heard<Type>, { node }: TraceEvent): void {
    const actor = this.#actor(body.actor);
    const see = (observation: Observation): void => this.#walks.see(actor.walk, observation);
    switch (body.type) {
      case 'activate.load':
        return this.#loaded(actor, body.token, body.stateVersion, body.state);
      case 'activate.drop':
        // Nobody resolves any more what it has under way; whoever loads the actor next finds out.
        for (const commit of actor.commits.values()) if (commit.token === body.token) this.#lost(actor, commit, 'Unknown');
        return;
      case 'invoke.start':
      case 'rollback':
        this.#rolledBack(actor, body.token);
        return;
      case 'kv.write':
        this.#buffer(actor, body.token).written.set(body.key, body.value);
        return;
      case 'kv.read':
        return this.#read(actor, body.token, body.key, body.value);
      case 'commit.start':
        return this.#sent(actor, node, body);
      default:
    }
    if (!('commit' in body) || typeof body.commit !== 'string') return;
    const commit = actor.commits.get(body.commit);
    if (commit === undefined || commit.phase === 'unknown') return;
    switch (body.type) {
      case 'commit.conflict':
      case 'commit.fenced':
        actor.commits.delete(commit.id);
        return see(step('Refused', commit.client));
      case 'commit.unknown':
        commit.phase = 'asking';
        return see(step('Unknown', commit.client));
      case 'commit.resolved':
        if (body.applied) commit.phase = 'found';
        else actor.commits.delete(commit.id);
        return see(step(body.applied ? 'LookFound' : 'LookMissed', commit.client));
      case 'commit.done':
        this.#done(actor, commit);
        return see(commit.phase === 'found' ? idle(commit.client) : step('Done', commit.client));
      default:
    }
  }

  #actor(name: string): Actor {
    return entryOf(this.#actors, name, () => ({
      walk: name,
      commits: new Map(),
      buffers: new Map(),
      keys: new Map(),
      state: { stateVersion: 0, checksum: null },
      newestToken: 0,
      states: new Map(),
    }));
  }

  #buffer(actor: Actor, token: number): Buffer {
    return entryOf(actor.buffers, token, emptyBuffer);
  }

  /** A client that has nothing under way; which one of two depends on what it is for. */
  #free(actor: Actor, use: string): Client | undefined {
    const busy = new Set([...actor.commits.values()].map(({ client }) => client));
    const clients = eitherWay(CLIENTS, `${actor.walk} ${use}`);
    return clients.find((client) => !busy.has(client));
  }

  #read(actor: Actor, token: number, key: string, value: number | null): void {
    const buffer = this.#buffer(actor, token);
    const client = this.#free(actor, key);
    if (buffer.written.has(key) && client !== undefined) this.#walks.see(actor.walk, pastBuffer(client));
    const newest = actor.keys.get(key);
    if (newest?.value === value && newest.before !== undefined && newest.before !== value) {
      buffer.read = Math.max(buffer.read, newest.stateVersion);
    }
  }

  #sent(
    actor: Actor,
    node: string,
    body: {
      readonly commit: string;
      readonly token: number;
      readonly stateVersion: number;
      readonly state: number | null;
      readonly stateDeleted: boolean;
    },
  ): void {
    const { commit, token, stateVersion } = body;
    // A commit of this activation that was not ended by its own event failed before it was sent.
    this.#rolledBackCommits(actor, token);
    const client = this.#free(actor, commit);
    if (client === undefined) return this.#walks.leave(actor.walk, 'three commits of one actor are under way');
    const inStore = token < actor.newestToken ? false : undefined;
    actor.commits.set(commit, { id: commit, node, token, client, stateVersion, phase: 'sent', inStore });
    actor.states.set(commit, body.stateDeleted ? null : (body.state ?? 'unchanged'));
    this.#walks.see(actor.walk, step('CommitSend', client));
    this.#walks.see(actor.walk, addsTo(client, (stateVersion - 1) % 2));
    if (this.#buffer(actor, token).read >= stateVersion) this.#walks.see(actor.walk, torn(client));
  }

  /** Its end is told: it is in the store, which a later holder may have found before. */
  #done(actor: Actor, commit: Commit): void {
    actor.commits.delete(commit.id);
    if (commit.inStore === undefined) this.#taken(actor, commit);
  }

  /** The store has what it wrote, and nothing newer yet. */
  #taken(actor: Actor, { id, token, stateVersion }: Commit): void {
    const change = actor.states.get(id);
    actor.states.delete(id);
    if (actor.state?.stateVersion === stateVersion - 1 && change !== undefined) {
      actor.state = { stateVersion, checksum: change === 'unchanged' ? actor.state.checksum : change };
    } else if ((actor.state?.stateVersion ?? 0) < stateVersion) actor.state = undefined;
    const { written } = this.#buffer(actor, token);
    for (const [key, value] of written) actor.keys.set(key, { stateVersion, value, before: actor.keys.get(key)?.value });
    actor.buffers.delete(token);
  }

  #rolledBack(actor: Actor, token: number): void {
    actor.buffers.delete(token);
    this.#rolledBackCommits(actor, token);
  }

  #rolledBackCommits(actor: Actor, token: number): void {
    for (const commit of actor.commits.values()) {
      if (commit.token !== token || commit.phase !== 'sent') continue;
      actor.commits.delete(commit.id);
      this.#walks.see(actor.walk, step('Refused', commit.client));
    }
  }

  #lost(actor: Actor, commit: Commit, how: 'Crash' | 'Unknown'): void {
    if (commit.phase === 'unknown' || commit.phase === 'found') return;
    if (commit.phase === 'sent') this.#walks.see(actor.walk, step(how, commit.client));
    commit.phase = 'unknown';
    this.#settle(actor, commit);
  }

  /** Where nobody else will tell what became of it, a holder that has loaded the actor since has found out. */
  #settle(actor: Actor, commit: Commit): void {
    if (commit.phase !== 'unknown' || commit.inStore === undefined) return;
    actor.commits.delete(commit.id);
    this.#walks.see(actor.walk, step(commit.inStore ? 'LookFound' : 'LookMissed', commit.client));
  }

  ended(node: string): void {
    for (const actor of this.#actors.values()) {
      for (const commit of actor.commits.values()) if (commit.node === node) this.#lost(actor, commit, 'Crash');
    }
  }

  /** What is loaded settles what became of every commit of holders before. */
  #loaded(actor: Actor, token: number, stateVersion: number, checksum: number | null): void {
    if (!isNewestHolder(actor, token)) return;
    for (const commit of actor.commits.values()) {
      if (commit.token >= token) continue;
      if (commit.inStore === undefined) {
        commit.inStore = stateVersion >= commit.stateVersion;
        if (commit.inStore) this.#taken(actor, commit);
      }
      this.#settle(actor, commit);
    }
    this.#walks.see(actor.walk, headIs(stateVersion % 2));
    const known = actor.state;
    if (known?.stateVersion === stateVersion && known.checksum !== checksum) this.#walks.see(actor.walk, halfIs(stateVersion % 2));
    actor.state = { stateVersion, checksum };
  }
}

export const mapping: Mapping = {
  module: 'KelpieFDBTransaction',
  hidden: ['Begin', 'Read', 'Write', 'ReadOwn', 'CommitApply'],
  ...following(HEARS, (walks) => new Commits(walks)),
};
