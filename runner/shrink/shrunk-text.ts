/** What shrinking did, for people: how much smaller the case became, and what happens without each thing that is left. */
import { clockTime, counted, grouped, printable } from '../../reports/text.js';
import { NECESSITY_SEEDS, type Necessity } from './necessity.js';
import type { CutShort, Shrunk, Sizes } from './shrink.js';

const WHAT_WIDTH_MAX = 90;
const LABEL_WIDTH = 16;

/** @param rows empty where it was not tried what happens without each thing. */
export function shrunkText({ from, to, fromSeed, case: run, runs, cutShort }: Shrunk, rows: readonly Necessity[]): string {
  const changes = (Object.keys(from) as (keyof Sizes)[]).map((name) => sizeText(name, from, to)).filter((text) => text !== '');
  const seed = run.seed === fromSeed ? [] : [`${'seed'.padEnd(LABEL_WIDTH)} ${fromSeed} -> ${run.seed}, which fails with less`];
  return [
    '',
    `Shrunk in ${counted(runs, 'run')}; ${cutShort === undefined ? 'nothing more can be left out' : CUT_SHORT[cutShort]}:`,
    ...[...changes, ...seed].map((text) => `  ${text}`),
    '',
    ...necessityLines(rows),
    '',
  ].join('\n');
}

const LABELS: Partial<Record<keyof Sizes, string>> = { chaosMicros: 'chaos phase', knobs: 'knobs off normal', rareWays: 'rare ways' };

const CUT_SHORT: Readonly<Record<CutShort, string>> = {
  bound: 'a bound was reached, so more may be possible',
  interrupted: 'it was interrupted, so more may be possible',
};

function sizeText(name: keyof Sizes, from: Sizes, to: Sizes): string {
  if (from[name] === 0 && to[name] === 0) return '';
  const text = name === 'chaosMicros' ? (micros: number): string => `${clockTime(micros)} s` : grouped;
  const label = LABELS[name] ?? name;
  return `${label.padEnd(LABEL_WIDTH)} ${text(from[name])} -> ${text(to[name])}`;
}

function necessityLines(rows: readonly Necessity[]): string[] {
  if (rows.length === 0) return ['What happens without each thing that is left was not tried.'];
  const things = rows.map(({ what }) => printable(what.length > WHAT_WIDTH_MAX ? `${what.slice(0, WHAT_WIDTH_MAX - 1)}\u2026` : what));
  const here = rows.map(hereText);
  const line = (thing: string, own: string, others: string): string =>
    `  ${thing.padEnd(widest(things))}  ${own.padEnd(widest([HERE, ...here]))}  ${others}`;
  return [
    'What happens without each thing that is left:',
    line('', HERE, `of ${NECESSITY_SEEDS} other seeds`),
    ...rows.map(({ failing }, at) =>
      line(
        things[at] ?? '',
        here[at] ?? '',
        failing === null ? 'not tried: too much is left' : failing === 0 ? 'none fails' : `${failing} fail`,
      ),
    ),
  ];
}

const HERE = 'this seed';

const widest = (texts: readonly string[]): number => Math.max(...texts.map(({ length }) => length));

function hereText({ verdict, failsAlike }: Necessity): string {
  if (failsAlike) return 'fails';
  return verdict.verdict === 'pass' ? 'passes' : `fails otherwise: ${verdict.invariant ?? verdict.verdict}`;
}
