/* oxlint-disable no-restricted-globals -- this file is what stands in for these globals */
/**
 * `Date` and `Temporal.Now` for simulated processes: the node's wall clock, in a world whose local time zone is UTC, so that no
 * run depends on the TZ of the machine. In strict mode what reads the clock or the local time zone is refused; the rest of
 * `Date` (an instant given in numbers, UTC getters, ISO texts) is arithmetic and stays allowed.
 */
import { type Ambient, asObject, type Callable, globalObject, globalValue, memberOf, type Rule, rules, type Serve } from './gate.js';
import type { Section } from './swap.js';

const READ_CLOCK = 'use platform.clock.wallMicros()';

/** The clock of a process in whole milliseconds, as `Date` counts. */
export function wallMillis(ambient: Ambient): number {
  return Math.floor(ambient.wallMicros() / 1000);
}

type TextRule = 'utc' | 'zoned' | 'unzoned-iso' | 'unzoned';

const ISO_DATE = /^(?:\d{4}|[+-]\d{6})(?:-\d\d(?:-\d\d)?)?$/;
const ISO_DATE_TIME = /^(?:\d{4}|[+-]\d{6})(?:-\d\d(?:-\d\d)?)?T\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?$/;
const ZONE = /(?:^|[\s\d:.])(?:Z|UT|UTC|GMT|[ECMP][SD]T)(?:[+-]\d{1,2}(?::?\d\d)?)?\s*$|(?::\d\d\S*|[ap]m)\s*[+-]\d{1,2}(?::?\d\d)?\s*$/i;

/** How a text names its time zone: a date alone is UTC by the standard, a date and time without a zone is local time. */
function zoneOf(text: string): TextRule {
  if (ISO_DATE.test(text)) return 'utc';
  if (ISO_DATE_TIME.test(text)) return 'unzoned-iso';
  // A comment such as "(Coordinated Universal Time)" says nothing that the parser reads.
  const bare = text.replace(/\([^)]*\)/g, ' ');
  return ZONE.test(bare) || /\b(?:UTC|GMT)\b/i.test(bare) ? 'zoned' : 'unzoned';
}

/** The same text with its zone said, so that every machine reads it as UTC. */
function asUtcText(text: string): string {
  switch (zoneOf(text)) {
    case 'utc':
    case 'zoned':
      return text;
    case 'unzoned-iso':
      return `${text}Z`;
    case 'unzoned':
      return `${text} UTC`;
  }
}

const INVALID = 'Invalid Date';
const UTC_PARTS = /^(\w{3}), (\d\d) (\w{3}) (-?\d+) (\d\d:\d\d:\d\d) GMT$/;

/** `Date.prototype.toString` and its halves as they read where the local time zone is UTC. */
function localText(date: Date, half: 'date' | 'time' | 'both'): string {
  const parts = UTC_PARTS.exec(date.toUTCString());
  if (parts === null) return INVALID;
  const [, weekday, day, month, year, time] = parts;
  const dateText = `${weekday} ${month} ${day} ${year}`;
  const timeText = `${time} GMT+0000 (Coordinated Universal Time)`;
  return half === 'both' ? `${dateText} ${timeText}` : half === 'date' ? dateText : timeText;
}

interface DateStatics {
  UTC(...parts: number[]): number;
  parse(text: string): number;
}

const constructDate: Serve = ({ ambient, original, args, newTarget }) => {
  const statics = original as unknown as DateStatics;
  if (newTarget === undefined) return localText(Reflect.construct(original, [wallMillis(ambient)]) as Date, 'both');
  if (args.length === 0) return Reflect.construct(original, [wallMillis(ambient)], newTarget);
  if (args.length === 1) {
    const [value] = args;
    return Reflect.construct(original, [isText(value) ? asUtcText(String(value)) : value], newTarget);
  }
  return Reflect.construct(original, [statics.UTC(...(args as number[]))], newTarget);
};

function isText(value: unknown): boolean {
  return typeof value === 'string' || Object.prototype.toString.call(value) === '[object String]';
}

function namesZone(value: unknown): boolean {
  const zone = zoneOf(String(value));
  return zone === 'utc' || zone === 'zoned';
}

const dateNow: Rule = { kind: 'served', api: 'Date.now', remedy: READ_CLOCK, serve: ({ ambient }) => wallMillis(ambient) };

const dateParse: Rule = {
  kind: 'served',
  api: 'Date.parse of a text without a time zone',
  remedy: 'say the zone in the text, such as a final Z',
  passes: ([text]) => namesZone(text),
  serve: ({ original, receiver, args }) => Reflect.apply(original, receiver, [asUtcText(String(args[0]))]),
};

