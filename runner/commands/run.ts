/** `run`: one seed, one case, one verdict. */
import { availableParallelism } from 'node:os';
import type { CommandModule, InferredOptionTypes } from 'yargs';
import { json } from '../../reports/json.js';
import type { FaultPotency, RunReporter } from '../../reports/reporter.js';
import { terminal } from '../../reports/terminal.js';
import type { Scenario } from '../../scenarios/scenario.js';
import { type Case, EXIT, PROFILES, type Profile, type Run } from '../../src/run.js';
import { CasePool } from '../case-pool.js';
import { catalogue, DEFAULT_SCENARIO, find } from '../catalogue.js';
import { exploreFirst } from '../conformance/explore-first.js';
import { type DrawOptions, DRAWN_STRATEGIES, draw } from '../draw.js';
import { parseDuration } from '../duration.js';
import { COLOUR_FLAG, JSON_FLAG, once, oneOf, wantsColour } from '../flags.js';
import { interruptible } from '../interrupt.js';
import { HANG_TIMEOUT_MS, runCase } from '../run-case.js';
import { freshSeed, parseSeed } from '../seed.js';
import { specStateOf } from '../spec-state.js';
import { TraceFile } from '../trace-file.js';
import { twinOf } from '../twin/twin-of.js';
import { UsageError } from '../usage-error.js';
import { withTrace } from '../with-trace.js';

export const RUN_FLAGS = {
  scenario: {
    type: 'string',
    describe: `Id of the scenario ('list scenarios'); ${DEFAULT_SCENARIO} when left out`,
    coerce: once('scenario'),
  },
  seed: { type: 'string', describe: 'Integer from 0, or a 40-digit git hash; drawn and printed when left out', coerce: once('seed') },
  profile: { type: 'string', describe: `Which faults are drawn: ${PROFILES.join(', ')}; swarm when left out`, coerce: once('profile') },
  fault: { type: 'string', array: true, requiresArg: true, describe: "Only these faults ('list faults'); may be repeated" },
  strategy: { type: 'string', describe: `Schedule: ${DRAWN_STRATEGIES.join(', ')}; drawn when left out`, coerce: once('strategy') },
  'sim-time': {
    type: 'string',
    describe: 'Length of the chaos phase in simulated time, such as 60s; drawn when left out',
    coerce: once('sim-time'),
  },
  bug: { type: 'string', describe: "Put this known bug into the program ('list bugs')", coerce: once('bug') },
  twin: {
    type: 'boolean',
    default: false,
    describe: 'Run it again in another process, after other seeds, in another time zone and locale, and compare event by event',
  },
  potency: {
    type: 'boolean',
    default: false,
    describe: 'Run it again without each fault that fired, and say which ones mattered',
  },
  trace: { type: 'string', describe: 'Write every event to this file, as JSON lines', coerce: once('trace') },
  'hang-timeout': {
    type: 'string',
    describe: `Wall time without progress that counts as a hang; ${HANG_TIMEOUT_MS / 1_000}s when left out`,
    coerce: once('hang-timeout'),
  },
  json: JSON_FLAG,
  color: COLOUR_FLAG,
} as const;

type RunArguments = InferredOptionTypes<typeof RUN_FLAGS>;

export const runCommand: CommandModule<object, RunArguments> = {
  command: 'run',
  describe: 'Run one seed of a scenario under faults',
  builder: (yargs) =>
    yargs
      .options(RUN_FLAGS)
      .example('$0 run --seed 42', 'the whole cluster under the faults that seed 42 draws')
      .example('$0 run --seed 42 --fault network/loss --fault crash/kill', 'the same with these two faults only')
      .example('$0 run --seed 42 --bug racy-claim --trace events.jsonl', 'with a known bug, every event kept'),
  handler: async (args) => {
    process.exitCode = await interruptible((signal) => run(args, signal));
  },
};

