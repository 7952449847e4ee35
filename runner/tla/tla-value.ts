/**
 * TLA+ values as plain JSON. Both engines print states as text, each in its own way; what is equal in TLA+ becomes equal here, so
 * that a function over `1..n` is the same as a sequence, and a function over strings the same as a record.
 */
import { canonical } from '../../src/trace.js';

/** Members are distinct and sorted by their canonical text. */
export interface TlaSet {
  readonly $set: readonly TlaValue[];
}

/** A function whose domain is neither strings alone nor `1..n`; pairs sorted by the canonical text of the argument. */
export interface TlaFunction {
  readonly $fn: readonly (readonly [TlaValue, TlaValue])[];
}

/** An atom of the configuration. */
export interface TlaModelValue {
  readonly $model: string;
}

/** A record, or a function over strings. */
export interface TlaRecord {
  readonly [field: string]: TlaValue;
}

export type TlaValue = number | string | boolean | readonly TlaValue[] | TlaSet | TlaFunction | TlaModelValue | TlaRecord;

/** The value of each variable. */
export type TlaState = Readonly<Record<string, TlaValue>>;

export const isSet = (value: TlaValue): value is TlaSet => isObject(value) && '$set' in value;
const isFunction = (value: TlaValue): value is TlaFunction => isObject(value) && '$fn' in value;
const isModelValue = (value: TlaValue): value is TlaModelValue => isObject(value) && '$model' in value;
const isObject = (value: TlaValue): value is TlaSet | TlaFunction | TlaModelValue | TlaRecord =>
  typeof value === 'object' && !Array.isArray(value);

/** Equal for equal states, and for no others. */
export const stateText = (state: TlaState): string => canonical(state);

export const valueText = (value: TlaValue): string => canonical(value);

function setOf(members: readonly TlaValue[]): TlaSet {
  const byText = new Map(members.map((member) => [valueText(member), member]));
  return { $set: [...byText.keys()].sort().map((text) => byText.get(text) ?? text) };
}

/** A function in the plainest form that has it. */
function functionOf(pairs: readonly (readonly [TlaValue, TlaValue])[]): TlaValue {
  if (pairs.every(([argument]) => typeof argument === 'string')) return Object.fromEntries(pairs) as TlaRecord;
  const sequence: TlaValue[] = [];
  for (const [argument, value] of pairs) if (typeof argument === 'number') sequence[argument - 1] = value;
  const isSequence = pairs.every(([argument]) => typeof argument === 'number' && argument >= 1 && argument <= pairs.length);
  if (isSequence) return sequence;
  const byText = new Map(pairs.map((pair) => [valueText(pair[0]), pair]));
  return { $fn: [...byText].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, pair]) => pair) };
}

/** The text is not a value that an engine prints. */
export class TlaValueError extends Error {
  override readonly name = 'TlaValueError';
}

/** Reads what TLC or the embedded engine prints. Throws TlaValueError. */
export function parseValue(text: string): TlaValue {
  const reader = new Reader(text);
  const value = reader.value();
  reader.end();
  return value;
}

const TOKEN = /\s*(?:(-?\d+)|"((?:[^"\\]|\\.)*)"|([A-Za-z_]\w*)|(<<|>>|\|->|:>|@@|\.\.|[{}[\](),]))/y;

interface Token {
  readonly kind: 'number' | 'string' | 'name' | 'mark' | 'end';
  readonly text: string;
}

const END: Token = { kind: 'end', text: 'the end' };

class Reader {
  readonly #text: string;
  #at = 0;
  #token: Token = END;

  constructor(text: string) {
    this.#text = text;
    this.#advance();
  }

  #advance(): Token {
    const taken = this.#token;
    TOKEN.lastIndex = this.#at;
    const match = TOKEN.exec(this.#text);
    if (match === null) {
      if (this.#text.slice(this.#at).trim() !== '') throw this.#unexpected(`'${this.#text.slice(this.#at, this.#at + 20)}'`);
      this.#token = END;
      return taken;
    }
    this.#at = TOKEN.lastIndex;
    const [, number, string, name, mark] = match;
    if (number !== undefined) this.#token = { kind: 'number', text: number };
    else if (string !== undefined) this.#token = { kind: 'string', text: string.replaceAll(/\\(.)/g, '$1') };
    else if (name !== undefined) this.#token = { kind: 'name', text: name };
    else this.#token = { kind: 'mark', text: mark ?? '' };
    return taken;
  }

  #unexpected(what: string): TlaValueError {
    return new TlaValueError(`${what} at ${this.#at} is not expected in the TLA+ value ${this.#text.slice(0, 200)}`);
  }

