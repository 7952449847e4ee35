/** Checks the walks of a run as trace modules, with one engine or with both, and explains where a walk leaves its spec. */
import type { Mapping } from '../../specs/mapping.js';
import { Tracker } from '../conformance/tracker.js';
import { embeddedChecker } from '../tla/embedded.js';
import type { EngineChoice } from '../tla/check-all.js';
import { cachedGraph } from '../tla/graph-cache.js';
import { type Bounds, DEFAULT_BOUNDS, type EngineName, type Model, type ModelChecker } from '../tla/model-checker.js';
import type { Spec } from '../tla/spec-catalogue.js';
import { findTlc, tlcChecker, type TlcWish } from '../tla/tlc.js';
import { follow, type Stop } from './follow.js';
import { StateFormulas } from './state-formula.js';
import { TRACE_INCOMPLETE, traceModule } from './trace-module.js';
import type { RecordedWalk } from './walks.js';

/** One trace module, checked by one engine. */
export interface TraceRow {
  readonly module: string;
  readonly engine: EngineName;
  readonly walks: number;
  readonly observations: number;
  readonly verdict: 'matched' | 'rejected';
  readonly distinctStates: number;
  readonly seconds: number;
}

/** A walk that is none of its spec. */
export interface Rejection {
  readonly module: string;
  readonly walk: string;
  readonly observations: number;
  readonly stop: Stop;
}

export interface TraceVerdict {
  readonly rows: readonly TraceRow[];
  readonly rejections: readonly Rejection[];
  /** What the engines and the search in the graph say differently; empty when they agree. */
  readonly disagreements: readonly string[];
}

export interface ModuleWalks {
  readonly spec: Spec;
  readonly mapping: Mapping;
  readonly walks: readonly RecordedWalk[];
}

export interface CheckTraceOptions {
  readonly tlc?: TlcWish;
  readonly bounds?: Bounds;
  readonly signal?: AbortSignal;
  /** Called in order, as rows come. */
  readonly onRow?: (row: TraceRow) => void;
  /** Called with every module before it is checked. */
  readonly onModule?: ((model: Model) => Promise<void>) | undefined;
}

/** Observations that one trace module has, as long as no single walk is longer. A checker's search grows with them. */
const OBSERVATIONS_PER_MODULE = 400;

/** Rejects with ModelCheckError when an engine cannot be had or comes to no verdict. */
export async function checkTrace(
  modules: readonly ModuleWalks[],
  engine: EngineChoice,
  options: CheckTraceOptions = {},
): Promise<TraceVerdict> {
  const checkers: ModelChecker[] = [];
  if (engine !== 'tlc') checkers.push(embeddedChecker);
  if (engine !== 'embedded') checkers.push(tlcChecker(await findTlc(options.tlc)));
  const { bounds = DEFAULT_BOUNDS, signal, onRow, onModule } = options;
  const checking = { bounds, traceless: true, ...(signal === undefined ? {} : { signal }) };
  const rows: TraceRow[] = [];
  const rejections: Rejection[] = [];
  const disagreements: string[] = [];
  for (const { spec, mapping, walks } of modules) {
    const graph = await cachedGraph(spec.good.model, { bounds, ...(signal === undefined ? {} : { signal }) });
    const formulas = new StateFormulas(graph);
    const tracker = new Tracker(graph, mapping);
    const stops = new Map(walks.map((walk) => [walk, follow(walk, tracker)]));
    for (const [walk, stop] of stops) {
      if (stop !== undefined) rejections.push({ module: spec.module, walk: walk.name, observations: walk.seen.length, stop });
    }
    for (const [at, group] of grouped(walks, (walk) => stops.get(walk) !== undefined).entries()) {
      const model = traceModule(group, { good: spec.good, graph, formulas, hidden: mapping.hidden, suffix: String(at + 1) });
      await onModule?.(model);
      const expected = group.some((walk) => stops.get(walk) !== undefined) ? 'rejected' : 'matched';
      for (const checker of checkers) {
        const { verdict: found, invariant, distinctStates, seconds } = await checker.check(model, checking);
        const verdict = found === 'violated' && invariant === TRACE_INCOMPLETE ? 'matched' : 'rejected';
        const observations = group.reduce((sum, { seen }) => sum + seen.length, 0);
        const row: TraceRow = {
          module: model.module,
          engine: checker.name,
          walks: group.length,
          observations,
          verdict,
          distinctStates,
          seconds,
        };
        rows.push(row);
        onRow?.(row);
        if (verdict !== expected)
          disagreements.push(`${model.module}: ${checker.name} says ${verdict}, the graph of ${spec.module} says ${expected}`);
      }
    }
  }
  return { rows, rejections, disagreements };
}

/** Walks in groups of bearable length. One that is rejected stands alone, so that it does not hide how the others do. */
function grouped(walks: readonly RecordedWalk[], alone: (walk: RecordedWalk) => boolean): readonly (readonly RecordedWalk[])[] {
  const groups: RecordedWalk[][] = [];
  let open: RecordedWalk[] | undefined;
  let length = 0;
  for (const walk of walks) {
    if (walk.seen.length === 0) continue;
    if (alone(walk)) {
      groups.push([walk]);
      continue;
    }
    if (open === undefined || length + walk.seen.length > OBSERVATIONS_PER_MODULE) {
      open = [];
      groups.push(open);
      length = 0;
    }
    open.push(walk);
    length += walk.seen.length;
  }
  return groups;
}
