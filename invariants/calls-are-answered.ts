/** No accepted call is forgotten: a node that ends in order has answered every one of them, if only to say that it is shutting down. */
import type { TraceEvent } from '../src/trace.js';
import { type Breach, breachAt, type Fold, type Invariant, told } from './invariant.js';

class CallsAreAnsweredFold implements Fold {
  /** Accepted and not answered, of the life of each node that runs: how often each request. */
  readonly #open = new Map<string, Map<string, number>>();

  observe(event: TraceEvent): Breach | undefined {
    const body = told(event);
    const { node } = event;
    switch (body.type) {
      case 'kill':
        this.#open.delete(node);
        return undefined;
      case 'request.accept':
      case 'request.answer': {
        const open = this.#open.get(node) ?? new Map<string, number>();
        this.#open.set(node, open);
        const times = (open.get(body.request) ?? 0) + (body.type === 'request.accept' ? 1 : -1);
        if (times < 0) return breachAt(event, `${body.request} is answered as often as it was accepted`, `${node} answers it once more`);
        if (times === 0) open.delete(body.request);
        else open.set(body.request, times);
        return undefined;
      }
      case 'exit': {
        const forgotten = [...(this.#open.get(node)?.keys() ?? [])];
        this.#open.delete(node);
        if (forgotten.length === 0) return undefined;
        const some = forgotten.slice(0, 5).join(', ');
        return breachAt(
          event,
          `${node} has answered every call that it accepted before it ends`,
          `${forgotten.length} have no answer: ${some}`,
        );
      }
      default:
        return undefined;
    }
  }
}

export const callsAreAnswered: Invariant = {
  id: 'calls-are-answered',
  promise: 'Every call that a node accepts is answered, once, unless the node dies: a shutdown in order forgets none.',
  kind: 'always',
  hears: ['kill', 'exit', 'request.accept', 'request.answer'],
  start: () => new CallsAreAnsweredFold(),
};
