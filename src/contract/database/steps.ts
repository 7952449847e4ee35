/** Steps of random transactions, done on a database and on the model alike. */
import fc from 'fast-check';
import type { AtomicOperation, KeySelector, Transaction } from '../../ports.js';
import { bytes, type DatabaseModel, text } from '../database-model.js';
import { plain } from './promised.js';

export type Write =
  | { readonly do: 'set'; readonly key: string; readonly value: string }
  | { readonly do: 'clear'; readonly key: string }
  | { readonly do: 'clear-range'; readonly begin: string; readonly end: string }
  | { readonly do: 'atomic'; readonly operation: AtomicOperation; readonly key: string; readonly operand: string };

interface Point {
  readonly key: string;
  readonly orEqual: boolean;
  readonly offset: number;
}

export type Read =
  | { readonly do: 'get'; readonly key: string; readonly snapshot: boolean }
  | { readonly do: 'get-key'; readonly at: Point; readonly snapshot: boolean }
  | {
      readonly do: 'get-range';
      readonly begin: Point;
      readonly end: Point;
      readonly limit: number;
      readonly reverse: boolean;
      readonly snapshot: boolean;
    };

export type Step = Write | Read;

const arbitraryKey = fc.string({ unit: fc.constantFrom('\x00', 'a', 'b', '\xfe', '\xff'), maxLength: 3 }).filter((key) => key < '\xff');
const arbitraryValue = fc.string({ unit: fc.constantFrom('\x00', '\x01', '\x7f', '\xff'), maxLength: 3 });
const arbitraryPoint = fc.record({ key: arbitraryKey, orEqual: fc.boolean(), offset: fc.integer({ min: -4, max: 5 }) });
const snapshot = fc.boolean();

export const arbitraryWrite: fc.Arbitrary<Write> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('set' as const), key: arbitraryKey, value: arbitraryValue }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('clear' as const), key: arbitraryKey }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(arbitraryKey, arbitraryKey)
      .map(([x, y]) => ({ do: 'clear-range' as const, begin: x < y ? x : y, end: x < y ? y : x })),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('atomic' as const),
      operation: fc.constantFrom<AtomicOperation>('add', 'bit-xor', 'max', 'min', 'byte-max', 'append-if-fits', 'compare-and-clear'),
      key: arbitraryKey,
      operand: arbitraryValue,
    }),
  },
);

export const arbitraryRead: fc.Arbitrary<Read> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('get' as const), key: arbitraryKey, snapshot }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('get-key' as const), at: arbitraryPoint, snapshot }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('get-range' as const),
      begin: arbitraryPoint,
      end: arbitraryPoint,
      limit: fc.integer({ min: 0, max: 4 }),
      reverse: fc.boolean(),
      snapshot,
    }),
  },
);

/** A client's transactions, one after the other. Written values are made unique by the history, so that a lost write shows. */
export const arbitraryClient: fc.Arbitrary<readonly (readonly Step[])[]> = fc.array(
  fc.array(fc.oneof({ weight: 1, arbitrary: arbitraryWrite }, { weight: 1, arbitrary: arbitraryRead }), { minLength: 1, maxLength: 5 }),
  { minLength: 2, maxLength: 6 },
);

const selector = (point: Point): KeySelector => ({ key: bytes(point.key), orEqual: point.orEqual, offset: point.offset });

/** Does the step in both; a read gives what each saw, as plain values. */
export async function perform(step: Step, tx: Transaction, model: DatabaseModel): Promise<readonly [unknown, unknown]> {
  return [await performReal(step, tx), performModel(step, model)];
}

export async function performReal(step: Step, tx: Transaction): Promise<unknown> {
  switch (step.do) {
    case 'set':
      return tx.set(bytes(step.key), bytes(step.value));
    case 'clear':
      return tx.clear(bytes(step.key));
    case 'clear-range':
      return tx.clearRange(bytes(step.begin), bytes(step.end));
    case 'atomic':
      return tx.atomic(step.operation, bytes(step.key), bytes(step.operand));
    case 'get': {
      const value = await (step.snapshot ? tx.snapshot : tx).get(bytes(step.key));
      return value === undefined ? 'absent' : text(value);
    }
    case 'get-key':
      return text(await (step.snapshot ? tx.snapshot : tx).getKey(selector(step.at)));
    case 'get-range': {
      const { limit, reverse } = step;
      return plain(await (step.snapshot ? tx.snapshot : tx).getRange(selector(step.begin), selector(step.end), { limit, reverse }));
    }
  }
}

export function performModel(step: Step, model: DatabaseModel): unknown {
  switch (step.do) {
    case 'set':
      return model.set(step.key, step.value);
    case 'clear':
      return model.clear(step.key);
    case 'clear-range':
      return model.clearRange(step.begin, step.end);
    case 'atomic':
      return model.atomic(step.operation, step.key, step.operand);
    case 'get':
      return model.get(step.key) ?? 'absent';
    case 'get-key':
      return model.getKey(selector(step.at));
    case 'get-range': {
      const [begin, end] = [model.getKey(selector(step.begin)), model.getKey(selector(step.end))];
      return model.getRange(begin, end, step.limit, step.reverse).map(({ key, value }) => [text(key), text(value)]);
    }
  }
}
