/**
 * Both ways between spec and code: the counterexample of a bug configuration drives the runtime that carries this bug to the same
 * violation, and the correct runtime past it.
 */
import type { Invariant } from '../../invariants/invariant.js';
import type { KnownBug } from '../../scenarios/bugs/bug.js';
import type { Mapping } from '../../specs/mapping.js';
import { correctParts, type KelpieParts } from '../../src/kelpie/parts.js';
import type { Violation } from '../../src/run.js';
import { Conformance } from '../conformance/conformance.js';
import { Tracker } from '../conformance/tracker.js';
import { embeddedChecker } from '../tla/embedded.js';
import { cachedGraph } from '../tla/graph-cache.js';
import type { CheckOptions } from '../tla/model-checker.js';
import type { Spec, SpecConfig } from '../tla/spec-catalogue.js';
import { actorStateDirection } from './actor-state.js';
import type { Direction, TakenStep } from './direction.js';
import { play, type Played } from './play.js';
import { singleActivationDirection } from './single-activation.js';
import { walDirection } from './wal.js';

/** The modules whose counterexamples can be played. */
export const directions: readonly Direction[] = [actorStateDirection, singleActivationDirection, walDirection];

/**
 * How the violation of the model shows in the story of the runtime. `invariant`: the promise of the same name is broken.
 * `conformance`: the story is no walk through the states of the module. `module`: another promise of the same module is broken.
 */
export type Shown = 'invariant' | 'conformance' | 'module';

export interface ReplayedRun extends Played {
  /** First steps that the story told and the module does not allow. */
  readonly divergences: readonly Violation[];
}

export interface SpecReplay {
  readonly module: string;
  readonly config: string;
  /** The invariant that the counterexample violates. */
  readonly invariant: string;
  readonly bug: string;
  /** Labels of the actions of the counterexample. */
  readonly counterexample: readonly string[];
  readonly buggy: ReplayedRun;
  /** How the runtime with the bug comes to the same violation, the nearest first; empty when it does not. */
  readonly shown: readonly Shown[];
  readonly correct: ReplayedRun;
  /** What is not as it should be; empty when all is. */
  readonly faults: readonly string[];
}

export interface ReplayOptions extends CheckOptions {
  readonly invariants: readonly Invariant[];
  readonly mappings: readonly Mapping[];
}

/** The known bug that carries the defect of a configuration. Two configurations may have one defect, and differ in what it breaks. */
export function carrierOf(
  bugs: readonly KnownBug[],
  { module, bugs: configs }: Spec,
  { variant, parsed }: SpecConfig,
): KnownBug | undefined {
  const alike = configs.filter((config) => config.parsed.constants.join() === parsed.constants.join()).map((config) => config.variant);
  const carries = (wanted: string): KnownBug | undefined => bugs.find(({ spec }) => spec?.module === module && spec.config === wanted);
  return [variant, ...alike].map(carries).find((bug) => bug !== undefined);
}

/** Rejects with ModelCheckError when there is no counterexample, and with Error for one that has an action without a direction. */
export async function replaySpec(
  spec: Spec,
  config: SpecConfig,
  bug: KnownBug,
  direction: Direction,
  { invariants, mappings, ...options }: ReplayOptions,
): Promise<SpecReplay> {
  const steps = await counterexample(config, options);
  const undirected = steps.find(({ action }) => !direction.actions.includes(action.name));
  if (undirected !== undefined) throw new Error(`nothing makes ${undirected.action.label} of ${spec.module} happen in the runtime`);
  const mapping = mappings.find(({ module }) => module === spec.module);
  const tracker = mapping === undefined ? undefined : new Tracker(await cachedGraph(spec.good.model, options), mapping);
  const run = async (parts: KelpieParts): Promise<ReplayedRun> => {
    const played = await play(direction, steps, parts, invariants);
    return { ...played, divergences: tracker === undefined ? [] : divergencesOf(played, tracker) };
  };
  // A known bug of these modules is one of the Kelpie runtime.
  const buggy = await run(bug.parts(correctParts) as KelpieParts);
  const correct = await run(correctParts);
  const invariant = config.parsed.expects ?? '';
  const shown = shownBy(buggy, spec.module, invariant);
  const faults: string[] = [];
  if (buggy.departure !== undefined) {
    faults.push(`the runtime with ${bug.id} does not follow: at ${buggy.departure.action}, ${buggy.departure.why}`);
  } else if (shown.length === 0) {
    faults.push(`the runtime with ${bug.id} takes every step, and neither ${invariant} nor the conformance of ${spec.module} is broken`);
  }
  for (const { invariant: broken, seen } of [...correct.violations, ...correct.divergences])
    faults.push(`the correct runtime breaks ${broken}: ${seen}`);
  const labels = steps.map(({ action }) => action.label);
  return {
    module: spec.module,
    config: config.name,
    invariant,
    bug: bug.id,
    counterexample: labels,
    buggy,
    shown,
    correct,
    faults,
  };
}

async function counterexample(config: SpecConfig, options: CheckOptions): Promise<readonly TakenStep[]> {
  const { trace } = await embeddedChecker.check(config.model, options);
  return trace.slice(1).map(({ action, state }) => {
    if (action === null) throw new Error(`the engine does not name a step of ${config.name}`);
    return { action, state };
  });
}

function divergencesOf({ trace }: Played, tracker: Tracker): readonly Violation[] {
  const conformance = new Conformance([tracker]);
  for (const event of trace) conformance.observe(event);
  return conformance.violations();
}

function shownBy({ violations, divergences }: ReplayedRun, module: string, invariant: string): readonly Shown[] {
  const shown: Shown[] = [];
  if (violations.some(({ spec }) => spec === `${module}!${invariant}`)) shown.push('invariant');
  if (divergences.length > 0) shown.push('conformance');
  if (violations.some(({ spec }) => spec?.startsWith(`${module}!`) === true && spec !== `${module}!${invariant}`)) shown.push('module');
  return shown;
}
