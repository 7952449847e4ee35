/** A run for people at a terminal: what was drawn before it runs, and afterwards what came of it and what led to a failure. */
import { Chalk, type ChalkInstance } from 'chalk';
import type { Case, FaultDraw, Judgement, Run, SpecReport, Violation } from '../src/run.js';
import type { TraceEvent } from '../src/trace.js';
import { lastOf, leadingTo } from './causes.js';
import { eventLog } from './event-log.js';
import type { FaultPotency, RunReporter, RunReportInput, SpecState } from './reporter.js';
import { clockTime, counted, describeFault, describeNetwork, describeStrategy, duration, folded, grouped, printable } from './text.js';

const LABEL_WIDTH = 11;
/** A counter table of a storm of messages would bury the verdict. */
const COUNTERS_MAX = 40;
/** A story longer than a page is not read. */
const EVENTS_MAX = 40;

export function terminal({ colour }: { readonly colour: boolean }): RunReporter {
  const paint = new Chalk({ level: colour ? 1 : 0 });
  return {
    id: 'terminal',
    opening: (run) => text(openingLines(run, paint)),
    report: (input) => text(reportLines(input, paint)),
  };
}

const text = (lines: readonly string[]): string => `${lines.join('\n')}\n`;

function openingLines(run: Case, paint: ChalkInstance): string[] {
  const { network, workload } = run;
  const label = labels(paint);
  const drawn = described(run.faults);
  const knobs = Object.entries(run.knobs).map(([name, value]) => `${name}=${value}`);
  const choices = Object.entries(run.choices ?? {}).map(([site, oneIn]) => `${site} 1 in ${oneIn}`);
  return [
    `${paint.bold(`seed ${run.seed}`)}  scenario ${run.scenario}  profile ${run.profile}${run.bug === undefined ? '' : `  bug ${run.bug}`}`,
    label(
      'world',
      `${counted(workload.nodes, 'server')}, ${counted(workload.clients, 'client')}, ${counted(workload.operations.length, 'operation')}`,
    ),
    label('chaos', `${duration(run.chaosMicros)} of simulated time, on a grid of ${duration(run.quantumMicros)}`),
    label('schedule', describeStrategy(run.strategy)),
    label('network', describeNetwork(network)),
    ...many(label, 'faults', drawn.length === 0 ? ['none drawn'] : drawn),
    ...many(label, 'knobs', knobs.length === 0 ? ['none'] : wrapped(knobs)),
    ...many(label, 'rare ways', choices.length === 0 ? ['none'] : wrapped(choices)),
    label(
      'limits',
      `${grouped(run.limits.events)} events, ${duration(run.limits.simMicros)} of simulated time, queue of ${grouped(run.limits.queueLength)}`,
    ),
  ];
}

/** Each fault on a line, labels as wide as the widest. */
function described(faults: readonly FaultDraw[]): string[] {
  const width = Math.max(0, ...faults.map(({ label }) => label.length));
  return faults.map((fault) => `${fault.label.padEnd(width)}  ${describeFault(fault)}`);
}

