/**
 * Commits of each actor and what became of them. `stateVersion` counts the commits of an actor, so each commit names the one that it
 * follows.
 */
import type { TraceEvent } from '../../src/trace.js';
import { type Told, told } from '../invariant.js';
import { entryOf } from './keyed.js';

export interface Commit {
  readonly commit: string;
  readonly request: string | null;
  readonly token: number;
  readonly stateVersion: number;
  readonly state: number | null | 'unchanged';
  fate: 'open' | 'applied' | 'refused';
  /** At which it was applied, -1 when that is not known. */
  version: number;
}

export const COMMIT_TYPES = [
  'commit.start',
  'commit.done',
  'commit.resolved',
  'commit.conflict',
  'commit.fenced',
  'rollback',
] as const satisfies readonly Told['type'][];

export class Commits {
  readonly #actors = new Map<string, Map<string, Commit>>();

  of(actor: string): ReadonlyMap<string, Commit> {
    return entryOf(this.#actors, actor, () => new Map<string, Commit>());
  }

  /** Takes an event in. Answers with the commit that it decides, or begins. */
  observe(event: TraceEvent): { readonly actor: string; readonly commit: Commit } | undefined {
    const body = told(event);
    switch (body.type) {
      case 'commit.start': {
        const { actor, commit: name, request, token, stateVersion } = body;
        const state = body.state !== null || body.stateDeleted ? body.state : 'unchanged';
        const commit: Commit = { commit: name, request, token, stateVersion, state, fate: 'open', version: -1 };
        entryOf(this.#actors, actor, () => new Map<string, Commit>()).set(name, commit);
        return { actor, commit };
      }
      case 'commit.done':
        return this.#decide(body.actor, body.commit, 'applied', body.version);
      case 'commit.resolved':
        return this.#decide(body.actor, body.commit, body.applied ? 'applied' : 'refused', -1);
      case 'commit.conflict':
      case 'commit.fenced':
        return this.#decide(body.actor, body.commit, 'refused', -1);
      case 'rollback': {
        if (body.reason !== 'duplicate') return undefined;
        for (const commit of this.of(body.actor).values()) {
          if (commit.fate === 'open' && commit.token === body.token && commit.request === body.request) commit.fate = 'refused';
        }
        return undefined;
      }
      default:
        return undefined;
    }
  }

  #decide(
    actor: string,
    name: string,
    fate: 'applied' | 'refused',
    version: number,
  ): { readonly actor: string; readonly commit: Commit } | undefined {
    const commit = this.of(actor).get(name);
    if (commit === undefined) return undefined;
    commit.fate = fate;
    commit.version = Math.max(commit.version, version);
    return { actor, commit };
  }
}
