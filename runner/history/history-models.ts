/** Operations of published histories as those of a sequential specification: which functions each has, and what their values must be. */
import { checkLinearizability, type Linearizability } from '../../invariants/linearizability/checker.js';
import type { HistoryOperation, SequentialModel } from '../../invariants/linearizability/model.js';
import {
  agentModel,
  balancesOf,
  type Json,
  kvModel,
  ledgerModel,
  listAppendModel,
  registerModel,
  setModel,
} from '../../invariants/linearizability/models.js';
import type { EdnValue } from './edn.js';
import { type HistoryEvent, type Invocation, misread } from './history-file.js';

/** What an operation was told that it did. `done`: only that it was done. */
type Seen = { readonly kind: 'result'; readonly result: Json } | { readonly kind: 'done' };

/** Says what is wrong with a field. */
type Reader<Input> = (call: HistoryEvent, wrong: (field: string, expected: string) => Error) => Input;

interface Function<Input> {
  readonly input: Reader<Input>;
  /** What a success means; `done` when absent. */
  readonly output?: (answer: HistoryEvent, wrong: (field: string, expected: string) => Error) => Json;
}

interface HistoryModel<State, Input> {
  readonly model: SequentialModel<State, Input, Json>;
  readonly functions: Readonly<Record<string, Function<Input>>>;
}

export interface Checked {
  readonly result: Linearizability<unknown, unknown>;
  /** The operations that count: failures took no effect, and reads without an answer say nothing. */
  readonly operations: number;
  invocationOf(operation: HistoryOperation<unknown, unknown>): Invocation;
}

const whole = ({ value }: HistoryEvent): Json => value;
const always = (result: Json) => (): Json => result;

/** `[key value]`, as Jepsen's independent keys are written, or a field `key` beside the value. */
function keyed(
  { value, fields }: HistoryEvent,
  wrong: (field: string, expected: string) => Error,
): { readonly key: string; readonly value: Json } {
  if (fields['key'] !== undefined) return { key: textOf(fields['key']), value };
  if (Array.isArray(value) && value.length === 2) return { key: textOf(value[0] as EdnValue), value: value[1] as EdnValue };
  throw wrong('value', 'a key and a value, such as [x 1], unless the field key names the key');
}

/** Keys are numbers in one history and names in another. */
const textOf = (value: EdnValue): string => (typeof value === 'string' ? value : JSON.stringify(value));

const pair = (value: Json, wrong: (field: string, expected: string) => Error): readonly [Json, Json] => {
  if (Array.isArray(value) && value.length === 2) return [value[0] as Json, value[1] as Json];
  throw wrong('value', 'what is expected and what is to be set, such as [1 2]');
};

const namesOf = (
  { value }: HistoryEvent,
  names: readonly string[],
  wrong: (field: string, expected: string) => Error,
): { readonly [name: string]: Json } => {
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && names.every((name) => name in value)) {
    return value as { readonly [name: string]: Json };
  }
  throw wrong('value', `a map with ${names.join(', ')}`);
};

const amountOf = (value: Json | undefined, wrong: (field: string, expected: string) => Error): number => {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrong('value', 'a whole amount that is not negative');
};

type RegisterFunctions = HistoryModel<Json, Parameters<typeof registerModel.apply>[1]>['functions'];
const reads: RegisterFunctions = {
  read: { input: () => ({ kind: 'read' }), output: whole },
  write: { input: ({ value }) => ({ kind: 'write', value }), output: always(null) },
};
const compareAndSet: RegisterFunctions = {
  cas: {
    input({ value }, wrong) {
      const [from, to] = pair(value, wrong);
      return { kind: 'cas', from, to };
    },
    output: always(true),
  },
};

type KvFunction = Function<Parameters<typeof kvModel.apply>[1]>;
const get: KvFunction = {
  input: (call, wrong) => ({ kind: 'get', key: keyed(call, wrong).key }),
  output: (answer, wrong) => keyed(answer, wrong).value,
};
const put: KvFunction = { input: (call, wrong) => ({ kind: 'put', ...keyed(call, wrong) }), output: always(null) };

