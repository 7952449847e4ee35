/**
 * Proves the catalogue: which faults fire in default seeds, and whether they matter. A fault matters in a seed where the same case with
 * that fault muted (it begins and heals but does nothing) goes another way: what the world tells of the fault itself does not count,
 * only what programs, disks, database and services tell. What never fires or never matters is inert.
 */
import type { Fault } from '../faults/fault.js';
import type { Scenario } from '../scenarios/scenario.js';
import type { Case, Run } from '../src/run.js';
import { simulate } from '../src/sim/simulate.js';
import { draw } from './draw.js';
import { EffectsHash } from './effects.js';

/** Muted runs a fault: enough to tell one that matters mostly from one that matters sometimes. */
const MUTED_RUNS_MAX = 5;
/** One that has not mattered yet gets more: a program that decides little by wall clocks sees few of their leaps. */
const MUTED_RUNS_IN_VAIN_MAX = 60;

export interface FaultCheck {
  readonly id: string;
  readonly core: boolean;
  /** Why no default seed draws it here; undefined when seeds do. */
  readonly outOfReach: string | undefined;
  readonly seedsDrawn: number;
  readonly seedsFired: number;
  readonly firings: number;
  /** Seeds tried with it muted, and in how many of them that changed the run. */
  readonly muted: number;
  readonly potent: number;
}

/** Whether a fault that seeds draw has shown nothing. */
export const isInert = (check: FaultCheck): boolean => check.outOfReach === undefined && (check.seedsFired === 0 || check.potent === 0);

/** What is wrong with an inert fault, in a line that names it. */
export function whyInert({ id, seedsDrawn, seedsFired, muted }: FaultCheck): string {
  if (seedsFired === 0) return `inert: ${id} was drawn in ${seedsDrawn} seeds and fired in none`;
  return `impotent: ${id} fired in ${seedsFired} seeds, and in none of ${muted} did it change what programs saw`;
}

interface Tally {
  drawn: number;
  fired: number;
  firings: number;
  muted: number;
  potent: number;
}

/** Runs `seeds` default seeds from 0 on. `onSeed` is told after each. */
export async function checkFaults(
  faults: readonly Fault[],
  scenario: Scenario,
  seeds: number,
  onSeed: (seed: number) => void = () => {},
): Promise<FaultCheck[]> {
  const tallies = new Map<string, Tally>(faults.map(({ id }) => [id, { drawn: 0, fired: 0, firings: 0, muted: 0, potent: 0 }]));
  for (let seed = 0; seed < seeds; seed++) {
    const run = draw(seed, scenario, { faults });
    const { run: result, effects } = await effectsOf(run, [], faults, scenario);
    for (const report of result.faults) {
      const tally = tallies.get(report.id);
      if (tally === undefined) continue;
      tally.drawn++;
      if (report.fired === 0) continue;
      tally.fired++;
      tally.firings += report.fired;
      if (tally.muted >= (tally.potent === 0 ? MUTED_RUNS_IN_VAIN_MAX : MUTED_RUNS_MAX)) continue;
      tally.muted++;
      const muted = run.faults.filter((fault) => fault.id === report.id).map(({ label }) => label);
      if ((await effectsOf(run, muted, faults, scenario)).effects !== effects) tally.potent++;
    }
    onSeed(seed);
  }
  return faults.map((fault) => {
    const tally = tallies.get(fault.id) as Tally; // the map was made from this list
    return {
      id: fault.id,
      core: fault.core,
      outOfReach: outOfReach(fault, scenario),
      seedsDrawn: tally.drawn,
      seedsFired: tally.fired,
      firings: tally.firings,
      muted: tally.muted,
      potent: tally.potent,
    };
  });
}

function outOfReach(fault: Fault, scenario: Scenario): string | undefined {
  const missing = fault.needs.filter((need) => !scenario.offers.includes(need));
  if (missing.length > 0) return `needs ${missing.join(', ')}`;
  if (fault.scripted === true) return 'never drawn';
  return fault.beyondBudget === true ? 'beyond the budget' : undefined;
}

async function effectsOf(
  run: Case,
  muted: readonly string[],
  faults: readonly Fault[],
  scenario: Scenario,
): Promise<{ readonly run: Run; readonly effects: string }> {
  const effects = new EffectsHash();
  const simulated = await simulate(run, { scenario, faults, muted, listeners: [effects.listener] });
  return { run: simulated.run, effects: effects.digest() };
}

/** The module that `list faults` reads, as the formatter of this project writes it. */
export function faultFigures(checks: readonly FaultCheck[], scenario: string, seeds: number): string {
  const rows = [...checks].sort((a, b) => (a.id < b.id ? -1 : 1));
  return [
    '/**',
    ` * Written by \`npm run faults:check\` from ${seeds} default seeds of \`${scenario}\`: in how many of them each fault fired, and in how many of`,
    ` * the first of those the run went another way without it. \`docs/faults.md\` has the whole table.`,
    ' */',
    'export const checked: Readonly<Record<string, { readonly fired: number; readonly potent: number }>> = {',
    ...rows.map(({ id, seedsFired, potent }) => `  '${id}': { fired: ${seedsFired}, potent: ${potent} },`),
    '};',
    '',
  ].join('\n');
}

/** The table that a reader can trust, as Markdown. */
export function faultTable(checks: readonly FaultCheck[], scenario: string, seeds: number): string {
  const rows = [...checks]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ id, core, outOfReach: why, seedsDrawn, seedsFired, firings, muted, potent }) =>
      why === undefined
        ? `| ${id} | ${core ? 'core' : ''} | ${seedsDrawn} | ${seedsFired} | ${firings} | ${potent} of ${muted} |`
        : `| ${id} | ${core ? 'core' : ''} | ${why} | | | |`,
    );
  const inert = checks.filter(isInert).map(({ id }) => id);
  return [
    '# What the faults do',
    '',
    `Written by \`npm run faults:check\` from ${seeds} default seeds of \`${scenario}\`, from seed 0 on. *fired*: seeds in which the fault answered or struck`,
    'at least once. *mattered*: of the seeds that were run once more with the fault muted (it begins and heals and does nothing), how many went another',
    'way for the programs in them.',
    '',
    inert.length === 0 ? 'No fault that seeds draw is inert.' : `Inert: ${inert.join(', ')}.`,
    '',
    '| fault | | seeds drawn | seeds fired | firings | mattered |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}
