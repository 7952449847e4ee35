/**
 * KelpieActorState: one walk for each actor on each node, through all its activations there. A commit is one step whatever it writes;
 * values are not compared, for the spec knows only equal or not.
 */
import type { NodeId } from '../../src/ports.js';
import type { TraceEvent } from '../../src/trace.js';
import type { Mapping, Observation, Walks } from '../mapping.js';
import { type Follower, following, type Heard, step } from '../projection.js';

const HEARS = [
  'boot',
  'activate.load',
  'activate.done',
  'activate.fail',
  'activate.drop',
  'invoke.start',
  'invoke.end',
  'commit.start',
  'commit.done',
  'commit.fenced',
  'commit.conflict',
  'commit.unknown',
  'commit.resolved',
  'rollback',
  'deactivate.start',
  'deactivate.done',
] as const;
type Type = (typeof HEARS)[number];

const ACTIVATE = step('Activate');
const INVOKE_START = step('InvokeStart');
const INVOKE_END = step('InvokeEnd');
const COMMIT_SEND = step('CommitSend');
const COMMIT_DONE = step('CommitDone');
const COMMIT_FAILED = step('CommitFailed');
const COMMIT_UNKNOWN = step('CommitUnknown');
const RESOLVED_APPLIED = step('ResolvedApplied');
const RESOLVED_LOST = step('ResolvedLost');
const ROLLBACK = step('Rollback');
const DEACTIVATE_START = step('DeactivateStart');
const DEACTIVATE_DONE = step('DeactivateDone');
const DROP = step('Drop');
const CRASH = step('Crash');
const RESTART = step('Restart');

/** An actor on a node. */
interface Place {
  readonly walk: string;
  /** Of the activation that goes on; 0 for none. */
  token: number;
  /** An invocation or a hook runs, or its commit is under way. */
  running: boolean;
  /** The commit that was sent last. */
  commit: string;
  /** `onActivate` has committed. */
  active: boolean;
}

class Fold implements Follower<Type> {
  readonly #walks: Walks;
  readonly #nodes = new Map<NodeId, Map<string, Place>>();
  /** Nodes that are down, of those that have walks. */
  readonly #down = new Set<NodeId>();

  constructor(walks: Walks) {
    this.#walks = walks;
  }

  observe(body: Heard<Type>, { node }: TraceEvent): void {
    switch (body.type) {
      case 'activate.load': {
        const place = this.#place(node, body.actor);
        place.token = body.token;
        place.running = false;
        place.active = false;
        place.commit = '';
        return this.#walks.see(place.walk, ACTIVATE);
      }
      case 'activate.done': {
        const place = this.#activation(node, body);
        if (place !== undefined) place.active = true;
        return;
      }
      case 'invoke.start':
        return this.#begin(this.#activation(node, body));
      case 'invoke.end':
        return this.#invoked(this.#nodes.get(node)?.get(body.actor), body);
      case 'commit.start':
        return this.#commit(this.#activation(node, body), body.commit);
      case 'commit.done':
        // After a commit that was resolved, the invocation has ended already.
        return this.#finished(this.#running(node, body), COMMIT_DONE);
      case 'commit.fenced':
        return this.#see(this.#running(node, body), COMMIT_FAILED);
      case 'commit.conflict':
        return this.#conflict(this.#nodes.get(node)?.get(body.actor), body.commit);
      case 'commit.unknown':
        return this.#see(this.#running(node, body), COMMIT_UNKNOWN);
      case 'commit.resolved':
        if (body.applied) return this.#finished(this.#running(node, body), RESOLVED_APPLIED);
        return this.#see(this.#running(node, body), RESOLVED_LOST);
      case 'rollback':
        return this.#rollBack(this.#activation(node, body), body.reason);
      case 'deactivate.start':
        return this.#see(this.#activation(node, body), DEACTIVATE_START);
      case 'deactivate.done':
        return this.#over(this.#activation(node, body), DEACTIVATE_DONE);
      case 'activate.drop':
        return this.#over(this.#activation(node, body), DROP);
      case 'activate.fail': {
        const place = this.#nodes.get(node)?.get(body.actor);
        // An attempt that read nothing was no activation.
        return place === undefined || place.token === 0 || place.active ? undefined : this.#over(place, DROP);
      }
      case 'boot':
        return this.#restart(node);
      default:
    }
  }

