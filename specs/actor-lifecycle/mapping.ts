/**
 * One walk for each actor on each node that ever brings it up. What an activation is told of after it has ended (the commit of a
 * dropped one may still find out what became of it) is no step: it may have happened while the activation lasted, and had to be by then.
 *
 * The mailbox of the model is small, and a call that comes while the actor is going does not get into it. An actor that is asked to go
 * while more calls wait serves the first of them like one that is up: in the model it is asked when the others fit.
 */
import type { TraceEvent } from '../../src/trace.js';
import type { Mapping, Observation, SpecState, Walks } from '../mapping.js';
import { entryOf, type Follower, following, type Heard, look, step } from '../projection.js';

const HEARS = [
  'boot',
  'activate.start',
  'claim.commit',
  'claim.lost',
  'activate.fail',
  'activate.load',
  'activate.done',
  'invoke.start',
  'commit.start',
  'rollback',
  'invoke.end',
  'deactivate.start',
  'deactivate.done',
  'activate.drop',
] as const;
type Type = (typeof HEARS)[number];

/** What a commit that is under way does with the state. */
type Change = 'FinishWrite' | 'FinishDelete' | 'FinishFail';

interface Activation {
  readonly walk: string;
  /** The claim ended without the actor: the failure that may be told after it is the same one. */
  claimLost: boolean;
  /** Token of the activation that lasts, 0 for none. */
  token: number;
  /** It has been retired for a migration, and is over in the model. */
  retired: number;
  /** The last token under which this node has had the actor. */
  lastToken: number;
  running: string | null;
  /** It has been asked to go, and so many calls are to start before those that wait fit into the model's mailbox. */
  surplus: number;
  /** The commit under way or done of what runs. */
  change: Change;
  committing: boolean;
  /** The last invocation that changed the state has deleted it. */
  deleted: boolean;
  /** A hook has changed the state, which is no step of the model: it is known again when it is loaded. */
  hookWrote: boolean;
  /** Requests of dropped activations whose end is not told yet, each with the token: the next activation may serve the same one. */
  readonly zombies: string[];
}

const served = (token: number, request: string): string => `${token} ${request}`;

const restart = step('Restart');
const runs = look('running', (state) => state['running'] === true);
const crash: Observation = { key: 'Crash', steps: [{ action: 'Crash' }], still: (state) => state['phase'] === 'Down' };

/** So many calls wait in the model's mailbox at most. */
const MAILBOX = 2;
const callsOf = (state: SpecState): number => (state['queue'] as number) + (state['running'] === true ? 1 : 0);
const pendingIs = (calls: number): Observation => look(`pending ${calls}`, (state) => callsOf(state) === calls);
const active = look('active', (state) => state['phase'] === 'Active');
const storedIs = (stored: boolean): Observation => look(`stored ${stored}`, (state) => state['stored'] === stored);

/** Perhaps it was committed, and nobody has said so. */
const maybe = (change: Change): Observation => ({ key: `maybe ${change}`, steps: [{ action: change }], still: () => true });

class Lifecycles implements Follower<Type> {
  readonly #walks: Walks;
  readonly #activations = new Map<string, Map<string, Activation>>();
  /** The newest token that any node has told of, by actor. */
  readonly #newest = new Map<string, number>();

  constructor(walks: Walks) {
    this.#walks = walks;
  }

