/**
 * What callers may do with one agent. Each operation is one invocation of the agent's actor: what it changes, its idempotency key and
 * its place in the list commit together before it is answered.
 */
import type { AgentEvent, MemoryEvent } from '../../story.js';
import type { ActorContext } from '../actor.js';
import { KelpieError } from '../errors.js';
import { type ActorKey, parseActorKey, requestId } from '../ids.js';
import type { Json } from '../json.js';
import { CALL_DEPTH_MAX } from '../limits.js';
import type { AgentMemory } from '../memory-tiers/agent-memory.js';
import {
  AGENT_MESSAGES_KEPT,
  AGENT_QUEUE_MAX,
  type AgentProfile,
  type AgentState,
  agentKeys,
  type BlockChange,
  blocksOf,
  changedProfile,
  type Fields,
  numberField,
  textField,
} from './agent-state.js';
import { digestOf, type IdempotencyLog } from './idempotency.js';

/** What an operation may use. */
export interface AgentAccess {
  readonly ctx: ActorContext<AgentState | null | undefined>;
  readonly memory: AgentMemory;
  readonly keys: IdempotencyLog;
  tell(event: AgentEvent | MemoryEvent): void;
  /** Lets this node look after the agent's messages once the invocation is over. Changes nothing, so it may be called in vain. */
  wake(): void;
}

export type AgentOperation = (access: AgentAccess, fields: Fields) => Promise<Json>;

export interface AgentOperations {
  readonly create: AgentOperation;
  readonly get: AgentOperation;
  readonly update: AgentOperation;
  readonly delete: AgentOperation;
  /** Accepts a message; it is answered later. */
  readonly send: AgentOperation;
  /** What has become of a message. */
  readonly message: AgentOperation;
  /** Drops what a deleted agent has left: its idempotency keys. Asked by nodes, when their time is over. */
  readonly forget: AgentOperation;
}

/** A message as it is kept. */
export type MessageRecord = {
  readonly text: string;
  readonly key: string | null;
  /** The agents that wait for its answer, outermost first. */
  readonly chain: readonly ActorKey[];
  readonly status: 'accepted' | 'done' | 'failed';
  readonly answer: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly iterations: number;
};

const about = ({ ctx }: AgentAccess): { readonly actor: string; readonly request: string | null } => ({
  actor: ctx.actor.key,
  request: ctx.request,
});

/** The agent's state. Errors: `not-found`. */
export function existing({ ctx }: AgentAccess): AgentState {
  const { state } = ctx;
  if (state === null || state === undefined) throw new KelpieError('not-found', `there is no agent ${ctx.actor.id}`);
  return state;
}

/**
 * Runs the effect once for its key: a key that is known gets the answer of its first use. Failures take no effect and leave no key.
 * Errors: `idempotency-mismatch`, `in-progress`; those of the effect.
 */
async function keyed(
  access: AgentAccess,
  operation: string,
  fields: Fields,
  effect: (key: string | null) => Promise<Json>,
  underWay: (answer: Json) => Promise<boolean> = () => Promise.resolve(false),
): Promise<Json> {
  const { key: given, ...body } = fields;
  if (given === undefined) return effect(null);
  const key = requestId(given);
  const { ctx, keys } = access;
  const digest = digestOf({ operation, body });
  const tell = (how: 'miss' | 'hit' | 'mismatch' | 'in-progress'): void =>
    access.tell({ type: 'agent.key', ...about(access), key, operation, how });
  const found = await keys.find(ctx.kv, key);
  if (found === undefined) {
    tell('miss');
    const answer = await effect(key);
    await keys.store(ctx.kv, key, { operation, digest, answer });
    return answer;
  }
  if (found.digest !== digest) {
    tell('mismatch');
    throw new KelpieError(
      'idempotency-mismatch',
      `idempotency key ${key} of agent ${ctx.actor.id} was used for another request (${found.operation}); use a new key for a new request`,
    );
  }
  if (await underWay(found.answer)) {
    tell('in-progress');
    throw new KelpieError(
      'in-progress',
      `the ${operation} of idempotency key ${key} of agent ${ctx.actor.id} is under way; ask again later`,
    );
  }
  tell('hit');
  return found.answer;
}

async function changeBlocks(access: AgentAccess, blocks: readonly BlockChange[]): Promise<void> {
  const { core } = access.memory;
  // All at once: the memory itself keeps them apart and in order.
  await Promise.all(blocks.map(({ label, text }) => (text === null ? core.delete(label) : core.set(label, text))));
  for (const { label, text } of blocks) {
    access.tell({ type: 'memory.change', ...about(access), tier: 'core', key: label, how: text === null ? 'delete' : 'set' });
  }
}

