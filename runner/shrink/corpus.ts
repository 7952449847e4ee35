/** How small the first failure of each known bug becomes, as rows; and the page in `docs/` that is made of them. */
import { counted, grouped } from '../../reports/text.js';
import type { KnownBug } from '../../scenarios/bugs/bug.js';
import type { Seed } from '../../src/run.js';
import { baseOf, hunt } from '../bugs/hunt.js';
import { CasePool } from '../case-pool.js';
import { type Catalogue, find } from '../catalogue.js';
import { draw } from '../draw.js';
import { median } from '../median.js';
import { WatchedPool } from '../watched-pool.js';
import { NECESSITY_SEEDS, necessities } from './necessity.js';
import { shrink, type Sizes } from './shrink.js';

/** At the median of the bugs that are found. */
export const OPERATIONS_AIM = 12;
export const FAULTS_AIM = 2;

/** As many as `shrink` tries by itself. */
const RUNS_MAX = 1_500;

export interface CorpusOptions {
  readonly catalogue: Catalogue;
  /** Seeds of the storm that looks for a failure, each in every scenario. */
  readonly seeds: number;
  readonly from: Seed;
  readonly workers: number;
  readonly signal: AbortSignal;
}

export interface ShrunkBug {
  readonly id: string;
  /** The run that was made small; undefined where no run of the storm failed. */
  readonly found?: ShrunkFinding;
}

interface ShrunkFinding {
  readonly scenario: string;
  readonly seed: Seed;
  /** The invariant that breaks, or the verdict where none does. */
  readonly breaks: string;
  readonly from: Sizes;
  readonly to: Sizes;
  readonly runs: number;
  /** Wall time of shrinking. */
  readonly seconds: number;
  readonly minimal: boolean;
  /** Of the bug and the things left, those without which the case still fails, with its own seed or with one of twenty others. */
  readonly spare: readonly string[];
}

/** Finds a failure and makes it small, one bug after the other. Ends early, without the rest, when aborted. */
export async function shrinkCorpus(
  bugs: readonly KnownBug[],
  options: CorpusOptions,
  onRow: (row: ShrunkBug) => void,
): Promise<readonly ShrunkBug[]> {
  const { workers, signal } = options;
  const pool = new WatchedPool({ workers, signal });
  const cases = new CasePool({ workers, signal, pool });
  const rows: ShrunkBug[] = [];
  try {
    for (const { id } of bugs) {
      const [chase] = await hunt(id, { ...options, scenarios: options.catalogue.scenarios.map((one) => one.id), storms: 1, pool });
      const row: ShrunkBug = chase?.found === undefined ? { id } : { id, found: await shrunkFinding(id, chase.found, options, cases) };
      rows.push(row);
      onRow(row);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await pool.end();
  }
  return rows;
}

async function shrunkFinding(
  bug: string,
  { scenario: scenarioId, seed }: { readonly scenario: string; readonly seed: Seed },
  { catalogue, signal }: CorpusOptions,
  pool: CasePool,
): Promise<ShrunkFinding> {
  const scenario = find('scenario', catalogue.scenarios, scenarioId);
  const { faults } = catalogue;
  const run = draw(seed, scenario, { faults, bug });
  const begunMs = performance.now();
  const bounds = { runs: RUNS_MAX, wallMs: Number.POSITIVE_INFINITY };
  const {
    case: small,
    verdict,
    from,
    to,
    runs,
    cutShort,
  } = await shrink(run, await pool.judge(run), { pool, scenario, faults, bounds, signal });
  const seconds = (performance.now() - begunMs) / 1_000;
  const [, ...things] = await necessities(small, verdict, pool, scenario);
  return {
    scenario: scenarioId,
    seed,
    breaks: verdict.invariant ?? verdict.verdict,
    from,
    to,
    runs,
    seconds,
    minimal: cutShort === undefined,
    spare: things.filter(({ failing, failsAlike }) => failsAlike || (failing ?? 0) > 0).map(({ what }) => what),
  };
}

/** Medians over the bugs that were found. */
export function mediansOf(rows: readonly ShrunkBug[]): {
  readonly operations: number;
  readonly faults: number;
  readonly runs: number;
  readonly seconds: number;
} {
  const found = rows.flatMap((row) => row.found ?? []);
  return {
    operations: median(found.map(({ to }) => to.operations)),
    faults: median(found.map(({ to }) => to.faults)),
    runs: median(found.map(({ runs }) => runs)),
    seconds: median(found.map(({ seconds }) => seconds)),
  };
}

const HEADINGS = [
  'bug',
  'first failure',
  'breaks',
  'operations',
  'faults',
  'nodes',
  'clients',
  'chaos, s',
  'runs',
  'seconds',
  'can be spared',
];

/** The page. */
export function corpusPage(
  rows: readonly ShrunkBug[],
  {
    from,
    seeds,
    scenarios,
    untried,
  }: { readonly from: Seed; readonly seeds: number; readonly scenarios: number; readonly untried: readonly string[] },
): string {
  const found = rows.flatMap(({ id, found: finding }) => (finding === undefined ? [] : [{ id, ...finding }]));
  const missed = rows.filter((row) => row.found === undefined).map(({ id }) => `\`${id}\``);
  const { operations, faults, runs, seconds } = mediansOf(rows);
  const change = (before: number, after: number): string => `${before} → ${after}`;
  return [
    '# How small failures become',
    '',
    'Written by `npm run shrink:check`; do not edit. Each bug of [the corpus](../scenarios/bugs) is put into the runtime, and default seeds',
    `from ${baseOf(from, 0)} are run in each of ${scenarios} scenarios, in turns, until a run fails that passes without the bug, or ${counted(seeds, 'seed')} have`,
    `passed. That first failure is what \`shrink\` is given, with at most ${grouped(RUNS_MAX)} runs. What can be spared is each thing left, the bug among`,
    `them, without which the small case still fails, with its own seed or with one of ${NECESSITY_SEEDS} others. Seconds are wall time of shrinking on the machine that wrote this.`,
    '',
    `Of ${counted(rows.length, 'bug')} ${found.length} were found. At the median of these a failure comes down to **${counted(operations, 'operation')} and ${counted(faults, 'fault')}**, in`,
    `${counted(runs, 'run')} and ${seconds.toFixed(1)} s.`,
    ...(missed.length === 0
      ? []
      : ['', `No failure within these seeds: ${missed.join(', ')}; [more storms](detection.md) say more of that.`]),
    ...(untried.length === 0 ? [] : ['', `Not tried, for it was interrupted: ${untried.map((id) => `\`${id}\``).join(', ')}.`]),
    '',
    `| ${HEADINGS.join(' | ')} |`,
    `| --- | --- | --- |${' ---: |'.repeat(7)} --- |`,
    ...found.map(
      ({ id, scenario, seed, breaks, from: before, to, runs: tried, seconds: took, minimal, spare }) =>
        `| ${[
          `\`${id}\``,
          `${scenario} ${seed}`,
          breaks,
          change(before.operations, to.operations),
          change(before.faults, to.faults),
          change(before.nodes, to.nodes),
          change(before.clients, to.clients),
          change(Math.ceil(before.chaosMicros / 1_000_000), to.chaosMicros / 1_000_000),
          minimal ? tried : `${tried} (bound)`,
          took.toFixed(1),
          spare.length === 0 ? 'nothing' : spare.map((what) => what.replaceAll('|', '\\|')).join('; '),
        ].join(' | ')} |`,
    ),
    '',
  ].join('\n');
}
