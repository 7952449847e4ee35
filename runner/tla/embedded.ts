/** The model checker that needs nothing installed: tla-checker, TLA+ in WebAssembly. Invariants and deadlock; no temporal properties. */
import { EmbeddedSession } from './embedded-session.js';
import { type LabelledModel, labelledModel } from './labelled-model.js';
import {
  type Bounds,
  type CheckOptions,
  type CheckResult,
  DEFAULT_BOUNDS,
  type Model,
  type ModelChecker,
  ModelCheckError,
  type TraceStep,
} from './model-checker.js';
import { StateGraph } from './state-graph.js';
import { parseConfig } from './tla-config.js';
import { parseValue, stateText, type TlaState } from './tla-value.js';

/** What `check_spec_with_options` answers. */
interface EngineReport {
  readonly success: boolean;
  readonly error_type: string | null;
  readonly error_message: string | null;
  readonly states_explored: number;
  /** One text, or null. */
  readonly trace: readonly string[] | null;
  readonly dot: string | null;
}

/** A state as the engine wants it back, and as it prints it. */
interface EngineState {
  readonly json: unknown;
  readonly display: Readonly<Record<string, string>>;
}

const NO_CONSTANTS = '{}';

/** Longest path that is followed; a model that is finite by nature has far shorter ones. */
const PATH_MAX = 100_000;

export const embeddedChecker: ModelChecker = {
  name: 'embedded',
  check: (model, options = {}) => inSession(options, (session, bounds) => check(session, model, bounds, options.traceless === true)),
  graph: (model, options = {}) =>
    inSession(options, async (session, bounds) => {
      const labelled = await writtenOut(session, model);
      if (labelled === undefined) throw notAList(model);
      const report = await explore(session, labelled.model, bounds);
      if (!report.success) {
        const { verdict, invariant } = failure(report, labelled.model);
        throw new ModelCheckError(
          'violated',
          `${model.configName}: ${invariant ?? verdict} fails, so the graph of ${model.module} is not whole`,
        );
      }
      return graphOf(labelled, report, await initialStates(session, labelled.model));
    }),
};

async function inSession<T>(
  { bounds = DEFAULT_BOUNDS, signal }: CheckOptions,
  work: (session: EmbeddedSession, bounds: Bounds) => Promise<T>,
): Promise<T> {
  const session = new EmbeddedSession(bounds, signal);
  try {
    return await work(session, bounds);
  } finally {
    await session.close();
  }
}

const notAList = ({ module }: Model): ModelCheckError =>
  new ModelCheckError('unsupported', `Next of ${module} is not a list of actions, one a line, so its steps cannot be named`);

/** The model with each step named; for TLC, too, whose older versions do not tell arguments. */
export const writeOut = (model: Model, options: CheckOptions): Promise<LabelledModel | undefined> =>
  inSession(options, (session) => writtenOut(session, model));

const writtenOut = (session: EmbeddedSession, model: Model): Promise<LabelledModel | undefined> =>
  labelledModel(model, async (expression) => {
    const [state] = await initialStates(session, model);
    const text = await session.call('explore_eval', model.source, model.config, NO_CONSTANTS, JSON.stringify(state?.json), expression);
    const reply = JSON.parse(text) as { readonly value?: string; readonly error?: string };
    if (reply.value === undefined)
      throw new ModelCheckError('evaluation', `${expression} in ${model.module}: ${reply.error ?? 'no value'}`);
    return reply.value;
  });

async function initialStates(session: EmbeddedSession, model: Model): Promise<readonly EngineState[]> {
  const text = await session.call('explore_init', model.source, model.config, NO_CONSTANTS);
  const reply = JSON.parse(text) as { readonly states?: readonly EngineState[]; readonly error?: string };
  if (reply.states !== undefined) return reply.states;
  const error = reply.error ?? 'there is no initial state';
  throw (await unread(session, model)) ?? engineError(model, /^\w+Error/.exec(error)?.[0] ?? '', error);
}

