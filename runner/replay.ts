/** Judges a run against what came of the same case before. */
import type { Run } from '../src/run.js';
import { type Expected, failsAlike, verdictOf } from './case-verdict.js';
import { signatureOf } from './storm/signature.js';

/**
 * `reproduced`: the same events and the same verdict. `drifted`: other events, and the same promise is broken, or none was and is.
 * `changed`: fails in another way. `gone`: passes.
 */
export type ReplayOutcome = 'reproduced' | 'drifted' | 'changed' | 'gone';

export interface Replayed {
  readonly outcome: ReplayOutcome;
  /** What that means, in a sentence. */
  readonly told: string;
  /** Where the run first did something else than the saved log tells; absent where it did not, or there is no log. */
  readonly differs?: FirstDifference;
}

export interface FirstDifference {
  /** Line of the log, from 1. */
  readonly line: number;
  /** Null where one of the two had come to its end. */
  readonly before: string | null;
  readonly now: string | null;
}

export function judgeReplay(expected: Expected, run: Run): Replayed {
  const sameEvents = expected.traceHash === run.traceHash;
  const hashes = `trace hash ${run.traceHash || 'none'}, before ${expected.traceHash || 'none'}`;
  const what = expected.invariant ?? expected.signature;
  if (run.verdict === 'pass' && expected.verdict !== 'pass') {
    const why = sameEvents ? 'the same events are no longer judged a failure' : 'other events happen now';
    return { outcome: 'gone', told: `${what} is gone, the verdict is pass: ${why} (${hashes})` };
  }
  if (!comesAgain(expected, run)) {
    return { outcome: 'changed', told: `${what} is gone, and it fails in another way: ${signatureOf(run)} (${hashes})` };
  }
  if (sameEvents) return { outcome: 'reproduced', told: `${what} again, after the same events (${hashes})` };
  return { outcome: 'drifted', told: `${what} again, after other events (${hashes}): the code has changed in between` };
}

/** The same promise is broken again, be it not the first one. */
function comesAgain(expected: Expected, run: Run): boolean {
  if (run.verdict === 'pass') return expected.verdict === 'pass';
  const ways = run.violations.length === 0 ? [run] : run.violations.map((violation) => ({ ...run, violations: [violation] }));
  return ways.some((way) => failsAlike(expected, verdictOf(way)));
}

/** The first line in which two logs differ. `saved` may be cut at its end. */
export function firstDifference(saved: readonly string[], now: readonly string[]): FirstDifference | undefined {
  const line = saved.findIndex((text, index) => text !== now[index]);
  if (line >= 0) return { line: line + 1, before: saved[line] ?? null, now: now[line] ?? null };
  return undefined;
}
