/**
 * The reference model checker: TLC, as a process of its own in a folder of its own, killed at its bound. It needs Java and
 * `tla2tools.jar`, neither of which comes with this project.
 */
import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { createInterface } from 'node:readline';
import { writeOut } from './embedded.js';
import type { LabelledModel } from './labelled-model.js';
import {
  type ActionCall,
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
import type { TlaState } from './tla-value.js';
import { messageOf, oneLine, parseFailure, parseOutput, parseState, TLC_CODE, type TlcOutput, traceOf } from './tlc-output.js';

/** Where `spec install-tlc` puts the jar and everybody looks for it last. */
export function installedJar(environment: NodeJS.ProcessEnv = process.env): string {
  const cache = environment['XDG_CACHE_HOME'];
  // Set and empty is not set, as the XDG base directories have it; a relative path would be another place in every folder.
  return join(cache === undefined || !isAbsolute(cache) ? join(homedir(), '.cache') : cache, 'kelpie-dst', 'tla2tools.jar');
}

export interface TlcPlace {
  readonly jar: string;
  /** The `java` command. */
  readonly java: string;
}

/** How the jar was asked for, most telling first. */
export interface TlcWish {
  /** `--tlc-jar` */
  readonly jar?: string;
  readonly environment?: NodeJS.ProcessEnv;
}

const INSTALL = "'kelpie-dst spec install-tlc' installs it; '--tlc-jar FILE' or TLA2TOOLS_JAR name one that is elsewhere";

/** Finds the jar and looks into it. Rejects with `jar-missing` or `jar-invalid`. */
export async function findTlc({ jar, environment = process.env }: TlcWish = {}): Promise<TlcPlace> {
  const home = environment['JAVA_HOME'];
  const java = home === undefined || home === '' ? 'java' : join(home, 'bin', 'java');
  const named = jar ?? environment['TLA2TOOLS_JAR'];
  const path = named === undefined || named === '' ? installedJar(environment) : named;
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new ModelCheckError('jar-missing', `there is no TLC at ${path}; ${INSTALL}`);
  if (!found.isFile() || !(await holdsTlc(path, found.size))) {
    throw new ModelCheckError('jar-invalid', `${path} is not tla2tools.jar: it holds no tlc2/TLC.class; ${INSTALL}`);
  }
  return { jar: path, java };
}

const ENTRY = 'tlc2/TLC.class';
const JAR_BYTES_MAX = 100_000_000;

/** A jar lists the names of its files at its end. */
async function holdsTlc(path: string, size: number): Promise<boolean> {
  if (size < 4 || size > JAR_BYTES_MAX) return false;
  const file = await open(path);
  try {
    const bytes = await file.readFile();
    return bytes.subarray(0, 2).toString('latin1') === 'PK' && bytes.includes(ENTRY);
  } finally {
    await file.close();
  }
}

const SMALLEST: Model = {
  module: 'Smallest',
  source: '---- MODULE Smallest ----\nVARIABLE x\nInit == x = TRUE\nNext == UNCHANGED x\n====\n',
  configName: 'Smallest.cfg',
  config: 'INIT Init\nNEXT Next\n',
};

/** Starts TLC and asks for its version, `2.15`. Rejects when it does not start, with what this machine lacks. */
export async function tlcVersion(place: TlcPlace, options: CheckOptions = {}): Promise<string> {
  const output = await inFolder((folder) => run(place, folder, SMALLEST, options, []));
  const told = messageOf(output, TLC_CODE.version)?.text ?? '';
  return /Version (\S+)/.exec(told)?.[1] ?? oneLine(told);
}

/** TLC at this place. */
export function tlcChecker(place: TlcPlace): ModelChecker {
  return {
    name: 'tlc',
    check: async (model, options = {}) => {
      // Temporal properties speak of the specification as it is written.
      const hasProperties = parseConfig(model.config, model.configName).properties.length > 0;
      const labelled = hasProperties || options.traceless === true ? undefined : await writeOut(model, options).catch(leaveToTlc);
      return inFolder((folder) => check(place, folder, model, labelled, options));
    },
    graph: async (model, options = {}) => {
      const labelled = await writeOut(model, options);
      if (labelled === undefined) throw new ModelCheckError('unsupported', `Next of ${model.module} is not a list of actions, one a line`);
      return inFolder((folder) => graph(place, folder, labelled, options));
    },
  };
}

/** What the embedded engine cannot read, TLC may read, or tell better what is wrong with it. */
function leaveToTlc(error: unknown): undefined {
  const isOfModel = error instanceof ModelCheckError && ['parse', 'config', 'evaluation'].includes(error.code);
  if (!isOfModel) throw error;
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'kelpie-dst-tlc-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function check(
  place: TlcPlace,
  folder: string,
  model: Model,
  labelled: LabelledModel | undefined,
  options: CheckOptions,
): Promise<CheckResult> {
  const begun = performance.now();
  const output = await run(place, folder, labelled?.model ?? model, options, []);
  const seconds = (performance.now() - begun) / 1_000;
  const { distinctStates, depth } = figures(output);
  if (messageOf(output, TLC_CODE.success) !== undefined) return { verdict: 'holds', distinctStates, depth, seconds, trace: [] };
  const initially = messageOf(output, TLC_CODE.invariantViolatedInitially);
  const trace: TraceStep[] =
    initially === undefined
      ? traceOf(output).map(({ label, state }) => ({ action: label === undefined ? null : actionOf(label, labelled), state }))
      : [{ action: null, state: parseState(initially.text.slice(initially.text.indexOf('\n') + 1)) }];
  const violated = initially ?? messageOf(output, TLC_CODE.invariantViolated);
  const invariant = /Invariant (\S+) is violated/.exec(violated?.text ?? '')?.[1];
  const found = { distinctStates, depth: trace.length, seconds, trace: options.traceless === true ? [] : trace };
  if (invariant !== undefined) return { verdict: 'violated', invariant, ...found };
  if (messageOf(output, TLC_CODE.deadlock) !== undefined) return { verdict: 'deadlock', ...found };
  if (messageOf(output, TLC_CODE.temporalViolated) !== undefined) return { verdict: 'liveness', ...found };
  throw errorOf(output, model);
}

/** Older versions tell the definition of a step alone, newer ones its arguments too. */
function actionOf(label: string, labelled: LabelledModel | undefined): ActionCall | null {
  const [, name = label] = /^(\w+)/.exec(label) ?? [];
  return labelled?.actions.get(name) ?? null;
}

function figures(output: TlcOutput): { readonly distinctStates: number; readonly depth: number } {
  const distinct = /([\d,]+) distinct states found/.exec(messageOf(output, TLC_CODE.stats)?.text ?? '')?.[1] ?? '0';
  const depth = /is (\d+)\./.exec(messageOf(output, TLC_CODE.searchDepth)?.text ?? '')?.[1] ?? '0';
  return { distinctStates: Number(distinct.replaceAll(',', '')), depth: Number(depth) };
}

async function graph(place: TlcPlace, folder: string, labelled: LabelledModel, options: CheckOptions): Promise<StateGraph> {
  const { model, actions } = labelled;
  const output = await run(place, folder, model, options, ['-dump', 'dot,actionlabels', join(folder, 'graph')]);
  if (messageOf(output, TLC_CODE.success) === undefined) {
    const broken = messageOf(output, TLC_CODE.invariantViolated) ?? messageOf(output, TLC_CODE.deadlock);
    if (broken === undefined) throw errorOf(output, model);
    throw new ModelCheckError('violated', `${model.configName}: ${oneLine(broken.text)} So the graph of ${model.module} is not whole.`);
  }
  const calls = [...actions.values()];
  const actionIds = new Map([...actions.keys()].map((name, id) => [name, id]));
  const numbers = new Map<string, number>();
  const states: TlaState[] = [];
  const initial: number[] = [];
  const steps: (readonly [number, number, number])[] = [];
  const waiting: (readonly [string, number, string])[] = [];
  for await (const line of createInterface({ input: createReadStream(join(folder, 'graph.dot')) })) {
    const edge = EDGE.exec(line);
    if (edge !== null) {
      const [, source = '', target = '', label = ''] = edge;
      const action = actionIds.get(/^\w+/.exec(label)?.[0] ?? '');
      if (action === undefined) throw new ModelCheckError('engine-failed', `TLC named a step of ${model.module} '${label}'`);
      // A step may be told before the state that it leads to.
      waiting.push([source, action, target]);
      continue;
    }
    const [, id = '', label, rest = ''] = NODE.exec(line) ?? [];
    if (label === undefined || numbers.has(id)) continue;
    numbers.set(id, states.length);
    if (rest.includes('filled')) initial.push(states.length);
    states.push(parseState(label.replaceAll(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char))));
  }
  const numberOf = (id: string): number => {
    const number = numbers.get(id);
    if (number === undefined)
      throw new ModelCheckError('engine-failed', `TLC's graph of ${model.module} has a step of the unknown state ${id}`);
    return number;
  };
  for (const [source, action, target] of waiting) steps.push([numberOf(source), action, numberOf(target)]);
  return StateGraph.build({ module: model.module, states, initial, actions: calls, steps });
}

