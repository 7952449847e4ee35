import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkLinearizability } from './checker.js';
import type { HistoryOperation, SequentialModel } from './model.js';
import {
  type AgentInput,
  agentModel,
  type KvInput,
  kvModel,
  type LedgerInput,
  ledgerModel,
  type ListInput,
  listAppendModel,
  type RegisterInput,
  registerModel,
  type SetInput,
  setModel,
} from './models.js';

type Operation<I, O> = HistoryOperation<I, O>;

/** Tries every order: the truth, for small histories. An operation without a result may be left out. */
function bruteForce<S, I, O>(history: readonly Operation<I, O>[], model: SequentialModel<S, I, O>): boolean {
  const states = new Map<string, S>();
  const place = (left: readonly Operation<I, O>[]): boolean => {
    if (left.every((operation) => operation.end === undefined)) return true;
    const firstEnd = Math.min(...left.map((operation) => operation.end ?? Number.POSITIVE_INFINITY));
    for (const operation of left) {
      if (operation.call > firstEnd) continue;
      const part = model.part(operation.input);
      const before = states.get(part) ?? model.initial(part);
      const next = model.apply(before, operation.input);
      if (operation.end !== undefined && !model.agrees(next.output, operation.output as O)) continue;
      states.set(part, next.state);
      if (place(left.filter((other) => other !== operation))) return true;
      states.set(part, before);
    }
    return false;
  };
  return place(history);
}

/** A history that really happened: each operation takes effect at one moment between call and end; then some results may be damaged. */
function historyOf<S, I, O>(
  model: SequentialModel<S, I, O>,
  inputs: readonly { readonly input: I; readonly start: number; readonly length: number; readonly lost: boolean }[],
): Operation<I, O>[] {
  const states = new Map<string, S>();
  const moments = inputs
    .map((item, index) => ({ ...item, index, moment: item.start + Math.floor(item.length / 2) }))
    .sort((a, b) => a.moment - b.moment || a.index - b.index);
  const result: Operation<I, O>[] = [];
  for (const { input, start, length, lost, index } of moments) {
    const part = model.part(input);
    const { state, output } = model.apply(states.get(part) ?? model.initial(part), input);
    states.set(part, state);
    result.push({ client: `c${index % 3}`, input, call: start, end: lost ? undefined : start + length, output: lost ? undefined : output });
  }
  return result;
}

const key = fc.constantFrom('x', 'y');
const value = fc.integer({ min: 1, max: 3 });
const register: fc.Arbitrary<RegisterInput> = fc.oneof(
  fc.record({ kind: fc.constant('read' as const), key }),
  fc.record({ kind: fc.constant('write' as const), key, value }),
  fc.record({ kind: fc.constant('cas' as const), key, from: fc.option(value), to: value }),
);
const kv: fc.Arbitrary<KvInput> = fc.oneof(
  fc.record({ kind: fc.constant('get' as const), key }),
  fc.record({ kind: fc.constant('put' as const), key, value: fc.constantFrom('a', 'b') }),
  fc.record({ kind: fc.constant('append' as const), key, value: fc.constantFrom('a', 'b') }),
  fc.record({ kind: fc.constant('delete' as const), key }),
  fc.record({ kind: fc.constant('cas' as const), key, from: fc.constantFrom(null, 'a'), to: fc.constantFrom('a', 'b') }),
);
const list: fc.Arbitrary<ListInput> = fc.oneof(
  fc.record({ kind: fc.constant('append' as const), key, value }),
  fc.record({ kind: fc.constant('read' as const), key }),
);
const set: fc.Arbitrary<SetInput> = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), value }),
  fc.record({ kind: fc.constant('remove' as const), value }),
  fc.record({ kind: fc.constant('read' as const) }),
);
const account = fc.constantFrom('a', 'b');
const ledger: fc.Arbitrary<LedgerInput> = fc.oneof(
  fc.record({ kind: fc.constant('transfer' as const), from: account, to: account, amount: value }),
  fc.record({ kind: fc.constant('deposit' as const), to: account, amount: value }),
  fc.record({ kind: fc.constant('balance' as const), of: account }),
  fc.record({ kind: fc.constant('total' as const) }),
  fc.record({ kind: fc.constant('balances' as const) }),
);
const agent: fc.Arbitrary<AgentInput> = fc.oneof(
  fc.record({ kind: fc.constant('create' as const), agent: account, body: value }),
  fc.record({ kind: fc.constant('get' as const), agent: account }),
  fc.record({ kind: fc.constant('update' as const), agent: account, body: value }),
  fc.record({ kind: fc.constant('delete' as const), agent: account }),
);

/** 20,000 in all over the six models. */
const RUNS_PER_MODEL = 3_400;

