/** `explore`: every schedule and fault choice of a small case, up to a bound. */
import type { CommandModule, InferredOptionTypes } from 'yargs';
import type { RunReportInput } from '../../reports/reporter.js';
import { terminal } from '../../reports/terminal.js';
import { grouped } from '../../reports/text.js';
import { EXIT, type Verdict } from '../../src/run.js';
import { expectedOf } from '../case-verdict.js';
import { catalogue, DEFAULT_SCENARIO, find } from '../catalogue.js';
import { exploreFirst } from '../conformance/explore-first.js';
import { explore, type ExploreReport } from '../explore/explore.js';
import type { Search } from '../explore/explored-run.js';
import { beyondPercent, exploredText } from '../explore/explored-text.js';
import { smallCase } from '../explore/small-case.js';
import { COLOUR_FLAG, JSON_FLAG, WORKERS_FLAG, once, wantsColour, wholeNumber, workersOf } from '../flags.js';
import { interruptible } from '../interrupt.js';
import { type CaseOutcome, runCase } from '../run-case.js';
import { specStateOf } from '../spec-state.js';
import { writeCaseFile } from '../storm/case-file.js';
import { probeWritable } from '../writable.js';

const DEPTH_DEFAULT = 12;
const DEPTH_MAX = 10_000;
const FAULTS_DEFAULT = 1;
const FAULTS_MAX = 10;
const RUNS_DEFAULT = 20_000;
const RUNS_MAX = 10_000_000;
const TOLD_EVERY_MS = 2_000;

export const EXPLORE_FLAGS = {
  scenario: { type: 'string', describe: `Scenario with a small case; ${DEFAULT_SCENARIO} when left out`, coerce: once('scenario') },
  depth: {
    type: 'string',
    describe: `Schedule decisions of each run that are varied; ${DEPTH_DEFAULT} when left out`,
    coerce: once('depth'),
  },
  faults: {
    type: 'string',
    describe: `Commits of a run that may conflict, have an unknown result or end their process; ${FAULTS_DEFAULT} when left out`,
    coerce: once('faults'),
  },
  bug: { type: 'string', describe: "Put this known bug into the program ('list bugs')", coerce: once('bug') },
  runs: { type: 'string', describe: `Runs at most; ${RUNS_DEFAULT} when left out`, coerce: once('runs') },
  workers: WORKERS_FLAG,
  out: { type: 'string', describe: 'Where a failing case is saved; in this folder when left out', coerce: once('out') },
  json: JSON_FLAG,
  color: COLOUR_FLAG,
} as const;

type ExploreArguments = InferredOptionTypes<typeof EXPLORE_FLAGS>;

export const exploreCommand: CommandModule<object, ExploreArguments> = {
  command: 'explore',
  describe: 'Try every schedule and fault choice of a small case, up to a bound, without a seed',
  builder: (yargs) =>
    yargs
      .options(EXPLORE_FLAGS)
      .example('$0 explore --scenario kv-state-atomicity', 'proves the correct runtime clean at the default bound')
      .example('$0 explore --scenario single-activation-race --bug racy-claim', 'finds the race, and saves it for replay'),
  handler: async (args) => {
    process.exitCode = await interruptible((signal) => exploreWhat(args, signal));
  },
};

async function exploreWhat(args: ExploreArguments, signal: AbortSignal): Promise<number> {
  const number = (flag: 'depth' | 'faults' | 'runs', normal: number, min: number, max: number): number =>
    args[flag] === undefined ? normal : wholeNumber(flag, args[flag], min, max);
  const scenario = find('scenario', catalogue.scenarios, args.scenario ?? DEFAULT_SCENARIO);
  const bug = args.bug === undefined ? undefined : find('bug', catalogue.bugs, args.bug).id;
  const faults = number('faults', FAULTS_DEFAULT, 0, FAULTS_MAX);
  const depth = number('depth', DEPTH_DEFAULT, 0, DEPTH_MAX);
  const small = smallCase(scenario, catalogue.scenarios, { faults, ...(bug === undefined ? {} : { bug }) });
  const search: Search = { ...small, depth, faults };
  const path = args.out ?? `${[scenario.id, ...(bug === undefined ? [] : [bug])].join('-')}.explored.json`;
  await probeWritable(path, 'failing case');
  await exploreFirst(signal);
  const begunMs = performance.now();
  const found = await explore(search, {
    runsMax: number('runs', RUNS_DEFAULT, 1, RUNS_MAX),
    workers: workersOf(args.workers),
    signal,
    onBatch: teller(args.json),
  });
  const wallMs = performance.now() - begunMs;
  const again = await toldAgain(found, path);
  const outcome = again && { ...again, ...(await specStateOf(again, catalogue)), reproduce: commandOf(path) };
  process.stdout.write(
    args.json ? documentOf(found, search, wallMs, outcome, path) : textOf(found, search, wallMs, outcome, path, args.color),
  );
  if (found.cutShort === 'interrupted') return EXIT.interrupted;
  return found.failure === undefined ? EXIT.clean : EXIT.bug;
}

