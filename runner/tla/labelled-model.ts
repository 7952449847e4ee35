/**
 * Gives every step of a model a name with its arguments. Engines name a step by the definition that made it, and only newer ones
 * add the arguments; conformance and replay need both. So `Next` is written out: one definition for each action and each choice
 * of arguments, added to the module behind its last line, so that all lines keep their numbers.
 */
import { type ActionCall, type Model, ModelCheckError } from './model-checker.js';
import { parseConfig, type TlaConfig } from './tla-config.js';
import { formatValue, isSet, parseValue, type TlaValue } from './tla-value.js';

export interface LabelledModel {
  readonly model: Model;
  /** The action of each step, by the name of its definition. */
  readonly actions: ReadonlyMap<string, ActionCall>;
}

/** Definitions that are added; more would be a model that is no longer small. */
const STEPS_MAX = 1_000;

const NEXT = 'DstNext';

interface Disjunct {
  readonly action: string;
  readonly parameters: readonly { readonly name: string; readonly domain: string }[];
  readonly args: readonly string[];
}

/** Evaluates a constant expression of the model to text. */
export type Evaluate = (expression: string) => Promise<string>;

/**
 * The model without its temporal properties, which speak of fairness that the written-out `Next` does not have.
 * `undefined` when `Next` is not a list of actions, each on its line and possibly under `\E a \in S, b \in T :` with constant sets:
 *
 *     Next ==
 *         \/ \E n \in Nodes : ClaimRead(n)
 *         \/ LeaseEnds
 */
export async function labelledModel(model: Model, evaluate: Evaluate): Promise<LabelledModel | undefined> {
  const config = parseConfig(model.config, model.configName);
  const names = initAndNext(model, config);
  const disjuncts = names === undefined ? undefined : disjunctsOf(model.source, names.next);
  const end = model.source.lastIndexOf('\n====');
  if (names === undefined || disjuncts === undefined || end < 0) return undefined;
  const actions = new Map<string, ActionCall>();
  const definitions: string[] = [];
  const domains = new Map<string, readonly TlaValue[]>();
  for (const disjunct of disjuncts) {
    for (const { domain } of disjunct.parameters) {
      if (!domains.has(domain)) domains.set(domain, membersOf(domain, parseValue(await evaluate(domain))));
    }
    for (const choice of choices(disjunct, domains)) {
      const args = disjunct.args.map((arg) => choice.get(arg) ?? unbound(disjunct, arg));
      const name = `DstStep${actions.size}`;
      const label = args.length === 0 ? disjunct.action : `${disjunct.action}(${args.map(formatValue).join(', ')})`;
      actions.set(name, { name: disjunct.action, args, label });
      // The conjunction keeps the embedded engine from naming the step after the action alone.
      definitions.push(`${name} == TRUE /\\ ${label}`);
      if (actions.size > STEPS_MAX)
        throw new ModelCheckError('unsupported', `${names.next} of ${model.module} has more than ${STEPS_MAX} steps`);
    }
  }
  const next = `${NEXT} ==\n${[...actions.keys()].map((name) => `    \\/ ${name}`).join('\n')}`;
  const source = `${model.source.slice(0, end + 1)}${[...definitions, next].join('\n')}${model.source.slice(end)}`;
  return { model: { ...model, source, config: configText(config, names.init) }, actions };
}

/** What the configuration starts from, looked up in the module when it names a specification. */
function initAndNext(model: Model, { specification, init, next }: TlaConfig): { readonly init: string; readonly next: string } | undefined {
  if (init !== undefined && next !== undefined) return { init, next };
  if (specification === undefined) throw new ModelCheckError('config', `${model.configName} has neither SPECIFICATION nor INIT and NEXT`);
  const found = new RegExp(`^${specification}\\s*==\\s*(\\w+)\\s*/\\\\\\s*\\[\\]\\[(\\w+)\\]_`, 'm').exec(model.source);
  return found?.[1] === undefined || found[2] === undefined ? undefined : { init: found[1], next: found[2] };
}

const DISJUNCT = /^\s+\\\/\s+(?:\\E\s+([^:]+?)\s*:\s+)?(\w+)(?:\(([\w\s,]*)\))?\s*$/;
const PARAMETER = /^(\w+)\s+\\in\s+(.+)$/;

function disjunctsOf(source: string, next: string): readonly Disjunct[] | undefined {
  const begin = new RegExp(`^${next}\\s*==\\s*\\n`, 'm').exec(source);
  if (begin === null) return undefined;
  const disjuncts: Disjunct[] = [];
  for (const line of source.slice(begin.index + begin[0].length).split('\n')) {
    if (line.trim() === '') break;
    const [, quantified, action, args] = DISJUNCT.exec(line) ?? [];
    if (action === undefined) return undefined;
    const parameters: { name: string; domain: string }[] = [];
    for (const bound of splitOutside(quantified ?? '')) {
      const [, name, domain] = PARAMETER.exec(bound) ?? [];
      if (name === undefined || domain === undefined) return undefined;
      parameters.push({ name, domain });
    }
    disjuncts.push({ action, parameters, args: (args ?? '').split(',').flatMap((arg) => (arg.trim() === '' ? [] : [arg.trim()])) });
  }
  return disjuncts.length === 0 ? undefined : disjuncts;
}

/** Splits at commas that stand in no bracket. */
function splitOutside(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at <= text.length; at++) {
    const char = text[at];
    if (char === '{' || char === '(' || char === '[' || char === '<') depth++;
    else if (char === '}' || char === ')' || char === ']' || char === '>') depth--;
    else if ((char === ',' && depth === 0) || char === undefined) {
      const part = text.slice(from, at).trim();
      if (part !== '') parts.push(part);
      from = at + 1;
    }
  }
  return parts;
}

function membersOf(domain: string, value: TlaValue): readonly TlaValue[] {
  if (isSet(value)) return value.$set;
  throw new ModelCheckError('config', `${domain} is not a set, but ${formatValue(value)}`);
}

function unbound({ action }: Disjunct, arg: string): never {
  throw new ModelCheckError('unsupported', `argument ${arg} of ${action} is not bound by its quantifier`);
}

function* choices(disjunct: Disjunct, domains: ReadonlyMap<string, readonly TlaValue[]>, at = 0): Iterable<Map<string, TlaValue>> {
  const parameter = disjunct.parameters[at];
  if (parameter === undefined) {
    yield new Map();
    return;
  }
  for (const value of domains.get(parameter.domain) ?? []) {
    for (const rest of choices(disjunct, domains, at + 1)) yield new Map([[parameter.name, value], ...rest]);
  }
}

/** The same configuration, started from `Init` and the written-out `Next`. */
function configText({ constants, invariants, checkDeadlock }: TlaConfig, init: string): string {
  const section = (name: string, lines: readonly string[]): string => (lines.length === 0 ? '' : `${name}\n    ${lines.join('\n    ')}\n`);
  return [
    `INIT ${init}\nNEXT ${NEXT}\n`,
    section('CONSTANTS', constants),
    section('INVARIANTS', invariants),
    checkDeadlock ? '' : 'CHECK_DEADLOCK FALSE\n',
  ].join('');
}
