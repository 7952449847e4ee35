/** `doctor`: what this machine has, what it lacks, and how to get it. */
import { Chalk } from 'chalk';
import type { CommandModule, InferredOptionTypes } from 'yargs';
import { printable } from '../../reports/text.js';
import { EXIT } from '../../src/run.js';
import { examine, type Finding, thisHost } from '../doctor/checks.js';
import { COLOUR_FLAG, JSON_FLAG, wantsColour } from '../flags.js';

export const DOCTOR_FLAGS = {
  json: JSON_FLAG,
  color: COLOUR_FLAG,
} as const;

export const doctorCommand: CommandModule<object, InferredOptionTypes<typeof DOCTOR_FLAGS>> = {
  command: 'doctor',
  describe: 'Say what is installed, what is missing, and how to get it',
  builder: (yargs) => yargs.options(DOCTOR_FLAGS).example('$0 doctor', 'one line for each thing that kelpie-dst needs or can use'),
  handler: async ({ json, color }) => {
    const findings = await examine(thisHost);
    const ok = findings.every(({ found, required }) => found || !required);
    process.stdout.write(
      json ? `${JSON.stringify({ ok, findings }, undefined, 2)}\n` : doctorText(findings, wantsColour(color, process.stdout, process.env)),
    );
    process.exitCode = ok ? EXIT.clean : EXIT.usage;
  },
};

/** A line for each thing, and under a missing one what is wrong and how to get it. */
export function doctorText(findings: readonly Finding[], colour: boolean): string {
  const paint = new Chalk({ level: colour ? 1 : 0 });
  const width = Math.max(...findings.map(({ id }) => id.length));
  const indent = ' '.repeat(width + 12);
  const lines = findings.flatMap(({ id, found, version, required, purpose, remedy, problem }) => {
    const state = found ? paint.green('found'.padEnd(8)) : required ? paint.red('MISSING'.padEnd(8)) : paint.yellow('missing'.padEnd(8));
    const first = `${id.padEnd(width)}  ${state}  ${found ? `${printable(version)}; ` : ''}for ${purpose}`;
    return found ? [first] : [first, `${indent}${printable(problem)}`, `${indent}to get it: ${remedy}`];
  });
  const missing = findings.filter(({ found, required }) => !found && required).map(({ id }) => id);
  const verdict = missing.length === 0 ? 'Everything that is needed is here.' : `Needed and missing: ${missing.join(', ')}.`;
  return `${[...lines, '', verdict].join('\n')}\n`;
}
