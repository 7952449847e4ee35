/** Sets an upper bound to the memory of a WebAssembly module, so that running out of it ends the module and not the process. */

const PAGE_BYTES = 65_536;
const PAGES_MAX = 65_536;
const HEADER_BYTES = 8;
const MEMORY_SECTION = 5;

/**
 * The module with its one memory limited to this many megabytes, or to what it starts with where that is more.
 * Throws RangeError for bytes that are not a module with one memory of its own.
 * Format: WebAssembly core specification, 5.5.8.
 */
export function withMemoryBound(wasm: Uint8Array, megabytes: number): Uint8Array {
  const section = findSection(wasm, MEMORY_SECTION);
  if (section === undefined) throw new RangeError('the WebAssembly module has no memory of its own');
  const [count, afterCount] = readUnsigned(wasm, section.begin);
  const flags = wasm[afterCount];
  if (count !== 1 || flags === undefined || flags > 1) throw new RangeError('the WebAssembly module has not one plain memory');
  const [pagesMin] = readUnsigned(wasm, afterCount + 1);
  const pagesMax = Math.max(pagesMin, Math.min(PAGES_MAX, Math.floor((megabytes * 1_048_576) / PAGE_BYTES)));
  const body = [1, 1, ...unsigned(pagesMin), ...unsigned(pagesMax)];
  const bytes = [MEMORY_SECTION, ...unsigned(body.length), ...body];
  const bounded = new Uint8Array(wasm.length - (section.end - section.start) + bytes.length);
  bounded.set(wasm.subarray(0, section.start));
  bounded.set(bytes, section.start);
  bounded.set(wasm.subarray(section.end), section.start + bytes.length);
  return bounded;
}

/** `start` is where its id stands, `begin` where its content does. */
function findSection(wasm: Uint8Array, id: number): { readonly start: number; readonly begin: number; readonly end: number } | undefined {
  let at = HEADER_BYTES;
  while (at < wasm.length) {
    const [length, begin] = readUnsigned(wasm, at + 1);
    if (wasm[at] === id) return { start: at, begin, end: begin + length };
    at = begin + length;
  }
  return undefined;
}

/** LEB128. The value and where the next byte is. */
function readUnsigned(bytes: Uint8Array, from: number): readonly [number, number] {
  let value = 0;
  let factor = 1;
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return [value, at + 1];
    factor *= 128;
  }
  throw new RangeError('the WebAssembly module ends within a number');
}

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low + 128 : low);
  } while (rest > 0);
  return bytes;
}