function reportLines(
  { run, wallMs, reproduce, shrink, traceFile, trace, twin, potency, specState }: RunReportInput,
  paint: ChalkInstance,
): string[] {
  const label = labels(paint);
  const fired = run.faults.filter((fault) => fault.fired > 0).map((fault) => `${fault.id} ${grouped(fault.fired)}`);
  const silent = run.faults.filter((fault) => fault.fired === 0).map((fault) => fault.id);
  const marks = Object.entries(run.sometimes);
  const reached = marks.filter(([, count]) => count > 0).map(([name, count]) => `${name} ${grouped(count)}`);
  const counters = Object.entries(run.counts).map(([name, count]) => `${name} ${grouped(count)}`);
  const lines = [
    '',
    verdictLine(run, paint),
    label('ran', `${clockTime(run.simMicros)} s simulated, ${grouped(run.events)} events, ${Math.round(wallMs)} ms of wall time`),
    ...(run.traceHash === '' ? [] : [label('trace', `hash ${run.traceHash} over ${grouped(run.traceEvents)} events`)]),
    ...(twin === undefined ? [] : [label('twin', `the same hash in ${twin}`)]),
    ...many(label, 'fired', wrapped(fired)),
    ...many(label, 'not fired', wrapped(silent)),
    ...(marks.length === 0
      ? []
      : many(label, 'reached', [`${reached.length} of ${counted(marks.length, 'situation')} worth reaching`, ...wrapped(reached)])),
    ...many(label, 'counts', wrapped(counters.slice(0, COUNTERS_MAX))),
    ...many(label, 'specs', wrapped(specTexts(run))),
    ...many(label, 'promises', promiseLines(run)),
  ];
  if (potency !== undefined) lines.push('', 'Without each fault that fired:', ...potencyLines(potency));
  if (run.verdict !== 'pass') lines.push(...failureLines(run, trace, specState, paint));
  if (traceFile !== undefined) lines.push('', `Every event is in ${traceFile}`);
  if (shrink !== undefined && run.verdict !== 'pass') lines.push('', 'To look for a smaller case:', `  ${shrink}`);
  lines.push('', 'To do it again:', `  ${reproduce}`);
  return lines;
}

function potencyLines(potency: readonly FaultPotency[]): string[] {
  const width = Math.max(0, ...potency.map(({ id }) => id.length));
  const told = { verdict: 'it mattered', events: 'other events on the way to the same', none: 'nothing else happens' };
  return potency.map(
    ({ id, effect, verdict, invariant }) =>
      `  ${id.padEnd(width)}  ${told[effect]}${effect === 'verdict' ? `: the verdict is ${verdict}${invariant === null ? '' : ` (${invariant})`}` : ''}`,
  );
}

/** Specs that the run never touched are counted. */
function specTexts({ spec }: Run): string[] {
  const all = Object.entries(spec);
  const touched = all.filter(([, { steps }]) => steps > 0);
  const others = all.length - touched.length;
  return [
    ...touched.map(([module, report]) => specText(module, report)),
    ...(others === 0 ? [] : [`${counted(others, 'spec')} untouched`]),
  ];
}

function specText(module: string, { steps, states, divergences }: SpecReport): string {
  const diverged = divergences === 0 ? '' : `, ${counted(divergences, 'divergence')}`;
  return `${module} ${counted(steps, 'step')} through ${counted(states, 'state')}${diverged}`;
}

function verdictLine(run: Run, paint: ChalkInstance): string {
  const budget = run.withinBudget ? 'within the fault budget: safety and liveness' : 'beyond the fault budget: safety only';
  const colour = run.verdict === 'pass' ? paint.green : run.verdict === 'unknown' ? paint.yellow : paint.red;
  return `${colour.bold(`verdict ${run.verdict}`)}  (${budget})`;
}

function failureLines(run: Run, trace: readonly TraceEvent[], specState: SpecState | undefined, paint: ChalkInstance): string[] {
  const lines: string[] = [];
  if (run.reason !== undefined) lines.push('', ...run.reason.split('\n').map(printable));
  for (const violation of run.violations) lines.push('', ...violationLines(violation, paint));
  if (run.pending.length > 0) lines.push('', 'Not converged:', ...run.pending.map((pending) => `  ${printable(pending)}`));
  const upTo = run.violations[0]?.event ?? trace.at(-1)?.index;
  if (upTo === undefined || trace.length === 0) return lines;
  // Where no promise broke, what happened last has nothing to do with what did not happen.
  const unfinished = run.violations.length === 0 ? lastOf(trace, run.pending, EVENTS_MAX) : [];
  const active = activeFaults(run.case.faults, trace, upTo);
  return [
    ...lines,
    '',
    ...(unfinished.length > 0
      ? ['What was last told of it:', ...eventLog(unfinished, -1)]
      : ['The events that led there:', ...eventLog(leadingTo(trace, upTo, EVENTS_MAX), upTo)]),
    '',
    'Faults active then:',
    ...(active.length === 0 ? ['  none'] : described(active).map((fault) => `  ${fault}`)),
    ...(specState === undefined ? [] : ['', ...specStateLines(specState)]),
  ];
}

