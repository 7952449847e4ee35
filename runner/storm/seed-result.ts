/** What a storm keeps of each run: little, because it keeps it of every one, and stores it as a line of JSON. */
import { z } from 'zod';
import { type Run, type Seed, VERDICTS, type Verdict } from '../../src/run.js';
import { SEED_SCHEMA } from './plan.js';
import type { TwinOutcome } from '../twin/twin.js';
import { signatureOf } from './signature.js';

export interface SeedResult {
  /** In the plan. */
  readonly position: number;
  readonly scenario: string;
  readonly seed: Seed;
  readonly verdict: Verdict;
  readonly events: number;
  /** Empty where the run did not come to its end. */
  readonly traceHash: string;
  /** Of a run that did not pass. */
  readonly signature: string | null;
  /** The first broken invariant. */
  readonly invariant: string | null;
  readonly drawn: readonly string[];
  readonly fired: readonly string[];
  /** Marks of `sometimes` that were reached. */
  readonly reached: readonly string[];
  /** Null when it was not run again elsewhere, empty when it did the same there; else what differed. */
  readonly twin: string | null;
}

export const SEED_RESULT_SCHEMA = z.strictObject({
  position: z.int().min(0),
  scenario: z.string(),
  seed: SEED_SCHEMA,
  verdict: z.enum(VERDICTS),
  events: z.int().min(0),
  traceHash: z.string(),
  signature: z.string().nullable(),
  invariant: z.string().nullable(),
  drawn: z.array(z.string()),
  fired: z.array(z.string()),
  reached: z.array(z.string()),
  twin: z.string().nullable(),
});

export function resultOf(run: Run, position: number): SeedResult {
  return {
    position,
    scenario: run.scenario,
    seed: run.seed,
    verdict: run.verdict,
    events: run.events,
    traceHash: run.traceHash,
    signature: run.verdict === 'pass' ? null : signatureOf(run),
    invariant: run.violations[0]?.invariant ?? null,
    drawn: run.faults.map(({ id }) => id),
    fired: run.faults.filter(({ fired }) => fired > 0).map(({ id }) => id),
    reached: Object.keys(run.sometimes).filter((name) => (run.sometimes[name] ?? 0) > 0),
    twin: null,
  };
}

/** The result when the run has been tried again elsewhere. That it did something else there is the finding, whatever it did here. */
export function afterTwin(result: SeedResult, outcome: TwinOutcome): SeedResult {
  if (outcome.kind === 'equal') return { ...result, twin: '' };
  return { ...result, verdict: 'nondeterminism', signature: outcome.signature, invariant: null, twin: outcome.told };
}