/** A line on stderr now and then. */
function teller(quiet: boolean): (found: ExploreReport) => void {
  let toldMs = performance.now();
  return ({ runs, routes, states }) => {
    const now = performance.now();
    if (now - toldMs < TOLD_EVERY_MS || (quiet && !process.stderr.isTTY)) return;
    toldMs = now;
    process.stderr.write(`${grouped(runs)} runs, ${grouped(routes - runs)} more known, ${grouped(states)} states\n`);
  };
}

/** Saves the failing case, and does it again with its whole trace; undefined where there is none to save. */
async function toldAgain({ failure }: ExploreReport, path: string): Promise<CaseOutcome | undefined> {
  if (failure?.found === undefined) return undefined;
  const { case: run, verdict } = failure.found;
  await writeCaseFile(path, { case: run, expected: expectedOf(verdict), reproduce: commandOf(path) });
  // Also when it is interrupted by now: it is one run.
  const outcome = await runCase(run, { record: true });
  if (outcome.run.traceHash !== verdict.traceHash) {
    throw new Error(
      `the search met ${verdict.signature} with trace hash ${verdict.traceHash}, and its case has ${outcome.run.traceHash}: the case is not the run`,
    );
  }
  return outcome;
}

/** Only a search that went through all of it knows that nothing breaks. A run that took its worker with it has no verdict of its own. */
function verdictOfSearch({ cutShort, failure }: ExploreReport): Verdict {
  if (failure !== undefined) return failure.found?.verdict.verdict ?? 'crash';
  return cutShort === undefined ? 'pass' : 'unknown';
}

const commandOf = (path: string): string => `npx kelpie-dst replay ${path}`;

function documentOf(found: ExploreReport, search: Search, wallMs: number, outcome: RunReportInput | undefined, path: string): string {
  const { runs, cut, states, routes, turns, decisions, beyond, longest, cutShort, failure } = found;
  const { run, depth, faults } = search;
  const document = {
    scenario: run.scenario,
    bug: run.bug ?? null,
    verdict: verdictOfSearch(found),
    violations: outcome?.run.violations ?? [],
    ...(outcome?.specState === undefined ? {} : { specState: outcome.specState }),
    depth,
    faults,
    exhausted: cutShort === undefined,
    cutShort: cutShort ?? null,
    runs,
    cut,
    states,
    routes,
    turnsLeft: turns ?? null,
    decisions,
    beyond,
    beyondPercent: beyondPercent(found),
    longest,
    route: failure?.route ?? null,
    traceHash: outcome?.run.traceHash ?? null,
    wallMs: Math.round(wallMs),
    ...(outcome === undefined ? {} : { saved: path, reproduce: commandOf(path) }),
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

function textOf(
  found: ExploreReport,
  search: Search,
  wallMs: number,
  outcome: RunReportInput | undefined,
  path: string,
  colour: boolean,
): string {
  const text = exploredText(found, search, wallMs);
  if (found.failure === undefined) return text;
  if (outcome === undefined) return `${text}  the run of route ${found.failure.route.join(' ')} hung, or took its worker down\n`;
  const reporter = terminal({ colour: wantsColour(colour, process.stdout, process.env) });
  return `${reporter.opening?.(outcome.run.case) ?? ''}${reporter.report(outcome)}\n${text}`;
}
