/** The actors that a node serves when its configuration names none: enough to see a cluster work, and to try it by hand. */
import type { Actor, ActorContext, ActorType } from '../src/kelpie/actor.js';
import { KelpieError } from '../src/kelpie/errors.js';
import type { Json } from '../src/kelpie/json.js';

/** `add` with a number, `get`. The state is the sum; the key `last` holds what was added last. */
const counter: Actor<{ sum: number }> = {
  initialState: () => ({ sum: 0 }),
  async invoke(ctx, operation, payload) {
    switch (operation) {
      case 'get':
        return ctx.state.sum;
      case 'add': {
        const amount = whole(payload, 'the payload of add');
        ctx.state.sum += amount;
        await ctx.kv.set('last', amount);
        return ctx.state.sum;
      }
      default:
        throw unknown('counter', operation);
    }
  },
};

/** A ledger of accounts: `deposit {account, amount}`, `move {from, to, amount}`, `balances`. A balance is never below 0. */
const ledger: Actor<{ moves: number }> = {
  initialState: () => ({ moves: 0 }),
  async invoke(ctx, operation, payload) {
    switch (operation) {
      case 'deposit':
        await change(ctx, text(payload, 'account'), positive(payload));
        return null;
      case 'move': {
        const amount = positive(payload);
        await change(ctx, text(payload, 'from'), -amount);
        await change(ctx, text(payload, 'to'), amount);
        ctx.state.moves += 1;
        return ctx.state.moves;
      }
      case 'balances': {
        const entries = await ctx.kv.range('account/', 'account0');
        return Object.fromEntries(entries.map(({ key, value }) => [key.slice('account/'.length), value]));
      }
      default:
        throw unknown('ledger', operation);
    }
  },
};

async function change(ctx: ActorContext<unknown>, account: string, amount: number): Promise<void> {
  const key = `account/${account}`;
  const balance = whole((await ctx.kv.get(key)) ?? 0, `the balance of ${account}`) + amount;
  if (balance < 0) throw new KelpieError('invalid-argument', `account ${account} has ${balance - amount}, ${-amount} are asked for`);
  await ctx.kv.set(key, balance);
}

function field(payload: Json, name: string): Json | undefined {
  return typeof payload === 'object' && payload !== null && !Array.isArray(payload)
    ? (payload as Readonly<Record<string, Json>>)[name]
    : undefined;
}

function text(payload: Json, name: string): string {
  const value = field(payload, name);
  if (typeof value === 'string' && value !== '') return value;
  throw new KelpieError('invalid-argument', `field ${name} of the payload must be a text, is ${JSON.stringify(value)}`);
}

function positive(payload: Json): number {
  const amount = whole(field(payload, 'amount') ?? null, 'field amount of the payload');
  if (amount > 0) return amount;
  throw new KelpieError('invalid-argument', `field amount of the payload must be above 0, is ${amount}`);
}

function whole(value: Json, what: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  throw new KelpieError('invalid-argument', `${what} must be an integer, is ${JSON.stringify(value)}`);
}

const unknown = (actor: string, operation: string): KelpieError =>
  new KelpieError('invalid-argument', `a ${actor} has no operation ${JSON.stringify(operation)}`);

export const actors: readonly ActorType<never>[] = [
  { namespace: 'counter', create: () => counter as Actor<never> },
  { namespace: 'ledger', create: () => ledger as Actor<never> },
];
