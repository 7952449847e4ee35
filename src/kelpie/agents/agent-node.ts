/**
 * Agents on one node: the types of their actors, and the service that drives their messages. Put its `actors` among those of the node
 * and the whole among its services.
 */
import type { Clock, Micros, Platform } from '../../ports.js';
import type { AgentEvent, MemoryEvent } from '../../story.js';
import type { ActorType } from '../actor.js';
import type { NodeAccess, NodeService } from '../node.js';
import { Teller } from '../tell.js';
import { AgentActor, type AgentHost } from './agent-actor.js';
import { type AgentOptions, agentOptions } from './agent-options.js';
import type { AgentParts } from './agent-parts.js';
import { AGENTS } from './agent-state.js';
import { directoryType } from './directory.js';
import { Drives } from './drives.js';

export class AgentNode implements NodeService, AgentHost {
  readonly name = 'agents';
  readonly parts: AgentParts;
  readonly clock: Clock;
  readonly keptMicros: Micros;
  readonly actors: readonly ActorType[];
  readonly #teller: Teller;
  readonly #drives: Drives;
  #access: NodeAccess | undefined;

  /** Errors: `invalid-argument` for options that are none, out of their range, or contradict each other. */
  constructor(platform: Platform, parts: AgentParts, changes: Partial<AgentOptions> = {}) {
    const options = agentOptions(changes);
    this.parts = parts;
    this.clock = platform.clock;
    this.keptMicros = options.keptMicros;
    this.#teller = new Teller(platform.tracer);
    this.#drives = new Drives(options);
    this.actors = [{ namespace: AGENTS, create: () => new AgentActor(this) }, directoryType(() => this.#access?.runtime)];
  }

  start(access: NodeAccess): void {
    this.#access = access;
    this.#drives.start(access);
  }

  drain(): Promise<void> {
    return this.#drives.drain();
  }

  stop(): Promise<void> {
    return this.#drives.stop();
  }

  tell(event: AgentEvent | MemoryEvent): void {
    this.#teller.tell(event);
  }

  wake(agent: string): void {
    this.#drives.wake(agent);
  }
}
