/**
 * `performance`, `process.hrtime` and `process.uptime` for simulated processes, all on the node's monotonic clock. Marks and
 * measures are kept for each life of a process apart, because the platform's timeline is one for the whole thread: a run would
 * see what an earlier one left there.
 */
import type { Random } from '../../ports.js';
import { type Ambient, builtin, globalObject, prototypeOf, type Rule, rules, type Serve } from './gate.js';
import type { Section } from './swap.js';

const MONOTONIC = 'use platform.clock.monotonicMicros()';

/** As many marks and measures as one life of a process may keep; the platform has no bound. */
const TIMELINE_ENTRIES_MAX = 100_000;

interface TimelineEntry {
  readonly name: string;
  readonly entryType: 'mark' | 'measure';
  /** Milliseconds on the monotonic clock. */
  readonly startTime: number;
  readonly duration: number;
  readonly detail: unknown;
  toJSON(): unknown;
}

interface Timeline {
  /** Unix time in milliseconds at which the monotonic clock read 0, as seen when it was asked for first; it never changes, as the platform's. */
  readonly origin: number;
  entries: TimelineEntry[];
}

const timelines = new WeakMap<Random, Timeline>();

function timelineOf(ambient: Ambient): Timeline {
  const known = timelines.get(ambient.random);
  if (known !== undefined) return known;
  const made: Timeline = { origin: (ambient.wallMicros() - ambient.monotonicMicros()) / 1000, entries: [] };
  timelines.set(ambient.random, made);
  return made;
}

function nowMillis(ambient: Ambient): number {
  return ambient.monotonicMicros() / 1000;
}

function record(
  ambient: Ambient,
  entryType: 'mark' | 'measure',
  name: string,
  startTime: number,
  duration: number,
  detail: unknown,
): TimelineEntry {
  const { entries } = timelineOf(ambient);
  if (entries.length >= TIMELINE_ENTRIES_MAX) {
    throw new RangeError(
      `node ${ambient.node} keeps ${TIMELINE_ENTRIES_MAX} performance marks and measures, the most a simulated process may: clear them (clearMarks, clearMeasures)`,
    );
  }
  const entry: TimelineEntry = {
    name,
    entryType,
    startTime,
    duration,
    detail: detail === undefined ? null : structuredClone(detail),
    toJSON: () => ({ name, entryType, startTime, duration, detail: entry.detail }),
  };
  entries.push(entry);
  return entry;
}

interface MarkOptions {
  readonly startTime?: number;
  readonly detail?: unknown;
}

interface MeasureOptions {
  readonly start?: string | number;
  readonly end?: string | number;
  readonly duration?: number;
  readonly detail?: unknown;
}

/** Where a measure starts or ends: a time, or the latest mark of that name. */
function momentOf(ambient: Ambient, at: string | number): number {
  if (typeof at === 'number') return at;
  const mark = timelineOf(ambient).entries.findLast((entry) => entry.entryType === 'mark' && entry.name === at);
  if (mark === undefined) throw new DOMException(`The "${at}" performance mark has not been set`, 'SyntaxError');
  return mark.startTime;
}

function measure(
  ambient: Ambient,
  name: string,
  given: MeasureOptions | string | number | undefined,
  endMark: string | number | undefined,
): TimelineEntry {
  const options: MeasureOptions =
    typeof given === 'object' && given !== null
      ? given
      : {
          ...(given === undefined ? {} : { start: String(given) }),
          ...(endMark === undefined ? {} : { end: String(endMark) }),
        };
  const { start, end, duration, detail } = options;
  const from =
    start !== undefined ? momentOf(ambient, start) : end !== undefined && duration !== undefined ? momentOf(ambient, end) - duration : 0;
  const to = end !== undefined ? momentOf(ambient, end) : duration !== undefined ? from + duration : nowMillis(ambient);
  return record(ambient, 'measure', name, from, to - from, detail);
}

function clear(ambient: Ambient, entryType: 'mark' | 'measure', name: unknown): void {
  const timeline = timelineOf(ambient);
  timeline.entries = timeline.entries.filter(
    (entry) => entry.entryType !== entryType || (name !== undefined && entry.name !== String(name as string | number)),
  );
}

function select(ambient: Ambient, wanted: (entry: TimelineEntry) => boolean): TimelineEntry[] {
  return timelineOf(ambient)
    .entries.filter(wanted)
    .sort((a, b) => a.startTime - b.startTime);
}

