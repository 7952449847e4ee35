/**
 * Notebooks: actors that take notes. Every note is a key under its number, and the number of notes is in the state too, so that whatever
 * tears a commit, loses one or applies one twice shows when the notebook is read. A diary also notes when it is opened and closed, and
 * with that changes in its hooks.
 */
import type { Sequences } from '../invariants/state-consistency.js';
import type { Actor, ActorContext, ActorType } from '../src/kelpie/actor.js';
import { KelpieError } from '../src/kelpie/errors.js';
import { type ActorRef, actorRef } from '../src/kelpie/ids.js';
import type { Json } from '../src/kelpie/json.js';
import type { Micros } from '../src/ports.js';

/** A note: `op` names the operation that writes it, `reads` is how often the notebook looks at its store before, while there is time. */
export type Note = { readonly op: string; readonly reads: number };
/** A note that the notebook does not look at its store for. */
export type Jotting = { readonly op: string };
/** How an operation that must leave nothing behind ends: with a refusal of the actor's own, or by a throw that nobody expected. */
export const SPOILS = ['refuse', 'panic'] as const;
export type Spoil = { readonly op: string; readonly how: (typeof SPOILS)[number] };
/** A note that is passed on to other notebooks first, each of which waits for the next. */
export type Relay = Note & { readonly path: readonly string[] };
export type NotebookView = Sequences & { readonly marks: readonly string[] };

type NotebookState = { notes: number; openings: number };
type Context = ActorContext<NotebookState>;

export const notebook = (name: string): ActorRef => actorRef('notebook', name);
export const diary = (name: string): ActorRef => actorRef('diary', name);

const DIGITS = 9;
/** A transaction ends after some seconds. On a slow network a notebook stops looking well before: no repetition would ever be quicker. */
const LOOKING_MICROS_MAX: Micros = 1_500_000;
const key = {
  note: (number: number): string => `note/${String(number).padStart(DIGITS, '0')}`,
  notes: 'note/',
  count: 'count',
  openings: 'openings',
  /** Nothing is ever stored there: looking takes time. */
  nothing: (number: number): string => `nothing/${number}`,
} as const;

async function write(ctx: Context, { op, reads }: Note): Promise<void> {
  const untilMicros = ctx.wallMicros() + LOOKING_MICROS_MAX;
  for (let i = 0; i < reads && ctx.wallMicros() < untilMicros; i++) await ctx.kv.get(key.nothing(i));
  const count = ((await ctx.kv.get(key.count)) ?? 0) as number;
  await ctx.kv.set(key.count, count + 1);
  await ctx.kv.set(key.note(count + 1), op);
  ctx.state.notes += 1;
}

async function view(ctx: Context): Promise<NotebookView> {
  const names = await ctx.kv.list(key.notes);
  const notes = await ctx.kv.range(key.notes, 'note0');
  const openings = ((await ctx.kv.get(key.openings)) ?? 0) as number;
  return {
    stateSequence: ctx.state.notes + ctx.state.openings,
    keysSequence: names.length + openings,
    marks: notes.map(({ value }) => value as string),
  };
}

const operations: Readonly<Record<string, (ctx: Context, payload: never) => Promise<Json>>> = {
  async write(ctx, note: Note) {
    await write(ctx, note);
    return null;
  },

  /** From memory alone: nothing is looked up, so nothing but the runtime keeps it from being written over what others have written. */
  async jot(ctx, { op }: Jotting) {
    ctx.state.notes += 1;
    await ctx.kv.set(key.count, ctx.state.notes);
    await ctx.kv.set(key.note(ctx.state.notes), op);
    return null;
  },

  async spoil(ctx, { op, how }: Spoil) {
    await write(ctx, { op, reads: 0 });
    if (how === 'refuse') throw new KelpieError('invalid-argument', `${ctx.actor.key} does not take ${op}`);
    throw new Error(`${ctx.actor.key} did not expect ${op}`);
  },

  /** The last of the path writes first: who is refused has written nothing, and nobody after it has. */
  async relay(ctx, { op, reads, path: [next, ...path] }: Relay) {
    if (next !== undefined) await ctx.call(notebook(next), 'relay', { op, reads, path });
    await write(ctx, { op, reads });
    return null;
  },

  read: view,
};

class Notebook implements Actor<NotebookState> {
  initialState(): NotebookState {
    return { notes: 0, openings: 0 };
  }

  async invoke(ctx: Context, operation: string, payload: Json): Promise<Json> {
    const perform = operations[operation];
    if (perform === undefined) throw new KelpieError('invalid-argument', `a notebook has no operation ${operation}`);
    // The payloads come from this catalogue's own clients and notebooks.
    return perform(ctx, payload as never);
  }
}

class Diary extends Notebook {
  readonly #turn = async (ctx: Context): Promise<void> => {
    ctx.state.openings += 1;
    await ctx.kv.set(key.openings, (((await ctx.kv.get(key.openings)) ?? 0) as number) + 1);
  };
  readonly onActivate = this.#turn;
  readonly onDeactivate = this.#turn;
}

export const notebookActors: readonly ActorType[] = [
  { namespace: 'notebook', create: () => new Notebook() } satisfies ActorType<NotebookState>,
  { namespace: 'diary', create: () => new Diary() } satisfies ActorType<NotebookState>,
];
