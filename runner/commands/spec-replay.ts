/** `spec replay`: the counterexample of a bug configuration, played with the runtime that carries the bug and with the correct one. */
import type { CommandModule, InferredOptionTypes } from 'yargs';
import type { KnownBug } from '../../scenarios/bugs/bug.js';
import { mappings } from '../../specs/index.js';
import { EXIT, type Violation } from '../../src/run.js';
import type { TraceEvent } from '../../src/trace.js';
import { catalogue, nearest } from '../catalogue.js';
import type { Direction } from '../counterexample/direction.js';
import { carrierOf, directions, type ReplayedRun, replaySpec, type SpecReplay } from '../counterexample/replay.js';
import { interruptible } from '../interrupt.js';
import { shortName, specsNamed } from '../tla/check-all.js';
import { DEFAULT_BOUNDS } from '../tla/model-checker.js';
import { readSpecs, type Spec, type SpecConfig } from '../tla/spec-catalogue.js';
import { UsageError } from '../usage-error.js';
import { JSON_FLAG } from '../flags.js';

export const REPLAY_SPEC_FLAGS = {
  json: JSON_FLAG,
} as const;

type Arguments = InferredOptionTypes<typeof REPLAY_SPEC_FLAGS> & { module: string | undefined; bug: string | undefined };

export const specReplayCommand: CommandModule<object, Arguments> = {
  command: 'replay <module> [bug]',
  describe: 'Drive the runtime that carries a bug along the counterexample of its spec, and the correct runtime past it',
  builder: (yargs) =>
    yargs
      .positional('module', { type: 'string', describe: `A spec: ${directions.map(({ module }) => module).join(', ')}` })
      .positional('bug', { type: 'string', describe: 'The bug of one of its configurations, such as RacyClaim' })
      .options(REPLAY_SPEC_FLAGS)
      .example('$0 spec replay single-activation RacyClaim', 'two nodes claim one actor, step by step as the model checker found it')
      .example('$0 spec replay KelpieWAL NoReplay --json', 'what was done, what was told and which promises broke, as one document'),
  handler: async (args) => {
    process.exitCode = await interruptible((signal) => replay(args, signal));
  },
};

async function replay({ module = '', bug = '', json }: Arguments, signal: AbortSignal): Promise<number> {
  const { spec, config, carrier, direction } = wanted(module, bug);
  const { invariants } = catalogue;
  const replayed = await replaySpec(spec, config, carrier, direction, { invariants, mappings, bounds: DEFAULT_BOUNDS, signal });
  process.stdout.write(json ? `${JSON.stringify(documentOf(replayed), undefined, 2)}\n` : textOf(replayed));
  return replayed.faults.length === 0 ? EXIT.clean : EXIT.bug;
}

interface Wanted {
  readonly spec: Spec;
  readonly config: SpecConfig;
  readonly carrier: KnownBug;
  readonly direction: Direction;
}

/** Throws UsageError, with what there is instead. */
function wanted(module: string, bug: string): Wanted {
  const all = readSpecs();
  const [spec] = specsNamed([module], all).specs;
  const direction = directions.find((one) => one.module === spec?.module);
  const playable = all.filter((one) => directions.some((other) => other.module === one.module));
  if (spec === undefined || direction === undefined) {
    const near = nearest(
      module,
      playable.flatMap((one) => [one.module, one.folder]),
    );
    const what = spec === undefined ? `there is no spec '${module}'` : `counterexamples of ${spec.module} cannot be replayed`;
    throw new UsageError(`${what}${near === '' ? '' : `; did you mean ${near}?`}\nReplay knows ${playable.map(shortName).join(', ')}`);
  }
  const carried = spec.bugs.filter((config) => carrierOf(catalogue.bugs, spec, config) !== undefined).map(({ variant }) => variant);
  const config = spec.bugs.find(({ variant, name }) => variant === bug || name === bug);
  const carrier = config === undefined ? undefined : carrierOf(catalogue.bugs, spec, config);
  if (config === undefined || carrier === undefined) {
    const near = nearest(bug, carried);
    const absent = bug === '' ? `which bug of ${spec.module} is missing` : `${spec.module} has no bug '${bug}'`;
    const what = config === undefined ? absent : `no known bug of the runtime carries ${config.name}`;
    throw new UsageError(`${what}${near === '' ? '' : `; did you mean ${near}?`}\nThose that can be replayed: ${carried.join(', ')}`);
  }
  return { spec, config, carrier, direction };
}

