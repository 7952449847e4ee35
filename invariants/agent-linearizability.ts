/**
 * The agent service behaves as if it did one thing at a time to each agent. What a user asks under an idempotency key takes effect once
 * however often it is asked, so the requests to make one agent under one key are one operation, from the first of them to the first
 * success.
 */
import type { TraceValue } from '../src/ports.js';
import { entryOf } from './bookkeeping/keyed.js';
import { argumentOf, type ClientOperation, HISTORY_TYPES, judgedAtEnd, resultOf } from './bookkeeping/client-history.js';
import type { Invariant } from './invariant.js';
import { type AgentRecordInput, agentRecordModel, type AgentRecordOutput } from './linearizability/agent-model.js';
import { type Effect, SearchBudget } from './linearizability/told.js';

type AgentEffect = Effect<AgentRecordInput, AgentRecordOutput>;

/** What the service says of an agent; none when it says nothing. */
type Stamp = { readonly incarnation: string; readonly name?: string; readonly blocks?: readonly { readonly label: string }[] };

const stampOf = (value: TraceValue | undefined): Stamp | undefined =>
  typeof value === 'object' && value !== null && 'incarnation' in value ? (value as unknown as Stamp) : undefined;

const codeOf = ({ answer }: ClientOperation): string | undefined => (answer?.type === 'op.fail' ? answer.code : undefined);

/** Requests to make the same agent under the same key: the one that succeeded first, or else the first one; and when the first came. */
function makings(operations: readonly ClientOperation[]): readonly { readonly by: ClientOperation; readonly call: number }[] {
  const groups = new Map<string, { by: ClientOperation; readonly call: number }>();
  for (const operation of operations) {
    if (operation.asked.kind !== 'agent create') continue;
    const name = JSON.stringify([argumentOf(operation, 'agent'), argumentOf(operation, 'key') ?? operation.asked.op]);
    const group = entryOf(groups, name, () => ({ by: operation, call: operation.call }));
    if (succeededBefore(operation, group.by)) group.by = operation;
    // A failure is the last word only when it is the only one.
    else if (group.by !== operation && group.by.answer?.type === 'op.fail')
      group.by = { ...operation, answer: undefined, answered: undefined };
  }
  return [...groups.values()];
}

const succeededBefore = (a: ClientOperation, b: ClientOperation): boolean =>
  a.answer?.type === 'op.ok' && (b.answer?.type !== 'op.ok' || (a.answered?.index ?? 0) < (b.answered?.index ?? 0));

function agentEffects(operations: readonly ClientOperation[], isOperation: (label: string) => boolean): readonly AgentEffect[] {
  const makes = makings(operations);
  const named = new Set(makes.flatMap(({ by }) => stampOf(resultOf(by))?.incarnation ?? []));
  /** An incarnation that nobody was told of when it was made is not told apart from another such one. */
  const known = (incarnation: string): string | null => (named.has(incarnation) ? incarnation : null);
  const creations = makes.flatMap(({ by, call }): readonly AgentEffect[] => {
    const agent = argumentOf(by, 'agent');
    if (typeof agent !== 'string') return [];
    const code = codeOf(by);
    const incarnation = stampOf(resultOf(by))?.incarnation ?? null;
    const input: AgentRecordInput = { kind: 'create', agent, name: agent, incarnation };
    if (code === 'already-exists') return [{ by, call, input, output: { kind: 'present' } }];
    return code === undefined ? [{ by, call, input, output: incarnation === null ? undefined : { kind: 'changed', incarnation } }] : [];
  });
  const others = operations.flatMap((by): readonly AgentEffect[] => {
    const agent = argumentOf(by, 'agent');
    const input = typeof agent === 'string' ? inputOf(by, agent) : undefined;
    const code = codeOf(by);
    // Other failures say nothing of the agent.
    if (input === undefined || (code !== undefined && code !== 'not-found')) return [];
    if (code === 'not-found') return [{ by, input, output: { kind: 'absent' } }];
    const stamp = stampOf(resultOf(by));
    if (input.kind === 'get') {
      if (stamp === undefined) return [];
      const labels = (stamp.blocks ?? [])
        .map(({ label }) => label)
        .filter(isOperation)
        .sort();
      return [{ by, input, output: { kind: 'view', incarnation: known(stamp.incarnation), name: stamp.name ?? '', labels } }];
    }
    return [{ by, input, output: stamp === undefined ? undefined : { kind: 'changed', incarnation: known(stamp.incarnation) } }];
  });
  return [...creations, ...others];
}

function inputOf({ asked: { op, kind } }: ClientOperation, agent: string): AgentRecordInput | undefined {
  switch (kind) {
    case 'agent touch':
      return { kind: 'rename', agent, name: op };
    case 'agent remember':
      return { kind: 'remember', agent, label: op };
    case 'agent delete':
      return { kind: 'delete', agent };
    case 'agent look':
    case 'agent visit':
      return { kind: 'get', agent };
    default:
      return undefined;
  }
}

export const agentLinearizability: Invariant = {
  id: 'agent-linearizability',
  promise: 'The agent service behaves as if it did one thing at a time to each agent, between the question and the answer.',
  kind: 'always',
  hears: HISTORY_TYPES,
  start: () =>
    judgedAtEnd((history) =>
      new SearchBudget().judge(
        agentEffects(history.all(), (label) => history.has(label)),
        agentRecordModel,
        'agent',
      ),
    ),
};