  observe(body: Heard<Type>, { node }: TraceEvent): void {
    if (body.type === 'boot') return this.#booted(node);
    const at = this.#at(node, body.actor);
    const see = (observation: Observation): void => this.#walks.see(at.walk, observation);
    switch (body.type) {
      case 'activate.start':
        Object.assign(at, { claimLost: false, token: 0, retired: 0, surplus: 0 });
        return see(step('Activate'));
      case 'claim.commit':
        at.token = body.token;
        this.#newest.set(body.actor, Math.max(body.token, this.#newest.get(body.actor) ?? 0));
        return;
      case 'claim.lost':
        at.claimLost = true;
        return see(step('ActivateFail'));
      case 'activate.fail':
        at.token = 0;
        return at.claimLost ? undefined : see(step('ActivateFail'));
      case 'activate.load': {
        const stored = body.state !== null;
        // Tokens grow with every holder: without a gap nobody else has had the actor before. That somebody had it after this claim is
        // possible where its answer was late: what is loaded is of the newer holder, and the fence keeps this activation from writing.
        const own = body.token <= at.lastToken + 1 && body.token >= (this.#newest.get(body.actor) ?? 0) && !at.hookWrote;
        at.lastToken = body.token;
        at.hookWrote = false;
        return see(own ? storedIs(stored) : step('Elsewhere', stored));
      }
      case 'activate.done':
        return see(step('ActivateDone'));
      case 'invoke.start':
        if (body.tries > 1 && body.token === at.token) return see(runs);
        if (body.tries > 1) return;
        Object.assign(at, { running: body.request, change: 'FinishFail', committing: false });
        see(step('Start'));
        if (at.surplus === 1) return this.#asked(at);
        if (at.surplus > 1) at.surplus--;
        return;
      case 'commit.start':
        // What was deleted stays so, whatever a hook does.
        if (body.request === null && (body.state !== null || body.stateDeleted)) at.hookWrote = !at.deleted;
        if (body.request !== at.running || body.token !== at.token || body.request === null) return;
        at.change = body.stateDeleted ? 'FinishDelete' : body.state === null ? 'FinishFail' : 'FinishWrite';
        at.committing = true;
        return see(runs);
      case 'rollback':
        if (body.request === at.running && body.token === at.token) at.committing = false;
        return;
      case 'invoke.end': {
        const zombie = at.zombies.indexOf(served(body.token, body.request));
        if (zombie >= 0) {
          at.zombies.splice(zombie, 1);
          return;
        }
        const change = body.commit === null ? 'FinishFail' : at.change;
        at.running = null;
        if (change !== 'FinishFail') at.deleted = change === 'FinishDelete';
        return see(step(change));
      }
      case 'deactivate.start': {
        this.#asked(at);
        const running = at.running === null ? 0 : 1;
        const surplus = body.pending - running - MAILBOX;
        if (body.reason !== 'idle' && surplus > 0) {
          at.surplus = surplus;
          return see(active);
        }
        see(step(body.reason === 'idle' ? 'DeactivateIdle' : 'DeactivateAsked'));
        return see(pendingIs(Math.min(body.pending, running + MAILBOX)));
      }
      case 'deactivate.done':
        // Calls that never started have been answered, or have gone elsewhere.
        this.#asked(at);
        at.retired = body.token;
        return see(step('DeactivateDone'));
      case 'activate.drop':
        return body.token === at.retired ? undefined : this.#dropped(at);
      default:
    }
  }

  #at(node: string, actor: string): Activation {
    const ofNode = entryOf(this.#activations, node, () => new Map<string, Activation>());
    return entryOf(ofNode, actor, () => ({
      walk: `${actor}@${node}`,
      claimLost: false,
      token: 0,
      retired: 0,
      lastToken: 0,
      running: null,
      surplus: 0,
      change: 'FinishFail',
      committing: false,
      deleted: false,
      hookWrote: false,
      zombies: [],
    }));
  }

  /** It goes in the model too, where that was put off. */
  #asked(at: Activation): void {
    if (at.surplus === 0) return;
    at.surplus = 0;
    this.#walks.see(at.walk, step('DeactivateAsked'));
  }

  #dropped(at: Activation): void {
    if (at.running !== null) at.zombies.push(served(at.token, at.running));
    this.#doubtful(at);
    Object.assign(at, { token: 0, running: null, surplus: 0 });
    this.#walks.see(at.walk, step('Drop'));
  }

  /** What is committing may be in the store by now. */
  #doubtful(at: Activation): void {
    if (at.running !== null && at.committing && at.change !== 'FinishFail') this.#walks.see(at.walk, maybe(at.change));
  }

  ended(node: string): void {
    for (const at of this.#activations.get(node)?.values() ?? []) {
      this.#doubtful(at);
      Object.assign(at, { token: 0, retired: 0, running: null, surplus: 0 });
      at.zombies.length = 0;
      this.#walks.see(at.walk, crash);
    }
  }

  #booted(node: string): void {
    for (const at of this.#activations.get(node)?.values() ?? []) this.#walks.see(at.walk, restart);
  }
}

export const mapping: Mapping = {
  module: 'KelpieActorLifecycle',
  hidden: ['Deliver', 'TimeOut', 'IdlePasses', 'Hook'],
  ...following(HEARS, (walks) => new Lifecycles(walks)),
};
