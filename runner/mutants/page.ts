/** The page in `docs/` that tells what a storm finds of the mutants, and which survive it. */
import { counted } from '../../reports/text.js';
import { median } from '../median.js';
import { isDrawn, type Sample } from './mutant.js';
import type { MutantResult } from './results.js';
import type { Kind, MutantVerdict } from './verdicts.js';
import { wilson } from './wilson.js';

export interface PageInput {
  /** Keys of the mutants that each file has, run or not; a row for each file. */
  readonly keys: ReadonlyMap<string, readonly string[]>;
  readonly results: readonly MutantResult[];
  /** Digests of the texts that the files have now. */
  readonly digests: ReadonlyMap<string, string>;
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

/** The samples that were run to their end, over all files that were mutated. Another says nothing: who stops early has the quick ones. */
function finishedSamples({ keys, results }: Pick<PageInput, 'keys' | 'results'>): readonly Sample[] {
  const known = new Set(results.map(({ key }) => key));
  const all = [...keys.values()].flat();
  const samples = new Map<string, Sample>();
  for (const { sample } of results) if (sample !== null) samples.set(sampleText(sample), sample);
  return [...samples.values()].filter((sample) => all.every((key) => known.has(key) || !isDrawn(key, sample)));
}

const sampleText = ({ oneIn, seed }: Sample): string => (oneIn === 1 ? 'all' : `one in ${oneIn} from seed ${seed}`);

/** The results that a score may count: of mutants that a finished sample has drawn, whoever ran them. The others were chosen. */
export function drawnOf(input: Pick<PageInput, 'keys' | 'results'>): readonly MutantResult[] {
  const samples = finishedSamples(input);
  return input.results.filter(({ key }) => samples.some((sample) => isDrawn(key, sample)));
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

/** So many out of so many. */
interface Part {
  readonly part: number;
  readonly whole: number;
}

const scorePart = {
  plain: ({ killed, run }: MutantTally): Part => ({ part: killed, whole: run }),
  promises: ({ killed, run, read }: MutantTally): Part => ({ part: killed, whole: run - read.equivalent - read.telemetry }),
  tests: ({ killed, run, read }: MutantTally): Part => ({
    part: killed + read['unit-tests'],
    whole: run - read.equivalent - read.telemetry,
  }),
};

/** Killed by the storm, out of all that were run, in whole per cent; null where none was run. */
export const plainScore = (tally: MutantTally): number | null => percent(scorePart.plain(tally));

/** The same out of those alone that change what the runtime promises: without what is equivalent, and what only people would see. */
export const scoreOfPromises = (tally: MutantTally): number | null => percent(scorePart.promises(tally));

/** Killed by the storm or by tests beside the file, out of the same. */
export const scoreWithTests = (tally: MutantTally): number | null => percent(scorePart.tests(tally));

const percent = ({ part, whole }: Part): number | null => (whole === 0 ? null : Math.floor((100 * part) / whole));

/** `36 % (25–49)`. */
function withInterval({ part, whole }: Part): string {
  const score = percent({ part, whole });
  if (score === null) return '-';
  const { low, high } = wilson(part, whole);
  return `${score} % (${Math.floor(100 * low)}–${Math.ceil(100 * high)})`;
}

export function mutantsPage({ keys, results, digests, verdicts }: PageInput): string {
  const drawn = drawnOf({ keys, results });
  const all = tallyOf(drawn, verdicts);
  const total = [...keys.values()].reduce((sum, own) => sum + own.length, 0);
  const files = [...keys.keys()].sort();
  const alive = files.flatMap((file) => results.filter((result) => result.file === file && isAlive(result)).sort(byPlace));
  const seconds = drawn.filter(({ status }) => status !== 'refused').reduce((sum, result) => sum + result.seconds, 0);
  const runs = [...new Set(results.map((result) => result.runs))].sort((a, b) => a - b);
  const silent = drawn.filter((result) => result.status === 'survived' && result.differing === 0).length;
  const earlier = drawn.filter(({ file, digest }) => digest !== digests.get(file)).length;
  const further = results.length - drawn.length;
  return [
    '# Mutants of the runtime',
    '',
    'Written by `npm run mutants`; do not edit, but write verdicts into [verdicts.ts](../runner/mutants/verdicts.ts). Stryker changes one',
    `place of a critical file at a time, and a storm of ${runs.join(' or ') || 'no'} runs over all scenarios, with invariants and conformance on, has to`,
    'find it. A survivor is either equivalent, or shows what neither promise nor workload sees.',
    '',
    `${counted(drawn.length, 'mutant')} of ${total} ${drawn.length === 1 ? 'was' : 'were'} drawn (${drawText(finishedSamples({ keys, results }))}). ${all.refused} of them do not compile and count for nothing; of the`,
    `${all.run} others the storm killed ${all.killed}, ${all.survived} survived, and ${all.unreached} are in code that none of its runs reached. ${silent} of the survivors changed`,
    `the trace of no run. The mean is ${(all.run === 0 ? 0 : seconds / all.run).toFixed(0)} s of one worker on the machine that wrote this.`,
    ...(earlier === 0 ? [] : [`${earlier} results are of mutants whose file has changed since, elsewhere than where they change it.`]),
    ...(further === 0
      ? []
      : [`${further} more were asked for by their keys, or are of a sample that was not run to its end: they count in no score.`]),
    '',
    'Scores are whole per cent, rounded down; behind them stands where the score of all mutants lies, by Wilson at 95 %. That holds for promises',
    'and tests that are older than the sample: those that were written because one of its mutants survived make its scores better than that of',
    'mutants which nobody has seen.',
    '',
    `- ${withInterval(scorePart.plain(all))} are killed by the storm, whatever the others are;`,
    `- ${withInterval(scorePart.promises(all))} without the ${all.read.equivalent} equivalent ones and the ${all.read.telemetry} that only telemetry, speed or texts for people show;`,
    `- ${withInterval(scorePart.tests(all))} of these with the ${all.read['unit-tests']} that tests beside the file kill.`,
    '',
    '| file | mutants | drawn | do not compile | run | killed | survived | not reached | score | without equivalent | with unit tests |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...files.map((file) => {
      const own = drawn.filter((result) => result.file === file);
      const tally = tallyOf(own, verdicts);
      const { refused, run, killed, survived, unreached } = tally;
      const cells = [`\`${file}\``, keys.get(file)?.length ?? 0, own.length, refused, run, killed, survived, unreached];
      return row([...cells, ...[scorePart.plain, scorePart.promises, scorePart.tests].map((part) => withInterval(part(tally)))]);
    }),
    '',
    '## What killed them',
    '',
    '| invariant or verdict | mutants | median runs |',
    '| --- | ---: | ---: |',
    ...killers(drawn).map(({ by, times, medianRuns }) => row([by, times, medianRuns])),
    '',
    '## Survivors',
    '',
    'The runs are those of the storm that come by it; as many of them as differ had another trace than without it.',
    '',
    ...(alive.length === 0
      ? ['None.']
      : ['| mutant | place | original | replacement | runs | differ | verdict |', '| --- | --- | --- | --- | ---: | ---: | --- |']),
    ...alive.map((result) => {
      const verdict = verdicts.find(({ key }) => key === result.key);
      const place = `${result.file.replace('src/kelpie/', '')}:${result.span.start.line + 1}`;
      const told = verdict === undefined ? '' : `${verdict.kind}: ${verdict.why}`;
      const { attempts, differing } = result.status === 'survived' ? result : { attempts: 0, differing: 0 };
      return row([`\`${result.key}\``, place, code(result.original), code(result.replacement), attempts, differing, told]);
    }),
    '',
  ].join('\n');
}

/** How they were drawn. A sample holds every rarer one of its seed. */
function drawText(samples: readonly Sample[]): string {
  const widest = samples.filter(({ oneIn, seed }) => !samples.some((other) => other.seed === seed && other.oneIn < oneIn));
  return widest.map(sampleText).join('; ') || 'no sample has been run to its end';
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

/** Survivors that nobody has read. */
export function unread(results: readonly MutantResult[], verdicts: readonly MutantVerdict[]): readonly MutantResult[] {
  const read = new Set(verdicts.map(({ key }) => key));
  return results.filter((result) => isAlive(result) && !read.has(result.key));
}