const NODE = /^(-?\d+) \[label="((?:[^"\\]|\\.)*)"(.*)\]/;
const EDGE = /^(-?\d+) -> (-?\d+) \[label="((?:[^"\\]|\\.)*)"/;

const OUTPUT_BYTES_MAX = 50_000_000;

const DEADLOCK = /^[ \t]*CHECK_DEADLOCK\s+(?:TRUE|FALSE)\b/m;

/** Runs TLC to its end, or to the bound. */
async function run(
  place: TlcPlace,
  folder: string,
  model: Model,
  { bounds = DEFAULT_BOUNDS, signal }: CheckOptions,
  flags: readonly string[],
): Promise<TlcOutput> {
  signal?.throwIfAborted();
  await writeFile(join(folder, `${model.module}.tla`), model.source);
  // The first releases of 2.15 do not know this keyword; the flag says the same to all.
  await writeFile(join(folder, `${model.module}.cfg`), model.config.replace(DEADLOCK, ''));
  const deadlock = parseConfig(model.config, model.configName).checkDeadlock ? [] : ['-deadlock'];
  const child = spawn(
    place.java,
    [
      // Models here are small: what the optimising compiler gains is less than what it takes.
      ...['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
      `-Xmx${bounds.megabytes}m`,
      // TLC unpacks its standard modules there and leaves them.
      `-Djava.io.tmpdir=${folder}`,
      ...['-cp', place.jar, 'tlc2.TLC'],
      // The fingerprint function is drawn unless told: the same run twice should be the same run.
      ...['-tool', '-nowarning', '-workers', '1', '-fp', '0', '-metadir', join(folder, 'states'), ...deadlock, ...flags],
      ...['-config', `${model.module}.cfg`, `${model.module}.tla`],
    ],
    { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  let errors = '';
  let tooMuch = false;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (output.length <= OUTPUT_BYTES_MAX) return;
    tooMuch = true;
    child.kill('SIGKILL');
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (errors.length < OUTPUT_BYTES_MAX) errors += text;
  });
  let timedOut = false;
  const bound = setTimeout(() => {
    timedOut = true;
    child.kill('SIGKILL');
  }, bounds.seconds * 1_000);
  const abort = (): void => void child.kill('SIGKILL');
  signal?.addEventListener('abort', abort);
  try {
    await new Promise<void>((resolve, reject) => {
      child.on('error', (error: NodeJS.ErrnoException) => reject(startError(place, error)));
      child.on('close', () => resolve());
    });
  } finally {
    clearTimeout(bound);
    signal?.removeEventListener('abort', abort);
  }
  signal?.throwIfAborted();
  if (timedOut) throw new ModelCheckError('time-bound', `TLC did not finish ${model.configName} within ${bounds.seconds} s and was killed`);
  if (tooMuch)
    throw new ModelCheckError('engine-failed', `TLC printed more than ${OUTPUT_BYTES_MAX} bytes on ${model.configName} and was killed`);
  if (!output.includes('@!@!@STARTMSG')) throw noTlc(place, errors + output);
  const parsed = parseOutput(output);
  const { distinctStates } = figures(parsed);
  if (distinctStates > bounds.states) {
    throw new ModelCheckError(
      'states-bound',
      `${model.module} with ${model.configName} has ${distinctStates} states, more than ${bounds.states}`,
    );
  }
  return parsed;
}

function startError({ java }: TlcPlace, error: NodeJS.ErrnoException): ModelCheckError {
  return new ModelCheckError(
    'java-missing',
    `TLC needs Java, and '${java}' cannot be started (${error.code ?? error.message}); install a Java runtime (Debian: apt install default-jre-headless) or set JAVA_HOME`,
  );
}

/** Java started and TLC did not. */
function noTlc({ jar, java }: TlcPlace, text: string): ModelCheckError {
  const versions = /class file version (\d+)\.\d+\).*up to (\d+)\.\d+/s.exec(text);
  if (versions !== null) {
    // Class file versions run 44 ahead of Java's own.
    const [needed, has] = [Number(versions[1]) - 44, Number(versions[2]) - 44];
    return new ModelCheckError(
      'java-too-old',
      `${jar} needs Java ${needed} and '${java}' is Java ${has}; install a newer one or set JAVA_HOME`,
    );
  }
  if (/could not find or load main class/i.test(text))
    return new ModelCheckError('jar-invalid', `${jar} does not start as TLC: ${oneLine(text)}; ${INSTALL}`);
  return new ModelCheckError('engine-failed', `TLC did not start: ${oneLine(text).slice(0, 500) || 'it printed nothing'}`);
}

/** What TLC complains of, as the kind of error that it is. */
function errorOf(output: TlcOutput, model: Model): ModelCheckError {
  const all = output.messages.filter(({ isError }) => isError);
  // It says that there was an exception; another message in it says which.
  const telling = all.filter(({ code }) => code !== TLC_CODE.unexpected);
  const errors = telling.length > 0 ? telling : all;
  const text = oneLine(errors.map((one) => one.text).join(' ')) || 'no verdict and no error';
  if (messageOf(output, TLC_CODE.parseFailed) !== undefined)
    return new ModelCheckError('parse', `${model.module}.tla${parseFailure(output)}`);
  if (messageOf(output, TLC_CODE.outOfMemory) !== undefined)
    return new ModelCheckError('memory-bound', `TLC needs more memory for ${model.configName}: ${text}`);
  if (/configuration file/i.test(text)) return new ModelCheckError('config', `${model.configName}: ${text}`);
  return new ModelCheckError('evaluation', `${model.module}.tla with ${model.configName}: ${text}`);
}
