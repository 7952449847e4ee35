/** `spec trace`: a saved run as TLA+ trace modules, checked by TLC, the embedded engine or both. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import type { CommandModule, InferredOptionTypes } from 'yargs';
import { mappings } from '../../specs/index.js';
import { EXIT } from '../../src/run.js';
import type { TraceEvent } from '../../src/trace.js';
import { nearest } from '../catalogue.js';
import { JSON_FLAG, once, oneOf } from '../flags.js';
import { interruptible } from '../interrupt.js';
import { checkTrace, type ModuleWalks, type Rejection, type TraceRow } from '../spec-trace/check-trace.js';
import { readSavedRun, type Rerun } from '../spec-trace/saved-run.js';
import { type RecordedWalk, WalkRecorder } from '../spec-trace/walks.js';
import { ENGINES, shortName, specsNamed } from '../tla/check-all.js';
import { type Model, ModelCheckError } from '../tla/model-checker.js';
import { readSpecs, type Spec } from '../tla/spec-catalogue.js';
import { formatState } from '../tla/tla-value.js';
import { UsageError } from '../usage-error.js';

export const TRACE_FLAGS = {
  module: { type: 'string', describe: 'Only this spec, such as KelpieWAL or wal', coerce: once('module') },
  walk: { type: 'string', describe: 'Only the walk of this name', coerce: once('walk') },
  engine: { type: 'string', describe: `Model checker: ${ENGINES.join(', ')}; embedded when left out`, coerce: once('engine') },
  'tlc-jar': { type: 'string', describe: "TLC's tla2tools.jar; TLA2TOOLS_JAR or the installed one when left out", coerce: once('tlc-jar') },
  out: { type: 'string', describe: 'Write the trace modules and their configurations to this folder', coerce: once('out') },
  json: JSON_FLAG,
} as const;

type Arguments = InferredOptionTypes<typeof TRACE_FLAGS> & { file: string | undefined };

export const specTraceCommand: CommandModule<object, Arguments> = {
  command: 'trace <file>',
  describe: 'Check a saved run against the specs, as TLA+ trace modules of which every observation must be matched',
  builder: (yargs) =>
    yargs
      .positional('file', {
        type: 'string',
        describe: "A trace, as 'run --trace FILE' writes it, or a case file of 'storm --out' or 'shrink', which is run again",
      })
      .options(TRACE_FLAGS)
      .example('$0 spec trace run.jsonl', 'every walk of the run through every spec, with the embedded engine')
      .example('$0 spec trace found/failures/01-conservation.json', 'where a run that a storm has kept leaves its specs')
      .example('$0 spec trace run.jsonl --module wal --engine both --out modules', 'two engines, and the modules to read'),
  handler: async (args) => {
    process.exitCode = await interruptible((signal) => trace(args, signal));
  },
};

async function trace(args: Arguments, signal: AbortSignal): Promise<number> {
  const engine = oneOf('engine', ENGINES, args.engine ?? 'embedded');
  const specs = specsOf(args.module);
  const { file = '', walk, out } = args;
  const { modules, rerun } = await walksOf(file, specs, walk, signal);
  const { json } = args;
  if (rerun !== undefined && !json) process.stdout.write(`${rerunText(rerun)}\n`);
  let isFirst = true;
  const verdict = await checked(
    checkTrace(modules, engine, {
      ...(args['tlc-jar'] === undefined ? {} : { tlc: { jar: args['tlc-jar'] } }),
      signal,
      onModule: out === undefined ? undefined : (model) => write(out, model),
      onRow: (row) => {
        if (json) return;
        if (isFirst) process.stdout.write(line(HEADINGS));
        isFirst = false;
        process.stdout.write(line(cells(row)));
      },
    }),
  );
  const { rows, rejections, disagreements } = verdict;
  const left = modules.flatMap(({ walks }) => walks.filter((one) => one.left !== undefined));
  if (json) {
    const document = {
      file,
      ...(rerun === undefined ? {} : { rerun }),
      rows,
      rejections: rejections.map(rejectionDocument),
      disagreements,
      left: left.map(leftDocument),
    };
    process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
  } else {
    process.stdout.write([...rejections.map(rejectionText), ...disagreements.map((one) => `✗ ${one}\n`), leftText(left)].join(''));
    const walks = modules.reduce((sum, one) => sum + one.walks.length, 0);
    const good =
      rejections.length === 0 ? `all ${walks} walks are matched to their ends\n` : `${rejections.length} of ${walks} walks are rejected\n`;
    process.stdout.write(good);
  }
  return rejections.length + disagreements.length === 0 ? EXIT.clean : EXIT.bug;
}

/** Those that have a mapping. Throws UsageError for a name that is none. */
function specsOf(name: string | undefined): readonly Spec[] {
  const mapped = readSpecs().filter(({ module }) => mappings.some((mapping) => mapping.module === module));
  if (name === undefined) return mapped;
  const { specs } = specsNamed([name], mapped);
  if (specs.length > 0) return specs;
  const near = nearest(
    name,
    mapped.flatMap((spec) => [spec.module, spec.folder]),
  );
  throw new UsageError(
    `--module '${name}' is no spec that runs are mapped to${near === '' ? '' : `; did you mean ${near}?`}\nThose are ${mapped.map(shortName).join(', ')}`,
  );
}

