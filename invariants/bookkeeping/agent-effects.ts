/** What operations of agents did, bound to the commits that made it so: an operation is told inside an invocation, once for each of its tries. */
import type { TraceEvent } from '../../src/trace.js';
import { type Told, told } from '../invariant.js';
import { COMMIT_TYPES, type Commit, Commits } from './commits.js';
import { entryOf, within } from './keyed.js';

export interface Effect {
  readonly actor: string;
  /** The idempotency key that was looked for and not found, if any. */
  key: string | undefined;
  /** What an agent is after it: which incarnation at which version, or null when it is deleted; undefined when that does not change. */
  after: string | null | undefined;
}

export const AGENT_EFFECT_TYPES = [
  ...COMMIT_TYPES,
  'invoke.start',
  'agent.key',
  'agent.create',
  'agent.update',
  'agent.delete',
] as const satisfies readonly Told['type'][];

export const stampOf = (incarnation: string, version: number): string => `${incarnation} at version ${version}`;

export class AgentEffects {
  readonly #commits = new Commits();
  /** What each running invocation has told so far. */
  readonly #running = new Map<string, Effect>();
  readonly #effects = new Map<Commit, Effect>();

  /** Takes an event in. Answers with the effect whose commit it begins or decides. */
  observe(event: TraceEvent): { readonly commit: Commit; readonly effect: Effect } | undefined {
    const body = told(event);
    switch (body.type) {
      case 'invoke.start':
        this.#running.delete(within(event, body.actor, body.request));
        return undefined;
      case 'agent.key':
        if (body.how === 'miss') this.#told(event, body.actor, body.request).key = body.key;
        return undefined;
      case 'agent.create':
      case 'agent.update':
        this.#told(event, body.actor, body.request).after = stampOf(body.incarnation, body.version);
        return undefined;
      case 'agent.delete':
        this.#told(event, body.actor, body.request).after = null;
        return undefined;
      default:
        break;
    }
    const commit = this.#commits.observe(event)?.commit;
    if (commit === undefined || body.type === 'rollback') return undefined;
    if (body.type === 'commit.start') {
      const effect = this.#running.get(within(event, body.actor, body.request ?? ''));
      if (effect !== undefined) this.#effects.set(commit, effect);
    }
    const effect = this.#effects.get(commit);
    return effect === undefined ? undefined : { commit, effect };
  }

  /** Every effect that is known, with its commit. */
  all(): IterableIterator<[Commit, Effect]> {
    return this.#effects.entries();
  }

  #told(event: TraceEvent, actor: string, request: string | null): Effect {
    return entryOf(this.#running, within(event, actor, request ?? ''), () => ({ actor, key: undefined, after: undefined }));
  }
}
