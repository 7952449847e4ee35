/**
 * Walks of a run as a TLA+ module of their own: the spec, and behind its last line a trace that leads through it. A step of the trace
 * is a hidden action, or the next observation; after the last observation of a walk the next walk begins in an initial state.
 *
 * The configuration asks whether `TraceIncomplete` always holds. A checker that finds it violated has found a way through the whole
 * trace, and an empty or wrong trace cannot be taken for a good one: nothing violates it before the last observation is matched.
 */
import type { Step } from '../../specs/mapping.js';
import { type Model, ModelCheckError } from '../tla/model-checker.js';
import type { SpecConfig } from '../tla/spec-catalogue.js';
import type { StateGraph } from '../tla/state-graph.js';
import { formatValue, type TlaState } from '../tla/tla-value.js';
import type { StateFormulas } from './state-formula.js';
import type { RecordedWalk } from './walks.js';

/** Is violated when the whole trace is matched. */
export const TRACE_INCOMPLETE = 'TraceIncomplete';

export interface TraceModuleOptions {
  /** The model that must hold: its module and its constants. */
  readonly good: SpecConfig;
  readonly graph: StateGraph;
  readonly formulas: StateFormulas;
  readonly hidden: readonly string[];
  /** Tells two modules of one run apart. */
  readonly suffix: string;
}

/** Throws ModelCheckError for walks without any observation: nothing would be checked. */
export function traceModule(walks: readonly RecordedWalk[], { good, graph, formulas, hidden, suffix }: TraceModuleOptions): Model {
  const { module, source, configName } = good.model;
  const name = `${module}Trace${suffix}`;
  const variables = Object.keys(graph.states[0] ?? {}).sort();
  const numbers = new Map<string, number>();
  const definitions: string[] = [];
  const trace: string[] = [];
  let length = 0;
  for (const walk of walks) {
    if (walk.seen.length === 0) continue;
    const keys: number[] = [];
    for (const { observation } of walk.seen) {
      let number = numbers.get(observation.key);
      if (number === undefined) {
        number = numbers.size + 1;
        numbers.set(observation.key, number);
        const still = observation.still === undefined ? [] : [`(${formulas.of(observation.still)}) /\\ UNCHANGED specVars`];
        const cases = [...observation.steps.map(stepText), ...still];
        definitions.push(`\\* ${commentText(observation.key)}`, `Observation${number} ==`, ...cases.map((one) => `    \\/ ${one}`), '');
      }
      keys.push(number);
    }
    const begin = length === 0 ? [] : [0];
    length += begin.length + keys.length;
    trace.push(`    \\* ${commentText(walk.name)}`, `    ${[...begin, ...keys].join(', ')}`);
  }
  if (length === 0) throw new ModelCheckError('config', `no walk of ${module} has an observation, so there is nothing to check`);
  const hiddenSteps = graph.actions.filter((action) => hidden.includes(action.name)).map(({ label }) => `    \\/ ${label}`);
  const end = source.lastIndexOf('\n====');
  const text = [
    source
      .slice(0, end)
      .replace(new RegExp(`^(-+ *MODULE +)${module}( *-+)`, 'm'), `$1${name}$2`)
      // One declaration, for the embedded engine knows but one.
      .replace(/^VARIABLES?\b/m, 'VARIABLES\n    traceAt,    \\* how many observations of the trace are matched'),
    '',
    SEPARATOR,
    '\\* What a run told, as a trace through the states above. The numbers name the observations; 0 begins the next walk.',
    `specVars == <<${variables.join(', ')}>>`,
    '',
    'Trace == <<',
    ...joinedTrace(trace),
    '    >>',
    '',
    `TraceLength == ${length}`,
    '',
    ...definitions,
    'TraceInit == Init /\\ traceAt = 0',
    '',
    '\\* Nothing is told of these.',
    'Hidden ==',
    ...(hiddenSteps.length === 0 ? ['    \\/ FALSE'] : hiddenSteps),
    '',
    'BeginWalk ==',
    ...graph.initial.map((id) => `    \\/ ${assignment(variables, graph.states[id])}`),
    '',
    'Observed ==',
    '    \\/ Trace[traceAt + 1] = 0 /\\ BeginWalk',
    ...[...numbers.values()].map((number) => `    \\/ Trace[traceAt + 1] = ${number} /\\ Observation${number}`),
    '',
    'TraceNext ==',
    '    /\\ traceAt < TraceLength',
    "    /\\ \\/ Hidden /\\ traceAt' = traceAt",
    "       \\/ Observed /\\ traceAt' = traceAt + 1",
    '',
    '\\* Violated by a behaviour that has matched the whole trace: then, and only then, the run is one of the spec.',
    `${TRACE_INCOMPLETE} == traceAt < TraceLength`,
  ].join('\n');
  return {
    module: name,
    source: `${text}${source.slice(end)}`,
    configName: `${configName.slice(0, -'.cfg'.length)}Trace${suffix}.cfg`,
    config: configText(good),
  };
}

const SEPARATOR = '-'.repeat(77);

/** Commas between the rows of numbers, none behind the last. */
function joinedTrace(rows: readonly string[]): string[] {
  const last = rows.length - 1;
  return rows.map((row, at) => (at === last || row.trimStart().startsWith('\\*') ? row : `${row},`));
}

const stepText = ({ action, args = [] }: Step): string =>
  args.length === 0 ? action : `${action}(${args.map((arg) => formatValue(arg)).join(', ')})`;

/** A comment ends with its line. */
const commentText = (text: string): string => text.replaceAll(/\s+/g, ' ');

const assignment = (variables: readonly string[], state: TlaState | undefined): string =>
  variables.map((name) => `${name}' = ${formatValue(state?.[name] ?? false)}`).join(' /\\ ');

const configText = ({ parsed }: SpecConfig): string =>
  [
    '\\* expects: TraceIncomplete',
    'INIT TraceInit',
    'NEXT TraceNext',
    ...(parsed.constants.length === 0 ? [] : ['CONSTANTS', ...parsed.constants.map((constant) => `    ${constant}`)]),
    'INVARIANT TraceIncomplete',
    'CHECK_DEADLOCK FALSE',
    '',
  ].join('\n');
