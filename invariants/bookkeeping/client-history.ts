/** What clients asked for and what they were answered, one entry an operation. */
import type { TraceValue } from '../../src/ports.js';
import type { OperationEvent } from '../../src/story.js';
import type { TraceEvent } from '../../src/trace.js';
import { type Fold, told } from '../invariant.js';

export const HISTORY_TYPES = ['op.invoke', 'op.ok', 'op.fail', 'op.info'] as const;

type Asked = Extract<OperationEvent, { readonly type: 'op.invoke' }>;
type Answer = Exclude<OperationEvent, Asked>;

/** Positions are indices of trace events, so no two of them are equal. */
export interface ClientOperation {
  readonly asked: Asked;
  readonly call: number;
  /** Undefined while nothing was answered. */
  readonly answer: Answer | undefined;
  /** The event of the answer. */
  readonly answered: TraceEvent | undefined;
}

export class ClientHistory {
  readonly #operations = new Map<string, ClientOperation>();

  observe(event: TraceEvent): void {
    const body = told(event);
    switch (body.type) {
      case 'op.invoke':
        this.#operations.set(body.op, { asked: body, call: event.index, answer: undefined, answered: undefined });
        return;
      case 'op.ok':
      case 'op.fail':
      case 'op.info': {
        const operation = this.#operations.get(body.op);
        if (operation !== undefined) this.#operations.set(body.op, { ...operation, answer: body, answered: event });
        return;
      }
      default:
        return;
    }
  }

  /** In the order in which they were asked for. */
  all(): readonly ClientOperation[] {
    return [...this.#operations.values()];
  }

  has(op: string): boolean {
    return this.#operations.has(op);
  }
}

/** A fold that judges all that clients were told at once, when the run is over. */
export function judgedAtEnd(judge: (history: ClientHistory) => ReturnType<NonNullable<Fold['finish']>>): Fold {
  const history = new ClientHistory();
  return {
    observe(event) {
      history.observe(event);
      return undefined;
    },
    finish: () => judge(history),
  };
}

/** When its effect was over: undefined where it may come later, or never. */
export const endOf = ({ answer, answered }: ClientOperation): number | undefined =>
  answer?.type === 'op.ok' || answer?.type === 'op.fail' ? answered?.index : undefined;

/** It may have taken effect. */
export const mayHaveEffect = ({ answer }: ClientOperation): boolean => answer?.type !== 'op.fail';

export const resultOf = ({ answer }: ClientOperation): TraceValue | undefined => (answer?.type === 'op.ok' ? answer.result : undefined);

/** A field of what was asked for; undefined when there is none. */
export function argumentOf({ asked: { args } }: ClientOperation, name: string): TraceValue | undefined {
  return typeof args === 'object' && args !== null && !Array.isArray(args)
    ? (args as { readonly [field: string]: TraceValue })[name]
    : undefined;
}
