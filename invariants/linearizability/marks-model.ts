/** Any actor on which operations leave their names: what a client sees of it is which of them have taken effect. */
import { followedBy } from './growing.js';
import type { SequentialModel } from './model.js';

export type MarksInput = { readonly target: string } & (
  | { readonly kind: 'mark'; readonly mark: string }
  /** Every mark that the target bears. */
  | { readonly kind: 'look' }
);

/** A mark gives null, a look the marks in the order of their names. */
export const marksModel: SequentialModel<ReadonlySet<string>, MarksInput, readonly string[] | null> = {
  name: 'marks',
  initial: () => new Set(),
  apply(state, input) {
    if (input.kind === 'look') return { state, output: [...state].sort() };
    return { state: new Set(state).add(input.mark), output: null };
  },
  agrees: (specified, seen) => JSON.stringify(specified) === JSON.stringify(seen),
  fingerprint: (state) => JSON.stringify([...state].sort()),
  leadsOn: (history) =>
    followedBy(
      history.flatMap(({ output }, operation) => (output === null || output === undefined ? [] : [{ operation, items: new Set(output) }])),
    ),
  part: ({ target }) => target,
};
