/**
 * Agents on one node: the types of their actors, and the service that drives their messages. Put its `actors` among those of the node
 * and the whole among its services.
 */
import type { Clock, Micros, Platform } from '../../ports.js';
import type { AgentEvent, MemoryEvent } from '../../story.js';
import type { ActorType } from '../actor.js';
import { KelpieError } from '../errors.js';
import { OUTCOME_KEPT_MICROS } from '../limits.js';
import type { NodeAccess, NodeService } from '../node.js';
import { Teller } from '../tell.js';
import { AgentActor, type AgentHost } from './agent-actor.js';
import type { AgentParts } from './agent-parts.js';
import { AGENTS } from './agent-state.js';
import { directoryType } from './directory.js';
import { Drives } from './drives.js';

export interface AgentOptions {
  /** How long idempotency keys are kept at least. */
  readonly keptMicros: Micros;
  /** How often a node looks for messages that nobody works on. */
  readonly sweepMicros: Micros;
  /** Pending agents that one such look takes in. */
  readonly sweepPage: number;
  /** A step that has not moved for this long is taken over by another node. Longer than any step takes. */
  readonly takeOverMicros: Micros;
  /** How long one request to the model, a tool or an HTTP resource may take. */
  readonly peerMicros: Micros;
  /** Requests to a peer for one step. */
  readonly peerTries: number;
  /** How long an agent waits for another one's answer. */
  readonly askMicros: Micros;
}

const AGENT_DEFAULTS: AgentOptions = {
  keptMicros: OUTCOME_KEPT_MICROS,
  sweepMicros: 10_000_000,
  sweepPage: 200,
  takeOverMicros: 180_000_000,
  peerMicros: 30_000_000,
  peerTries: 4,
  askMicros: 120_000_000,
};

const HOUR: Micros = 3_600_000_000;

const RANGES: { readonly [Name in keyof AgentOptions]: readonly [number, number] } = {
  keptMicros: [1, OUTCOME_KEPT_MICROS],
  sweepMicros: [1_000, HOUR],
  sweepPage: [1, 10_000],
  takeOverMicros: [1_000, HOUR],
  peerMicros: [1, 120_000_000],
  peerTries: [1, 10],
  askMicros: [1, HOUR],
};

export class AgentNode implements NodeService, AgentHost {
  readonly name = 'agents';
  readonly parts: AgentParts;
  readonly clock: Clock;
  readonly keptMicros: Micros;
  readonly actors: readonly ActorType[];
  readonly #teller: Teller;
  readonly #drives: Drives;
  #access: NodeAccess | undefined;

  /** Errors: `invalid-argument` for an option out of its range. */
  constructor(platform: Platform, parts: AgentParts, changes: Partial<AgentOptions> = {}) {
    const options = { ...AGENT_DEFAULTS, ...changes };
    for (const name of Object.keys(RANGES) as (keyof AgentOptions)[]) {
      const [min, max] = RANGES[name];
      const value = options[name];
      if (!Number.isSafeInteger(value) || value < min || value > max) {
        throw new KelpieError('invalid-argument', `agents.${name} must be an integer from ${min} to ${max}, is ${String(value)}`);
      }
    }
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
