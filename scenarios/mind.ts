/**
 * Minds: actors with the memory of an agent, used as hard as it can be. The state knows what each tier must hold; every operation predicts
 * from it what the memory will take and what it will refuse, and looks whether it does. All operations of one invocation go by one moment
 * of the clock, so that what has expired is the same for both.
 */
import type { Sequences } from '../invariants/state-consistency.js';
import type { Actor, ActorContext, ActorType } from '../src/kelpie/actor.js';
import { KelpieError, type KelpieErrorCode } from '../src/kelpie/errors.js';
import { type ActorRef, actorRef } from '../src/kelpie/ids.js';
import type { Json } from '../src/kelpie/json.js';
import { CORE_BLOCK_BYTES_MAX, CORE_BYTES_MAX, WORKING_BYTES_MAX } from '../src/kelpie/limits.js';
import { AgentMemory } from '../src/kelpie/memory-tiers/agent-memory.js';
import type { MemoryParts } from '../src/kelpie/memory-tiers/memory-parts.js';
import type { Micros } from '../src/ports.js';
import { Comparison } from './comparison.js';

/** What a mind is told to do; `spoils`: and then to fail. */
export type Thought = { readonly op: string; readonly spoils: boolean } & (
  | { readonly kind: 'keep'; readonly key: string; readonly length: number; readonly ttlMicros: Micros | null }
  | { readonly kind: 'forget'; readonly key: string }
  | { readonly kind: 'block'; readonly how: 'set' | 'append' | 'delete'; readonly label: string; readonly length: number }
  | { readonly kind: 'move'; readonly label: string; readonly index: number }
  /** Changes of all tiers at once, none of which waits for another. */
  | { readonly kind: 'together'; readonly times: number }
);
export type MindView = Sequences & { readonly marks: readonly string[] };

type Entry = { readonly bytes: number; readonly expiresMicros: Micros | null };
type Block = { readonly label: string; readonly length: number };
type MindState = { entries: Readonly<Record<string, Entry>>; blocks: readonly Block[]; passages: number; counted: number };
type Context = ActorContext<MindState>;
interface Turn {
  readonly ctx: Context;
  readonly memory: AgentMemory;
  readonly comparison: Comparison;
  readonly now: Micros;
}

export const mind = (name: string): ActorRef => actorRef('mind', name);

const COUNTER = 'counter';
const COUNTED_LABEL = 'log';
const PASSAGES_MAX = 1_000;
const REFUSALS: ReadonlySet<KelpieErrorCode> = new Set<KelpieErrorCode>(['too-large', 'not-found', 'invalid-argument']);