/** Told by the world of its own parts, by clients, and of every request: they say nothing of a step. */
const UNTOLD = /^(disk|database|client\.\w+|op\.\w+|request\.\w+|invoke\.end)$/;
/** Events that are shown of one step, half from its begin and half from its end. */
const TOLD_MAX = 8;
/** Fields that tell one event from another of its type. */
const TELLING = ['key', 'id', 'token', 'decision', 'commit', 'outcome', 'code', 'why', 'reason', 'holder', 'pending'] as const;

function told({ node, body }: TraceEvent): string {
  const fields = TELLING.flatMap((name) => {
    const value = (body as unknown as Readonly<Record<string, unknown>>)[name];
    return typeof value === 'string' || typeof value === 'number' ? [`${name}=${value}`] : [];
  });
  return [node, body.type, ...fields].join(' ');
}

const eventsOf = ({ trace }: ReplayedRun, [from, to]: readonly [number, number]): readonly string[] =>
  trace
    .slice(from, to)
    .filter(({ node, body }) => node !== '' && !UNTOLD.test(body.type))
    .map(told);

function shortened(events: readonly string[]): readonly string[] {
  if (events.length <= TOLD_MAX) return events;
  const half = TOLD_MAX / 2;
  return [...events.slice(0, half), `... ${events.length - TOLD_MAX} more ...`, ...events.slice(-half)];
}

function documentOf({ buggy, correct, ...rest }: SpecReplay): object {
  const run = (replayed: ReplayedRun): object => ({
    steps: replayed.steps.map(({ action, did, events }) => ({ action, did, told: eventsOf(replayed, events) })),
    departure: replayed.departure ?? null,
    violations: replayed.violations,
    divergences: replayed.divergences,
  });
  return { ...rest, ok: rest.faults.length === 0, buggy: run(buggy), correct: run(correct) };
}

const broken = ({ invariant, expected, seen }: Violation): string => `    ${invariant}: expected ${expected}\n      seen ${seen}\n`;

function textOf(replayed: SpecReplay): string {
  const { config, invariant, counterexample, bug, buggy, correct, shown, faults } = replayed;
  const lines = [`${config} violates ${invariant} in ${counterexample.length} steps; the runtime with ${bug}, along them:\n`];
  const width = Math.max(...counterexample.map((label) => label.length));
  for (const [at, { action, did, events }] of buggy.steps.entries()) {
    lines.push(`  ${String(at + 1).padStart(2)} ${action.padEnd(width)}  ${did}\n`);
    for (const event of shortened(eventsOf(buggy, events))) lines.push(`     ${' '.repeat(width)}    ${event}\n`);
  }
  const how = {
    invariant: `${invariant} is broken`,
    conformance: 'the story leaves the spec',
    module: 'another promise of the spec is broken',
  };
  if (shown.length > 0) lines.push(`  the same violation: ${shown.map((one) => how[one]).join('; ')}\n`);
  lines.push(...[...buggy.violations, ...buggy.divergences].map(broken));
  const past =
    correct.departure === undefined
      ? 'takes every step, and breaks nothing'
      : `goes past it at ${correct.departure.action}: ${correct.departure.why}`;
  if (correct.violations.length + correct.divergences.length === 0) lines.push(`the correct runtime ${past}\n`);
  lines.push(...faults.map((fault) => `✗ ${fault}\n`));
  return lines.join('');
}
