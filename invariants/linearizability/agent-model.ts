/** An agent of the agent service, as its users know it: it is there or not, and has a name and blocks of memory. */
import { followedBy } from './growing.js';
import type { SequentialModel } from './model.js';

export type AgentRecordInput = { readonly agent: string } /** `incarnation`: what the service called it, null where nobody was told. */ & (
  | { readonly kind: 'create'; readonly name: string; readonly incarnation: string | null }
  | { readonly kind: 'rename'; readonly name: string }
  | { readonly kind: 'remember'; readonly label: string }
  | { readonly kind: 'delete' }
  | { readonly kind: 'get' }
);

export type AgentRecordOutput =
  | { readonly kind: 'absent' }
  | { readonly kind: 'present' }
  /** A change was made to this incarnation. */
  | { readonly kind: 'changed'; readonly incarnation: string | null }
  | { readonly kind: 'view'; readonly incarnation: string | null; readonly name: string; readonly labels: readonly string[] };

export interface AgentRecord {
  readonly incarnation: string | null;
  readonly name: string;
  /** Sorted. */
  readonly labels: readonly string[];
}

const ABSENT: AgentRecordOutput = { kind: 'absent' };

export const agentRecordModel: SequentialModel<AgentRecord | undefined, AgentRecordInput, AgentRecordOutput> = {
  name: 'agent record',
  initial: () => undefined,
  apply(state, input) {
    if (input.kind === 'create') {
      if (state !== undefined) return { state, output: { kind: 'present' } };
      const { incarnation, name } = input;
      return { state: { incarnation, name, labels: [] }, output: { kind: 'changed', incarnation } };
    }
    if (state === undefined) return { state, output: ABSENT };
    const { incarnation, name, labels } = state;
    switch (input.kind) {
      case 'rename':
        return { state: { ...state, name: input.name }, output: { kind: 'changed', incarnation } };
      case 'remember': {
        const others = labels.filter((label) => label !== input.label);
        return { state: { ...state, labels: [...others, input.label].sort() }, output: { kind: 'changed', incarnation } };
      }
      case 'delete':
        return { state: undefined, output: { kind: 'changed', incarnation } };
      case 'get':
        return { state, output: { kind: 'view', incarnation, name, labels } };
    }
  },
  agrees: (specified, seen) => JSON.stringify(specified) === JSON.stringify(seen),
  fingerprint: (state) => JSON.stringify(state ?? null),
  leadsOn(history) {
    // An agent that nobody deletes forgets nothing.
    if (history.some(({ input }) => input.kind === 'delete')) return () => true;
    const shown = followedBy(
      history.flatMap(({ output }, operation) => (output?.kind === 'view' ? [{ operation, items: new Set(output.labels) }] : [])),
    );
    return (state, isPlaced) => shown(state?.labels ?? [], isPlaced);
  },
  part: ({ agent }) => agent,
};