function agreesWithBruteForce<S, I, O>(model: SequentialModel<S, I, O>, input: fc.Arbitrary<I>): void {
  const seen = { yes: 0, no: 0 };
  fc.assert(
    fc.property(
      fc.array(fc.record({ input, start: fc.nat(12), length: fc.nat(8), lost: fc.boolean() }), { minLength: 1, maxLength: 7 }),
      fc.array(fc.record({ victim: fc.nat(6), donor: fc.nat(6) }), { maxLength: 2 }),
      (inputs, damages) => {
        const history = historyOf(model, inputs);
        for (const { victim, donor } of damages) {
          const target = history[victim % history.length];
          const source = history[donor % history.length];
          // Swapped results make histories that look real and mostly are not.
          if (target?.end !== undefined && source?.end !== undefined)
            history[victim % history.length] = { ...target, output: source.output };
        }
        const truth = bruteForce(history, model);
        const result = checkLinearizability(history, model);
        expect(result.verdict).toBe(truth ? 'yes' : 'no');
        seen[truth ? 'yes' : 'no']++;
        if (damages.length === 0) expect(truth).toBe(true);
        if (result.verdict === 'no') {
          // The prefix it shows works, and the operation it names had returned.
          expect(bruteForce(result.prefix, model)).toBe(true);
          expect(result.stuck.end).toBeDefined();
        }
      },
    ),
    { numRuns: RUNS_PER_MODEL },
  );
  expect(seen.yes).toBeGreaterThan(100);
  expect(seen.no).toBeGreaterThan(100);
}

describe('linearizability checker', () => {
  it('equals brute force on registers with compare-and-set', () => agreesWithBruteForce(registerModel, register));
  it('equals brute force on a key-value space', () => agreesWithBruteForce(kvModel, kv));
  it('equals brute force on lists', () => agreesWithBruteForce(listAppendModel, list));
  it('equals brute force on a set', () => agreesWithBruteForce(setModel, set));
  it('equals brute force on a ledger', () => agreesWithBruteForce(ledgerModel, ledger));
  it('equals brute force on agents', () => agreesWithBruteForce(agentModel, agent));

  it('shows the longest order that works and the operation that fits nowhere', () => {
    const history: Operation<RegisterInput, unknown>[] = [
      { client: 'c1', input: { kind: 'write', value: 1 }, call: 0, end: 1, output: null },
      { client: 'c2', input: { kind: 'write', value: 2 }, call: 2, end: 3, output: null },
      { client: 'c3', input: { kind: 'read' }, call: 4, end: 5, output: 1 },
    ];
    const result = checkLinearizability(history, registerModel as unknown as SequentialModel<never, RegisterInput, unknown>);
    expect(result).toMatchObject({ verdict: 'no', prefix: [{ client: 'c1' }, { client: 'c2' }], stuck: { client: 'c3' }, states: ['2'] });
  });

  it('lets an operation of unknown result take effect late, or never, but not before its call', () => {
    const write = (call: number): Operation<RegisterInput, number | null> => ({
      client: 'c1',
      input: { kind: 'write', value: 7 },
      call,
      end: undefined,
      output: undefined,
    });
    const readAt = (call: number, output: number | null): Operation<RegisterInput, number | null> => ({
      client: 'c2',
      input: { kind: 'read' },
      call,
      end: call + 1,
      output,
    });
    const model = registerModel as unknown as SequentialModel<never, RegisterInput, number | null>;
    expect(checkLinearizability([write(0), readAt(10, null), readAt(20, 7)], model).verdict).toBe('yes');
    expect(checkLinearizability([write(0), readAt(10, null), readAt(20, null)], model).verdict).toBe('yes');
    expect(checkLinearizability([write(0), readAt(10, 7), readAt(20, null)], model).verdict).toBe('no');
    expect(checkLinearizability([write(15), readAt(10, 7)], model).verdict).toBe('no');
  });

  it('explains by the longest order, also where it knows early that no state leads on', () => {
    const append = (value: number, call: number): Operation<ListInput, unknown> => ({
      client: `w${value}`,
      input: { kind: 'append', key: 'x', value },
      call,
      end: call + 1,
      output: null,
    });
    const read = (client: string, call: number, output: readonly number[]): Operation<ListInput, unknown> => ({
      client,
      input: { kind: 'read', key: 'x' },
      call,
      end: call + 1,
      output,
    });
    const model = listAppendModel as unknown as SequentialModel<never, ListInput, unknown>;
    const result = checkLinearizability([append(1, 0), append(2, 10), read('r1', 20, [1, 2]), read('r2', 30, [2, 1])], model);
    expect(result).toMatchObject({
      verdict: 'no',
      prefix: [{ client: 'w1' }, { client: 'w2' }, { client: 'r1' }],
      stuck: { client: 'r2' },
      states: ['[1,2]'],
    });
  });

  it('says unknown at its bound, never a wrong answer', () => {
    const history: Operation<SetInput, unknown>[] = Array.from({ length: 14 }, (_, i) => ({
      client: `c${i}`,
      input: { kind: 'add', value: i },
      call: 0,
      end: 100,
      output: true,
    }));
    history.push({ client: 'reader', input: { kind: 'read' }, call: 200, end: 201, output: ['nothing like this'] });
    const model = setModel as unknown as SequentialModel<never, SetInput, unknown>;
    expect(checkLinearizability(history, model, { stepsMax: 5_000 })).toMatchObject({ verdict: 'unknown', steps: expect.any(Number) });
    expect(checkLinearizability(history, model).verdict).toBe('no');
  });

  it('refuses an operation that returned before its call', () => {
    expect(() => checkLinearizability([{ client: 'c1', input: { kind: 'read' }, call: 5, end: 4, output: null }], registerModel)).toThrow(
      'before its call',
    );
  });
});