async function check(session: EmbeddedSession, model: Model, bounds: Bounds, traceless: boolean): Promise<CheckResult> {
  const { properties } = parseConfig(model.config, model.configName);
  if (properties.length > 0) {
    throw new ModelCheckError(
      'unsupported',
      `${model.configName} has temporal properties (${properties.join(', ')}), which TLC alone checks`,
    );
  }
  const begun = performance.now();
  const report = await explore(session, model, bounds);
  const seconds = (performance.now() - begun) / 1_000;
  const distinctStates = report.states_explored;
  if (report.success) {
    const initial = await initialStates(session, model);
    return { verdict: 'holds', distinctStates, depth: depthOf(report, initial.length), seconds, trace: [] };
  }
  const states = traceOf(report);
  const trace = traceless ? [] : await nameSteps(session, model, states);
  return { ...failure(report, model), distinctStates, depth: states.length, seconds, trace };
}

async function explore(session: EmbeddedSession, model: Model, bounds: Bounds): Promise<EngineReport> {
  const options = {
    constants: {},
    cfg_source: model.config,
    max_states: bounds.states,
    max_depth: PATH_MAX,
    allow_deadlock: !parseConfig(model.config, model.configName).checkDeadlock,
    export_dot: true,
    dot_mode: 'full',
  };
  const report = JSON.parse(await session.call('check_spec_with_options', model.source, JSON.stringify(options))) as EngineReport;
  const broken = report.error_type !== null && !['InvariantViolation', 'Deadlock'].includes(report.error_type);
  if (broken) throw (await unread(session, model)) ?? engineError(model, report.error_type ?? '', report.error_message ?? '');
  return report;
}

const DEFINITION = /^(\w+)(?:\([\w\s,]*\))?\s*==/gm;

/**
 * The engine drops some definitions that it cannot parse, silently, and then complains of what uses them. So when it complains, each
 * definition of the module is asked for by name, and the first that is missing is the one to look at.
 */
async function unread(session: EmbeddedSession, model: Model): Promise<ModelCheckError | undefined> {
  for (const { 1: name = '', index } of model.source.matchAll(DEFINITION)) {
    const options = { constants: {}, cfg_source: `INIT ${name}\nNEXT ${name}\n`, max_states: 1, max_depth: 1 };
    const text = await session.call('check_spec_with_options', model.source, JSON.stringify(options));
    const { error_message: message } = JSON.parse(text) as EngineReport;
    if (message?.includes(`definition '${name}' not found`) !== true) continue;
    return new ModelCheckError('parse', `${model.module}.tla${lineOf(model.source, index)}: the definition of ${name} cannot be read`);
  }
  return undefined;
}

function failure(report: EngineReport, model: Model): { readonly verdict: 'violated' | 'deadlock'; readonly invariant?: string } {
  if (report.error_type === 'Deadlock') return { verdict: 'deadlock' };
  const { invariants } = parseConfig(model.config, model.configName);
  // The engine counts the invariants of the configuration from 0.
  const index = Number(/Invariant (\d+) violated/.exec(report.error_message ?? '')?.[1]);
  const invariant = invariants[index];
  if (invariant === undefined)
    throw new ModelCheckError('engine-failed', `the embedded model checker says '${report.error_message}' of ${model.configName}`);
  return { verdict: 'violated', invariant };
}

function engineError(model: Model, type: string, message: string): ModelCheckError {
  switch (type) {
    case 'ParseError': {
      const span = /start: (\d+)/.exec(message)?.[1];
      const what = /message: "((?:[^"\\]|\\.)*)"/.exec(message)?.[1] ?? message;
      const help = /help: Some\("((?:[^"\\]|\\.)*)"\)/.exec(message)?.[1];
      const place = span === undefined ? '' : lineOf(model.source, Number(span));
      return new ModelCheckError('parse', `${model.module}.tla${place}: ${what}${help === undefined ? '' : ` (${help})`}`);
    }
    case 'ConfigError':
    case 'MissingConstants':
    case 'OptionsError':
      return new ModelCheckError('config', `${model.configName}: ${message}`);
    case 'MaxStatesExceeded':
      return new ModelCheckError('states-bound', `${model.module} with ${model.configName} has more states than the bound: ${message}`);
    default:
      return new ModelCheckError('evaluation', `${model.module}.tla with ${model.configName}: ${message}`);
  }
}