/** The walks with something to check. Rejects with UsageError when there are none. */
async function walksOf(
  file: string,
  specs: readonly Spec[],
  name: string | undefined,
  signal: AbortSignal,
): Promise<{ readonly modules: readonly ModuleWalks[]; readonly rerun: Rerun | undefined }> {
  const recorders = specs.flatMap((spec) => {
    const mapping = mappings.find(({ module }) => module === spec.module);
    return mapping === undefined ? [] : [{ spec, mapping, recorder: new WalkRecorder(mapping) }];
  });
  let events = 0;
  const take = (event: TraceEvent): void => {
    events++;
    for (const { recorder } of recorders) recorder.observe(event);
  };
  const rerun = await readSavedRun(file, take, signal);
  const all = recorders.map(({ spec, mapping, recorder }) => ({ spec, mapping, walks: recorder.walks() }));
  const known = all.flatMap(({ walks }) => walks);
  const modules = all.map((one) => ({ ...one, walks: one.walks.filter((walk) => name === undefined || walk.name === name) }));
  if (modules.some(({ walks }) => walks.some(({ seen }) => seen.length > 0))) return { modules, rerun };
  const among = specs.map(shortName).join(', ');
  if (known.length === 0) {
    throw new UsageError(`none of the ${events} events of '${file}' is a step of ${among}: is it the run of another program?`);
  }
  if (name === undefined)
    throw new UsageError(`the walks of '${file}' through ${among} end before their first observation: nothing to check`);
  const near = nearest(
    name,
    known.map((walk) => walk.name),
  );
  throw new UsageError(`--walk '${name}' is no walk of '${file}' through ${among}${near === '' ? '' : `; did you mean ${near}?`}`);
}

function rerunText({ verdict, traceHash, before }: Rerun): string {
  const same = traceHash === before.traceHash || before.traceHash === '';
  const how = verdict === before.verdict ? `${verdict}, as when it was saved` : `${verdict}, and ${before.verdict} when it was saved`;
  return `the case was run again: ${how}${same ? '' : '; its trace is another one, so what runs has changed since'}`;
}

/** What an engine cannot be had for, or cannot do, is told like wrong usage. */
async function checked<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof ModelCheckError) throw new UsageError(error.message);
    throw error;
  }
}

async function write(folder: string, { module, source, config }: Model): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await writeFileAtomic(join(folder, `${module}.tla`), source);
    await writeFileAtomic(join(folder, `${module}.cfg`), config);
  } catch (error) {
    throw new UsageError(`the modules cannot be written to '${folder}': ${(error as Error).message}; name a folder that may be written`);
  }
}

const HEADINGS = ['', 'trace module', 'engine', 'walks', 'observations', 'verdict', 'states', 'seconds'];
const WIDTHS = [2, -32, -8, 6, 12, -9, 8, 7];

const cells = ({ module, engine, walks, observations, verdict, distinctStates, seconds }: TraceRow): readonly string[] => [
  verdict === 'matched' ? '✓' : verdict === 'undecided' ? '?' : '✗',
  module,
  engine,
  String(walks),
  String(observations),
  verdict,
  String(distinctStates),
  seconds.toFixed(2),
];

/** Words stand left in their column, figures right. */
const line = (texts: readonly string[]): string =>
  `${texts
    .map((text, at) => {
      const width = WIDTHS[at] ?? 0;
      return width < 0 ? text.padEnd(-width) : text.padStart(width);
    })
    .join(' ')
    .trimEnd()}\n`;

const rejectionDocument = ({ module, walk, observations, stop }: Rejection): object => ({
  module,
  walk,
  observations,
  matched: stop.matched,
  observation: stop.seen.observation.key,
  event: stop.seen.event,
  states: stop.states,
  stateCount: stop.stateCount,
  allowed: stop.allowed,
});

function rejectionText({ module, walk, observations, stop }: Rejection): string {
  const { event, observation } = stop.seen;
  const states = stop.states.map(formatState);
  const others = stop.stateCount > states.length ? `\n    or ${stop.stateCount - states.length} other states` : '';
  return [
    `✗ ${module}, walk '${walk}': ${stop.matched} of ${observations} observations are matched, the next one is not: ${observation.key}\n`,
    `  told by event ${event.index}, ${event.body.type} of ${event.node === '' ? 'the world' : event.node} at ${(event.at / 1_000_000).toFixed(6)} s\n`,
    `  in the state ${states.join('\n    or ')}${others}\n`,
    `  allowed: ${stop.allowed.join(', ') || 'nothing'}\n`,
  ].join('');
}

const leftDocument = ({ module, name, left }: RecordedWalk): object => ({ module, walk: name, why: left });

function leftText(left: readonly RecordedWalk[]): string {
  if (left.length === 0) return '';
  const whys = new Map<string, number>();
  for (const { module, left: why } of left) {
    const text = `${module}: ${why ?? ''}`;
    whys.set(text, (whys.get(text) ?? 0) + 1);
  }
  return [...whys].map(([text, count]) => `- ${text} (${count} walks end there, unjudged from then on)\n`).join('');
}
