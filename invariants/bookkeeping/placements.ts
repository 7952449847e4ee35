/**
 * Who was granted which actor under which fencing token, and when it was taken from him, by the versions at which the database
 * committed it. A node that dies tells nothing of its last steps, so what is known is true and need not be all.
 */
import type { TraceEvent } from '../../src/trace.js';
import { type Told, told } from '../invariant.js';
import { entryOf } from './keyed.js';

export interface Grant {
  readonly token: number;
  readonly node: string;
  /** -1 when it is not known. */
  readonly version: number;
}

/** The grant of a token was taken back: released, failed over, or moved on. */
export interface Removal {
  readonly token: number;
  readonly how: string;
  /** -1 when it is not known. */
  readonly version: number;
}

export interface ActorPlacements {
  /** In the order in which they were told; a token that was given to two nodes has two. */
  readonly grants: Grant[];
  readonly removals: Map<number, Removal>;
}

export const PLACEMENT_TYPES = [
  'claim.commit',
  'claim.release',
  'failover.actor',
  'migrate.move',
] as const satisfies readonly Told['type'][];

export class Placements {
  readonly #actors = new Map<string, ActorPlacements>();

  of(actor: string): ActorPlacements {
    return entryOf(this.#actors, actor, () => ({ grants: [], removals: new Map() }));
  }

  /** Takes a change in. Answers with what is new about which actor. */
  observe(event: TraceEvent): { readonly actor: string; readonly grant?: Grant; readonly removal?: Removal } | undefined {
    const body = told(event);
    switch (body.type) {
      case 'claim.commit': {
        const { actor, token, version } = body;
        const grant = this.#grant(actor, { token, version, node: event.node });
        return grant === undefined ? undefined : { actor, grant };
      }
      case 'claim.release':
        return this.#remove(body.actor, { token: body.token, version: body.version, how: `released by ${event.node}` });
      case 'failover.actor':
        return this.#remove(body.actor, { token: body.token, version: body.version, how: `taken from the failed ${body.member}` });
      case 'migrate.move': {
        const { actor, token, newToken, to, version } = body;
        const grant = this.#grant(actor, { token: newToken, version, node: to });
        const removed = this.#remove(actor, { token, version, how: `moved to ${to}` });
        return grant === undefined ? removed : { ...removed, grant };
      }
      default:
        return undefined;
    }
  }

  #grant(actor: string, grant: Grant): Grant | undefined {
    const { grants } = this.of(actor);
    const known = grants.findIndex(({ token, node }) => token === grant.token && node === grant.node);
    if (known >= 0 && grant.version < 0) return undefined;
    // A grant of which only the node that made it knew the version.
    if (known >= 0) grants[known] = grant;
    else grants.push(grant);
    return grant;
  }

  #remove(actor: string, removal: Removal): { readonly actor: string; readonly removal: Removal } {
    this.of(actor).removals.set(removal.token, removal);
    return { actor, removal };
  }
}
