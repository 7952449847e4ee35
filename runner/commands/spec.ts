/** `spec`: the TLA+ specs, checked. */
import type { CommandModule, InferredOptionTypes } from 'yargs';
import { EXIT } from '../../src/run.js';
import { parseDuration } from '../duration.js';
import { JSON_FLAG, once, oneOf } from '../flags.js';
import { interruptible } from '../interrupt.js';
import { type CheckRow, checkSpecs, ENGINES } from '../tla/check-all.js';
import { InstallError, installTlc, TLC_RELEASE } from '../tla/install-tlc.js';
import { DEFAULT_BOUNDS, ModelCheckError } from '../tla/model-checker.js';
import { UsageError } from '../usage-error.js';
import { COVERAGE_FLAGS, specCoverageCommand } from './spec-coverage.js';
import { specsAsked } from './spec-names.js';
import { REPLAY_SPEC_FLAGS, specReplayCommand } from './spec-replay.js';
import { specTraceCommand, TRACE_FLAGS } from './spec-trace.js';

const CHECK_FLAGS = {
  engine: { type: 'string', describe: `Model checker: ${ENGINES.join(', ')}; embedded when left out`, coerce: once('engine') },
  'tlc-jar': { type: 'string', describe: "TLC's tla2tools.jar; TLA2TOOLS_JAR or the installed one when left out", coerce: once('tlc-jar') },
  timeout: { type: 'string', describe: `Bound of one configuration; ${DEFAULT_BOUNDS.seconds}s when left out`, coerce: once('timeout') },
  json: JSON_FLAG,
} as const;

const INSTALL_FLAGS = {
  from: { type: 'string', describe: 'A file or http(s) address that has the same jar', coerce: once('from') },
  json: JSON_FLAG,
} as const;

export const SPEC_FLAGS = { ...CHECK_FLAGS, ...INSTALL_FLAGS, ...TRACE_FLAGS, ...REPLAY_SPEC_FLAGS, ...COVERAGE_FLAGS };

type CheckArguments = InferredOptionTypes<typeof CHECK_FLAGS> & { names: string[] | undefined };
type InstallArguments = InferredOptionTypes<typeof INSTALL_FLAGS>;

const checkCommand: CommandModule<object, CheckArguments> = {
  command: 'check [names..]',
  describe: 'Check the specs: each model holds, each known bug violates the invariant that it names',
  builder: (yargs) =>
    yargs
      .positional('names', { type: 'string', array: true, describe: 'Specs, such as KelpieWAL or wal; all when left out' })
      .options(CHECK_FLAGS)
      .example('$0 spec check wal', 'the write-ahead log and its known bugs, with the embedded engine')
      .example('$0 spec check --engine both', 'everything with two engines, which must agree'),
  handler: async (args) => {
    process.exitCode = await interruptible((signal) => environmentIsUsage(() => check(args, signal)));
  },
};

const installCommand: CommandModule<object, InstallArguments> = {
  command: 'install-tlc',
  describe: `Install TLC ${TLC_RELEASE.version}, the reference model checker (it needs Java)`,
  builder: (yargs) =>
    yargs
      .options(INSTALL_FLAGS)
      .example('$0 spec install-tlc', `from ${new URL(TLC_RELEASE.url).host}`)
      .example('$0 spec install-tlc --from tla2tools.jar', 'from a file; the same release, checked by its digest'),
  handler: (args) => interruptible((signal) => environmentIsUsage(() => install(args, signal))),
};

export const specCommand: CommandModule = {
  command: 'spec',
  describe: 'The TLA+ specs: check them, check runs against them, see what storms visit of them, replay their counterexamples, install TLC',
  builder: (yargs) =>
    yargs
      .command(checkCommand)
      .command(specCoverageCommand)
      .command(specTraceCommand)
      .command(specReplayCommand)
      .command(installCommand)
      .demandCommand(1, 'a command of spec is missing')
      .strict(),
  // Only its subcommands do anything; yargs asks for one.
  handler: () => {},
};

async function check(args: CheckArguments, signal: AbortSignal): Promise<number> {
  const engine = oneOf('engine', ENGINES, args.engine ?? 'embedded');
  const seconds = args.timeout === undefined ? DEFAULT_BOUNDS.seconds : parseDuration('--timeout', args.timeout) / 1_000_000;
  const specs = specsAsked(args.names);
  let isFirst = true;
  const rows = await checkSpecs(specs, engine, {
    ...(args['tlc-jar'] === undefined ? {} : { tlc: { jar: args['tlc-jar'] } }),
    bounds: { ...DEFAULT_BOUNDS, seconds },
    signal,
    onRow: (row) => {
      if (args.json) return;
      if (isFirst) process.stdout.write(line(HEADINGS));
      isFirst = false;
      process.stdout.write(line(cells(row)));
    },
  });
  const failed = rows.filter(({ ok }) => !ok);
  if (args.json) process.stdout.write(`${JSON.stringify({ results: rows }, undefined, 2)}\n`);
  else
    process.stdout.write(
      failed.length === 0 ? `all ${rows.length} are as they should be\n` : `${failed.length} of ${rows.length} are not as they should be\n`,
    );
  return failed.length === 0 ? EXIT.clean : EXIT.bug;
}

async function install({ from, json }: InstallArguments, signal: AbortSignal): Promise<void> {
  const { path, version, fetched } = await installTlc({ ...(from === undefined ? {} : { from }), signal });
  process.stdout.write(
    json
      ? `${JSON.stringify({ path, version, fetched }, undefined, 2)}\n`
      : `TLC ${version} is ${fetched ? 'installed' : 'there already'}: ${path}\n`,
  );
}

/** What this machine lacks is told like wrong usage: the message alone, exit code 2. */
async function environmentIsUsage<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof InstallError || (error instanceof ModelCheckError && error.environment)) throw new UsageError(error.message);
    throw error;
  }
}

const HEADINGS = ['', 'configuration', 'engine', 'verdict', 'invariant', 'states', 'depth', 'seconds', ''];
const WIDTHS = [2, -48, -8, -8, -31, 8, 5, 7, 0];

const cells = (row: CheckRow): readonly string[] => [
  row.ok ? (row.verdict === 'skipped' ? '-' : '✓') : '✗',
  row.config.replace(/\.cfg$/, ''),
  row.engine,
  row.verdict,
  row.invariant ?? '',
  row.verdict === 'skipped' ? '' : String(row.distinctStates),
  row.verdict === 'skipped' ? '' : String(row.depth),
  row.verdict === 'skipped' ? '' : row.seconds.toFixed(2),
  row.note,
];

/** Words stand left in their column, figures right. */
function line(texts: readonly string[]): string {
  const padded = texts.map((text, at) => {
    const width = WIDTHS[at] ?? 0;
    return width < 0 ? text.padEnd(-width) : text.padStart(width);
  });
  return `${padded.join(' ').trimEnd()}\n`;
}
