/** The actor behind an agent: it checks what comes in, and hands it to the operations of the assembly. */
import type { Clock, Micros } from '../../ports.js';
import type { AgentEvent, MemoryEvent } from '../../story.js';
import type { Actor, ActorContext } from '../actor.js';
import { KelpieError } from '../errors.js';
import type { Json } from '../json.js';
import { AgentMemory } from '../memory-tiers/agent-memory.js';
import type { AgentParts } from './agent-parts.js';
import { agentRef, type AgentState, fieldsOf } from './agent-state.js';
import type { IdempotencyLog } from './idempotency.js';
import { agentLoop } from './loop.js';
import type { AgentAccess, AgentOperation } from './operations.js';

/** What agents need of their node. */
export interface AgentHost {
  readonly parts: AgentParts;
  readonly clock: Clock;
  /** How long idempotency keys are kept at least. */
  readonly keptMicros: Micros;
  tell(event: AgentEvent | MemoryEvent): void;
  /** Looks after the agent's messages soon. */
  wake(agent: string): void;
}

type Context = ActorContext<AgentState | null | undefined>;

export class AgentActor implements Actor<AgentState | null | undefined> {
  readonly #host: AgentHost;
  readonly #keys: IdempotencyLog;

  constructor(host: AgentHost) {
    this.#host = host;
    this.#keys = host.parts.idempotency(host.clock, host.keptMicros);
  }

  initialState(): null {
    return null;
  }

  /** Work that another node did not finish goes on where the agent comes up. */
  onActivate(ctx: Context): void {
    if ((ctx.state?.queue.length ?? 0) > 0) this.#host.wake(ctx.actor.id);
  }

  async invoke(ctx: Context, operation: string, payload: Json): Promise<Json> {
    const perform = operationOf(this.#host.parts.agentOperations, operation) ?? operationOf(agentLoop, operation);
    if (perform === undefined) {
      const known = [...Object.keys(this.#host.parts.agentOperations), ...Object.keys(agentLoop)].join(', ');
      throw new KelpieError('invalid-argument', `agents have no operation ${operation}; they have ${known}`);
    }
    agentRef(ctx.actor.id);
    return perform(this.#access(ctx), fieldsOf(payload, `the payload of ${operation}`));
  }

  #access(ctx: Context): AgentAccess {
    const host = this.#host;
    return {
      ctx,
      memory: new AgentMemory(ctx.kv, () => ctx.wallMicros(), host.parts.memory),
      keys: this.#keys,
      tell: (event) => host.tell(event),
      wake: () => host.wake(ctx.actor.id),
    };
  }
}

const operationOf = (operations: object, name: string): AgentOperation | undefined =>
  Object.hasOwn(operations, name) ? (operations as Readonly<Record<string, AgentOperation>>)[name] : undefined;
