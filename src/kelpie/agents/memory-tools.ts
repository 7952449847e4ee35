/** Tools that every agent has for its own memory. They run inside the invocation that records the model's wish, and commit with it. */
import type { MemoryEvent } from '../../story.js';
import { KelpieError, type KelpieErrorCode } from '../errors.js';
import type { Json } from '../json.js';
import { type Fields, numberField, textField } from './agent-state.js';
import type { AgentAccess } from './operations.js';

const told = ({ ctx, tell }: AgentAccess, change: Pick<MemoryEvent, 'tier' | 'key' | 'how'>): void =>
  tell({ type: 'memory.change', actor: ctx.actor.key, request: ctx.request, ...change });

const TTL_MICROS_MAX = Number.MAX_SAFE_INTEGER / 4;

const MEMORY_TOOLS: Readonly<Record<string, (access: AgentAccess, args: Fields) => Promise<Json>>> = {
  async memory_set(access, args) {
    const label = textField(args, 'label');
    await access.memory.core.set(label, textField(args, 'text'));
    told(access, { tier: 'core', key: label, how: 'set' });
    return 'ok';
  },
  async memory_append(access, args) {
    const label = textField(args, 'label');
    await access.memory.core.append(label, textField(args, 'text'));
    told(access, { tier: 'core', key: label, how: 'append' });
    return 'ok';
  },
  async archival_insert(access, args) {
    const id = await access.memory.archival.append(textField(args, 'text'));
    told(access, { tier: 'archival', key: String(id), how: 'append' });
    return id;
  },
  async archival_search(access, args) {
    const found = await access.memory.archival.search(textField(args, 'query'), { limit: 5 });
    return found.map(({ id, text }) => ({ id, text: text.slice(0, 1_000) }));
  },
  async working_set(access, args) {
    const key = textField(args, 'key');
    const ttl = args['ttlMicros'] === undefined ? {} : { ttlMicros: numberField(args, 'ttlMicros', 1, TTL_MICROS_MAX) };
    await access.memory.working.set(key, args['value'] ?? null, ttl);
    told(access, { tier: 'working', key, how: 'set' });
    return 'ok';
  },
  async working_get(access, args) {
    return (await access.memory.working.get(textField(args, 'key'))) ?? null;
  },
  async working_count(access, args) {
    const key = textField(args, 'key');
    const sum = await access.memory.working.increment(key, numberField(args, 'by', -1_000_000, 1_000_000));
    told(access, { tier: 'working', key, how: 'set' });
    return sum;
  },
};

export const MEMORY_TOOL_NAMES: readonly string[] = Object.keys(MEMORY_TOOLS);

/** What the model did wrong is told to it; all else fails the invocation. */
const MODELS_FAULT: ReadonlySet<KelpieErrorCode> = new Set<KelpieErrorCode>(['invalid-argument', 'too-large', 'not-found']);

/** The result of a tool as the model is to see it; undefined when it is no tool of memory. */
export async function useMemoryTool(access: AgentAccess, name: string, args: Fields): Promise<string | undefined> {
  const tool = Object.hasOwn(MEMORY_TOOLS, name) ? MEMORY_TOOLS[name] : undefined;
  if (tool === undefined) return undefined;
  try {
    return JSON.stringify(await tool(access, args));
  } catch (error) {
    if (!(error instanceof KelpieError) || !MODELS_FAULT.has(error.code)) throw error;
    return `error: ${error.message}`;
  }
}
