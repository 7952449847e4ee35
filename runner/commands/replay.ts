/** `replay`: a saved failure again, and whether it is still there. */
import type { CommandModule, InferredOptionTypes } from 'yargs';
import type { RunReportInput } from '../../reports/reporter.js';
import { terminal } from '../../reports/terminal.js';
import { type Case, EXIT } from '../../src/run.js';
import { type Expected, expectedOf, verdictOf } from '../case-verdict.js';
import { catalogue } from '../catalogue.js';
import { exploreFirst } from '../conformance/explore-first.js';
import { COLOUR_FLAG, JSON_FLAG, wantsColour } from '../flags.js';
import { interruptible } from '../interrupt.js';
import { judgedRun } from '../judged-run.js';
import { type FirstDifference, firstDifference, judgeReplay, type Replayed } from '../replay.js';
import { type CaseOutcome, runCase } from '../run-case.js';
import { isWrittenAsSeed } from '../seed.js';
import { refuseSeedFlags, SEED_CASE_FLAGS, seedCase, seedFlagsOf } from '../seed-case.js';
import { specStateOf } from '../spec-state.js';
import { logOf } from '../storm/case-file.js';
import { readSavedCase } from '../storm/saved-case.js';
import { twinOf } from '../twin/twin-of.js';
import { withTrace } from '../with-trace.js';

export const REPLAY_FLAGS = {
  ...SEED_CASE_FLAGS,
  json: JSON_FLAG,
  color: COLOUR_FLAG,
} as const;

type ReplayArguments = InferredOptionTypes<typeof REPLAY_FLAGS> & { readonly what: string };

export const replayCommand: CommandModule<object, ReplayArguments> = {
  command: 'replay <what>',
  describe: 'Run a saved failure again, and say whether it is still there',
  builder: (yargs) =>
    yargs
      .positional('what', {
        type: 'string',
        demandOption: true,
        describe: "A case file of 'storm --out', or a seed (then it runs twice, and must do the same)",
      })
      .options(REPLAY_FLAGS)
      .example('$0 replay found/failures/01-conservation.json', 'whether it is reproduced, drifted, changed or gone')
      .example('$0 replay 42', 'whether seed 42 fails, the same way twice')
      .example('$0 replay 7 --scenario ledger --bug racy-claim', 'a seed of another scenario, with a known bug'),
  handler: async (args) => {
    process.exitCode = await interruptible((signal) => replay(args, signal));
  },
};

async function replay({ what, scenario, bug, json, color }: ReplayArguments, signal: AbortSignal): Promise<number> {
  await exploreFirst(signal);
  const { run, expected, log, ...commands } = await beforeOf(what, { scenario, bug }, signal);
  const ran = await runCase(run, { signal });
  // That it differs elsewhere is seen only there.
  const first = expected.verdict === 'nondeterminism' && ran.completed ? (await twinOf(ran, signal)).outcome : ran;
  const judged = judgeReplay(expected, first.run);
  const again = (): Promise<CaseOutcome> => runCase(run, { signal, record: true });
  const outcome = await withTrace(first, again);
  const replayed: Replayed = { ...judged, ...(judged.outcome === 'reproduced' ? {} : await differenceFrom(log, outcome, again)) };
  const colour = wantsColour(color, process.stdout, process.env);
  const told = { ...outcome, ...(await specStateOf(outcome, catalogue)), ...commands };
  process.stdout.write(json ? documentOf(replayed, told) : textOf(replayed, told, colour));
  return outcome.run.verdict === 'pass' && replayed.outcome !== 'drifted' ? EXIT.clean : EXIT.bug;
}

/** A run that passes has not been recorded yet. */
async function differenceFrom(
  log: readonly string[] | undefined,
  outcome: CaseOutcome,
  again: () => Promise<CaseOutcome>,
): Promise<Pick<Replayed, 'differs'>> {
  if (log === undefined || !outcome.completed) return {};
  const { trace } = outcome.trace.length > 0 ? outcome : await again();
  const differs = firstDifference(log, logOf(trace).slice(0, log.length));
  return differs === undefined ? {} : { differs };
}

interface Before {
  readonly run: Case;
  readonly expected: Expected;
  readonly reproduce: string;
  readonly shrink?: string;
  readonly log?: readonly string[] | undefined;
}

async function beforeOf(what: string, flags: Parameters<typeof seedCase>[1], signal: AbortSignal): Promise<Before> {
  if (isWrittenAsSeed(what)) {
    // A seed has nothing saved: what it does first is what it must do again.
    const run = seedCase(what, flags);
    const { run: first } = await runCase(run, { signal });
    const same = [what, ...seedFlagsOf(run)].join(' ');
    return {
      run,
      expected: expectedOf(verdictOf(first)),
      reproduce: `npx kelpie-dst replay ${same}`,
      shrink: `npx kelpie-dst shrink ${same}`,
    };
  }
  refuseSeedFlags(what, flags);
  const { case: run, expected, log } = await readSavedCase(what);
  const isSmall = what.endsWith('.min.json');
  return {
    run,
    expected,
    reproduce: `npx kelpie-dst replay ${what}`,
    log,
    ...(isSmall ? {} : { shrink: `npx kelpie-dst shrink ${what}` }),
  };
}

function documentOf({ outcome, told, differs }: Replayed, ran: RunReportInput): string {
  const document = {
    outcome,
    told,
    ...(differs === undefined ? {} : { differs }),
    ...judgedRun(ran),
    reproduce: ran.reproduce,
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

function textOf({ outcome, told, differs }: Replayed, ran: RunReportInput, colour: boolean): string {
  const reporter = terminal({ colour });
  return `${reporter.opening?.(ran.run.case) ?? ''}${reporter.report(ran)}\n${outcome}: ${told}\n${differs === undefined ? '' : differenceText(differs)}`;
}

const differenceText = ({ line, before, now }: FirstDifference): string =>
  [
    `The first event that differs is line ${line} of the saved log:`,
    `  before  ${before ?? 'the end'}`,
    `  now     ${now ?? 'the end'}`,
    '',
  ].join('\n');
