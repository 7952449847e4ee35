/** The thread that runs one case: loads the catalogue, simulates, posts what came of it. Loaded by `run-case.ts` only. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Case, Run } from '../src/run.js';
import { simulate } from '../src/sim/simulate.js';
import type { TraceEvent } from '../src/trace.js';
import type { Catalogue } from './catalogue.js';
import { Progress } from './progress.js';

export interface WorkOrder {
  readonly run: Case;
  readonly record: boolean;
  readonly progress: SharedArrayBuffer;
  /** A module that exports `catalogue`: parts are functions, and functions cannot be sent to a thread. */
  readonly catalogueUrl: string;
}

export type FromWorker =
  | { readonly kind: 'simulated'; readonly run: Run; readonly trace: readonly TraceEvent[] }
  /** The case and the catalogue do not fit together. */
  | { readonly kind: 'refused'; readonly reason: string };

const order = workerData as WorkOrder;
const post = (message: FromWorker): void => parentPort?.postMessage(message);

async function load(): Promise<Catalogue> {
  const { catalogue } = (await import(order.catalogueUrl)) as { readonly catalogue: Catalogue };
  return catalogue;
}

async function work(catalogue: Catalogue): Promise<FromWorker> {
  const { run } = order;
  const scenario = catalogue.scenarios.find(({ id }) => id === run.scenario);
  if (scenario === undefined) return { kind: 'refused', reason: `there is no scenario '${run.scenario}'` };
  const bug = catalogue.bugs.find(({ id }) => id === run.bug);
  if (run.bug !== undefined && bug === undefined) return { kind: 'refused', reason: `there is no known bug '${run.bug}'` };
  const progress = new Progress(order.progress);
  // What this throws is a broken assertion of the simulator: it ends the worker, and so becomes this case's verdict.
  const simulated = await simulate(run, {
    scenario,
    faults: catalogue.faults,
    ...(bug === undefined ? {} : { parts: bug.parts(scenario.parts) }),
    record: order.record,
    onProgress: (events, simMicros, node) => progress.write(events, simMicros, node),
  });
  return { kind: 'simulated', ...simulated };
}

const loaded = await load().catch((error: unknown) => `the catalogue ${order.catalogueUrl} cannot be loaded: ${String(error)}`);
post(typeof loaded === 'string' ? { kind: 'refused', reason: loaded } : await work(loaded));
