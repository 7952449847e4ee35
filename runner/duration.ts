/** Durations as people type and read them: `500ms`, `60s`, `1.5m`. */
import type { Micros } from '../src/ports.js';
import { UsageError } from './usage-error.js';

const MICROS: Readonly<Record<string, number>> = { us: 1, ms: 1_000, s: 1_000_000, m: 60_000_000, h: 3_600_000_000 };

/** Reads a positive duration. `flag` names the input in the message of the UsageError. */
export function parseDuration(flag: string, text: string): Micros {
  const match = /^(\d+(?:\.\d+)?)(us|ms|s|m|h)$/.exec(text.trim());
  const unit = MICROS[match?.[2] ?? ''];
  const wrong = (why: string): UsageError =>
    new UsageError(`${flag} '${text}' ${why}; write a number and a unit, such as 500ms, 60s or 10m`);
  if (match === null || unit === undefined) throw wrong('is no duration');
  const micros = Math.round(Number(match[1]) * unit);
  if (micros < 1) throw wrong('is shorter than one microsecond');
  if (!Number.isSafeInteger(micros)) throw wrong('is too long');
  return micros;
}
