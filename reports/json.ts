/** A run as one JSON document. Field names are a promise to scripts: they are added to, never changed. */
import type { RunReporter } from './reporter.js';

export const json: RunReporter = {
  id: 'json',
  report({ run, wallMs, reproduce, shrink, traceFile, twin, potency, specState }) {
    const { profile, bug } = run.case;
    return `${JSON.stringify(
      {
        seed: run.seed,
        scenario: run.scenario,
        profile,
        ...(bug === undefined ? {} : { bug }),
        verdict: run.verdict,
        withinBudget: run.withinBudget,
        ...(run.reason === undefined ? {} : { reason: run.reason }),
        simMicros: run.simMicros,
        wallMs: Math.round(wallMs),
        events: run.events,
        traceEvents: run.traceEvents,
        traceHash: run.traceHash,
        ...(twin === undefined ? {} : { twin }),
        ...(potency === undefined ? {} : { potency }),
        violations: run.violations,
        ...(specState === undefined ? {} : { specState }),
        pending: run.pending,
        judgements: run.judgements,
        faults: run.faults,
        sometimes: run.sometimes,
        spec: run.spec,
        counts: run.counts,
        case: run.case,
        reproduce,
        ...(shrink === undefined ? {} : { shrink }),
        ...(traceFile === undefined ? {} : { trace: traceFile }),
      },
      undefined,
      2,
    )}\n`;
  },
};
