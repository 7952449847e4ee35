/**
 * What a case read from a file may ask for: a file can be edited, or come from another version of this project. What is wrong is named
 * and refused before anything runs. Sizes may differ from what a seed draws, since shrinking makes them smaller.
 */
import type { Fault } from '../faults/fault.js';
import type { Scenario } from '../scenarios/scenario.js';
import type { Case, FaultDraw } from '../src/run.js';
import { type Catalogue, find, nearest } from './catalogue.js';
import { whyNotOffered } from './draw.js';
import { UsageError } from './usage-error.js';

/** The scenario of the case. Throws UsageError, naming what is wrong, for a case that the catalogue cannot run as it stands. */
export function checkCase(run: Case, { scenarios, faults, bugs }: Pick<Catalogue, 'scenarios' | 'faults' | 'bugs'>): Scenario {
  const scenario = find('scenario', scenarios, run.scenario);
  if (run.bug !== undefined) find('bug', bugs, run.bug);
  const labels = new Set<string>();
  for (const draw of run.faults) {
    const wrong = whyNotInCase(draw, find('fault', faults, draw.id), run, scenario);
    if (wrong !== undefined) throw new UsageError(wrong);
    if (labels.has(draw.label))
      throw new UsageError(`the case has two faults with the label '${draw.label}', which share one random stream`);
    labels.add(draw.label);
  }
  for (const [name, value] of Object.entries(run.knobs)) {
    const range = own(scenario.knobs, name);
    if (range === undefined) throw new UsageError(`the case turns '${name}', ${unknown('knob', name, scenario, scenario.knobs)}`);
    if (!Number.isSafeInteger(value) || value < range.min || value > range.max) {
      throw new UsageError(`the case has knob ${name} = ${value}, which must be an integer from ${range.min} to ${range.max}`);
    }
  }
  for (const site of Object.keys(run.choices ?? {})) {
    if (own(scenario.choices, site) === undefined) {
      throw new UsageError(`the case takes a rare way at '${site}', ${unknown('site', site, scenario, scenario.choices)}`);
    }
  }
  return scenario;
}

/** The number of an episode, or the label of the fault that brought it, and which of several it is. */
const EPISODE = /^(?:[a-z0-9/-]{1,100}#[1-9]\d{0,8}\.)?[1-9]\d{0,8}$/;

function whyNotInCase({ id, label, params }: FaultDraw, fault: Fault, run: Case, scenario: Scenario): string | undefined {
  if (!label.startsWith(`${id}#`) || !EPISODE.test(label.slice(id.length + 1))) {
    return `the label of fault '${id}' must be '${id}#' and the number of its episode, or the label of the fault that brought it and a number, not '${label}'`;
  }
  const wrong = fault.check(params);
  return wrong === undefined ? whyNotOffered(fault, scenario, run.profile) : `fault '${label}' cannot be as the case has it: ${wrong}`;
}

const own = <T>(record: Readonly<Record<string, T>> | undefined, name: string): T | undefined =>
  record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined;

function unknown(kind: string, name: string, scenario: Scenario, known: Readonly<Record<string, unknown>> = {}): string {
  const near = nearest(name, Object.keys(known));
  return `which is no ${kind} of scenario '${scenario.id}'${near === '' ? '' : `; did you mean ${near}?`}`;
}