  #place(node: NodeId, actor: string): Place {
    const places = this.#nodes.get(node) ?? new Map<string, Place>();
    this.#nodes.set(node, places);
    const known = places.get(actor);
    if (known !== undefined) return known;
    const place: Place = { walk: `${actor} on ${node}`, token: 0, running: false, commit: '', active: false };
    places.set(actor, place);
    return place;
  }

  /** Undefined when what is told belongs to an activation that has ended. */
  #activation(node: NodeId, { actor, token }: { readonly actor: string; readonly token: number }): Place | undefined {
    const place = this.#nodes.get(node)?.get(actor);
    return place?.token === token ? place : undefined;
  }

  #running(node: NodeId, of: { readonly actor: string; readonly token: number }): Place | undefined {
    const place = this.#activation(node, of);
    return place?.running === true ? place : undefined;
  }

  #see(place: Place | undefined, observation: Observation): void {
    if (place !== undefined) this.#walks.see(place.walk, observation);
  }

  #begin(place: Place | undefined): void {
    if (place === undefined) return;
    place.running = true;
    this.#walks.see(place.walk, INVOKE_START);
  }

  #finished(place: Place | undefined, observation: Observation): void {
    if (place === undefined) return;
    place.running = false;
    this.#walks.see(place.walk, observation);
  }

  #over(place: Place | undefined, observation: Observation): void {
    if (place === undefined) return;
    place.token = 0;
    place.running = false;
    this.#walks.see(place.walk, observation);
  }

  /** An invocation that has committed or rolled back has ended before this is told. */
  #invoked(place: Place | undefined, { outcome, commit }: { readonly outcome: string; readonly commit: string | null }): void {
    if (place === undefined || !place.running || outcome !== 'ok' || commit !== null) return;
    this.#finished(place, INVOKE_END);
  }

  /** A hook tells of itself by its commit or its rollback alone. */
  #commit(place: Place | undefined, commit: string): void {
    if (place === undefined) return;
    place.commit = commit;
    if (!place.running) this.#begin(place);
    this.#walks.see(place.walk, COMMIT_SEND);
  }

  /** A conflict bears no token: it is that of the commit which was sent, or of an activation that has ended. */
  #conflict(place: Place | undefined, commit: string): void {
    if (place?.running === true && place.commit === commit) this.#walks.see(place.walk, COMMIT_FAILED);
  }

  #rollBack(place: Place | undefined, reason: string): void {
    if (place === undefined) return;
    if (!place.running) this.#begin(place);
    // The transaction found the outcome of an earlier attempt of its request, and was not committed.
    if (reason === 'duplicate') this.#walks.see(place.walk, COMMIT_FAILED);
    this.#finished(place, ROLLBACK);
  }

  ended(node: NodeId): void {
    const places = this.#nodes.get(node);
    if (places === undefined || this.#down.has(node)) return;
    this.#down.add(node);
    for (const place of places.values()) this.#over(place, CRASH);
  }

  #restart(node: NodeId): void {
    if (!this.#down.delete(node)) return;
    for (const place of this.#nodes.get(node)?.values() ?? []) this.#walks.see(place.walk, RESTART);
  }
}

export const mapping: Mapping = {
  module: 'KelpieActorState',
  hidden: ['SetState', 'PutKv', 'Fail', 'CommitApply', 'Depose', 'OtherCommit'],
  ...following(HEARS, (walks) => new Fold(walks)),
};
