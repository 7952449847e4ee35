/** What a node remembers of where actors are. */
import type { NodeId } from '../ports.js';
import type { ActorKey } from './ids.js';
import { dropOldest } from './oldest.js';

/** Owners of other nodes' actors that are remembered. A wrong one costs a hop. */
const ROUTES_MAX = 100_000;

/** Which node holds which actor, as far as this one has heard. The oldest is forgotten when there are too many. */
export class Routes {
  readonly #max: number;
  readonly #nodes = new Map<ActorKey, NodeId>();

  constructor(max = ROUTES_MAX) {
    this.#max = max;
  }

  get(actor: ActorKey): NodeId | undefined {
    return this.#nodes.get(actor);
  }

  /** What was heard of an actor before is as old as it was: only an actor that is new here is the youngest. */
  set(actor: ActorKey, node: NodeId): void {
    this.#nodes.set(actor, node);
    if (this.#nodes.size > this.#max) dropOldest(this.#nodes);
  }

  delete(actor: ActorKey): void {
    this.#nodes.delete(actor);
  }
}
