#!/usr/bin/env node
/** The command. Each subcommand is a file of `commands/`; here is only what they share: strictness, errors and exit codes. */
import { readFileSync } from 'node:fs';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { EXIT } from '../src/run.js';
import { nearest } from './catalogue.js';
import { BUGS_FLAGS, bugsCommand } from './commands/bugs.js';
import { CHECK_HISTORY_FLAGS, checkHistoryCommand } from './commands/check-history.js';
import { DOCTOR_FLAGS, doctorCommand } from './commands/doctor.js';
import { EXPLORE_FLAGS, exploreCommand } from './commands/explore.js';
import { LIST_FLAGS, listCommand } from './commands/list.js';
import { REPLAY_FLAGS, replayCommand } from './commands/replay.js';
import { RUN_FLAGS, runCommand } from './commands/run.js';
import { REPORT_FLAGS, reportCommand } from './commands/report.js';
import { SHRINK_FLAGS, shrinkCommand } from './commands/shrink.js';
import { SPEC_FLAGS, specCommand } from './commands/spec.js';
import { STORM_FLAGS, stormCommand } from './commands/storm.js';
import { Interrupted } from './interrupt.js';
import { UsageError } from './usage-error.js';

const WIDTH = 110;
const FLAGS: Readonly<Record<string, readonly string[]>> = {
  run: Object.keys(RUN_FLAGS),
  list: Object.keys(LIST_FLAGS),
  spec: Object.keys(SPEC_FLAGS),
  storm: Object.keys(STORM_FLAGS),
  replay: Object.keys(REPLAY_FLAGS),
  bugs: Object.keys(BUGS_FLAGS),
  shrink: Object.keys(SHRINK_FLAGS),
  doctor: Object.keys(DOCTOR_FLAGS),
  'check-history': Object.keys(CHECK_HISTORY_FLAGS),
  explore: Object.keys(EXPLORE_FLAGS),
  report: Object.keys(REPORT_FLAGS),
};

const [asked = ''] = hideBin(process.argv);
const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { readonly version: string };

// A reader that has seen enough (`| head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

try {
  await yargs(hideBin(process.argv))
    .scriptName('kelpie-dst')
    .usage('$0 <command>\n\nDeterministic simulation testing: a whole distributed system, under faults, from one seed.')
    // Help in the language of the machine would be help that no page of ours shows.
    .locale('en')
    .wrap(WIDTH)
    .command(runCommand)
    .command(stormCommand)
    .command(replayCommand)
    .command(bugsCommand)
    .command(shrinkCommand)
    .command(reportCommand)
    .command(exploreCommand)
    .command(listCommand)
    .command(specCommand)
    .command(checkHistoryCommand)
    .command(doctorCommand)
    .demandCommand(1, 'a command is missing')
    .strict()
    .help()
    .alias('help', 'h')
    .version(manifest.version)
    .epilogue('Exit codes: 0 clean, 1 a bug was found, 2 wrong usage or environment, 130 interrupted.')
    .exitProcess(false)
    .fail((message: string | null, error: Error | undefined) => {
      throw error ?? new UsageError(withSuggestion(message ?? 'wrong usage'));
    })
    .parseAsync();
} catch (error) {
  process.exitCode = report(error);
}

function report(error: unknown): number {
  if (error instanceof Interrupted) {
    console.error('kelpie-dst: interrupted');
    return EXIT.interrupted;
  }
  // yargs throws a YError for what it finds wrong itself.
  if (error instanceof UsageError || (error instanceof Error && error.name === 'YError')) {
    console.error(`kelpie-dst: ${error.message}\nSee 'kelpie-dst ${asked in FLAGS ? `${asked} ` : ''}--help'.`);
  } else {
    console.error(error);
  }
  return EXIT.usage;
}

/** Says which command or flag an unknown one may have meant. */
function withSuggestion(message: string): string {
  const [, name] = /^Unknown (?:command|argument)s?: ([^,]+)/.exec(message) ?? [];
  if (name === undefined) return message;
  const flags = FLAGS[asked];
  // yargs names a flag without its dashes.
  const near = flags === undefined ? nearest(name, Object.keys(FLAGS)) : nearest(name, flags).replaceAll(/'(?=\w)/g, "'--");
  return near === '' ? message : `${message}; did you mean ${near}?`;
}
