/** `report`: what a storm had to say, again from what it stored; of shards, what the whole has to say. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import type { CommandModule, InferredOptionTypes } from 'yargs';
import { junit } from '../../reports/junit.js';
import { stormJson } from '../../reports/storm-json.js';
import { stormTerminal } from '../../reports/storm-terminal.js';
import { EXIT } from '../../src/run.js';
import { catalogue } from '../catalogue.js';
import { COLOUR_FLAG, JSON_FLAG, once, wantsColour } from '../flags.js';
import { runCommandOf } from '../storm/plan.js';
import { readStorms } from '../storm/stored-storm.js';
import { isBad } from '../storm/tally.js';
import { UsageError } from '../usage-error.js';

export const REPORT_FLAGS = {
  out: {
    type: 'string',
    describe: 'Folder for report.json and junit.xml; the folder of the storm when there is one, none when there are several',
    coerce: once('out'),
  },
  json: JSON_FLAG,
  color: COLOUR_FLAG,
} as const;

type ReportArguments = InferredOptionTypes<typeof REPORT_FLAGS> & { readonly folders: readonly string[] };

export const reportCommand: CommandModule<object, ReportArguments> = {
  command: 'report <folders..>',
  describe: 'Write the reports of a stored storm again, or one of all its shards',
  builder: (yargs) =>
    yargs
      .positional('folders', { type: 'string', array: true, demandOption: true, describe: "Folders of 'storm --out'" })
      .options(REPORT_FLAGS)
      .example('$0 report found', 'also of a storm that was killed')
      .example('$0 report storm-1 storm-2 storm-3 --out whole', 'three shards as one storm'),
  handler: async (args) => {
    process.exitCode = await report(args);
  },
};

async function report({ folders, out, json, color }: ReportArguments): Promise<number> {
  const { plan, tally, stopped, wallMs, runs, machines, potency } = await readStorms(folders);
  const told = tally.report(plan, catalogue, {
    stopped,
    wallMs,
    runs,
    commandOf: (scenario, seed) => runCommandOf(plan, scenario, seed),
    ...(machines === undefined ? {} : { machines }),
    ...(potency === undefined ? {} : { potency }),
  });
  const reporter = json ? stormJson : stormTerminal({ colour: wantsColour(color, process.stdout, process.env) });
  process.stdout.write(reporter.report(told));
  const folder = out ?? (folders.length === 1 ? folders[0] : undefined);
  if (folder !== undefined) {
    try {
      await mkdir(folder, { recursive: true });
      await writeFileAtomic(join(folder, 'report.json'), stormJson.report(told));
      await writeFileAtomic(join(folder, 'junit.xml'), junit.report(told));
    } catch (error) {
      throw new UsageError(`the reports cannot be written to '${folder}': ${(error as Error).message}; name another folder by --out`);
    }
  }
  return isBad(told) ? EXIT.bug : EXIT.clean;
}
