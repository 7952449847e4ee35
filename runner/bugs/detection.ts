/** What storms against the known bugs have shown, as rows; and the page in `docs/` that is made of them. */
import { counted } from '../../reports/text.js';
import type { KnownBug } from '../../scenarios/bugs/bug.js';
import type { Verdict } from '../../src/run.js';
import { median } from '../median.js';
import type { CheckRow } from '../tla/check-all.js';
import type { Chase, Finding } from './hunt.js';

/** `bugs --json` has one for each bug. */
export interface Detection {
  readonly id: string;
  readonly summary: string;
  /** In most of the storms. */
  readonly found: boolean;
  /** Median of the seeds that it took, each run in every scenario; null when it was not found. */
  readonly seedsMedian: number | null;
  /** Median of the runs that it took. */
  readonly runsMedian: number | null;
  /** Seeds of each storm, in order of their first seeds; null where it was not found. */
  readonly seeds: readonly (number | null)[];
  /** Median wall time of a storm. */
  readonly seconds: number;
  /** What caught it most often; null for a run that broke none. */
  readonly invariant: string | null;
  /** How most of the runs ended that found it; null when none did. */
  readonly verdict: Verdict | null;
  /** Where it was found, most often first. */
  readonly scenarios: readonly string[];
  /** `Module/Config`; null for a bug that no spec has. */
  readonly spec: string | null;
  /** The invariant of the spec that this configuration breaks. */
  readonly specInvariant: string | null;
  /** Whether the model checker finds the same bug in the spec; null when no spec has it. */
  readonly agrees: boolean | null;
  /** Runs that failed without the bug too, and were not counted. */
  readonly alsoWithout: number;
}

export function detectionOf(bug: KnownBug, chases: readonly Chase[], check: CheckRow | undefined): Detection {
  const findings = chases.map(({ found }) => found).filter((found) => found !== undefined);
  const seedsMedian = median(chases.map(({ found, seeds }) => (found === undefined ? Number.POSITIVE_INFINITY : seeds)));
  const runsMedian = median(chases.map(({ found, runs }) => (found === undefined ? Number.POSITIVE_INFINITY : runs)));
  const found = Number.isFinite(seedsMedian);
  const caught = mostFrequent(findings, ({ verdict, invariant }) => `${invariant ?? ''} ${verdict}`)[0];
  return {
    id: bug.id,
    summary: bug.summary,
    found,
    seedsMedian: found ? seedsMedian : null,
    runsMedian: found ? runsMedian : null,
    seeds: chases.map((one) => (one.found === undefined ? null : one.seeds)),
    seconds: Math.round(median(chases.map(({ seconds }) => seconds)) * 10) / 10,
    invariant: caught?.invariant ?? null,
    verdict: caught?.verdict ?? null,
    scenarios: mostFrequent(findings, ({ scenario }) => scenario).map(({ scenario }) => scenario),
    spec: bug.spec === undefined ? null : `${bug.spec.module}/${bug.spec.config}`,
    specInvariant: check?.expectedInvariant ?? null,
    agrees: check?.ok ?? null,
    alsoWithout: chases.reduce((sum, { alsoWithout }) => sum + alsoWithout.length, 0),
  };
}

/** One of each kind, the most frequent kind first. */
function mostFrequent(findings: readonly Finding[], kindOf: (finding: Finding) => string): Finding[] {
  const kinds = new Map<string, { readonly first: Finding; times: number }>();
  for (const finding of findings) {
    const kind = kinds.get(kindOf(finding)) ?? { first: finding, times: 0 };
    kind.times++;
    kinds.set(kindOf(finding), kind);
  }
  return [...kinds.values()].sort((a, b) => b.times - a.times).map(({ first }) => first);
}

/** What caught it, in a word. */
const caughtBy = ({ invariant, verdict }: Detection): string => invariant ?? verdict ?? '';
const agreement = ({ agrees }: Detection): string => (agrees === null ? '-' : agrees ? 'yes' : 'NO');