  #skip(mark: string): boolean {
    if (this.#token.kind !== 'mark' || this.#token.text !== mark) return false;
    this.#advance();
    return true;
  }

  #expect(mark: string): void {
    if (!this.#skip(mark)) throw this.#unexpected(`'${this.#token.text}' instead of '${mark}'`);
  }

  #list<T>(closing: string, item: () => T): T[] {
    const items: T[] = [];
    if (this.#skip(closing)) return items;
    do items.push(item());
    while (this.#skip(','));
    this.#expect(closing);
    return items;
  }

  value(): TlaValue {
    const first = this.#atom();
    if (this.#skip('..')) return this.#interval(first);
    if (!this.#skip(':>')) return first;
    const pairs: (readonly [TlaValue, TlaValue])[] = [[first, this.#atom()]];
    while (this.#skip('@@')) {
      const argument = this.#atom();
      this.#expect(':>');
      pairs.push([argument, this.#atom()]);
    }
    return functionOf(pairs);
  }

  #interval(from: TlaValue): TlaValue {
    const to = this.#atom();
    if (typeof from !== 'number' || typeof to !== 'number') throw this.#unexpected('an interval that is not of numbers');
    return setOf(Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index));
  }

  #atom(): TlaValue {
    const token = this.#advance();
    switch (token.kind) {
      case 'number':
        return Number(token.text);
      case 'string':
        return token.text;
      case 'name': {
        const word = token.text.toUpperCase();
        return word === 'TRUE' || word === 'FALSE' ? word === 'TRUE' : { $model: token.text };
      }
      case 'mark':
        return this.#compound(token.text);
      case 'end':
        throw this.#unexpected('the end');
    }
  }

  #compound(opening: string): TlaValue {
    switch (opening) {
      case '<<':
        return this.#list('>>', () => this.value());
      case '{':
        return setOf(this.#list('}', () => this.value()));
      case '[':
        return functionOf(this.#list(']', () => this.#field()));
      case '(': {
        const inner = this.value();
        this.#expect(')');
        return inner;
      }
      default:
        throw this.#unexpected(`'${opening}'`);
    }
  }

  #field(): readonly [string, TlaValue] {
    const name = this.#advance();
    if (name.kind !== 'name') throw this.#unexpected(`'${name.text}' instead of a field name`);
    this.#expect('|->');
    return [name.text, this.value()];
  }

  end(): void {
    if (this.#token.kind !== 'end') throw this.#unexpected(`'${this.#token.text}'`);
  }
}

const IDENTIFIER = /^[A-Za-z]\w*$/;

/** The value as TLA+ reads it, with no module needed beyond the language itself. */
export function formatValue(value: TlaValue): string {
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return `"${value.replaceAll(/["\\]/g, '\\$&')}"`;
  if (typeof value === 'boolean') return value ? 'TRUE' : 'FALSE';
  if (Array.isArray(value)) return `<<${value.map(formatValue).join(', ')}>>`;
  if (isSet(value)) return `{${value.$set.map(formatValue).join(', ')}}`;
  if (isModelValue(value)) return value.$model;
  if (isFunction(value)) return formatFunction(value.$fn);
  const fields = Object.entries(value as TlaRecord);
  return fields.length > 0 && fields.every(([name]) => IDENTIFIER.test(name))
    ? `[${fields.map(([name, field]) => `${name} |-> ${formatValue(field)}`).join(', ')}]`
    : formatFunction(fields);
}

function formatFunction(pairs: readonly (readonly [TlaValue, TlaValue])[]): string {
  if (pairs.length === 0) return '<<>>';
  const domain = pairs.map(([argument]) => formatValue(argument)).join(', ');
  const cases = pairs.map(([argument, value]) => `x_ = ${formatValue(argument)} -> ${formatValue(value)}`).join(' [] ');
  return `[x_ \\in {${domain}} |-> CASE ${cases}]`;
}

/** A state in one line: `count = 1, phase = "Up"`, the variables in order. */
export const formatState = (state: TlaState): string =>
  Object.keys(state)
    .sort()
    .map((name) => `${name} = ${formatValue(state[name] ?? false)}`)
    .join(', ');
