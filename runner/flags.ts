/** Flags that several commands have, and what they do with them. */
import { availableParallelism } from 'node:os';
import { UsageError } from './usage-error.js';

/** For flags that make sense once: yargs collects a repeated flag into a list, and taking one of them would hide the other. */
export function once(flag: string): (value: string | readonly string[] | undefined) => string | undefined {
  return (value) => {
    if (value === undefined || typeof value === 'string') {
      if (value === '') throw new UsageError(`--${flag} is empty; give it a value or leave it out`);
      return value;
    }
    throw new UsageError(`--${flag} is given ${value.length} times (${value.join(', ')}); give it once`);
  };
}

/** A whole number within bounds. Throws UsageError that names them. */
export function wholeNumber(flag: string, text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw new UsageError(`--${flag} '${text}' is no whole number from ${min} to ${max}`);
  return value;
}

const WORKERS_MAX = 256;

export const WORKERS_FLAG = {
  type: 'string',
  describe: 'Worker threads; as many as there are processors when left out',
  coerce: once('workers'),
} as const;

/** What `--workers` asks for. Throws UsageError for what is no number of threads. */
export const workersOf = (text: string | undefined): number =>
  text === undefined ? availableParallelism() : wholeNumber('workers', text, 1, WORKERS_MAX);

export const JSON_FLAG = { type: 'boolean', default: false, describe: 'Print one JSON document on stdout and nothing else' } as const;

export const COLOUR_FLAG = {
  type: 'boolean',
  default: true,
  describe: 'Colours on a terminal; --no-color or NO_COLOR turns them off',
} as const;

/** One of a few words. Throws UsageError that lists them. */
export function oneOf<T extends string>(flag: string, words: readonly T[], value: string): T {
  const word = words.find((one) => one === value);
  if (word === undefined) throw new UsageError(`--${flag} '${value}' is none of ${words.join(', ')}`);
  return word;
}

/** Whether to colour what goes to a stream: a terminal, unless `--no-color` or `NO_COLOR` (https://no-color.org) says no. */
export function wantsColour(flag: boolean, stream: { readonly isTTY?: boolean }, environment: NodeJS.ProcessEnv): boolean {
  return flag && stream.isTTY === true && (environment['NO_COLOR'] ?? '') === '';
}
