/**
 * Walks of a run as a TLA+ module of their own: the spec, and behind its last line a trace that leads through it. After the last
 * observation of a walk the next walk begins in an initial state.
 *
 * The configuration asks whether `TraceIncomplete` always holds. A checker that finds it violated has found a way through the whole
 * trace, and an empty or wrong trace cannot be taken for a good one: nothing violates it before the last observation is matched.
 *
 * Where an explanation is known, the trace says which hidden actions happen before each observation, and the checker follows that one
 * way. Else hidden actions may happen at any time, and it searches them all: it takes longer, and finds out that there is no way.
 */
import type { Step } from '../../specs/mapping.js';
import { type Model, ModelCheckError } from '../tla/model-checker.js';
import type { SpecConfig } from '../tla/spec-catalogue.js';
import type { StateGraph } from '../tla/state-graph.js';
import { formatValue, type TlaState } from '../tla/tla-value.js';
import type { Explanation } from './follow.js';
import type { StateFormulas } from './state-formula.js';
import type { RecordedWalk } from './walks.js';

/** Is violated when the whole trace is matched. */
export const TRACE_INCOMPLETE = 'TraceIncomplete';

export interface TracedWalk {
  readonly walk: RecordedWalk;
  /** Undefined for a walk that has none: hidden actions are searched then. */
  readonly explanation: Explanation | undefined;
}

export interface TraceModuleOptions {
  /** The model that must hold: its module and its constants. */
  readonly good: SpecConfig;
  readonly graph: StateGraph;
  readonly formulas: StateFormulas;
  readonly hidden: readonly string[];
  /** Tells two modules of one run apart. */
  readonly suffix: string;
}

/** Numbers what stands in a trace, in the order in which it is met; 0 begins the next walk. */
class Vocabulary {
  readonly #numbers = new Map<string, { readonly number: number; readonly lines: readonly string[] }>();

  number(word: string, lines: () => readonly string[]): number {
    const known = this.#numbers.get(word);
    if (known !== undefined) return known.number;
    const number = this.#numbers.size + 1;
    this.#numbers.set(word, { number, lines: lines() });
    return number;
  }

  definitions(): string[] {
    return [...this.#numbers].flatMap(([word, { number, lines }]) => [`\\* ${commentText(word)}`, `Trace${number} ==`, ...lines, '']);
  }

  disjuncts(): string[] {
    return [...this.#numbers.values()].map(({ number }) => `    \\/ traceNext = ${number} /\\ Trace${number}`);
  }
}

/** Throws ModelCheckError for walks without any observation: nothing would be checked. */
export function traceModule(walks: readonly TracedWalk[], { good, graph, formulas, hidden, suffix }: TraceModuleOptions): Model {
  const { module, source, configName } = good.model;
  const name = `${module}Trace${suffix}`;
  const variables = Object.keys(graph.states[0] ?? {}).sort();
  const vocabulary = new Vocabulary();
  const rows: string[] = [];
  let length = 0;
  for (const { walk, explanation } of walks) {
    if (walk.seen.length === 0) continue;
    const numbers: number[] = length === 0 ? [] : [0];
    for (const [at, { observation }] of walk.seen.entries()) {
      for (const action of explanation?.[at] ?? []) {
        const { label = '' } = graph.actions[action] ?? {};
        numbers.push(vocabulary.number(`hidden: ${label}`, () => [`    ${label}`]));
      }
      const { key, steps, still } = observation;
      const cases = (): readonly string[] => [
        ...steps.map((step) => `    \\/ ${stepText(step)}`),
        ...(still === undefined ? [] : [`    \\/ (${formulas.of(still)}) /\\ UNCHANGED specVars`]),
      ];
      numbers.push(vocabulary.number(key, cases));
    }
    length += numbers.length;
    rows.push(`    \\* ${commentText(walk.name)}`, `    ${numbers.join(', ')}`);
  }
  if (length === 0) throw new ModelCheckError('config', `no walk of ${module} has an observation, so there is nothing to check`);
  const isSearched = walks.some(({ explanation }) => explanation === undefined);
  const search = graph.actions.filter((action) => hidden.includes(action.name)).map(({ label }) => `    \\/ ${label}`);
  const end = source.lastIndexOf('\n====');
  const text = [
    source
      .slice(0, end)
      .replace(new RegExp(`^(-+ *MODULE +)${module}( *-+)`, 'm'), `$1${name}$2`)
      // One declaration, for the embedded engine knows but one.
      .replace(
        /^VARIABLES?\b/m,
        'VARIABLES\n    traceAt,    \\* how much of the trace is matched\n    traceNext,  \\* what comes next of it, 0 behind its end',
      ),
    '',
    SEPARATOR,
    '\\* What a run told, as a trace through the states above. Each number is one of the steps below; 0 begins the next walk.',
    `specVars == <<${variables.join(', ')}>>`,
    '',
    'Trace == <<',
    ...commaSeparated(rows),
    '    >>',
    '',
    `TraceLength == ${length}`,
    '',
    'Upcoming(at) == IF at < TraceLength THEN Trace[at + 1] ELSE 0',
    '',
    ...vocabulary.definitions(),
    'TraceInit == Init /\\ traceAt = 0 /\\ traceNext = Upcoming(0)',
    '',
    'BeginWalk ==',
    ...graph.initial.map((id) => `    \\/ ${assignment(variables, graph.states[id])}`),
    '',
    'Matched ==',
    '    \\/ traceNext = 0 /\\ BeginWalk',
    ...vocabulary.disjuncts(),
    '',
    ...(isSearched
      ? ['\\* Nothing is told of these: they may happen at any time.', 'Hidden ==', ...(search.length === 0 ? ['    FALSE'] : search), '']
      : []),
    'TraceNext ==',
    '    /\\ traceAt < TraceLength',
    "    /\\ \\/ Matched /\\ traceAt' = traceAt + 1 /\\ traceNext' = Upcoming(traceAt + 1)",
    ...(isSearched ? ['       \\/ Hidden /\\ UNCHANGED <<traceAt, traceNext>>'] : []),
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
function commaSeparated(rows: readonly string[]): string[] {
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
    `\\* expects: ${TRACE_INCOMPLETE}`,
    'INIT TraceInit',
    'NEXT TraceNext',
    ...(parsed.constants.length === 0 ? [] : ['CONSTANTS', ...parsed.constants.map((constant) => `    ${constant}`)]),
    `INVARIANT ${TRACE_INCOMPLETE}`,
    'CHECK_DEADLOCK FALSE',
    '',
  ].join('\n');
