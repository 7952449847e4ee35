/**
 * An actor's state and its keys tell one story. An actor that counts its changes in both shows the two counts in one answer:
 * `stateSequence` and `keysSequence` differ where one was saved without the other.
 */
import type { TraceValue } from '../src/ports.js';
import type { TraceEvent } from '../src/trace.js';
import { type Breach, breachAt, type Fold, type Invariant, told } from './invariant.js';

/** What an answer shows of an actor that counts its changes in state and keys. */
export type Sequences = { readonly stateSequence: number; readonly keysSequence: number };

const showsSequences = (result: TraceValue): result is TraceValue & Sequences =>
  typeof result === 'object' && result !== null && 'stateSequence' in result && 'keysSequence' in result;

const fold: Fold = {
  observe(event: TraceEvent): Breach | undefined {
    const body = told(event);
    if (body.type !== 'op.ok' || !showsSequences(body.result)) return undefined;
    const { stateSequence, keysSequence } = body.result;
    if (stateSequence === keysSequence) return undefined;
    return breachAt(
      event,
      'state and keys show the same number of changes',
      `state shows ${stateSequence}, keys show ${keysSequence} (${body.op})`,
    );
  },
};

export const stateConsistency: Invariant = {
  id: 'state-consistency',
  promise: "What one answer shows of an actor's state and of its keys was left there by the same commits.",
  kind: 'always',
  spec: 'KelpieActorState!StateConsistency',
  hears: ['op.ok'],
  start: () => fold,
};
