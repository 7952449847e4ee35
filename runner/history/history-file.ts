/**
 * Reads histories in the formats that others publish: EDN as Jepsen writes it, one map an operation or a vector of them, and JSON with the
 * same fields, as one array or one object a line. What clients did is kept; what the nemesis did is passed over.
 */
import { UsageError } from '../usage-error.js';
import { EdnError, type EdnValue, parseEdn } from './edn.js';

/** One line of a history: a client begins something, or hears of it. */
export interface HistoryEvent {
  /** Where its entry begins, from 1. */
  readonly line: number;
  readonly type: 'invoke' | 'ok' | 'fail' | 'info';
  readonly process: string;
  readonly f: string;
  readonly value: EdnValue;
  /** The whole entry, for formats that have more fields. */
  readonly fields: { readonly [field: string]: EdnValue };
}

/** What was called and what came of it. */
export interface Invocation {
  readonly call: HistoryEvent;
  /** Undefined when nothing came. */
  readonly answer: HistoryEvent | undefined;
  /** Places in the history; it is in the order of time. */
  readonly callAt: number;
  readonly answerAt: number | undefined;
}

/** Bytes; a history of a million operations has about a hundred million. */
export const HISTORY_BYTES_MAX = 256_000_000;

const TYPES = ['invoke', 'ok', 'fail', 'info'] as const;

/** A mistake in a file, with its place. */
export const misread = (file: string, line: number, message: string): UsageError => new UsageError(`${file}, line ${line}: ${message}`);

/** Throws UsageError that names file, line, field and remedy. */
export function readInvocations(file: string, text: string): readonly Invocation[] {
  const open = new Map<string, { readonly call: HistoryEvent; readonly callAt: number }>();
  const done: Invocation[] = [];
  for (const [at, event] of eventsOf(file, text).entries()) {
    const begun = open.get(event.process);
    if (event.type === 'invoke') {
      if (begun !== undefined) {
        throw misread(
          file,
          event.line,
          `field process: ${event.process} invokes ${event.f} while its ${begun.call.f} of line ${begun.call.line} is under way; a process does one thing at a time, give each client its own`,
        );
      }
      open.set(event.process, { call: event, callAt: at });
      continue;
    }
    if (begun === undefined) {
      throw misread(
        file,
        event.line,
        `field type: ${event.type} of process ${event.process}, which has invoked nothing; is a line missing?`,
      );
    }
    if (begun.call.f !== event.f) {
      throw misread(
        file,
        event.line,
        `field f: ${event.f} ends the ${begun.call.f} that process ${event.process} invoked on line ${begun.call.line}`,
      );
    }
    open.delete(event.process);
    done.push({ ...begun, answer: event, answerAt: at });
  }
  for (const begun of open.values()) done.push({ ...begun, answer: undefined, answerAt: undefined });
  return done.sort((a, b) => a.callAt - b.callAt);
}

function eventsOf(file: string, text: string): readonly HistoryEvent[] {
  const entries = entriesOf(file, text);
  if (entries.length === 0)
    throw new UsageError(`${file} has no operation; it must hold maps such as {:type :invoke, :process 0, :f :read, :value nil}`);
  return entries.flatMap(({ line, value }) => eventOf(file, line, value) ?? []);
}

/** Undefined for what no client did. */
function eventOf(file: string, line: number, entry: EdnValue): HistoryEvent | undefined {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    throw misread(file, line, `${JSON.stringify(entry).slice(0, 60)} is no map; an operation has the fields type, process, f and value`);
  }
  const fields = Object.fromEntries(
    Object.entries(entry as { readonly [field: string]: EdnValue }).map(([name, value]) => [bare(name), value]),
  );
  const { type, process, f, value = null } = fields;
  if (typeof process !== 'number' && typeof process !== 'string') {
    throw misread(file, line, `field process is ${told(process)}; it must be the number or name of a client`);
  }
  // Numbers are clients; every name that Jepsen gives is one of those that disturb or watch.
  if (typeof process === 'string' && bare(process) === 'nemesis') return undefined;
  const known = typeof type === 'string' ? TYPES.find((name) => name === bare(type)) : undefined;
  if (known === undefined) throw misread(file, line, `field type is ${told(type)}; it must be one of ${TYPES.join(', ')}`);
  if (typeof f !== 'string') throw misread(file, line, `field f is ${told(f)}; it must be the name of what was done, such as read`);
  return { line, type: known, process: String(process), f: bare(f), value, fields };
}

const told = (value: EdnValue | undefined): string => (value === undefined ? 'missing' : JSON.stringify(value).slice(0, 60));
/** JSON keeps the colon of a keyword here and there. */
const bare = (name: string): string => (name.startsWith(':') ? name.slice(1) : name);

function entriesOf(file: string, text: string): readonly { readonly line: number; readonly value: EdnValue }[] {
  const json = jsonEntries(file, text);
  if (json !== undefined) return json;
  try {
    const { values, lines } = parseEdn(text);
    const [first] = values;
    const entries = values.length === 1 && Array.isArray(first) ? (first as readonly EdnValue[]) : values;
    return entries.map((value) => ({ value, line: lines.get(value) ?? 1 }));
  } catch (error) {
    if (error instanceof EdnError) throw misread(file, error.line, error.message);
    throw error;
  }
}

/** Undefined for what is not JSON: in JSON the first thing in an object is a text. */
function jsonEntries(file: string, text: string): readonly { readonly line: number; readonly value: EdnValue }[] | undefined {
  const start = /^\s*(\[\s*)?\{\s*"/.exec(text);
  if (start === null) return undefined;
  const parse = (source: string, line: number): EdnValue => {
    try {
      return JSON.parse(source) as EdnValue;
    } catch (error) {
      throw misread(file, line, `this is no JSON (${String(error)}); write one array, or one object a line`);
    }
  };
  if (start[1] !== undefined) return elementsOf(file, text).map(({ line, source }) => ({ line, value: parse(source, line) }));
  return text.split('\n').flatMap((source, i) => (source.trim() === '' ? [] : [{ value: parse(source, i + 1), line: i + 1 }]));
}

/** Texts, for brackets within them count for nothing, and what tells where an element ends. */
const PUNCTUATION = /"(?:[^"\\]|\\.)*"|[[\]{},\n]/g;

/** The elements of an array in JSON as they stand in the text, each with the line on which it begins, which JSON.parse would not tell. */
function elementsOf(file: string, text: string): readonly { readonly line: number; readonly source: string }[] {
  const elements: { readonly line: number; readonly source: string }[] = [];
  let depth = 0;
  let line = 1;
  let from = { at: 0, line: 1 };
  for (const { 0: token, index: at } of text.matchAll(PUNCTUATION)) {
    if (token === '\n') line++;
    else if (token === '[' || token === '{') {
      depth++;
      if (depth === 1) from = { at: at + 1, line };
    } else if (token === ']' || token === '}') depth--;
    const ends = depth === 0 && token !== '\n';
    if (!ends && (token !== ',' || depth !== 1)) continue;
    const source = text.slice(from.at, at);
    const blank = /^\s*/.exec(source)?.[0] ?? '';
    elements.push({ line: from.line + blank.split('\n').length - 1, source: source.trim() });
    from = { at: at + 1, line };
    if (!ends) continue;
    if (token === ']' && text.slice(at + 1).trim() === '') return elements;
    throw misread(file, line, "here the array should end with ']', and the file with it; write one array, and nothing else");
  }
  throw misread(file, line, 'the file ends, and the array in it does not; is it cut off?');
}
