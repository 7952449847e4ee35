/** The page in `docs/` that tells what a storm finds of the mutants, and which survive it. */
import { counted } from '../../reports/text.js';
import { median } from '../median.js';
import type { MutantResult } from './results.js';
import type { Kind, MutantVerdict } from './verdicts.js';

export interface PageInput {
  /** Keys of the mutants that each file has, run or not; a row for each file. */
  readonly keys: ReadonlyMap<string, readonly string[]>;
  readonly results: readonly MutantResult[];
  readonly verdicts: readonly MutantVerdict[];
}

/** Of one file, or of all. */
export interface MutantTally {
  /** Those that the compiler refuses are not run, and count for nothing. */
  readonly refused: number;
  readonly run: number;
  readonly killed: number;
  readonly survived: number;
  readonly unreached: number;
  /** Of those that no storm found, by what people say of them. */
  readonly read: Readonly<Record<Kind, number>>;
}

export function tallyOf(results: readonly MutantResult[], verdicts: readonly MutantVerdict[]): MutantTally {
  const kinds = new Map(verdicts.map(({ key, kind }) => [key, kind]));
  const read: Record<Kind, number> = { equivalent: 0, telemetry: 0, 'unit-tests': 0, hole: 0 };
  const times = (status: MutantResult['status']): number => results.filter((result) => result.status === status).length;
  for (const { key, status } of results) {
    const kind = kinds.get(key);
    if (isAlive({ status }) && kind !== undefined) read[kind]++;
  }
  const refused = times('refused');
  return {
    refused,
    run: results.length - refused,
    killed: times('killed'),
    survived: times('survived'),
    unreached: times('unreached'),
    read,
  };
}

const isAlive = ({ status }: Pick<MutantResult, 'status'>): boolean => status === 'survived' || status === 'unreached';

/** Killed by the storm, out of all that were run, in whole per cent; null where none was run. */
export const plainScore = ({ killed, run }: MutantTally): number | null => percent(killed, run);

/** The same out of those alone that change what the runtime promises: without what is equivalent, and what only people would see. */
export const scoreOfPromises = ({ killed, run, read }: MutantTally): number | null =>
  percent(killed, run - read.equivalent - read.telemetry);

/** Killed by the storm or by tests beside the file, out of the same. */
export const scoreWithTests = ({ killed, run, read }: MutantTally): number | null =>
  percent(killed + read['unit-tests'], run - read.equivalent - read.telemetry);

const percent = (part: number, whole: number): number | null => (whole === 0 ? null : Math.floor((100 * part) / whole));
const shown = (score: number | null): string => (score === null ? '-' : `${score} %`);