function lineOf(source: string, offset: number): string {
  const before = source.slice(0, offset).split('\n');
  return `:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
}

/** The one text of a trace: `State 0`, then a line `  variable = value` for each variable. */
function traceOf(report: EngineReport): TlaState[] {
  return (report.trace ?? []).flatMap((text) =>
    text
      .split(/^State \d+\n/m)
      .filter((block) => block.trim() !== '')
      .map((block) =>
        Object.fromEntries([...block.matchAll(/^ {2}(\w+) = (.*)$/gm)].map(([, name = '', value = '']) => [name, parseValue(value)])),
      ),
  );
}

/** Finds for each step of a trace the action that takes it. */
async function nameSteps(session: EmbeddedSession, model: Model, states: readonly TlaState[]): Promise<TraceStep[]> {
  const labelled = await writtenOut(session, model);
  const steps: TraceStep[] = [];
  const traced = labelled?.model ?? model;
  let reached: EngineState | undefined;
  for (const state of states) {
    const wanted = stateText(state);
    const isIt = (one: EngineState): boolean => stateText(stateOf(one)) === wanted;
    if (reached === undefined) {
      reached = (await initialStates(session, traced)).find(isIt);
      steps.push({ action: null, state });
      continue;
    }
    const text = await session.call('explore_next', traced.source, traced.config, NO_CONSTANTS, JSON.stringify(reached.json));
    const { transitions = [] } = JSON.parse(text) as {
      readonly transitions?: readonly { readonly action: string | null; readonly state: EngineState }[];
    };
    const taken = transitions.find((one) => isIt(one.state));
    if (taken === undefined)
      throw new ModelCheckError('engine-failed', `step ${steps.length} of the embedded engine's trace is not among its steps`);
    reached = taken.state;
    steps.push({ action: labelled?.actions.get(taken.action ?? '') ?? null, state });
  }
  return steps;
}

const stateOf = ({ display }: EngineState): TlaState =>
  Object.fromEntries(Object.entries(display).map(([name, value]) => [name, parseValue(value)]));

const NODE = /^ {2}s(\d+) \[label="((?:[^"\\]|\\.)*)"/;
const EDGE = /^ {2}s(\d+) -> s(\d+)(?: \[label="([^"]*)")?/;

/** States on the longest shortest path. The engine numbers states as its breadth-first search finds them, the initial ones first. */
function depthOf(report: EngineReport, initialCount: number): number {
  const levels = new Map<number, number>();
  let depth = 1;
  for (const line of (report.dot ?? '').split('\n')) {
    const edge = EDGE.exec(line);
    if (edge === null) continue;
    const target = Number(edge[2]);
    if (levels.has(target) || target < initialCount) continue;
    const level = (levels.get(Number(edge[1])) ?? 1) + 1;
    levels.set(target, level);
    depth = Math.max(depth, level);
  }
  return depth;
}

function graphOf({ model, actions }: LabelledModel, { dot }: EngineReport, initial: readonly EngineState[]): StateGraph {
  const calls = [...actions.values()];
  const actionIds = new Map([...actions.keys()].map((name, id) => [name, id]));
  const states: TlaState[] = [];
  const numbers = new Map<number, number>();
  const steps: (readonly [number, number, number])[] = [];
  const numberOf = (id: string | undefined): number => {
    const number = numbers.get(Number(id));
    if (number === undefined)
      throw new ModelCheckError('engine-failed', `the embedded engine's graph has a step of the unknown state ${id}`);
    return number;
  };
  const lines = (dot ?? '').split('\n');
  for (const line of lines) {
    const node = NODE.exec(line);
    if (node === null) continue;
    numbers.set(Number(node[1]), states.length);
    states.push(nodeState(node[2] ?? ''));
  }
  for (const line of lines) {
    const edge = EDGE.exec(line);
    if (edge === null) continue;
    const action = actionIds.get(edge[3] ?? '');
    if (action === undefined)
      throw new ModelCheckError('engine-failed', `the embedded engine named a step of ${model.module} '${edge[3]}'`);
    steps.push([numberOf(edge[1]), action, numberOf(edge[2])]);
  }
  const initialTexts = new Set(initial.map((state) => stateText(stateOf(state))));
  const initialIds = states.flatMap((state, id) => (initialTexts.has(stateText(state)) ? [id] : []));
  return StateGraph.build({ module: model.module, states, initial: initialIds, actions: calls, steps });
}

/** `variable=value` pairs, with `\n` written out between them. */
function nodeState(label: string): TlaState {
  return Object.fromEntries(
    label
      .replaceAll('\\"', '"')
      .split('\\n')
      .map((pair) => {
        const at = pair.indexOf('=');
        return [pair.slice(0, at), parseValue(pair.slice(at + 1))];
      }),
  );
}
