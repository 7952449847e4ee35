/**
 * An actor lives in one place. Each grant of an actor to a node has a fencing token. A node may believe in its grant for longer
 * than it lasts (it was paused, its messages were late) and that alone breaks nothing: its commits are refused. What must never be
 * is a token given out twice, or an invocation begun under a grant when a newer one has been told to its holder.
 */
import type { TraceEvent } from '../src/trace.js';
import { type Breach, breachAt, type Fold, type Invariant, told } from './invariant.js';

interface Grant {
  readonly token: number;
  readonly claim: string;
  readonly node: string;
  readonly life: number;
  /** -1 when it is not known. */
  readonly version: number;
}

const where = ({ node, life }: { readonly node: string; readonly life: number }): string => `${node} (life ${life})`;

class SingleActivationFold implements Fold {
  /** The newest grant of each actor. */
  readonly #newest = new Map<string, Grant>();

  observe(event: TraceEvent): Breach | undefined {
    const body = told(event);
    if (body.type === 'claim.commit') {
      const { actor, token, claim, version } = body;
      return this.#granted(event, actor, { token, claim, version, node: event.node, life: event.life });
    }
    if (body.type !== 'invoke.start') return undefined;
    const newest = this.#newest.get(body.actor);
    if (newest === undefined || newest.token === body.token) {
      if (newest === undefined || (newest.node === event.node && newest.life === event.life)) return undefined;
    } else if (newest.token < body.token) return undefined;
    return breachAt(
      event,
      `only ${where(newest)}, which was granted ${body.actor} last (token ${newest.token}), begins invocations of it`,
      `${where(event)} begins ${body.operation} under token ${body.token}`,
      [event.node, newest.node],
    );
  }

  #granted(event: TraceEvent, actor: string, grant: Grant): Breach | undefined {
    const before = this.#newest.get(actor);
    if (before?.claim === grant.claim) return undefined;
    if (before === undefined || grant.token > before.token) this.#newest.set(actor, grant);
    if (before === undefined) return undefined;
    const inOrder = grant.version < 0 || before.version < 0 || grant.version > before.version === grant.token > before.token;
    if (grant.token !== before.token && inOrder) return undefined;
    return breachAt(
      event,
      `each grant of ${actor} has a token above those before it`,
      `token ${before.token} was granted to ${where(before)} at version ${before.version}, token ${grant.token} to ${where(grant)} at version ${grant.version}`,
      [grant.node, before.node],
    );
  }
}

export const singleActivation: Invariant = {
  id: 'single-activation',
  promise:
    'An actor is active in one place: no two grants of it share a token, tokens grow in the order of the grants, and once a newer grant has been told no invocation begins under an older one.',
  kind: 'always',
  spec: 'KelpieSingleActivation!SingleActivation',
  hears: ['claim.commit', 'invoke.start'],
  start: () => new SingleActivationFold(),
};