const HEADINGS = ['', 'bug', 'seeds', 'runs', 'seeds of each storm', 'seconds', 'caught by', 'in scenario', 'spec', 'agrees'];
const WIDTHS = [2, -30, 5, 5, -20, 7, -28, -22, -52, 0];

/** Words stand left in their column, figures right. */
function line(cells: readonly string[]): string {
  const padded = cells.map((cell, at) => {
    const width = WIDTHS[at] ?? 0;
    return width < 0 ? cell.padEnd(-width) : cell.padStart(width);
  });
  return `${padded.join(' ').trimEnd()}\n`;
}

export const detectionHeading = (): string => line(HEADINGS);

export const detectionLine = (row: Detection): string =>
  line([
    row.found ? '✓' : '✗',
    row.id,
    row.seedsMedian === null ? '-' : String(row.seedsMedian),
    row.runsMedian === null ? '-' : String(row.runsMedian),
    row.seeds.map((seeds) => seeds ?? '-').join(' '),
    row.seconds.toFixed(1),
    caughtBy(row),
    row.scenarios[0] ?? '',
    row.spec ?? '-',
    agreement(row),
  ]);

export interface DetectionSetting {
  readonly scenarios: readonly string[];
  readonly storms: number;
  readonly seeds: number;
  /** First seeds of the storms. */
  readonly bases: readonly (string | number)[];
  /** Bugs that were not tried before it was interrupted. */
  readonly untried: readonly string[];
}

const quoted = (ids: readonly string[]): string => ids.map((id) => `\`${id}\``).join(', ');

/** The page. */
export function detectionPage(rows: readonly Detection[], { scenarios, storms, seeds, bases, untried }: DetectionSetting): string {
  const found = rows.filter((row) => row.found);
  const missed = rows.filter((row) => !row.found);
  return [
    '# What the simulator finds',
    '',
    'Written by `npm run bugs:check`; do not edit. Each bug of [the corpus](../scenarios/bugs) is put into the runtime as a part of the',
    `assembly, and ${counted(storms, 'storm')} of default seeds run against it, with first seeds ${bases.join(', ')}. A seed is run in every one of`,
    `these ${scenarios.length} scenarios, in turns, until a run fails or ${seeds} seeds have passed; a failing run counts only when the same seed passes`,
    'without the bug, and a storm that most others of the same bug have missed is not run.',
    '',
    `Scenarios: ${scenarios.join(', ')}.`,
    '',
    `${found.length} of ${rows.length} bugs are found. Seconds are wall time of the median storm on one thread of the machine that wrote this.`,
    '`agrees`: the model checker finds the same bug in the spec, by breaking the invariant that is named.',
    ...(missed.length === 0 ? [] : ['', `Not found: ${quoted(missed.map(({ id }) => id))}.`]),
    ...(untried.length === 0 ? [] : ['', `Not tried, for it was interrupted: ${quoted(untried)}.`]),
    '',
    '| bug | what is wrong | median seeds | median runs | seeds of each storm | seconds | caught by | in scenario | spec and bug config | agrees |',
    '| --- | --- | ---: | ---: | --- | ---: | --- | --- | --- | --- |',
    ...rows.map((row) =>
      [
        '',
        `\`${row.id}\``,
        row.summary,
        row.seedsMedian ?? 'not found',
        row.runsMedian ?? '',
        row.seeds.map((needed) => needed ?? `> ${seeds}`).join(', '),
        row.seconds.toFixed(1),
        caughtBy(row),
        row.scenarios.join(', '),
        row.spec === null ? '-' : `${row.spec}${row.specInvariant === null ? '' : ` (${row.specInvariant})`}`,
        agreement(row),
        '',
      ]
        .join(' | ')
        .trim(),
    ),
    '',
  ].join('\n');
}

/** The median of the runs that each bug took which a page says is found. */
export function runsMediansOf(page: string): ReadonlyMap<string, number> {
  const rows = page.matchAll(/^\| `([a-z0-9-]+)` \|[^|\n]*\| \d+ \| (\d+) \|/gm);
  return new Map([...rows].map(([, id = '', runs]) => [id, Number(runs)]));
}
