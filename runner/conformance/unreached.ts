/** What the states have in common that no run has visited: a list of thousands tells nobody what to try. */
import { formatValue, isSet, type TlaRecord, type TlaState, type TlaValue } from '../tla/tla-value.js';

/** The states in which a part of the state has one value. */
export interface VisitedWhere {
  /** As TLA+ has it: `phase["n1"] = "Paused"`. */
  readonly where: string;
  readonly visited: number;
  readonly reachable: number;
}

/** Of every value that some part of the state has, where states are missing: the least visited first, then what most states have. */
export function leastVisited(states: readonly TlaState[], never: readonly number[]): readonly VisitedWhere[] {
  const missing = new Set(never);
  const counts = new Map<string, { visited: number; reachable: number }>();
  states.forEach((state, id) => {
    const visited = missing.has(id) ? 0 : 1;
    for (const name of Object.keys(state)) {
      for (const where of partsOf(name, state[name])) {
        const count = counts.get(where) ?? { visited: 0, reachable: 0 };
        counts.set(where, count);
        count.reachable++;
        count.visited += visited;
      }
    }
  });
  return [...counts]
    .map(([where, count]) => ({ where, ...count }))
    .filter(({ visited, reachable }) => visited < reachable)
    .sort((a, b) => a.visited * b.reachable - b.visited * a.reachable || b.reachable - a.reachable || (a.where < b.where ? -1 : 1));
}

/** The smallest parts of a value, each with what it is. */
function* partsOf(expression: string, value: TlaValue | undefined): Iterable<string> {
  if (value === undefined) return;
  if (Array.isArray(value)) {
    const members = value as readonly TlaValue[];
    yield `Len(${expression}) = ${members.length}`;
    for (const [at, member] of members.entries()) yield* partsOf(`${expression}[${at + 1}]`, member);
  } else if (typeof value === 'object' && !isSet(value) && !('$fn' in value) && !('$model' in value)) {
    const record = value as TlaRecord;
    for (const field of Object.keys(record)) yield* partsOf(`${expression}[${formatValue(field)}]`, record[field]);
  } else yield `${expression} = ${formatValue(value)}`;
}
