/**
 * Keys inside the simulated database are strings with one character a byte: the order of their code units is the order of the
 * bytes, and they can be keys of a Map. Values stay bytes.
 */
import type { Bytes } from '../../ports.js';

/** End of the ordinary key space; what lies from here on belongs to the system. */
export const KEYS_END = '\xff';

/** Characters handed to `fromCharCode` at once, well below what an engine takes as arguments. */
const CHUNK = 4096;

export function toBinary(bytes: Bytes): string {
  const { length } = bytes;
  if (length <= CHUNK) return characters(bytes);
  let text = '';
  for (let at = 0; at < length; at += CHUNK) text += characters(bytes.subarray(at, at + CHUNK));
  return text;
}

// `apply` takes any array-like; its type asks for an array.
const characters = (bytes: Bytes): string => String.fromCharCode.apply(undefined, bytes as unknown as number[]);

export function fromBinary(text: string): Bytes {
  const { length } = text;
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** The first key after this one. */
export const keyAfter = (key: string): string => `${key}\0`;

export const later = (a: string, b: string): string => (a < b ? b : a);
export const earlier = (a: string, b: string): string => (a < b ? a : b);

export function equalBytes(a: Bytes | undefined, b: Bytes | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined || a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