export const agentOperations: AgentOperations = {
  create: (access, fields) =>
    keyed(access, 'create', fields, async () => {
      const { ctx } = access;
      if (ctx.state !== null && ctx.state !== undefined) {
        throw new KelpieError('already-exists', `there is an agent ${ctx.actor.id} already`);
      }
      const profile = changedProfile(undefined, fields);
      const blocks = blocksOf(fields['blocks']);
      const incarnation = ctx.random.int(2 ** 52).toString(36);
      ctx.state = { incarnation, version: 1, turns: 0, messages: 0, queue: [], work: null };
      await ctx.kv.set(agentKeys.profile, profile);
      await ctx.kv.delete(agentKeys.tombstone);
      await changeBlocks(access, blocks);
      access.tell({ type: 'agent.create', ...about(access), incarnation, version: 1 });
      return { id: ctx.actor.id, incarnation, version: 1 };
    }),

  async get(access) {
    const { ctx, memory } = access;
    const { state } = ctx;
    access.tell({ type: 'agent.get', ...about(access), incarnation: state?.incarnation ?? null, version: state?.version ?? null });
    const { incarnation, version, queue } = existing(access);
    const { name, system, tools } = await readProfile(access);
    const blocks = await memory.core.blocks();
    return { id: ctx.actor.id, incarnation, version, name, system, tools, blocks, pending: queue.length };
  },

  update: (access, fields) =>
    keyed(access, 'update', fields, async () => {
      const { ctx } = access;
      const state = existing(access);
      const version = state.version + 1;
      await ctx.kv.set(agentKeys.profile, changedProfile(await readProfile(access), fields));
      await changeBlocks(access, blocksOf(fields['blocks']));
      ctx.state = { ...state, version };
      access.tell({ type: 'agent.update', ...about(access), incarnation: state.incarnation, version });
      return { id: ctx.actor.id, incarnation: state.incarnation, version };
    }),

  delete: (access, fields) =>
    keyed(access, 'delete', fields, async () => {
      const { ctx, keys } = access;
      const { incarnation, version } = existing(access);
      await keys.clearOthers(ctx.kv);
      await ctx.kv.set(agentKeys.tombstone, incarnation);
      ctx.state = undefined;
      access.tell({ type: 'agent.delete', ...about(access), incarnation, version });
      return { id: ctx.actor.id, incarnation, version };
    }),

  send: (access, fields) =>
    keyed(
      access,
      'send',
      fields,
      async (key) => {
        const { ctx } = access;
        const state = existing(access);
        const text = textField(fields, 'text');
        const chain = chainOf(access, fields['chain']);
        if (state.queue.length >= AGENT_QUEUE_MAX) {
          throw new KelpieError('overloaded', `${state.queue.length} messages wait for agent ${ctx.actor.id}, as many as may`);
        }
        const message = state.messages + 1;
        const record: MessageRecord = { text, key, chain, status: 'accepted', answer: null, error: null, iterations: 0 };
        await ctx.kv.set(agentKeys.message(message), record);
        if (message > AGENT_MESSAGES_KEPT) await ctx.kv.delete(agentKeys.message(message - AGENT_MESSAGES_KEPT));
        ctx.state = { ...state, messages: message, queue: [...state.queue, message] };
        access.tell({ type: 'message.accept', ...about(access), incarnation: state.incarnation, message, key });
        if (state.work === null) access.wake();
        return { incarnation: state.incarnation, message };
      },
      async (answer) => {
        const { incarnation, message } = answer as { readonly incarnation: string; readonly message: number };
        const { state } = access.ctx;
        // Once its agent is gone, nothing of the message is under way.
        return state?.incarnation === incarnation && state.queue.includes(message);
      },
    ),

  async message(access, fields) {
    const { ctx } = access;
    const { incarnation } = existing(access);
    const message = numberField(fields, 'message', 1, Number.MAX_SAFE_INTEGER);
    const found = fields['incarnation'] === incarnation ? await ctx.kv.get(agentKeys.message(message)) : undefined;
    if (found === undefined) {
      throw new KelpieError('not-found', `agent ${ctx.actor.id} has no message ${message}, or keeps it no more`);
    }
    const { status, answer, error, iterations } = found as MessageRecord;
    return { message, status, answer, error, iterations };
  },

  async forget(access, fields) {
    const { ctx } = access;
    const incarnation = textField(fields, 'incarnation');
    // It may have been made anew since, or been deleted again: then other keys are here, whose time is not over.
    if ((ctx.state ?? null) !== null || (await ctx.kv.get(agentKeys.tombstone)) !== incarnation) return { forgotten: false };
    await ctx.kv.clear();
    access.tell({ type: 'agent.forget', ...about(access), incarnation });
    return { forgotten: true };
  },
};

export async function readProfile({ ctx }: AgentAccess): Promise<AgentProfile> {
  const profile = await ctx.kv.get(agentKeys.profile);
  if (profile === undefined)
    throw new KelpieError('corrupted', `agent ${ctx.actor.id} has a state and no profile; both were left as they are`);
  return profile as AgentProfile;
}

/** The rules of calls between actors, for agents that wait for each other. Errors: `reentrant`, `too-large`, `invalid-argument`. */
function chainOf({ ctx }: AgentAccess, value: Json | undefined): readonly ActorKey[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new KelpieError('invalid-argument', 'chain must be a list of agents');
  const chain = (value as readonly Json[]).map((agent) => parseActorKey(agent).key);
  const path = [...chain, ctx.actor.key].join(' -> ');
  if (chain.includes(ctx.actor.key))
    throw new KelpieError('reentrant', `${path}: ${ctx.actor.key} waits in this chain of agents`, { chain });
  if (chain.length > CALL_DEPTH_MAX) {
    throw new KelpieError('too-large', `agents may ask each other ${CALL_DEPTH_MAX} deep, ${path} is deeper`);
  }
  return chain;
}