/** What each variable is, or may be; those that may be much are only named. */
function specStateLines({ module, walk, after, states, variables }: SpecState): string[] {
  const told = after === null ? 'at its beginning' : `after ${after}`;
  const many = states === 1 ? '' : `; ${grouped(states)} states explain what was told`;
  const shown = variables.filter(
    ({ values, count }) => count === 1 || (count === values.length && values.join(' or ').length <= WRAP_WIDTH),
  );
  const open = variables.filter((variable) => !shown.includes(variable));
  const width = Math.max(0, ...shown.map(({ name }) => name.length));
  return [
    `What ${module} knows of ${printable(walk)} then, ${told}${many}:`,
    ...shown.map(({ name, values }) => `  ${name.padEnd(width)}  ${values.join(' or ')}`),
    ...(open.length === 0 ? [] : folded(`open: ${open.map(({ name }) => name).join(', ')}`, WRAP_WIDTH).map((line) => `  ${line}`)),
  ];
}

function violationLines(violation: Violation, paint: ChalkInstance): string[] {
  const label = labels(paint);
  const where = violation.nodes.length === 0 ? '' : ` on ${violation.nodes.join(', ')}`;
  return [
    `${paint.red.bold(violation.invariant)} is broken at ${clockTime(violation.atMicros)} s${where}`,
    ...many(label, 'promise', folded(violation.promise, WRAP_WIDTH)),
    ...many(label, 'expected', folded(printable(violation.expected), WRAP_WIDTH)),
    ...many(label, 'seen', folded(printable(violation.seen), WRAP_WIDTH)),
    ...(violation.spec === undefined ? [] : [label('spec', violation.spec)]),
  ];
}

/** Those whose episode had begun and not ended at an event, as the trace tells it. */
function activeFaults(faults: readonly FaultDraw[], trace: readonly TraceEvent[], upTo: number): readonly FaultDraw[] {
  const active = new Set<unknown>();
  for (const { index, body } of trace) {
    if (index > upTo) break;
    if (body.type !== 'fault' || !('label' in body) || !('action' in body)) continue;
    if (body.action === 'begins') active.add(body.label);
    if (body.action === 'heals') active.delete(body.label);
  }
  return faults.filter(({ label }) => active.has(label));
}

/** What holds is counted, and what a failing run did not come to judge; the rest is named. */
function promiseLines({ judgements, violations }: Run): string[] {
  const named = (wanted: Judgement): string[] => Object.keys(judgements).filter((name) => judgements[name] === wanted);
  const [holding, violated, unknown] = [named('holds'), named('violated'), named('unknown')];
  if (holding.length + violated.length + unknown.length === 0) return [];
  const ended = violations.length > 0 && unknown.length > 0;
  return [
    `${counted(holding.length, 'promise')} ${holding.length === 1 ? 'holds' : 'hold'}${ended ? `, ${unknown.length} not judged: the run ended before that` : ''}`,
    ...wrapped([...violated.map((name) => `${name} violated`), ...(ended ? [] : unknown.map((name) => `${name} unknown`))]),
  ];
}

type Label = (name: string, value: string) => string;

const labels =
  (paint: ChalkInstance): Label =>
  (name, value) =>
    `  ${paint.dim(name.padEnd(LABEL_WIDTH))}${value}`;

/** One label, many lines. */
const many = (label: Label, name: string, values: readonly string[]): string[] =>
  values.map((value, index) => label(index === 0 ? name : '', value));

const WRAP_WIDTH = 110;

/** Joins short items into lines. */
function wrapped(items: readonly string[]): string[] {
  const lines: string[] = [];
  for (const item of items) {
    const last = lines.at(-1);
    if (last === undefined) lines.push(item);
    else if (last.length + item.length + 2 <= WRAP_WIDTH) lines[lines.length - 1] = `${last}, ${item}`;
    else lines.splice(-1, 1, `${last},`, item);
  }
  return lines;
}