function served(api: string, serve: Serve, remedy = MONOTONIC): Rule {
  return { kind: 'served', api: `performance.${api}`, remedy, serve };
}

function refused(api: string): Rule {
  return { kind: 'refused', api, remedy: `${MONOTONIC}; the machine's own figures differ from run to run` };
}

const TELL = 'use platform.tracer.emit';

const performanceRules: Record<string, Rule> = {
  now: served('now', ({ ambient }) => nowMillis(ambient)),
  timeOrigin: { ...served('timeOrigin', ({ ambient }) => timelineOf(ambient).origin, 'use platform.clock.wallMicros()'), reads: true },
  mark: served(
    'mark',
    ({ ambient, args: [name, options] }) => {
      const { startTime, detail } = (options ?? {}) as MarkOptions;
      return record(ambient, 'mark', String(name), startTime ?? nowMillis(ambient), 0, detail);
    },
    TELL,
  ),
  measure: served(
    'measure',
    ({ ambient, args: [name, given, end] }) =>
      measure(ambient, String(name), given as MeasureOptions | undefined, end as string | undefined),
    TELL,
  ),
  clearMarks: served('clearMarks', ({ ambient, args: [name] }) => clear(ambient, 'mark', name), TELL),
  clearMeasures: served('clearMeasures', ({ ambient, args: [name] }) => clear(ambient, 'measure', name), TELL),
  getEntries: served('getEntries', ({ ambient }) => select(ambient, () => true), TELL),
  getEntriesByName: served(
    'getEntriesByName',
    ({ ambient, args: [name, type] }) =>
      select(ambient, (entry) => entry.name === name && (type === undefined || entry.entryType === type)),
    TELL,
  ),
  getEntriesByType: served('getEntriesByType', ({ ambient, args: [type] }) => select(ambient, (entry) => entry.entryType === type), TELL),
  toJSON: served('toJSON', ({ ambient }) => ({ timeOrigin: timelineOf(ambient).origin })),
  // A wrapper that only tells its duration to observers, of which a simulated process has none: the function itself does as well.
  timerify: served('timerify', ({ args: [subject] }) => subject),
  eventLoopUtilization: refused('performance.eventLoopUtilization'),
  nodeTiming: { ...refused('performance.nodeTiming'), reads: true },
};

const NANOS_PER_MICRO = 1000n;

const hrtimeBigint: Rule = {
  kind: 'served',
  api: 'process.hrtime.bigint',
  remedy: MONOTONIC,
  serve: ({ ambient }) => BigInt(ambient.monotonicMicros()) * NANOS_PER_MICRO,
};

const hrtime: Rule = {
  kind: 'served',
  api: 'process.hrtime',
  remedy: MONOTONIC,
  carries: { bigint: hrtimeBigint },
  // Node's own complaint about an earlier time that is none.
  passes: ([since]) => since !== undefined && !(Array.isArray(since) && since.length === 2),
  serve: ({ ambient, args: [since] }) => {
    const micros = ambient.monotonicMicros();
    const now: [number, number] = [Math.floor(micros / 1e6), (micros % 1e6) * 1000];
    if (since === undefined) return now;
    const [seconds, nanos] = since as [number, number];
    const borrow = now[1] < nanos ? 1 : 0;
    return [now[0] - seconds - borrow, now[1] - nanos + borrow * 1e9];
  },
};

/** Seconds on the monotonic clock; its origin stands for the start of the process. */
function uptime(api: string): Rule {
  return { kind: 'served', api, remedy: MONOTONIC, serve: ({ ambient }) => ambient.monotonicMicros() / 1e6 };
}

export const clockSections: readonly Section[] = [
  // A test runner's fake clock sits on the object, the platform's functions on its prototype.
  rules('performance', () => globalObject('performance'), performanceRules),
  rules('Performance.prototype', () => prototypeOf(globalObject('performance')), performanceRules),
  rules('perf_hooks', () => builtin('perf_hooks'), {
    monitorEventLoopDelay: refused('perf_hooks.monitorEventLoopDelay'),
    eventLoopUtilization: refused('perf_hooks.eventLoopUtilization'),
    timerify: served('timerify', ({ args: [subject] }) => subject),
  }),
  rules('process', () => globalObject('process'), { hrtime, uptime: uptime('process.uptime') }),
  rules('os', () => builtin('os'), { uptime: uptime('os.uptime') }),
];
