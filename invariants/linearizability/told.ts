/** Histories of what clients told, and what is wrong with one, in words. */
import { type Breach, breachAt } from '../invariant.js';
import { type ClientOperation, endOf } from '../bookkeeping/client-history.js';
import { checkLinearizability, type Linearizability } from './checker.js';
import type { HistoryOperation, SequentialModel } from './model.js';

/** One effect of a client's operation on one object; an operation may have several. */
export interface Effect<Input, Output> {
  readonly by: ClientOperation;
  /** What it did there, where its name does not say it. */
  readonly step?: string;
  readonly input: Input;
  /** What was seen of it; undefined where no answer came. */
  readonly output: Output | undefined;
  /** The first moment at which it may have taken effect, when that is not when it was asked for. */
  readonly call?: number;
}

/** Most placements that a run is searched for. One of a run takes a few microseconds, most runs take some hundred. */
const STEPS_MAX = 100_000;
/** The end of an order of operations, which is what the reader needs. */
const TAIL_TOLD = 6;
const RESULT_TOLD = 160;

interface Entry<Input, Output> extends HistoryOperation<Input, Output> {
  readonly effect: Effect<Input, Output>;
}

/** Counts what several objects may be searched for together. */
export class SearchBudget {
  #left = STEPS_MAX;

  /** The first object whose effects are not linearizable, or 'unknown' when the bound is reached before. */
  judge<State, Input, Output>(
    effects: readonly Effect<Input, Output>[],
    model: SequentialModel<State, Input, Output>,
    what: string,
  ): Breach | 'unknown' | undefined {
    const history = effects.map((effect): Entry<Input, Output> => {
      const { by, input, output } = effect;
      return {
        client: by.asked.client,
        input,
        call: effect.call ?? by.call,
        end: output === undefined ? undefined : endOf(by),
        output,
        effect,
      };
    });
    const result = checkLinearizability(history, model, { stepsMax: this.#left });
    this.#left = Math.max(0, this.#left - result.steps);
    if (result.verdict === 'yes') return undefined;
    return result.verdict === 'unknown' ? 'unknown' : breachOf(result, what);
  }
}

function breachOf<Input, Output>(
  { part, prefix, stuck, states }: Extract<Linearizability<Input, Output>, { readonly verdict: 'no' }>,
  what: string,
): Breach {
  // The checker gives back what it was given.
  const entryOf = (operation: HistoryOperation<Input, Output>): Effect<Input, Output> => (operation as Entry<Input, Output>).effect;
  const { by } = entryOf(stuck);
  if (by.answered === undefined) throw new Error(`${by.asked.op} is said to have returned, and was not answered`);
  const tail = prefix.slice(-TAIL_TOLD).map((operation) => inWords(entryOf(operation)));
  const order =
    prefix.length === 0
      ? 'the longest that works is empty'
      : `the longest that works has ${prefix.length} operations${prefix.length > tail.length ? ', the last of which are' : ''}: ${tail.join('; ')}`;
  return breachAt(
    by.answered,
    `one order of the operations on ${what} ${part} respects real time and explains every answer; ${order}; ${what} ${part} was then ${states.map(shortened).join(' or ')}`,
    `${inWords(entryOf(stuck))} fits nowhere in it`,
  );
}

/** `audit c1-3 by c1 (answered {...})`. */
function inWords<Input, Output>({ by, step }: Effect<Input, Output>): string {
  const { kind, op, client } = by.asked;
  const answer = by.answer?.type === 'op.ok' ? answerOf(by.answer) : (by.answer?.code ?? 'nothing');
  const does = step === undefined ? kind : `${step} of ${kind}`;
  return `${does} ${op} by ${client} (answered ${by.answer?.type === 'op.info' ? `${answer}, so unknown` : answer})`;
}

const answerOf = ({ result, shows }: Extract<ClientOperation['answer'], { readonly type: 'op.ok' }>): string =>
  shows === undefined
    ? shortened(JSON.stringify(result))
    : `the marks ${shows.marks.length === 0 ? 'none' : shortened(shows.marks.join(', '))}`;

/** Its end, which is what changed last. */
const shortened = (text: string): string => (text.length <= RESULT_TOLD ? text : `...${text.slice(-RESULT_TOLD)}`);
