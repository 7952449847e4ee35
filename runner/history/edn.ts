/**
 * Reads EDN, the notation of Clojure in which Jepsen keeps its histories (https://github.com/edn-format/edn), as far as histories use it.
 * It knows the line of every map, because an error in a history of ten thousand operations must name its place; the package that npm has
 * for it (edn-data 1.2.2) tells no places, and takes a file that is cut off, or has more than one value, without a word.
 */

/** A value as JSON has it: a keyword or symbol is its name, a set or list is an array, a map has the texts of its keys. */
export type EdnValue = string | number | boolean | null | readonly EdnValue[] | { readonly [key: string]: EdnValue };

export class EdnError extends Error {
  override readonly name = 'EdnError';
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

export interface EdnDocument {
  /** The values one after the other. */
  readonly values: readonly EdnValue[];
  /** The line, from 1, on which each map and array begins. */
  readonly lines: ReadonlyMap<EdnValue, number>;
}

/** Deeper than any history; a bound, so that no file can exhaust the stack. */
const DEPTH_MAX = 200;
const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}', '#{': '}' };
/** Blanks (a comma is one), comments, and then one token. */
const TOKEN =
  /(?:[\s,]|;[^\n]*)*(#\{|#_|#[A-Za-z][^\s,()[\]{}"';]*|[()[\]{}]|"(?:[^"\\]|\\[\s\S])*"|\\[^\s,()[\]{}"]+|[^\s,()[\]{}"';\\]+|[\s\S]|$)/y;
const NUMBER = /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?[NM]?$/;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', '"': '"', '\\': '\\' };

/** Throws EdnError. */
export function parseEdn(text: string): EdnDocument {
  const reader = new EdnReader(text);
  const values: EdnValue[] = [];
  for (let value = reader.value(0); value !== undefined; value = reader.value(0)) values.push(value);
  reader.end();
  return { values, lines: reader.lines };
}

class EdnReader {
  readonly lines = new Map<EdnValue, number>();
  readonly #text: string;
  #at = 0;
  #line = 1;
  /** What closes the collection that is read; at the end of the text when none is. */
  #closing = '';

  constructor(text: string) {
    this.#text = text;
  }

  /** The next value; undefined where a collection, or the text, ends. */
  value(depth: number): EdnValue | undefined {
    if (depth > DEPTH_MAX) throw new EdnError(this.#line, `values are nested more than ${DEPTH_MAX} deep`);
    const token = this.#next();
    const line = this.#line;
    switch (token) {
      case '':
      case ')':
      case ']':
      case '}':
        this.#closing = token;
        return undefined;
      case '(':
      case '[':
      case '#{':
        return this.#placed(this.#items(token, depth), line);
      case '{':
        return this.#placed(this.#map(depth), line);
      case '#_':
        this.#follower(token, depth);
        return this.value(depth);
      default:
        // A tag says what a value is meant to be; histories tag their operations, which are maps all the same.
        return token.startsWith('#') ? this.#follower(token, depth) : this.#atom(token);
    }
  }

  /** Throws when the text has ended with a closing bracket that nothing has opened. */
  end(): void {
    if (this.#closing !== '') throw new EdnError(this.#line, `there is a '${this.#closing}' that nothing has opened`);
  }

  #next(): string {
    TOKEN.lastIndex = this.#at;
    const [whole = '', token = ''] = TOKEN.exec(this.#text) ?? [];
    const blanks = whole.slice(0, whole.length - token.length);
    this.#at += whole.length;
    // The line on which the token begins; what it holds itself is counted by the next.
    this.#line += this.#pendingLines + newlines(blanks);
    this.#pendingLines = newlines(token);
    return token;
  }

  #pendingLines = 0;

  #placed<T extends EdnValue>(value: T, line: number): T {
    this.lines.set(value, line);
    return value;
  }

  #items(opening: string, depth: number): EdnValue[] {
    const line = this.#line;
    const items: EdnValue[] = [];
    for (let item = this.value(depth + 1); item !== undefined; item = this.value(depth + 1)) items.push(item);
    const expected = CLOSING[opening] ?? '';
    if (this.#closing === expected) {
      this.#closing = '';
      return items;
    }
    const seen = this.#closing === '' ? 'the file ends' : `there is a '${this.#closing}'`;
    throw new EdnError(this.#line, `${seen} where the '${opening}' of line ${line} is to be closed by '${expected}'; is the file whole?`);
  }

  #map(depth: number): { readonly [key: string]: EdnValue } {
    const line = this.#line;
    const items = this.#items('{', depth);
    if (items.length % 2 === 1) throw new EdnError(line, `the map has the key ${JSON.stringify(items.at(-1))} without a value`);
    const entries: [string, EdnValue][] = [];
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i];
      entries.push([typeof key === 'string' ? key : JSON.stringify(key), items[i + 1] ?? null]);
    }
    return Object.fromEntries(entries);
  }

  #follower(token: string, depth: number): EdnValue {
    const line = this.#line;
    const value = this.value(depth + 1);
    if (value === undefined) throw new EdnError(line, `nothing follows ${token}`);
    return value;
  }

  #atom(token: string): EdnValue {
    if (token.startsWith('"')) {
      if (token === '"') throw new EdnError(this.#line, 'a text begins and does not end; is the file whole?');
      return token.slice(1, -1).replace(/\\(u[0-9a-fA-F]{4}|[\s\S])/g, (_, escape: string) => this.#escaped(escape));
    }
    if (token === 'nil') return null;
    if (token === 'true' || token === 'false') return token === 'true';
    if (NUMBER.test(token)) return Number(token.replace(/[NM]$/, ''));
    if (token.startsWith('\\')) return token.slice(1);
    if (/^[:\w.*+!?<>=$%&/|'-]/.test(token)) return token.startsWith(':') ? token.slice(1) : token;
    throw new EdnError(this.#line, `'${token}' is no EDN`);
  }

  #escaped(escape: string): string {
    if (escape.length > 1) return String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    const character = ESCAPES[escape];
    if (character === undefined) throw new EdnError(this.#line, `a text has '\\${escape}', which stands for nothing`);
    return character;
  }
}

const newlines = (text: string): number => text.split('\n').length - 1;
