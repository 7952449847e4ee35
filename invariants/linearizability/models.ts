/** Small sequential specifications of the objects that Kelpie and its clients offer. States are plain JSON values. */
import type { SequentialModel } from './model.js';

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

const sameText = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
/** Maps as JSON with sorted keys, so that equal contents have equal texts. */
const fingerprintOf = (map: ReadonlyMap<string, unknown>): string =>
  JSON.stringify([...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));

export type RegisterInput =
  | { readonly kind: 'read'; readonly key?: string }
  | { readonly kind: 'write'; readonly key?: string; readonly value: Json }
  | { readonly kind: 'cas'; readonly key?: string; readonly from: Json; readonly to: Json };
/** A read gives the value, a write null, a compare-and-set whether it did. */
export type RegisterOutput = Json;

/** Registers by key that are null at first: read, write, compare-and-set. Each key is a part of its own. */
export const registerModel: SequentialModel<Json, RegisterInput, RegisterOutput> = {
  name: 'register',
  initial: () => null,
  apply(state, input) {
    switch (input.kind) {
      case 'read':
        return { state, output: state };
      case 'write':
        return { state: input.value, output: null };
      case 'cas':
        return sameText(state, input.from) ? { state: input.to, output: true } : { state, output: false };
    }
  },
  agrees: sameText,
  fingerprint: (state) => JSON.stringify(state),
  part: (input) => input.key ?? '',
};

export type KvInput =
  | { readonly kind: 'get'; readonly key: string }
  | { readonly kind: 'put'; readonly key: string; readonly value: Json }
  | { readonly kind: 'append'; readonly key: string; readonly value: string }
  | { readonly kind: 'delete'; readonly key: string }
  | { readonly kind: 'cas'; readonly key: string; readonly from: Json; readonly to: Json };

/** A key-value space: get gives the value or null, delete whether it was there, append joins texts, compare-and-set gives whether it did. Each key is a part of its own. */
export const kvModel: SequentialModel<Json, KvInput, Json> = {
  name: 'kv',
  initial: () => null,
  apply(state, input) {
    switch (input.kind) {
      case 'get':
        return { state, output: state };
      case 'put':
        return { state: input.value, output: null };
      case 'append':
        return { state: `${typeof state === 'string' ? state : ''}${input.value}`, output: null };
      case 'delete':
        return { state: null, output: state !== null };
      case 'cas':
        return sameText(state, input.from) ? { state: input.to, output: true } : { state, output: false };
    }
  },
  agrees: sameText,
  fingerprint: (state) => JSON.stringify(state),
  part: (input) => input.key,
};

export type ListInput =
  | { readonly kind: 'append'; readonly key: string; readonly value: Json }
  | { readonly kind: 'read'; readonly key: string };

/** Lists by key that only grow; append gives null, read the whole list. */
export const listAppendModel: SequentialModel<readonly Json[], ListInput, Json> = {
  name: 'list-append',
  initial: () => [],
  apply: (state, input) => (input.kind === 'append' ? { state: [...state, input.value], output: null } : { state, output: state }),
  agrees: sameText,
  fingerprint: (state) => JSON.stringify(state),
  leadsOn(history) {
    // A list only grows: every list that is still to be read begins with the state. All but the end of a state was a state before.
    const reads = history.flatMap(({ input, output }, operation) =>
      input.kind === 'read' && Array.isArray(output)
        ? [{ operation, texts: (output as readonly Json[]).map((item) => JSON.stringify(item)) }]
        : [],
    );
    return (state, isPlaced) => {
      const last = JSON.stringify(state.at(-1));
      return reads.every(({ operation, texts }) => texts[state.length - 1] === last || isPlaced(operation));
    };
  },
  part: (input) => input.key,
};

export type SetInput =
  | { readonly kind: 'add'; readonly value: Json }
  | { readonly kind: 'remove'; readonly value: Json }
  | { readonly kind: 'read' };

/** One set. Add and remove give whether they changed it, read the members in the order of their texts. */
export const setModel: SequentialModel<ReadonlySet<string>, SetInput, Json> = {
  name: 'set',
  initial: () => new Set<string>(),
  apply(state, input) {
    if (input.kind === 'read') return { state, output: [...state].sort().map((text) => JSON.parse(text) as Json) };
    const text = JSON.stringify(input.value);
    const changes = state.has(text) === (input.kind === 'remove');
    if (!changes) return { state, output: false };
    const next = new Set(state);
    if (input.kind === 'add') next.add(text);
    else next.delete(text);
    return { state: next, output: true };
  },
  agrees: sameText,
  fingerprint: (state) => JSON.stringify([...state].sort()),
  part: () => '',
};

/** Accounts that hold something, sorted, so that an account that was never named and one that is empty read alike. */
export const balancesOf = (accounts: Iterable<readonly [string, number]>): Json =>
  [...accounts].filter(([, amount]) => amount !== 0).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

export type LedgerInput =
  | { readonly kind: 'transfer'; readonly from: string; readonly to: string; readonly amount: number }
  | { readonly kind: 'deposit'; readonly to: string; readonly amount: number }
  | { readonly kind: 'balance'; readonly of: string }
  | { readonly kind: 'total' }
  | { readonly kind: 'balances' };

/** Accounts that are never overdrawn: a transfer gives whether there was enough, balance, balances and total give amounts. One part: transfers tie accounts together. */
export const ledgerModel: SequentialModel<ReadonlyMap<string, number>, LedgerInput, Json> = {
  name: 'ledger',
  initial: () => new Map(),
  apply(state, input) {
    switch (input.kind) {
      case 'transfer': {
        const available = state.get(input.from) ?? 0;
        if (available < input.amount) return { state, output: false };
        const next = new Map(state).set(input.from, available - input.amount);
        next.set(input.to, (next.get(input.to) ?? 0) + input.amount);
        return { state: next, output: true };
      }
      case 'deposit':
        return { state: new Map(state).set(input.to, (state.get(input.to) ?? 0) + input.amount), output: null };
      case 'balance':
        return { state, output: state.get(input.of) ?? 0 };
      case 'total':
        return { state, output: [...state.values()].reduce((sum, amount) => sum + amount, 0) };
      case 'balances':
        return { state, output: balancesOf(state) };
    }
  },
  agrees: sameText,
  fingerprint: fingerprintOf,
  part: () => '',
};

export type AgentInput =
  | { readonly kind: 'create'; readonly agent: string; readonly body: Json }
  | { readonly kind: 'get'; readonly agent: string }
  | { readonly kind: 'update'; readonly agent: string; readonly body: Json }
  | { readonly kind: 'delete'; readonly agent: string };

/** Agents by name: create gives whether it was free, get the body or null, update and delete whether it was there. */
export const agentModel: SequentialModel<Json, AgentInput, Json> = {
  name: 'agent',
  initial: () => null,
  apply(state, input) {
    switch (input.kind) {
      case 'create':
        return state === null ? { state: { body: input.body }, output: true } : { state, output: false };
      case 'get':
        return { state, output: state === null ? null : ((state as { readonly body: Json }).body ?? null) };
      case 'update':
        return state === null ? { state, output: false } : { state: { body: input.body }, output: true };
      case 'delete':
        return { state: null, output: state !== null };
    }
  },
  agrees: sameText,
  fingerprint: (state) => JSON.stringify(state),
  part: (input) => input.agent,
};
