/**
 * What a cluster has not brought to its end: operations without an answer, actors that are called and that nobody holds, nodes that are not
 * members, where there is a membership.
 */
import type { NodeId } from '../src/ports.js';
import type { KelpieEvent, OperationEvent } from '../src/story.js';
import type { TraceEvent, WorldEvent } from '../src/trace.js';

interface Open {
  readonly what: string;
  readonly sinceMicros: number;
}

const MICROS_PER_SECOND = 1_000_000;

export class ClusterConvergence {
  readonly #operations = new Map<string, Open>();
  /** Which actor each unanswered request is for, and who waits for the answer. */
  readonly #called = new Map<string, { readonly actor: string; readonly client: NodeId }>();
  readonly #holders = new Map<string, { readonly node: NodeId; readonly token: number }>();
  /** Where the nodes that run stand, once one of them has said that it takes part. */
  readonly #standings = new Map<NodeId, 'outside' | 'member' | 'refused'>();
  #hasMembership = false;
  /** The life of a node that leads the newest term that was told of. */
  #primary: { readonly node: NodeId; readonly term: number } | undefined;
  #termMax = 0;
  readonly #watched: string;

  /** @param watched the actor whose holder has the role `lease-holder`. The role `primary` is that of the newest term's, while its process lives. */
  constructor(watched: string) {
    this.#watched = watched;
  }

  observe(event: TraceEvent): void {
    const body = event.body as KelpieEvent | OperationEvent | WorldEvent;
    switch (body.type) {
      case 'op.invoke':
        this.#operations.set(body.op, { what: `${body.kind} ${body.op} of ${body.client}`, sinceMicros: event.at });
        return;
      case 'op.ok':
      case 'op.fail':
      case 'op.info':
        this.#operations.delete(body.op);
        return;
      case 'client.invoke':
        this.#called.set(body.request, { actor: body.actor, client: event.node });
        return;
      case 'client.answer':
        this.#called.delete(body.request);
        return;
      case 'claim.commit':
        this.#holders.set(body.actor, { node: event.node, token: body.token });
        return;
      case 'claim.release':
        if (this.#holders.get(body.actor)?.token === body.token) this.#holders.delete(body.actor);
        return;
      case 'node.register':
        this.#standings.set(event.node, 'outside');
        return;
      case 'member.join':
        this.#hasMembership = true;
        this.#standings.set(event.node, 'member');
        return;
      case 'member.join-fail':
        this.#standings.set(event.node, 'refused');
        return;
      // A view is told of too by a primary that never learned that its election was committed.
      case 'primary.elect':
      case 'primary.view':
        if (body.term < this.#termMax) return;
        this.#termMax = body.term;
        this.#primary = { node: event.node, term: body.term };
        return;
      case 'primary.stepdown':
        // Of an older term, from a node that learns late of the newer one.
        if (this.#primary?.term === body.term) this.#primary = undefined;
        return;
      case 'boot':
      case 'kill':
        this.#standings.delete(event.node);
        // A primary is one life of a node: the next has to be elected.
        if (this.#primary?.node === event.node) this.#primary = undefined;
        return;
      default:
        return;
    }
  }

  pending(): readonly string[] {
    const operations = [...this.#operations.values()].map(
      ({ what, sinceMicros }) => `${what} has had no answer since ${Math.floor(sinceMicros / MICROS_PER_SECOND)} s`,
    );
    // Each actor once, with all who wait for it, in the order in which they called.
    const unheld = new Map<string, Set<NodeId>>();
    for (const { actor, client } of this.#called.values()) {
      if (this.#holders.has(actor)) continue;
      unheld.set(actor, (unheld.get(actor) ?? new Set()).add(client));
    }
    const outside = this.#hasMembership ? [...this.#standings].filter(([, standing]) => standing !== 'member') : [];
    return [
      ...operations,
      ...[...unheld].map(([actor, clients]) => `${actor} is called by ${[...clients].join(', ')} and no node holds it`),
      ...outside.map(([node, standing]) => `${node} is no member of the cluster${standing === 'refused' ? ': nobody lets it in' : ''}`),
    ];
  }

  role(name: string): NodeId | undefined {
    switch (name) {
      case 'lease-holder':
        return this.#holders.get(this.#watched)?.node;
      case 'primary':
        return this.#primary?.node;
      default:
        return undefined;
    }
  }
}
