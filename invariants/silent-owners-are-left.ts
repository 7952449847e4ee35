/** A node that brings no answer is not asked for ever: after a few tries a call goes where the registry says, or back to its caller. */
import type { TraceEvent } from '../src/trace.js';
import { type Breach, breachAt, type Fold, type Invariant, told } from './invariant.js';

/** Forwards of one accepted call that may go unanswered by one node: as many as the runtime makes of a call in all. */
const UNANSWERED_MAX = 3;

class SilentOwnersAreLeftFold implements Fold {
  /** Of the life of each node that runs: how often each call was accepted, and how often each node left it unanswered. */
  readonly #calls = new Map<string, Map<string, { accepted: number; readonly unanswered: Map<string, number> }>>();

  observe(event: TraceEvent): Breach | undefined {
    const body = told(event);
    const { node } = event;
    switch (body.type) {
      case 'kill':
      case 'exit':
        this.#calls.delete(node);
        return undefined;
      case 'request.accept': {
        const calls = this.#calls.get(node) ?? new Map<string, { accepted: number; readonly unanswered: Map<string, number> }>();
        this.#calls.set(node, calls);
        const call = calls.get(body.request) ?? { accepted: 0, unanswered: new Map<string, number>() };
        call.accepted++;
        calls.set(body.request, call);
        return undefined;
      }
      case 'forward.fail': {
        const call = this.#calls.get(node)?.get(body.request);
        if (call === undefined || body.why !== 'timeout') return undefined;
        const times = (call.unanswered.get(body.to) ?? 0) + 1;
        call.unanswered.set(body.to, times);
        const most = UNANSWERED_MAX * call.accepted;
        if (times <= most) return undefined;
        return breachAt(
          event,
          `${node} forwards ${body.request} to a node that does not answer at most ${most} times`,
          `${body.to} has left it unanswered ${times} times`,
        );
      }
      default:
        return undefined;
    }
  }
}

export const silentOwnersAreLeft: Invariant = {
  id: 'silent-owners-are-left',
  promise: 'A call is not sent for ever to a node that does not answer: it is looked up anew, or its caller is told.',
  kind: 'always',
  hears: ['kill', 'exit', 'request.accept', 'forward.fail'],
  start: () => new SilentOwnersAreLeftFold(),
};
