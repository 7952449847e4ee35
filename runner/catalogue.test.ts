import { expect, test } from 'vitest';
import { catalogue, find, nearest } from './catalogue.js';
import { UsageError } from './usage-error.js';

const names = ['network/loss', 'network/delay', 'disk/lost-unsynced', 'crash/kill'];
const parts = names.map((id) => ({ id }));

test('a part is found by its id', () => {
  expect(find('fault', parts, 'crash/kill')).toBe(parts[3]);
});

test('an unknown id is refused with the ids like it, and where all of them are', () => {
  expect(() => find('fault', parts, 'network/los')).toThrow(UsageError);
  expect(() => find('fault', parts, 'network/los')).toThrow(
    "there is no fault 'network/los'; did you mean 'network/loss'?\n'kelpie-dst list faults' shows all of them",
  );
  expect(() => find('fault', parts, 'entirely-unlike')).toThrow(
    "there is no fault 'entirely-unlike'\n'kelpie-dst list faults' shows all of them",
  );
});

test('likeness counts the last part of an id too, and the nearest come first', () => {
  expect(nearest('delay', names)).toBe("'network/delay'");
  expect(nearest('loss', names)).toBe("'network/loss'");
  expect(nearest('kil', names)).toBe("'crash/kill'");
  expect(nearest('zzzzzzzz', names)).toBe('');
});

test('at most three are named', () => {
  expect(nearest('a1', ['a2', 'a3', 'a4', 'a5', 'a6']).split(' or ')).toHaveLength(3);
});

test('ids are unique within each catalogue', () => {
  const { mappings = [], ...byId } = catalogue;
  const named = [...Object.values(byId).map((parts) => parts.map(({ id }) => id)), mappings.map(({ module }) => module)];
  for (const names of named) {
    expect(names.length).toBeGreaterThan(0);
    expect(new Set(names).size).toBe(names.length);
  }
});
