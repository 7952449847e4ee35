/**
 * Runs a case in a worker thread beside a watchdog, because nothing inside a thread can end a loop that never returns. A run
 * that makes no progress is a `hang`, a worker that dies is a `crash`: verdicts of that case, never the end of the tool.
 */
import { Worker } from 'node:worker_threads';
import type { Case, Run, Verdict } from '../src/run.js';
import type { TraceEvent } from '../src/trace.js';
import { type Position, Progress } from './progress.js';
import type { FromWorker, WorkOrder } from './run-worker.js';

export interface RunCaseOptions {
  /** Brings the whole trace and the schedule decisions back. */
  readonly record?: boolean;
  /** Wall time without a new event after which the run counts as hung; 10 s when absent. */
  readonly hangTimeoutMs?: number;
  /** Heap of the worker in megabytes; 2048 when absent. */
  readonly heapMbMax?: number;
  /** A module that exports `catalogue`, for parts that are not this project's own. */
  readonly catalogueUrl?: URL;
  /** Ends the worker; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface CaseOutcome {
  readonly run: Run;
  /** Empty unless recorded. */
  readonly trace: readonly TraceEvent[];
  readonly wallMs: number;
  /** False when the watchdog ended the run or the worker died: then there is no trace hash, and running it again tells no more. */
  readonly completed: boolean;
}

export const HANG_TIMEOUT_MS = 10_000;
export const HEAP_MB_MAX = 2_048;
/** Loading the modules is no part of the run, and slow on a machine that is busy. */
export const LOADING_MS_MAX = 60_000;
/** The watchdog looks this often in every hang timeout. */
export const LOOKS = 10;

/** Never rejects for what the program under test does. Rejects when aborted, and when the catalogue cannot be loaded or lacks the case's parts. */
export function runCase(run: Case, options: RunCaseOptions = {}): Promise<CaseOutcome> {
  const { signal } = options;
  const hangTimeoutMs = options.hangTimeoutMs ?? HANG_TIMEOUT_MS;
  const heapMbMax = options.heapMbMax ?? HEAP_MB_MAX;
  const progress = new Progress();
  const order: WorkOrder = {
    run,
    record: options.record === true,
    progress: progress.buffer,
    catalogueUrl: (options.catalogueUrl ?? new URL('./catalogue.js', import.meta.url)).href,
  };
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason as Error);
      return;
    }
    const worker = new Worker(new URL('./run-worker.js', import.meta.url), {
      workerData: order,
      // What the program under test prints must not get into the one JSON document on stdout.
      stdout: true,
      resourceLimits: { maxOldGenerationSizeMb: heapMbMax },
    });
    worker.stdout.pipe(process.stderr, { end: false });

    let settled = false;
    const settle = (then: () => void): void => {
      if (settled) return;
      settled = true;
      clearInterval(watchdog);
      signal?.removeEventListener('abort', abort);
      // Only a worker that is gone leaves the machine to what comes next.
      void worker.terminate().finally(then);
    };
    const abort = (): void => settle(() => reject(signal?.reason as Error));
    const fail = (verdict: Verdict, reason: string): void => {
      const unfinished = unfinishedRun(run, verdict, reason, progress.read());
      settle(() => resolve({ run: unfinished, trace: [], wallMs: performance.now() - begun, completed: false }));
    };

    let lastEvents = 0;
    let lastMoveMs = begun;
    const watchdog = setInterval(() => {
      const now = performance.now();
      const position = progress.read();
      if (position.events !== lastEvents) {
        lastEvents = position.events;
        lastMoveMs = now;
      }
      const bound = position.events === 0 ? Math.max(hangTimeoutMs, LOADING_MS_MAX) : hangTimeoutMs;
      if (now - lastMoveMs >= bound) fail('hang', `no progress for ${seconds(bound)} of wall time ${where(position)}`);
    }, hangTimeoutMs / LOOKS);

    signal?.addEventListener('abort', abort);
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'refused') settle(() => reject(new Error(message.reason)));
      else settle(() => resolve({ run: message.run, trace: message.trace, wallMs: performance.now() - begun, completed: true }));
    });
    worker.on('error', (error: Error & { readonly code?: string }) => {
      const position = where(progress.read());
      if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') fail('crash', `the run used more than ${heapMbMax} MB of memory ${position}`);
      else fail('crash', `the run's worker thread died of ${error.name}: ${error.message} ${position}\n${error.stack ?? ''}`);
    });
    worker.on('exit', (code) => fail('crash', `the run's worker thread ended with exit code ${code} ${where(progress.read())}`));
  });
}

/** What can be said of a run that did not come to its own end. */
function unfinishedRun(run: Case, verdict: Verdict, reason: string, position: Position): Run {
  const drawn = new Map<string, number>();
  for (const { id } of run.faults) drawn.set(id, (drawn.get(id) ?? 0) + 1);
  return {
    seed: run.seed,
    scenario: run.scenario,
    case: run,
    verdict,
    withinBudget: run.profile !== 'beyond-budget',
    reason,
    violations: [],
    pending: [],
    judgements: {},
    simMicros: position.simMicros,
    events: position.events,
    traceEvents: 0,
    traceHash: '',
    counts: {},
    // How often they fired died with the worker.
    faults: [...drawn].map(([id, count]) => ({ id, drawn: count, fired: 0 })),
    sometimes: {},
    spec: {},
  };
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(3).replace(/\.?0+$/, '')} s`;

function where({ events, simMicros, node }: Position): string {
  if (events === 0) return 'before its first event';
  return `in event ${events}, on ${node === '' ? 'the world' : node}, at ${(simMicros / 1_000_000).toFixed(6)} s of simulated time`;
}
