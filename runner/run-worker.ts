/** The thread that runs one case: loads the catalogue, simulates, posts what came of it. Loaded by `run-case.ts` only. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Case, Run } from '../src/run.js';
import type { TraceEvent } from '../src/trace.js';
import { Progress } from './progress.js';
import { loadCatalogue, simulateCase, tellingProgress } from './simulate-case.js';

export interface WorkOrder {
  readonly run: Case;
  readonly record: boolean;
  readonly progress: SharedArrayBuffer;
  /** A module that exports `catalogue`. */
  readonly catalogueUrl: string;
}

export type FromWorker =
  | { readonly kind: 'simulated'; readonly run: Run; readonly trace: readonly TraceEvent[] }
  /** The case and the catalogue do not fit together. */
  | { readonly kind: 'refused'; readonly reason: string };

const order = workerData as WorkOrder;

async function work(): Promise<FromWorker> {
  const catalogue = await loadCatalogue(order.catalogueUrl);
  if (typeof catalogue === 'string') return { kind: 'refused', reason: catalogue };
  // What this throws is a broken assertion of the simulator: it ends the worker, and so becomes this case's verdict.
  const simulated = await simulateCase(order.run, catalogue, {
    record: order.record,
    onProgress: tellingProgress(new Progress(order.progress)),
  });
  if (typeof simulated === 'string') return { kind: 'refused', reason: simulated };
  return { kind: 'simulated', run: simulated.run, trace: simulated.trace };
}

const message = await work();
parentPort?.postMessage(message);
