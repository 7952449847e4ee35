/** Checks the walks of a run as trace modules, with one engine or with both, and explains where a walk leaves its spec. */
import type { Mapping } from '../../specs/mapping.js';
import { Tracker } from '../conformance/tracker.js';
import { embeddedChecker } from '../tla/embedded.js';
import type { EngineChoice } from '../tla/check-all.js';
import { cachedGraph } from '../tla/graph-cache.js';
import {
  type Bounds,
  type CheckOptions,
  DEFAULT_BOUNDS,
  type EngineName,
  type Model,
  type ModelChecker,
  ModelCheckError,
} from '../tla/model-checker.js';
import type { Spec } from '../tla/spec-catalogue.js';
import { findTlc, tlcChecker, type TlcWish } from '../tla/tlc.js';
import { type Followed, follow, type Stop } from './follow.js';
import { StateFormulas } from './state-formula.js';
import { TRACE_INCOMPLETE, type TracedWalk, traceModule } from './trace-module.js';
import type { RecordedWalk } from './walks.js';

/** One trace module, checked by one engine. */
export interface TraceRow {
  readonly module: string;
  readonly engine: EngineName;
  readonly walks: number;
  readonly observations: number;
  /** `undecided`: the engine reached a bound while it searched for a way through a walk that the graph rejects. */
  readonly verdict: 'matched' | 'rejected' | 'undecided';
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

/** Observations that one trace module has, as long as no single walk is longer: a reader may want to find one. */
const OBSERVATIONS_PER_MODULE = 1_000;

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
    const followed = walks.map((walk) => ({ walk, followed: follow(walk, tracker) }));
    for (const one of followed) {
      if (one.followed.kind === 'stopped') {
        rejections.push({ module: spec.module, walk: one.walk.name, observations: one.walk.seen.length, stop: one.followed.stop });
      }
    }
    for (const [at, group] of grouped(followed).entries()) {
      const model = traceModule(group, { good: spec.good, graph, formulas, hidden: mapping.hidden, suffix: String(at + 1) });
      await onModule?.(model);
      const expected = group.some(({ explanation }) => explanation === undefined) ? 'rejected' : 'matched';
      const observations = group.reduce((sum, { walk }) => sum + walk.seen.length, 0);
      for (const checker of checkers) {
        const found = await verdictOf(checker, model, checking, expected);
        const row: TraceRow = { module: model.module, engine: checker.name, walks: group.length, observations, ...found };
        rows.push(row);
        onRow?.(row);
        if (row.verdict !== expected && row.verdict !== 'undecided') {
          disagreements.push(`${model.module}: ${checker.name} says ${row.verdict}, the graph of ${spec.module} says ${expected}`);
        }
      }
    }
  }
  return { rows, rejections, disagreements };
}

async function verdictOf(
  checker: ModelChecker,
  model: Model,
  options: CheckOptions,
  expected: 'matched' | 'rejected',
): Promise<Pick<TraceRow, 'verdict' | 'distinctStates' | 'seconds'>> {
  const begun = performance.now();
  try {
    const { verdict, invariant, distinctStates, seconds } = await checker.check(model, options);
    return { verdict: verdict === 'violated' && invariant === TRACE_INCOMPLETE ? 'matched' : 'rejected', distinctStates, seconds };
  } catch (error) {
    const isBound = error instanceof ModelCheckError && error.code.endsWith('-bound');
    // A search may be too long; following a way may not.
    if (!isBound || expected === 'matched') throw error;
    return { verdict: 'undecided', distinctStates: 0, seconds: (performance.now() - begun) / 1_000 };
  }
}

/**
 * Walks in groups of bearable length. One that is rejected stands alone, so that it does not hide how the others do, and ends with the
 * observation that is not matched: what comes behind it is no matter, and the search is long enough.
 */
function grouped(walks: readonly { readonly walk: RecordedWalk; readonly followed: Followed }[]): readonly (readonly TracedWalk[])[] {
  const groups: TracedWalk[][] = [];
  let open: TracedWalk[] | undefined;
  let length = 0;
  for (const { walk, followed } of walks) {
    if (walk.seen.length === 0) continue;
    if (followed.kind === 'stopped') {
      groups.push([{ walk: { ...walk, seen: walk.seen.slice(0, followed.stop.matched + 1) }, explanation: undefined }]);
      continue;
    }
    if (open === undefined || length + walk.seen.length > OBSERVATIONS_PER_MODULE) {
      open = [];
      groups.push(open);
      length = 0;
    }
    open.push({ walk, explanation: followed.explanation });
    length += walk.seen.length;
  }
  return groups;
}
