/**
 * When a failover is told as done, nothing is placed any more on the life that failed. Only claims are judged of which it is certain that
 * nobody else can have ended them: a claim that was being given back, moved, taken over, or swept away by a later life of its node may have
 * ended without a word, because whoever ended it died before telling or never got the answer.
 */
import type { TraceEvent } from '../src/trace.js';
import { type Breach, breachAt, type Fold, type Invariant, told } from './invariant.js';

interface Claim {
  readonly node: string;
  /** Which registration of the node. */
  readonly nodeLife: number;
  readonly token: number;
}

class FailoverIsExecutedFold implements Fold {
  /** The registration of each node that runs. */
  readonly #lives = new Map<string, number>();
  /** Claims that hold for certain. */
  readonly #claims = new Map<string, Claim>();

  observe(event: TraceEvent): Breach | undefined {
    const body = told(event);
    switch (body.type) {
      case 'node.register':
        this.#lives.set(event.node, body.nodeLife);
        this.#forgetEarlierLives(event.node, body.nodeLife);
        return undefined;
      case 'claim.commit': {
        const nodeLife = this.#lives.get(event.node);
        if (nodeLife === undefined || (this.#claims.get(body.actor)?.token ?? 0) >= body.token) return undefined;
        this.#claims.set(body.actor, { node: event.node, nodeLife, token: body.token });
        return undefined;
      }
      case 'claim.read':
        // From here on it may be another's.
        if (body.owner !== null && body.owner !== event.node && body.decision !== 'existing') this.#claims.delete(body.actor);
        return undefined;
      case 'activate.fail':
      case 'activate.drop':
      case 'deactivate.start':
      case 'failover.free':
      case 'failover.actor':
      case 'migrate.prepare':
      case 'claim.release':
      case 'node.sweep':
        this.#claims.delete(body.actor);
        return undefined;
      case 'failover.done': {
        const { member, nodeLife } = body;
        const left = [...this.#claims].find(([, claim]) => claim.node === member && claim.nodeLife === nodeLife);
        if (left === undefined) return undefined;
        const [actor, { token }] = left;
        return breachAt(
          event,
          `nothing is placed on life ${nodeLife} of ${member} when its failover is done`,
          `${actor} still is, under token ${token}`,
          [event.node, member],
        );
      }
      default:
        return undefined;
    }
  }

  /** From here on the node sweeps what its earlier lives held, and an answer that is lost leaves it nothing to tell of. */
  #forgetEarlierLives(node: string, nodeLife: number): void {
    for (const [actor, claim] of this.#claims) if (claim.node === node && claim.nodeLife < nodeLife) this.#claims.delete(actor);
  }
}

export const failoverIsExecuted: Invariant = {
  id: 'failover-is-executed',
  promise: 'A failover is done when every actor of the failed node is free to be placed anew, and not before.',
  kind: 'always',
  hears: [
    'node.register',
    'claim.commit',
    'claim.read',
    'activate.fail',
    'activate.drop',
    'deactivate.start',
    'failover.free',
    'failover.actor',
    'migrate.prepare',
    'claim.release',
    'node.sweep',
    'failover.done',
  ],
  start: () => new FailoverIsExecutedFold(),
};
