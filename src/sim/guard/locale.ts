/* oxlint-disable no-restricted-globals -- this file is what stands in for these globals */
/**
 * Calls that fall back on the machine's language or time zone. Simulated processes live in `en-US` and UTC, so that a run does
 * not depend on where it runs; in strict mode the fallback is refused, and a call that names its locale (and, for dates, its
 * zone) stays allowed. What a named locale looks like still depends on the ICU data of the Node version.
 */
import { type Call, type Callable, type Rule, rules, type Serve, standIn } from './gate.js';
import { wallMillis } from './dates.js';
import type { Section } from './swap.js';

const LOCALE = 'en-US';
const ZONE = 'UTC';

const NAME_LOCALE = 'name the locale, or compare and print by code units';
const NAME_LOCALE_AND_ZONE = 'name the locale and the timeZone, or use toISOString';

interface ZoneOptions {
  readonly timeZone?: unknown;
}

function zoneIn(options: unknown): unknown {
  return typeof options === 'object' && options !== null ? (options as ZoneOptions).timeZone : undefined;
}

/** The options with a zone; the given ones stay readable through the prototype, getters and all. */
function withZone(options: unknown): unknown {
  if (zoneIn(options) !== undefined) return options;
  const base = typeof options === 'object' && options !== null ? options : null;
  return Object.create(base, { timeZone: { value: ZONE, enumerable: true } });
}

function invoke({ original, receiver, newTarget }: Call, args: readonly unknown[]): unknown {
  return newTarget === undefined ? Reflect.apply(original, receiver, args) : Reflect.construct(original, args, newTarget);
}

/** A function whose argument `at` is the locale. */
function localeAt(at: number, api: string): Rule {
  return {
    kind: 'served',
    api: `${api} without a locale`,
    remedy: NAME_LOCALE,
    passes: (args) => args[at] !== undefined,
    serve: (call) => {
      const args = [...call.args];
      while (args.length < at) args.push(undefined);
      args[at] = LOCALE;
      return invoke(call, args);
    },
  };
}

const serveZoned: Serve = (call) => {
  const [locales, options, ...rest] = call.args;
  return invoke(call, [locales ?? LOCALE, withZone(options), ...rest]);
};

function zoned(api: string): Rule {
  return {
    kind: 'served',
    api: `${api} without a locale and a timeZone`,
    remedy: NAME_LOCALE_AND_ZONE,
    passes: ([locales, options]) => locales !== undefined && zoneIn(options) !== undefined,
    serve: serveZoned,
  };
}

const FORMATTERS = ['Collator', 'DurationFormat', 'ListFormat', 'NumberFormat', 'PluralRules', 'RelativeTimeFormat', 'Segmenter'] as const;

const intl: Record<string, Rule> = {
  ...Object.fromEntries(FORMATTERS.map((name) => [name, localeAt(0, `Intl.${name}`)])),
  DateTimeFormat: zoned('Intl.DateTimeFormat'),
};

/** Formats the current time when it is given none. */
function formatsNow(api: string): Rule {
  return {
    kind: 'served',
    api: `${api} without a date`,
    remedy: 'give it a date made of platform.clock.wallMicros()',
    passes: ([date]) => date !== undefined,
    serve: ({ ambient, original, receiver }) => Reflect.apply(original, receiver, [wallMillis(ambient)]),
  };
}

const formatNow = formatsNow('Intl.DateTimeFormat.prototype.format');

const intlDateTimeFormat: Record<string, Rule> = {
  formatToParts: formatsNow('Intl.DateTimeFormat.prototype.formatToParts'),
  format: {
    kind: 'allowed',
    reads: true,
    api: formatNow.api,
    remedy: formatNow.remedy,
    serve: ({ original, receiver }) => {
      // The same function for the same formatter, as the standard has it: stand-ins are kept by their original.
      return standIn(Reflect.apply(original, receiver, []) as Callable, formatNow);
    },
  },
};

export const localeSections: readonly Section[] = [
  rules('Intl', () => Intl, intl),
  rules('Intl.DateTimeFormat.prototype', () => Intl.DateTimeFormat.prototype, intlDateTimeFormat),
  rules('Date.prototype', () => Date.prototype, {
    toLocaleString: zoned('Date.prototype.toLocaleString'),
    toLocaleDateString: zoned('Date.prototype.toLocaleDateString'),
    toLocaleTimeString: zoned('Date.prototype.toLocaleTimeString'),
  }),
  rules('Number.prototype', () => Number.prototype, { toLocaleString: localeAt(0, 'Number.prototype.toLocaleString') }),
  rules('BigInt.prototype', () => BigInt.prototype, { toLocaleString: localeAt(0, 'BigInt.prototype.toLocaleString') }),
  rules('String.prototype', () => String.prototype, {
    localeCompare: localeAt(1, 'String.prototype.localeCompare'),
    toLocaleLowerCase: localeAt(0, 'String.prototype.toLocaleLowerCase'),
    toLocaleUpperCase: localeAt(0, 'String.prototype.toLocaleUpperCase'),
  }),
];
