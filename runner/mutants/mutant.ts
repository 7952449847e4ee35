/**
 * What a mutant is called, so that a verdict on it outlives edits around it, and a sample is the same sample again. A name is made of what
 * is mutated and the line where it begins, never of a line number.
 */
import { createHash } from 'node:crypto';

/** Lines and columns count from 0; the end is not part of it. */
export interface Span {
  readonly start: { readonly line: number; readonly column: number };
  readonly end: { readonly line: number; readonly column: number };
}

export interface Mutation {
  /** From the root of the project, with `/`. */
  readonly file: string;
  /** Kind of the change, as Stryker calls it. */
  readonly mutator: string;
  readonly span: Span;
  readonly replacement: string;
}

const KEY_DIGITS = 8;

/** What stands at a place. Throws RangeError for a place that the text does not have. */
export function originalAt(text: string, { start, end }: Span): string {
  const lines = text.split('\n').slice(start.line, end.line + 1);
  const last = lines.at(-1);
  if (lines.length <= end.line - start.line || last === undefined)
    throw new RangeError(`the text has no lines ${start.line + 1} to ${end.line + 1}; it has changed since it was mutated`);
  lines[lines.length - 1] = last.slice(0, end.column);
  return lines.map((line, index) => (index === 0 ? line.slice(start.column) : line)).join('\n');
}

/** The text with the change. Throws RangeError for a place that the text does not have. */
export function mutated(text: string, { span, replacement }: Pick<Mutation, 'span' | 'replacement'>): string {
  originalAt(text, span);
  const lines = text.split('\n');
  const before = [...lines.slice(0, span.start.line), lines[span.start.line]?.slice(0, span.start.column)].join('\n');
  const after = [lines[span.end.line]?.slice(span.end.column), ...lines.slice(span.end.line + 1)].join('\n');
  return `${before}${replacement}${after}`;
}

/** Eight hex digits; the same for the same change of the same code, wherever in its file that code stands. `text` is the file's. */
export function keyOf({ file, mutator, span, replacement }: Mutation, text: string): string {
  const lines = text.split('\n');
  const line = lines[span.start.line] ?? '';
  const alike = lines.slice(0, span.start.line).filter((other) => other.trim() === line.trim()).length;
  const offset = span.start.column - (line.length - line.trimStart().length);
  return digest([file, mutator, line.trim(), alike, offset, originalAt(text, span), replacement]).slice(0, KEY_DIGITS);
}

/** A random part of all mutants: each is in with a chance of one in so many, whatever the others are. */
export interface Sample {
  readonly oneIn: number;
  readonly seed: number;
}

const SAMPLE_RANGE = 2 ** 32;

/** A pure function: a mutant stays in a sample when others come and go, and a sample of one in 20 holds the one in 40 of the same seed. */
export function isDrawn(key: string, { oneIn, seed }: Sample): boolean {
  const lot = Number.parseInt(digest([seed, key]).slice(0, KEY_DIGITS), 16);
  return lot * oneIn < SAMPLE_RANGE;
}

/** Reads `40` or `40/7`: one in 40, drawn from seed 7 (0 when absent). Undefined for anything else. */
export function parseSample(text: string): Sample | undefined {
  const [, oneIn, seed = '0'] = /^([1-9]\d{0,8})(?:\/(\d{1,15}))?$/.exec(text) ?? [];
  return oneIn === undefined ? undefined : { oneIn: Number(oneIn), seed: Number(seed) };
}

const digest = (parts: readonly (string | number)[]): string => createHash('sha256').update(JSON.stringify(parts)).digest('hex');