/** Whether the memory took it. */
async function taken(change: () => Promise<unknown>): Promise<boolean> {
  try {
    await change();
    return true;
  } catch (error) {
    if (error instanceof KelpieError && REFUSALS.has(error.code)) return false;
    throw error;
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
const isLive = ({ expiresMicros }: Entry, now: Micros): boolean => expiresMicros === null || now < expiresMicros;
/** Keys and values are ASCII, and a text has its quotes. */
const bytesOf = (key: string, value: Json): number => key.length + JSON.stringify(value).length;

async function keep({ ctx, memory, comparison, now }: Turn, key: string, length: number, ttlMicros: Micros | null): Promise<void> {
  const value = 'x'.repeat(length);
  const entry: Entry = { bytes: bytesOf(key, value), expiresMicros: ttlMicros === null ? null : now + ttlMicros };
  const others = Object.entries(ctx.state.entries).filter(([name, one]) => name !== key && isLive(one, now));
  const fits = sum(others.map(([, { bytes }]) => bytes)) + entry.bytes <= WORKING_BYTES_MAX;
  comparison.look(fits, await taken(() => memory.working.set(key, value, ttlMicros === null ? {} : { ttlMicros })));
  if (fits) ctx.state.entries = { ...ctx.state.entries, [key]: entry };
}

async function forget({ ctx, memory, comparison, now }: Turn, key: string): Promise<void> {
  const { [key]: entry, ...rest } = ctx.state.entries;
  comparison.look(entry !== undefined && isLive(entry, now), await memory.working.delete(key));
  ctx.state.entries = rest;
}

async function block({ ctx, memory, comparison }: Turn, how: 'set' | 'append' | 'delete', label: string, length: number): Promise<void> {
  const { blocks } = ctx.state;
  const before = blocks.find((one) => one.label === label);
  if (how === 'delete') {
    comparison.look(before !== undefined, await memory.core.delete(label));
    ctx.state.blocks = blocks.filter((one) => one !== before);
    return;
  }
  const after: Block = { label, length: how === 'append' ? (before?.length ?? 0) + length : length };
  const changed = before === undefined ? [...blocks, after] : blocks.map((one) => (one === before ? after : one));
  const fits = after.length <= CORE_BLOCK_BYTES_MAX && sum(changed.map((one) => one.length)) <= CORE_BYTES_MAX;
  comparison.look(fits, await taken(() => memory.core[how](label, 'x'.repeat(length))));
  if (fits) ctx.state.blocks = changed;
}

async function move({ ctx, memory, comparison }: Turn, label: string, index: number): Promise<void> {
  const { blocks } = ctx.state;
  const one = blocks.find((candidate) => candidate.label === label);
  const moves = one !== undefined && index < blocks.length;
  comparison.look(moves, await taken(() => memory.core.move(label, index)));
  if (!moves) return;
  const others = blocks.filter((candidate) => candidate !== one);
  ctx.state.blocks = [...others.slice(0, index), one, ...others.slice(index)];
}

async function together(turn: Turn, op: string, times: number): Promise<void> {
  const { ctx, memory, comparison, now } = turn;
  const each = Array.from({ length: times }, (_, i) => i);
  const { [COUNTER]: _, ...others } = ctx.state.entries;
  const counted = ctx.state.counted + times;
  const entry: Entry = { bytes: bytesOf(COUNTER, counted), expiresMicros: null };
  const live = Object.values(others).filter((one) => isLive(one, now));
  const hasRoom = sum(live.map(({ bytes }) => bytes)) + entry.bytes <= WORKING_BYTES_MAX;
  const counts = hasRoom ? each.map(() => memory.working.increment(COUNTER, 1)) : [];
  const passages = each.map((i) => memory.archival.append(i === 0 ? `did ${op}` : `and ${op}`));
  const label = COUNTED_LABEL;
  const before = ctx.state.blocks.find((one) => one.label === label);
  const total = sum(ctx.state.blocks.map(({ length }) => length)) + times;
  const appends = total <= CORE_BYTES_MAX && (before?.length ?? 0) + times <= CORE_BLOCK_BYTES_MAX;
  await Promise.all([...counts, ...passages, ...(appends ? each.map(() => memory.core.append(label, 'x')) : [])]);
  if (hasRoom) {
    ctx.state.counted = counted;
    ctx.state.entries = { ...others, [COUNTER]: entry };
    comparison.look(counted, (await memory.working.get(COUNTER)) ?? null);
  }
  if (appends) {
    const after: Block = { label, length: (before?.length ?? 0) + times };
    const { blocks } = ctx.state;
    ctx.state.blocks = before === undefined ? [...blocks, after] : blocks.map((one) => (one === before ? after : one));
  }
  ctx.state.passages += times;
}

async function think(turn: Turn, thought: Thought): Promise<void> {
  switch (thought.kind) {
    case 'keep':
      return keep(turn, thought.key, thought.length, thought.ttlMicros);
    case 'forget':
      return forget(turn, thought.key);
    case 'block':
      return block(turn, thought.how, thought.label, thought.length);
    case 'move':
      return move(turn, thought.label, thought.index);
    case 'together':
      return together(turn, thought.op, thought.times);
  }
}

/** Looks at all tiers. */
async function view({ ctx, memory, comparison, now }: Turn): Promise<MindView> {
  const { entries, blocks, passages } = ctx.state;
  const live = Object.keys(entries).filter((key) => isLive(entries[key] as Entry, now)); // a key of entries
  comparison.look(live.sort(), await memory.working.keys());
  comparison.look(
    blocks,
    (await memory.core.blocks()).map(({ label, text }) => ({ label, length: text.length })),
  );
  const found = await memory.archival.search('', { limit: PASSAGES_MAX });
  comparison.look(passages, found.length);
  const marks = found.filter(({ text }) => text.startsWith('did ')).map(({ text }) => text.slice('did '.length));
  return { ...comparison.counts, marks };
}

/** @param parts those of the assembly: memory that is wrong is wrong here. */
export const mindType = (parts: MemoryParts): ActorType => {
  const actor: Actor<MindState> = {
    initialState: () => ({ entries: {}, blocks: [], passages: 0, counted: 0 }),
    async invoke(ctx, operation, payload) {
      const now = ctx.wallMicros();
      const turn: Turn = { ctx, memory: new AgentMemory(ctx.kv, () => now, parts), comparison: new Comparison(), now };
      if (operation === 'view') return view(turn);
      if (operation !== 'think') throw new KelpieError('invalid-argument', `a mind has no operation ${operation}`);
      // From this scenario's own clients.
      const thought = payload as unknown as Thought;
      await think(turn, thought);
      if (thought.spoils) throw new KelpieError('invalid-argument', `${ctx.actor.key} does not like ${thought.op}`);
      return turn.comparison.counts;
    },
  };
  return { namespace: 'mind', create: () => actor } satisfies ActorType<MindState>;
};
