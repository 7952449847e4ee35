/** What this node knows of the others: the registry as of a short while ago, and who has not answered lately. */
import type { Micros, NodeId } from '../ports.js';
import { chooses } from './choices.js';
import type { ActorRef } from './ids.js';
import { type Candidate, placementStrategies } from './placement.js';
import { listNodes } from './registry.js';
import type { NodeRecord } from './records.js';
import type { Runtime } from './runtime.js';

export class Nodes {
  readonly #runtime: Runtime;
  /** Sorted by name, as the registry is. */
  #records: readonly NodeRecord[] = [];
  #readMicros = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;
  readonly #suspects = new Map<NodeId, Micros>();
  #turn = 0;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** The node did not answer: it is not chosen for a while. */
  suspect(node: NodeId): void {
    this.#suspects.set(node, this.#now() + this.#runtime.config.suspectMicros);
  }

  /** The node has answered. */
  trust(node: NodeId): void {
    this.#suspects.delete(node);
  }

  /** Reads the list again when it is old. Resolves in any case; what cannot be read stays as it was. */
  refresh(): Promise<void> {
    const { config, platform } = this.#runtime;
    const fresh = this.#now() - this.#readMicros < config.nodeListMicros;
    if (fresh && !chooses(platform, 'nodes/read-again')) return Promise.resolve();
    this.#reading ??= this.#read();
    return this.#reading;
  }

  /** The node that an actor should be on that is nowhere: this one when no other is known to be better. */
  choose(actor: ActorRef): NodeId {
    return this.#ask(actor, this.#candidates()) ?? this.#runtime.node;
  }

  /** Another node for an actor that this one has no room for; undefined when none has. */
  fallback(actor: ActorRef): NodeId | undefined {
    const others = this.#candidates().filter(({ node }) => node !== this.#runtime.node);
    return placementStrategies['least-loaded']({
      actor,
      self: this.#runtime.node,
      candidates: others,
      random: this.#runtime.platform.random,
      turn: 0,
    });
  }

  #ask(actor: ActorRef, candidates: readonly Candidate[]): NodeId | undefined {
    const { node, platform, parts, config } = this.#runtime;
    return parts.place(config)({ actor, self: node, candidates, random: platform.random, turn: this.#turn++ });
  }

  #candidates(): readonly Candidate[] {
    const now = this.#now();
    return this.#records.filter(({ node, status }) => status === 'active' && (this.#suspects.get(node) ?? now) <= now);
  }

  async #read(): Promise<void> {
    try {
      this.#records = await listNodes(this.#runtime);
      this.#readMicros = this.#now();
    } catch {
      // Placement can do with an old list; the next call that needs one asks again.
    }
    this.#reading = undefined;
  }

  #now(): Micros {
    return this.#runtime.platform.clock.monotonicMicros();
  }
}