export function mutantsPage({ keys, results, verdicts }: PageInput): string {
  const all = tallyOf(results, verdicts);
  const total = [...keys.values()].reduce((sum, own) => sum + own.length, 0);
  const files = [...keys.keys()].sort();
  const alive = files.flatMap((file) => results.filter((result) => result.file === file && isAlive(result)).sort(byPlace));
  const seconds = results.filter(({ status }) => status !== 'refused').reduce((sum, result) => sum + result.seconds, 0);
  const runs = [...new Set(results.map((result) => result.runs))].sort((a, b) => a - b);
  return [
    '# Mutants of the runtime',
    '',
    'Written by `npm run mutants`; do not edit, but write verdicts into [verdicts.ts](../runner/mutants/verdicts.ts). Stryker changes one',
    `place of a critical file at a time, and a storm of ${runs.join(' or ') || 'no'} runs over all scenarios, with invariants and conformance on, has to`,
    'find it. A survivor is either equivalent, or shows what neither promise nor workload sees.',
    '',
    `${counted(results.length, 'mutant')} of ${total} ${results.length === 1 ? 'was' : 'were'} drawn (${samplesOf(results)}). ${all.refused} of them do not compile and count for nothing; of the`,
    `${all.run} others the storm killed ${all.killed}, ${all.survived} survived, and ${all.unreached} are in code that none of its runs reached. The mean is ${(all.run === 0 ? 0 : seconds / all.run).toFixed(0)} s of`,
    'one worker on the machine that wrote this.',
    '',
    `- ${shown(plainScore(all))} are killed by the storm, whatever the others are;`,
    `- ${shown(scoreOfPromises(all))} without the ${all.read.equivalent} equivalent ones and the ${all.read.telemetry} that only telemetry, speed or texts for people show;`,
    `- ${shown(scoreWithTests(all))} of these with the ${all.read['unit-tests']} that tests beside the file kill.`,
    '',
    '| file | mutants | do not compile | run | killed | survived | not reached | score | without equivalent | with unit tests |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...files.map((file) => {
      const own = tallyOf(
        results.filter((result) => result.file === file),
        verdicts,
      );
      const cells = [`\`${file}\``, keys.get(file)?.length ?? 0, own.refused, own.run, own.killed, own.survived, own.unreached];
      return row([...cells, shown(plainScore(own)), shown(scoreOfPromises(own)), shown(scoreWithTests(own))]);
    }),
    '',
    '## What killed them',
    '',
    '| invariant or verdict | mutants | median runs |',
    '| --- | ---: | ---: |',
    ...killers(results).map(({ by, times, medianRuns }) => row([by, times, medianRuns])),
    '',
    '## Survivors',
    '',
    ...(alive.length === 0
      ? ['None.']
      : ['| mutant | place | original | replacement | runs | verdict |', '| --- | --- | --- | --- | ---: | --- |']),
    ...alive.map((result) => {
      const verdict = verdicts.find(({ key }) => key === result.key);
      const place = `${result.file.replace('src/kelpie/', '')}:${result.span.start.line + 1}`;
      const told = verdict === undefined ? '' : `${verdict.kind}: ${verdict.why}`;
      const attempts = result.status === 'survived' ? result.attempts : 0;
      return row([`\`${result.key}\``, place, code(result.original), code(result.replacement), attempts, told]);
    }),
    '',
  ].join('\n');
}

/** How they were drawn. */
function samplesOf(results: readonly MutantResult[]): string {
  const times = new Map<string, number>();
  for (const { sample } of results) {
    const drawn =
      sample === null ? 'asked for by key' : sample.oneIn === 1 ? 'all' : `one in ${sample.oneIn}, drawn from seed ${sample.seed}`;
    times.set(drawn, (times.get(drawn) ?? 0) + 1);
  }
  return [...times].map(([drawn, count]) => `${count}: ${drawn}`).join('; ');
}

const byPlace = ({ span: a }: MutantResult, { span: b }: MutantResult): number =>
  a.start.line - b.start.line || a.start.column - b.start.column;

const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;

const CODE_MAX = 70;

/** Code in a cell of a table: on one line, not too long. */
function code(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  const short = line.length > CODE_MAX ? `${line.slice(0, CODE_MAX)} …` : line;
  if (short === '') return '';
  const ticks = Math.max(0, ...(short.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(ticks + 1);
  const pad = ticks === 0 ? '' : ' ';
  return `${fence}${pad}${short.replaceAll('|', '\\|')}${pad}${fence}`;
}

/** What killed how many, the deadliest first. */
function killers(
  results: readonly MutantResult[],
): readonly { readonly by: string; readonly times: number; readonly medianRuns: number }[] {
  const attempts = new Map<string, number[]>();
  for (const result of results) {
    if (result.status === 'killed') attempts.set(result.by, [...(attempts.get(result.by) ?? []), result.attempts]);
  }
  return [...attempts]
    .map(([by, runs]) => ({ by, times: runs.length, medianRuns: median(runs) }))
    .sort((a, b) => b.times - a.times || (a.by < b.by ? -1 : 1));
}

/** Verdicts on mutants that no file has any more: the code has changed, and somebody has to look again. `keys` are those of all files. */
export function staleVerdicts(verdicts: readonly MutantVerdict[], keys: PageInput['keys']): readonly MutantVerdict[] {
  const known = new Set([...keys.values()].flat());
  return verdicts.filter(({ key }) => !known.has(key));
}
