/**
 * What happened in a run. The trace is one list of events, each with its time, node, life of the node and cause; its rolling
 * hash is the identity of a run: equal seeds must give equal hashes everywhere.
 */
import type { Micros, NodeId, StoryEvent, TraceValue } from './ports.js';

/** Told by the world itself, not by the program. */
export type WorldEvent =
  | { readonly type: 'phase'; readonly phase: 'setup' | 'chaos' | 'heal' | 'verify' | 'end' }
  | { readonly type: 'boot'; readonly reason: 'start' | 'restart' }
  | { readonly type: 'kill'; readonly reason: string }
  | { readonly type: 'stop' }
  | { readonly type: 'exit' }
  | { readonly type: 'crash'; readonly error: string }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | {
      readonly type: 'fault';
      readonly fault: string;
      readonly label: string;
      readonly action: string;
      readonly [detail: string]: TraceValue;
    }
  | { readonly type: 'send'; readonly to: NodeId; readonly message: number; readonly bytes: number }
  | { readonly type: 'deliver'; readonly from: NodeId; readonly message: number }
  | { readonly type: 'lose'; readonly from: NodeId; readonly to: NodeId; readonly message: number; readonly why: string }
  | {
      readonly type: 'disk';
      readonly operation: string;
      readonly path: string;
      readonly outcome: string;
      readonly [detail: string]: TraceValue;
    }
  | { readonly type: 'database'; readonly operation: string; readonly outcome: string; readonly [detail: string]: TraceValue }
  | { readonly type: 'service'; readonly service: string; readonly operation: string; readonly outcome: string }
  /** The program took the rare way at one of its sites. */
  | { readonly type: 'choice'; readonly site: string }
  | { readonly type: 'clock'; readonly change: string; readonly micros: Micros };

/** One line of the trace. `body` is a WorldEvent, or a story event of the program. */
export interface TraceEvent<Body extends StoryEvent = StoryEvent> {
  readonly index: number;
  readonly at: Micros;
  /** The node it happened on; empty for the world at large. */
  readonly node: NodeId;
  /** Which life of the node, from 1; 0 for the world. */
  readonly life: number;
  /** Index of the event that led to this one, -1 for none. */
  readonly cause: number;
  readonly body: Body;
}

/** Sees each event once, in order. */
export type TraceListener = (event: TraceEvent) => void;

/** One listener that shows each event to all of these. */
export const toEach =
  (listeners: readonly TraceListener[]): TraceListener =>
  (event) => {
    for (const listener of listeners) listener(event);
  };

/** Canonical text of a plain value: JSON with the keys of every object sorted by code unit, `undefined` fields left out. */
export function canonical(value: unknown): string {
  if (value === null || typeof value !== 'object') {
    const text = JSON.stringify(value);
    if (text === undefined) throw new TypeError(`a trace carries plain JSON values, not ${typeof value}`);
    return text;
  }
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const record = value as Readonly<Record<string, unknown>>;
  const parts: string[] = [];
  for (const key of Object.keys(record).sort()) {
    if (record[key] !== undefined) parts.push(`${JSON.stringify(key)}:${canonical(record[key])}`);
  }
  return `{${parts.join(',')}}`;
}

/** One line of a stored trace. */
export function encodeEvent(event: TraceEvent): string {
  return canonical(event);
}

/**
 * Rolling hash of 64 bits in two lanes. Each event is hashed field by field and the fields of an object are added up, so
 * that the order in which a literal names its fields does not matter and nothing has to be sorted on the hot path.
 * Finaliser constants from MurmurHash3 (Austin Appleby, public domain).
 */
export class RollingHash {
  #a = 0x9e3779b9 | 0;
  #b = 0x85ebca6b | 0;

  /** Takes in one integer. */
  int(value: number): void {
    // Times exceed 32 bits: the high part must count too.
    const low = value | 0;
    const high = Math.floor(value / 4294967296) | 0;
    this.#a = mix(this.#a ^ low, high);
    this.#b = mix(this.#b + low, this.#a);
  }

  /** Takes in that the event with this sequence number ran at this time: the hot path, in two mixes. */
  step(at: number, sequence: number): void {
    const a = mix(this.#a ^ (at | 0), sequence);
    this.#b = mix(this.#b + Math.floor(at / 4294967296), a);
    this.#a = a;
  }

  /** Takes in one plain value. */
  value(value: unknown): void {
    const h = hashValue(value);
    this.#a = mix(this.#a ^ h, 0x27d4eb2f);
    this.#b = mix(this.#b + h, this.#a);
  }

  /** 32 bits of the digest, as an integer, for whoever compares two runs step by step. */
  lane(): number {
    return this.#b;
  }

  /** 16 hex digits. */
  digest(): string {
    return hex(this.#a) + hex(this.#b);
  }
}

const hex = (n: number): string => (n >>> 0).toString(16).padStart(8, '0');

/** One well-mixed integer of 32 bits out of two. */
export function mix(h: number, k: number): number {
  let x = Math.imul(h ^ k, 0x85ebca6b);
  x ^= x >>> 13;
  x = Math.imul(x, 0xc2b2ae35);
  return x ^ (x >>> 16);
}

const doubles = new Float64Array(1);
const halves = new Uint32Array(doubles.buffer);

function hashValue(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return hashString(value);
    case 'number':
      if (Number.isSafeInteger(value)) return mix(value | 0, Math.floor(value / 4294967296) | 0x51ed270b);
      doubles[0] = value;
      return mix((halves[0] ?? 0) | 0, (halves[1] ?? 0) | 0);
    case 'boolean':
      return value ? 0x2545f491 : 0x1b873593;
    case 'undefined':
      return 0;
    case 'object': {
      if (value === null) return 0x7feb352d;
      if (Array.isArray(value)) {
        let h = 0x165667b1;
        for (const item of value) h = mix(h, hashValue(item));
        return h;
      }
      let sum = 0x3c6ef372;
      const record = value as Readonly<Record<string, unknown>>;
      for (const key in record) {
        const field = record[key];
        if (field !== undefined) sum = (sum + mix(hashString(key), hashValue(field))) | 0;
      }
      return mix(sum, 0x68e31da4);
    }
    default:
      throw new TypeError(`a trace carries plain JSON values, not ${typeof value}`);
  }
}

function hashString(text: string): number {
  let h = 0x811c9dc5 | 0;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return mix(h, text.length);
}