const dateConstructor: Rule = {
  kind: 'served',
  api: 'Date (the current time, or local time)',
  remedy: `${READ_CLOCK}; for a date in parts new Date(Date.UTC(...)); for a text say its zone, such as a final Z`,
  // An instant given as a number, a date or a text with its zone is the same on every machine.
  passes: (args, constructs) => constructs && args.length === 1 && (!isText(args[0]) || namesZone(args[0])),
  serve: constructDate,
  carries: { now: dateNow, parse: dateParse },
};

/** A local getter or setter, served by its UTC twin. */
function localPart(name: string): Rule {
  const twin = name.replace(/^([gs]et)/, '$1UTC');
  return {
    kind: 'served',
    api: `Date.prototype.${name}`,
    remedy: `use ${twin}`,
    serve: ({ receiver, args }) => Reflect.apply(Reflect.get(Date.prototype, twin) as Callable, receiver, args),
  };
}

function localRule(name: string, remedy: string, serve: (date: Date, args: readonly unknown[]) => unknown): Rule {
  return { kind: 'served', api: `Date.prototype.${name}`, remedy, serve: ({ receiver, args }) => serve(receiver as Date, args) };
}

const PARTS = ['FullYear', 'Month', 'Date', 'Hours', 'Minutes', 'Seconds', 'Milliseconds'] as const;

const dateMethods: Record<string, Rule> = {
  ...Object.fromEntries([...PARTS.flatMap((part) => [`get${part}`, `set${part}`]), 'getDay'].map((name) => [name, localPart(name)])),
  getTimezoneOffset: localRule('getTimezoneOffset', 'use UTC, whose offset is 0', (date) =>
    Number.isNaN(date.getTime()) ? Number.NaN : 0,
  ),
  getYear: localRule('getYear', 'use getUTCFullYear', (date) => date.getUTCFullYear() - 1900),
  setYear: localRule('setYear', 'use setUTCFullYear', (date, [year]) => {
    const whole = Math.trunc(Number(year));
    return date.setUTCFullYear(whole >= 0 && whole <= 99 ? 1900 + whole : whole);
  }),
  toString: localRule('toString', 'use toISOString', (date) => localText(date, 'both')),
  toDateString: localRule('toDateString', 'use toISOString', (date) => localText(date, 'date')),
  toTimeString: localRule('toTimeString', 'use toISOString', (date) => localText(date, 'time')),
  constructor: dateConstructor,
};

/** The little of `Temporal` (Node 26, browsers) that reads the clock or the local time zone. */
interface TemporalLike {
  readonly Instant: { fromEpochNanoseconds(nanos: bigint): { toZonedDateTimeISO(zone: unknown): ZonedLike } };
}

interface ZonedLike {
  toPlainDateTime(): unknown;
  toPlainDate(): unknown;
  toPlainTime(): unknown;
}

function temporalRule(name: string, make: (zoned: (zone: unknown) => ZonedLike, zone: unknown, ambient: Ambient) => unknown): Rule {
  return {
    kind: 'served',
    api: `Temporal.Now.${name}`,
    remedy: READ_CLOCK,
    serve: ({ ambient, args }) => {
      const zoned = (zone: unknown) => instant(ambient).toZonedDateTimeISO(zone);
      return make(zoned, args[0] ?? 'UTC', ambient);
    },
  };
}

function instant(ambient: Ambient): { toZonedDateTimeISO(zone: unknown): ZonedLike } {
  const temporal = globalValue('Temporal') as TemporalLike;
  return temporal.Instant.fromEpochNanoseconds(BigInt(ambient.wallMicros()) * 1000n);
}

const temporalNow: Record<string, Rule> = {
  instant: temporalRule('instant', (_zoned, _zone, ambient) => instant(ambient)),
  timeZoneId: temporalRule('timeZoneId', () => 'UTC'),
  zonedDateTimeISO: temporalRule('zonedDateTimeISO', (zoned, zone) => zoned(zone)),
  plainDateTimeISO: temporalRule('plainDateTimeISO', (zoned, zone) => zoned(zone).toPlainDateTime()),
  plainDateISO: temporalRule('plainDateISO', (zoned, zone) => zoned(zone).toPlainDate()),
  plainTimeISO: temporalRule('plainTimeISO', (zoned, zone) => zoned(zone).toPlainTime()),
};

export const dateSections: readonly Section[] = [
  // The statics of the real constructor come first: code that keeps a reference to it from before still asks the simulation.
  rules('Date', () => globalObject('Date'), { now: dateNow, parse: dateParse }),
  rules('Date.prototype', () => Date.prototype, dateMethods),
  rules('Temporal.Now', () => asObject(memberOf(globalObject('Temporal'), 'Now')), temporalNow),
  rules('globalThis', () => globalThis, { Date: dateConstructor }),
];
