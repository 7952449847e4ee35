/** Plain JSON: what payloads, answers, states and values of the key-value space are made of. */
import { KelpieError } from './errors.js';

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Up to this length most texts are names in ASCII, and a loop is several times faster than the way to the encoder and back. */
const SHORT = 120;

export function utf8(text: string): Uint8Array {
  if (text.length > SHORT) return encoder.encode(text);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 127) return encoder.encode(text);
    bytes[i] = unit;
  }
  return bytes;
}

/** Throws TypeError for bytes that are no UTF-8. */
export const fromUtf8 = (bytes: Uint8Array): string => decoder.decode(bytes);

/**
 * The text of a value that an actor or a caller gives; `undefined` counts as null. `what` names it in errors.
 * Errors: `invalid-argument` for what JSON cannot hold (functions, bigint, cycles).
 */
export function toJsonText(value: unknown, what: string): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value === undefined ? null : value);
  } catch (error) {
    throw new KelpieError('invalid-argument', `${what} must be plain JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (text === undefined) throw new KelpieError('invalid-argument', `${what} must be plain JSON, is a ${typeof value}`);
  return text;
}

/** Errors: `too-large`, with size and limit, when the text has more bytes than allowed. */
export function checkTextBytes(text: string, bytesMax: number, what: string): void {
  // A UTF-16 unit is at most three bytes of UTF-8, so a short text needs no counting.
  if (text.length * 3 <= bytesMax) return;
  const bytes = utf8(text).length;
  if (bytes > bytesMax) throw new KelpieError('too-large', `${what} has ${bytes} bytes, at most ${bytesMax} are allowed`);
}