const agentFunction = (kind: 'create' | 'update'): Function<Parameters<typeof agentModel.apply>[1]> => ({
  input(call, wrong) {
    const { key: agent, value: body } = keyed(call, wrong);
    return { kind, agent, body };
  },
  output: always(true),
});

const register: HistoryModel<Json, Parameters<typeof registerModel.apply>[1]> = { model: registerModel, functions: reads };
const cas: typeof register = { model: registerModel, functions: { ...reads, ...compareAndSet } };
const kv: HistoryModel<Json, Parameters<typeof kvModel.apply>[1]> = {
  model: kvModel,
  functions: {
    get,
    read: get,
    put,
    write: put,
    append: {
      input(call, wrong) {
        const { key, value } = keyed(call, wrong);
        if (typeof value !== 'string') throw wrong('value', 'a key and a text to append');
        return { kind: 'append', key, value };
      },
      output: always(null),
    },
    // Whether it was there is not told.
    delete: { input: (call, wrong) => ({ kind: 'delete', key: keyed(call, wrong).key }) },
    cas: {
      input(call, wrong) {
        const { key, value } = keyed(call, wrong);
        const [from, to] = pair(value, wrong);
        return { kind: 'cas', key, from, to };
      },
      output: always(true),
    },
  },
};
const listAppend: HistoryModel<readonly Json[], Parameters<typeof listAppendModel.apply>[1]> = {
  model: listAppendModel,
  functions: {
    append: { input: (call, wrong) => ({ kind: 'append', ...keyed(call, wrong) }), output: always(null) },
    read: {
      input: (call, wrong) => ({ kind: 'read', key: keyed(call, wrong).key }),
      output(answer, wrong) {
        const { value } = keyed(answer, wrong);
        if (value !== null && !Array.isArray(value)) throw wrong('value', 'a key and the list that was read');
        return value ?? [];
      },
    },
  },
};
const set: HistoryModel<ReadonlySet<string>, Parameters<typeof setModel.apply>[1]> = {
  model: setModel,
  functions: {
    // Whether it changed the set is not told.
    add: { input: ({ value }) => ({ kind: 'add', value }) },
    remove: { input: ({ value }) => ({ kind: 'remove', value }) },
    read: {
      input: () => ({ kind: 'read' }),
      output({ value }, wrong) {
        if (!Array.isArray(value)) throw wrong('value', 'the members that were read');
        return value
          .map((item) => JSON.stringify(item))
          .sort()
          .map((text) => JSON.parse(text) as Json);
      },
    },
  },
};
const ledger: HistoryModel<ReadonlyMap<string, number>, Parameters<typeof ledgerModel.apply>[1]> = {
  model: ledgerModel,
  functions: {
    transfer: {
      input(call, wrong) {
        const { from = null, to = null, amount } = namesOf(call, ['from', 'to', 'amount'], wrong);
        return { kind: 'transfer', from: textOf(from), to: textOf(to), amount: amountOf(amount, wrong) };
      },
      output: always(true),
    },
    deposit: {
      input(call, wrong) {
        const { to = null, amount } = namesOf(call, ['to', 'amount'], wrong);
        return { kind: 'deposit', to: textOf(to), amount: amountOf(amount, wrong) };
      },
      output: always(null),
    },
    balance: {
      input: (call, wrong) => ({ kind: 'balance', of: keyed(call, wrong).key }),
      output: (answer, wrong) => amountOf(keyed(answer, wrong).value, wrong),
    },
    /** All balances, as in Jepsen's bank. */
    read: {
      input: () => ({ kind: 'balances' }),
      output: (answer, wrong) =>
        balancesOf(
          Object.entries(namesOf(answer, [], wrong)).map(([account, amount]): [string, number] => [account, amountOf(amount, wrong)]),
        ),
    },
  },
};
const agent: HistoryModel<Json, Parameters<typeof agentModel.apply>[1]> = {
  model: agentModel,
  functions: {
    create: agentFunction('create'),
    update: agentFunction('update'),
    get: {
      input: (call, wrong) => ({ kind: 'get', agent: keyed(call, wrong).key }),
      output: (answer, wrong) => keyed(answer, wrong).value,
    },
    delete: { input: (call, wrong) => ({ kind: 'delete', agent: keyed(call, wrong).key }), output: always(true) },
  },
};

