/**
 * Shelves: actors that list their keys while they change them. The state knows which items there are; every operation lists them before,
 * in the middle of and after its changes, whole and in pages, and answers how many lists it made and how many of them showed just what the
 * state says. A list that misses what was written, or shows what was deleted, shows.
 */
import type { Sequences } from '../invariants/state-consistency.js';
import type { Actor, ActorContext, ActorType } from '../src/kelpie/actor.js';
import { KelpieError } from '../src/kelpie/errors.js';
import { type ActorRef, actorRef } from '../src/kelpie/ids.js';
import type { Json } from '../src/kelpie/json.js';
import { Comparison } from './comparison.js';

/** Puts items on a shelf and takes others off, in one invocation; `spoils`: and then fails. */
export type Rearrange = {
  readonly op: string;
  readonly puts: readonly string[];
  readonly takes: readonly string[];
  readonly spoils: boolean;
};
export type ShelfView = Sequences & { readonly items: readonly string[]; readonly marks: readonly string[] };

/** Sorted. */
type ShelfState = { items: readonly string[] };
type Context = ActorContext<ShelfState>;

export const shelf = (name: string): ActorRef => actorRef('shelf', name);

const ITEMS = 'item/';
const MARKS = 'mark/';
const PAGE = 3;

const without = (items: readonly string[], item: string): readonly string[] => items.filter((one) => one !== item);
const withItem = (items: readonly string[], item: string): readonly string[] => [...without(items, item), item].sort();

const names = (keys: readonly string[]): readonly string[] => keys.map((key) => key.slice(ITEMS.length));

async function forward(ctx: Context): Promise<readonly string[]> {
  const found: string[] = [];
  for (let begin = ITEMS; ; ) {
    const page = await ctx.kv.range(begin, 'item0', { limit: PAGE });
    found.push(...names(page.map(({ key }) => key)));
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return found;
    begin = `${last.key}\0`;
  }
}

async function backward(ctx: Context): Promise<readonly string[]> {
  const found: string[] = [];
  for (let end = 'item0'; ; ) {
    const page = await ctx.kv.range(ITEMS, end, { limit: PAGE, reverse: true });
    found.unshift(...names(page.map(({ key }) => key)).toReversed());
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return found;
    end = last.key;
  }
}

/**
 * Lists in three ways: all at once, in pages from the front, in pages from the back. Together, since one after the other would take longer
 * over the slowest of networks than a transaction may.
 */
const lists = async (ctx: Context): Promise<readonly (readonly string[])[]> =>
  Promise.all([ctx.kv.list(ITEMS).then(names), forward(ctx), backward(ctx)]);

async function look(ctx: Context, comparison: Comparison): Promise<void> {
  for (const list of await lists(ctx)) comparison.look(ctx.state.items, list);
}

const operations: Readonly<Record<string, (ctx: Context, payload: never) => Promise<Json>>> = {
  async rearrange(ctx, { op, puts, takes, spoils }: Rearrange) {
    const comparison = new Comparison();
    await look(ctx, comparison);
    for (const item of puts) {
      await ctx.kv.set(`${ITEMS}${item}`, op);
      ctx.state = { items: withItem(ctx.state.items, item) };
    }
    await look(ctx, comparison);
    for (const item of takes) {
      await ctx.kv.delete(`${ITEMS}${item}`);
      ctx.state = { items: without(ctx.state.items, item) };
    }
    await ctx.kv.set(`${MARKS}${op}`, true);
    await look(ctx, comparison);
    if (spoils) throw new KelpieError('invalid-argument', `${ctx.actor.key} does not take ${op}`);
    return comparison.counts;
  },

  async read(ctx) {
    const comparison = new Comparison();
    await look(ctx, comparison);
    const marks = (await ctx.kv.list(MARKS)).map((key) => key.slice(MARKS.length));
    const view: ShelfView = { ...comparison.counts, items: ctx.state.items, marks };
    return view;
  },
};

const shelfActor: Actor<ShelfState> = {
  initialState: () => ({ items: [] }),
  invoke(ctx, operation, payload) {
    const perform = operations[operation];
    if (perform === undefined) throw new KelpieError('invalid-argument', `a shelf has no operation ${operation}`);
    // The payloads come from this scenario's own clients.
    return perform(ctx, payload as never);
  },
};

export const shelfType: ActorType = { namespace: 'shelf', create: () => shelfActor } satisfies ActorType<ShelfState>;
