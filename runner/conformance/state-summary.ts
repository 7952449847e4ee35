/** Many states that explain the same, in short: what is equal in all of them, and which variables leave something open. */
import type { SpecVariable } from '../../reports/reporter.js';
import type { StateGraph } from '../tla/state-graph.js';
import { formatValue, type TlaState } from '../tla/tla-value.js';

/** Of the values that a variable may have, so many are named. */
const VALUES_MAX = 3;

/** Each variable, in the order of their names; values as TLA+ writes them. `ids`: numbers of states of the graph. */
export function summaryOf(ids: Iterable<number>, graph: Pick<StateGraph, 'states'>): readonly SpecVariable[] {
  const states: TlaState[] = [];
  for (const id of ids) states.push(graph.states[id] ?? {});
  const names = Object.keys(states[0] ?? {}).sort();
  return names.map((name) => {
    const values = new Set<string>();
    for (const state of states) {
      const value = state[name];
      if (value !== undefined) values.add(formatValue(value));
    }
    return { name, values: [...values].sort().slice(0, VALUES_MAX), count: values.size };
  });
}

/** `lit = TRUE, turn = "a", and one of several values of since`. */
export function summaryText(variables: readonly SpecVariable[]): string {
  const settled = variables.filter(({ count }) => count === 1).map(({ name, values }) => `${name} = ${values[0] ?? ''}`);
  const open = variables.filter(({ count }) => count > 1).map(({ name }) => name);
  if (open.length === 0) return settled.join(', ');
  const several = `one of several values of ${open.join(', ')}`;
  return settled.length === 0 ? several : `${settled.join(', ')}, and ${several}`;
}
