/** Where the spec stands when a run breaks a promise: so that what the program did can be held against what the protocol knows. */
import type { SpecState } from '../reports/reporter.js';
import type { Run } from '../src/run.js';
import type { TraceEvent } from '../src/trace.js';
import { summaryOf } from './conformance/state-summary.js';
import type { Belief, Tracker } from './conformance/tracker.js';
import { trackerOf } from './conformance/trackers.js';
import type { Catalogue } from './catalogue.js';
import { type RecordedWalk, WalkRecorder } from './spec-trace/walks.js';

/**
 * The state of the first broken promise that a spec has too, in the walk that was told of last: an actor, a log, a migration. Empty
 * where there is none, and where the run was not recorded.
 */
export async function specStateOf(
  { run, trace }: { readonly run: Run; readonly trace: readonly TraceEvent[] },
  { mappings = [] }: Pick<Catalogue, 'mappings'>,
): Promise<{ readonly specState?: SpecState }> {
  const broken = run.violations.find(({ spec }) => spec !== undefined);
  const [module = ''] = broken?.spec?.split('!') ?? [];
  const mapping = mappings.find((one) => one.module === module);
  if (broken === undefined || mapping === undefined || trace.length === 0) return {};
  const recorder = new WalkRecorder(mapping);
  for (const event of trace) {
    if (event.index > broken.event) break;
    recorder.observe(event);
  }
  const walk = latest(recorder.walks());
  if (walk === undefined) return {};
  const tracker = await trackerOf(mapping);
  const { belief, after } = followed(walk, tracker);
  return {
    specState: {
      module,
      walk: walk.name,
      after: after ?? null,
      states: belief.states.length,
      variables: summaryOf(belief.states, tracker.graph),
    },
  };
}

function latest(walks: readonly RecordedWalk[]): RecordedWalk | undefined {
  const lastOf = ({ seen }: RecordedWalk): number => seen.at(-1)?.event.index ?? -1;
  return walks.reduce<RecordedWalk | undefined>(
    (best, walk) => (best === undefined || lastOf(walk) > lastOf(best) ? walk : best),
    undefined,
  );
}

/** As far as the spec allows it. */
function followed({ seen }: RecordedWalk, tracker: Tracker): { readonly belief: Belief; readonly after: string | undefined } {
  let belief = tracker.begin();
  let after: string | undefined;
  for (const { observation } of seen) {
    const { next } = tracker.step(belief, observation);
    if (next === undefined) break;
    belief = next;
    after = observation.key;
  }
  return { belief, after };
}
