/** How plain values of a run read in text that people see. Fixed formats: nothing here asks the machine for its language. */
import type { Micros, TraceValue } from '../src/ports.js';
import type { FaultDraw, NetworkShape, Strategy } from '../src/run.js';

/** `12.345678`: seconds with every microsecond, so that equal times look equal. */
export function clockTime(micros: Micros): string {
  return `${Math.floor(micros / 1_000_000)}.${String(micros % 1_000_000).padStart(6, '0')}`;
}

/** `1.5 s`, `20 ms`, `50 us`: the largest unit that keeps the value at least 1, exact. */
export function duration(micros: Micros): string {
  if (Math.abs(micros) >= 1_000_000) return `${micros / 1_000_000} s`;
  if (Math.abs(micros) >= 1_000) return `${micros / 1_000} ms`;
  return `${micros} us`;
}

/** `1 fault`, `2 faults`. */
export function counted(count: number, singular: string): string {
  return `${count} ${singular}${count === 1 ? '' : 's'}`;
}

/** `1 234 567`. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** A plain value without the noise of JSON: strings bare, lists by commas, a rate as a fraction. */
export function plain(value: TraceValue | undefined): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return /^[\x21-\x7e]+$/.test(value) ? value : JSON.stringify(value);
  if (typeof value !== 'object' || value === null) return String(value);
  if (isList(value)) return value.length === 0 ? '[]' : value.map(plain).join(',');
  const names = Object.keys(value).sort();
  if (names.join() === 'denominator,numerator') return `${plain(value['numerator'])}/${plain(value['denominator'])}`;
  return `{${names.map((name) => `${name}=${plain(value[name])}`).join(' ')}}`;
}

/** Text of the program under test without control characters, which could repaint the terminal. Line breaks count as such. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '?');
}

/** Lines of at most so many characters, broken at spaces; a longer word stands alone. */
export function folded(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Every field but the ones named, as `name=value`. */
export function fieldsOf(record: object, except: readonly string[]): string {
  return Object.entries(record as Readonly<Record<string, TraceValue | undefined>>)
    .filter(([name, value]) => value !== undefined && !except.includes(name))
    .map(([name, value]) => `${name}=${plain(value)}`)
    .join(' ');
}

/** The episode and the magnitudes of a drawn fault. */
export function describeFault({ params }: FaultDraw): string {
  const until = params.startMicros + params.durationMicros;
  const episode = `${duration(params.startMicros)} to ${duration(until)}`;
  return `${episode}  ${fieldsOf(params, ['startMicros', 'durationMicros'])}`.trimEnd();
}

export function describeNetwork(network: NetworkShape): string {
  const { latencyMicrosMin, latencyMicrosMax, jitterMicros, tailOneIn, tailMicros, bytesPerSecond } = network;
  const tail = tailOneIn === 0 ? '' : `, 1 in ${tailOneIn} takes ${duration(tailMicros)} longer`;
  const bandwidth = bytesPerSecond === 0 ? '' : `, ${grouped(bytesPerSecond)} bytes/s`;
  return `${duration(latencyMicrosMin)} to ${duration(latencyMicrosMax)} one way, jitter ${duration(jitterMicros)}${tail}${bandwidth}`;
}

export function describeStrategy(strategy: Strategy): string {
  switch (strategy.kind) {
    case 'pct':
      return `pct, depth ${strategy.depth}, changes within ${grouped(strategy.horizon)} events`;
    case 'replay':
      return `replay of ${counted(strategy.decisions.length, 'choice')}`;
    case 'fifo':
    case 'random':
    case 'pos':
      return strategy.kind;
  }
}

const isList = (value: object): value is readonly TraceValue[] => Array.isArray(value);
