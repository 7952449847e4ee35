/** What shrinking did, for people: how much smaller the case became, and what happens without each thing that is left. */
import { clockTime, counted, grouped, printable } from '../../reports/text.js';
import { failsAlike } from '../case-verdict.js';
import { NECESSITY_SEEDS, type Necessity, type Shrunk, type Sizes } from './shrink.js';

const WHAT_WIDTH_MAX = 90;

export function shrunkText({ from, to, runs, minimal, verdict }: Shrunk, rows: readonly Necessity[]): string {
  const changes = (Object.keys(from) as (keyof Sizes)[]).map((name) => sizeText(name, from, to)).filter((text) => text !== '');
  const width = Math.max(...rows.map(({ what }) => Math.min(what.length, WHAT_WIDTH_MAX)));
  return [
    '',
    `Shrunk in ${counted(runs, 'run')}${minimal ? '; nothing more can be left out' : '; a bound was reached, so more may be possible'}:`,
    ...changes.map((text) => `  ${text}`),
    '',
    'What happens without each thing that is left:',
    `  ${''.padEnd(width)}  this seed   of ${NECESSITY_SEEDS} other seeds`,
    ...rows.map((row) => necessityText(row, verdict, width)),
    '',
  ].join('\n');
}

function sizeText(name: keyof Sizes, from: Sizes, to: Sizes): string {
  if (from[name] === 0 && to[name] === 0) return '';
  const text = name === 'chaosMicros' ? (micros: number): string => `${clockTime(micros)} s` : grouped;
  const label = name === 'chaosMicros' ? 'chaos phase' : name === 'knobs' ? 'knobs off normal' : name;
  return `${label.padEnd(16)} ${text(from[name])} -> ${text(to[name])}`;
}

function necessityText({ what, verdict, failing }: Necessity, expected: Shrunk['verdict'], width: number): string {
  const own = failsAlike(expected, verdict) ? 'fails' : verdict.verdict === 'pass' ? 'passes' : verdict.verdict;
  const name = printable(what.length > WHAT_WIDTH_MAX ? `${what.slice(0, WHAT_WIDTH_MAX - 1)}\u2026` : what);
  return `  ${name.padEnd(width)}  ${own.padEnd(10)}  ${failing === 0 ? 'none fails' : `${failing} fail`}`;
}