async function run(args: RunArguments, signal: AbortSignal): Promise<number> {
  const drawn = caseOf(args);
  const hangTimeoutMs =
    args['hang-timeout'] === undefined ? HANG_TIMEOUT_MS : parseDuration('--hang-timeout', args['hang-timeout']) / 1_000;
  const traceFile = args.trace === undefined ? undefined : await TraceFile.probe(args.trace);
  const reporter: RunReporter = args.json ? json : terminal({ colour: wantsColour(args.color, process.stdout, process.env) });
  process.stdout.write(reporter.opening?.(drawn) ?? '');

  await exploreFirst(signal);
  const first = await runCase(drawn, { hangTimeoutMs, signal, record: traceFile !== undefined });
  const traced = await withTrace(first, () => runCase(drawn, { hangTimeoutMs, signal, record: true }));
  const { outcome, equalIn } = args.twin && traced.completed ? await twinOf(traced, signal) : { outcome: traced };
  if (traceFile !== undefined && outcome.completed) await traceFile.write(outcome.trace);
  const potency = args.potency && first.completed ? await potencyOf(drawn, outcome.run, signal) : undefined;
  process.stdout.write(
    reporter.report({
      ...outcome,
      ...(await specStateOf(outcome, catalogue)),
      wallMs: first.wallMs,
      reproduce: commandOf(args, drawn),
      ...shrinkCommandOf(args, outcome.run),
      ...(traceFile === undefined || !outcome.completed ? {} : { traceFile: traceFile.path }),
      ...(equalIn === undefined ? {} : { twin: equalIn }),
      ...(potency === undefined ? {} : { potency }),
    }),
  );
  if (traceFile !== undefined && !outcome.completed) {
    console.error(`kelpie-dst: ${traceFile.path} is not written: the run did not come to its end, so its trace is lost`);
  }
  return outcome.run.verdict === 'pass' ? EXIT.clean : EXIT.bug;
}

/** The case without each fault that fired, in turn. */
async function potencyOf(drawn: Case, ran: Run, signal: AbortSignal): Promise<readonly FaultPotency[]> {
  const pool = new CasePool({ workers: availableParallelism(), signal });
  try {
    const whole = await pool.judge(drawn);
    const fired = ran.faults.filter((fault) => fault.fired > 0);
    return await Promise.all(
      fired.map(async ({ id }): Promise<FaultPotency> => {
        const labels = drawn.faults.filter((fault) => fault.id === id).map(({ label }) => label);
        const without = await pool.judge(drawn, labels);
        const { verdict, invariant } = without;
        const alike = verdict === whole.verdict && invariant === whole.invariant;
        const effect = without.effects === whole.effects ? 'none' : alike ? 'events' : 'verdict';
        return { id, effect, verdict, invariant };
      }),
    );
  } finally {
    await pool.end();
  }
}

/** The case that the flags ask for. Throws UsageError for flags that are wrong, or contradict each other. */
function caseOf(args: RunArguments): Case {
  const scenario: Scenario = find('scenario', catalogue.scenarios, args.scenario ?? DEFAULT_SCENARIO);
  const profile: Profile | undefined = args.profile === undefined ? undefined : oneOf('profile', PROFILES, args.profile);
  const only = args.fault?.map((id) => find('fault', catalogue.faults, id).id);
  if (only !== undefined && profile !== undefined && profile !== 'swarm' && profile !== 'beyond-budget') {
    const what = { none: 'no fault', calm: 'core faults', all: 'every fault' }[profile];
    throw new UsageError(`--profile ${profile} asks for ${what}, and --fault for ${only.join(', ')} only; leave one of the two out`);
  }
  const options: DrawOptions = {
    faults: catalogue.faults,
    ...(profile === undefined ? {} : { profile }),
    ...(only === undefined ? {} : { only }),
    ...(args.strategy === undefined ? {} : { strategy: oneOf('strategy', DRAWN_STRATEGIES, args.strategy) }),
    ...(args['sim-time'] === undefined ? {} : { chaosMicros: parseDuration('--sim-time', args['sim-time']) }),
    ...(args.bug === undefined ? {} : { bug: find('bug', catalogue.bugs, args.bug).id }),
  };
  return draw(args.seed === undefined ? freshSeed() : parseSeed(args.seed), scenario, options);
}

/** The command that does this run again: what was asked for, with the seed that was drawn. */
function commandOf(args: RunArguments, drawn: Case): string {
  const flags: readonly (readonly [string, string | undefined])[] = [
    ['scenario', args.scenario],
    ['seed', String(drawn.seed)],
    ['profile', args.profile],
    ...(args.fault ?? []).map((id) => ['fault', id] as const),
    ['strategy', args.strategy],
    ['sim-time', args['sim-time']],
    ['bug', args.bug],
  ];
  const modes = [...(args.twin ? ['--twin'] : []), ...(args.potency ? ['--potency'] : [])];
  return ['npx kelpie-dst run', ...modes, ...flags.flatMap(([name, value]) => (value === undefined ? [] : [`--${name} ${value}`]))].join(
    ' ',
  );
}

/** Only what `shrink` can draw by itself; what differs elsewhere is not in the case. */
function shrinkCommandOf(args: RunArguments, { verdict, seed }: Run): { readonly shrink?: string } {
  const drawnOtherwise = [args.profile, args.fault, args.strategy, args['sim-time']].some((flag) => flag !== undefined);
  if (drawnOtherwise || verdict === 'pass' || verdict === 'nondeterminism') return {};
  const flags = (['scenario', 'bug'] as const).flatMap((name) => (args[name] === undefined ? [] : [`--${name} ${args[name]}`]));
  return { shrink: ['npx kelpie-dst shrink', seed, ...flags].join(' ') };
}