const checks = {
  register: checkWith(register),
  cas: checkWith(cas),
  kv: checkWith(kv),
  'list-append': checkWith(listAppend),
  set: checkWith(set),
  ledger: checkWith(ledger),
  agent: checkWith(agent),
} as const;

export type HistoryModelName = keyof typeof checks;
export const HISTORY_MODELS = Object.keys(checks) as readonly HistoryModelName[];

/** Throws UsageError for an operation that the model does not know, or a value that it cannot have. */
export const checkHistory = (model: HistoryModelName, file: string, invocations: readonly Invocation[], stepsMax: number): Checked =>
  checks[model](file, invocations, stepsMax);

function checkWith<State, Input>({ model, functions }: HistoryModel<State, Input>) {
  const seeing: SequentialModel<State, Input, Seen> = {
    name: model.name,
    initial: (part) => model.initial(part),
    apply(state, input) {
      const { state: next, output } = model.apply(state, input);
      return { state: next, output: { kind: 'result', result: output } };
    },
    agrees: (specified, seen) => seen.kind === 'done' || (specified.kind === 'result' && model.agrees(specified.result, seen.result)),
    fingerprint: (state) => model.fingerprint(state),
    part: (input) => model.part(input),
    ...(model.leadsOn === undefined
      ? {}
      : {
          leadsOn: (history: readonly HistoryOperation<Input, Seen>[]) =>
            model.leadsOn?.(
              history.map((operation) => ({
                ...operation,
                output: operation.output?.kind === 'result' ? operation.output.result : undefined,
              })),
            ) ?? (() => true),
        }),
  };
  return (file: string, invocations: readonly Invocation[], stepsMax: number): Checked => {
    const sources = new Map<HistoryOperation<unknown, unknown>, Invocation>();
    const history: HistoryOperation<Input, Seen>[] = [];
    for (const invocation of invocations) {
      const { call, answer, callAt, answerAt } = invocation;
      const known = functions[call.f];
      if (known === undefined) {
        throw misread(
          file,
          call.line,
          `field f: this model has no ${call.f}; it has ${Object.keys(functions).join(', ')} (choose another by --model)`,
        );
      }
      if (answer?.type === 'fail') continue;
      const done = answer?.type === 'ok';
      // What Jepsen completes an invocation with is its whole value, so that a read has its key at least in one of the two.
      const input = known.input(call, complaint(file, call));
      const output = !done ? undefined : outputOf(known, file, answer);
      const operation = { client: call.process, input, call: callAt, end: done ? answerAt : undefined, output };
      sources.set(operation, invocation);
      history.push(operation);
    }
    const result = checkLinearizability(history, seeing, { stepsMax });
    return {
      result,
      operations: history.length,
      invocationOf(operation) {
        const invocation = sources.get(operation);
        if (invocation === undefined) throw new Error('the checker answered with an operation that it was not given');
        return invocation;
      },
    };
  };
}

const outputOf = ({ output }: Pick<Function<unknown>, 'output'>, file: string, answer: HistoryEvent): Seen =>
  output === undefined ? { kind: 'done' } : { kind: 'result', result: output(answer, complaint(file, answer)) };

const complaint =
  (file: string, { line, f, value }: HistoryEvent) =>
  (field: string, expected: string): Error =>
    misread(file, line, `field ${field} of ${f} is ${JSON.stringify(value).slice(0, 60)}; it must be ${expected}`);
