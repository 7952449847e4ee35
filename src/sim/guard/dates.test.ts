/** Dates in adopt mode, compared with a process of the platform's own whose local time zone is UTC. */
import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AmbientUseError } from '../guard.js';
import { OneProcessWorld, WALL_START_MICROS } from './one-process-world.js';

const WALL_START_MILLIS = Math.floor(WALL_START_MICROS / 1000);

describe('dates in adopt mode', () => {
  const adopt = <T>(code: () => T): T => new OneProcessWorld('adopt').guarded(code);

  it('read the wall clock of the node', () => {
    const world = new OneProcessWorld('adopt');
    world.now = 1_500;
    const seen = world.guarded(() => [
      Date.now(),
      new Date().toISOString(),
      Date(),
      new Date() instanceof Date,
      new (class extends Date {})().getTime(),
    ]);
    const now = WALL_START_MILLIS + 2;
    expect(seen).toEqual([now, '2030-01-02T03:04:05.680Z', 'Wed Jan 02 2030 03:04:05 GMT+0000 (Coordinated Universal Time)', true, now]);
  });

  /** What the code prints in a Node process of its own whose local time zone is UTC: the oracle for local time. */
  function inUtcProcess(code: string): unknown {
    const child = spawnSync(process.execPath, ['-p', `JSON.stringify(${code})`], {
      env: { ...process.env, TZ: 'UTC', LC_ALL: 'en_US.UTF-8' },
      encoding: 'utf8',
    });
    expect(child.stderr).toBe('');
    return JSON.parse(child.stdout);
  }

  /** Runs the code in this process, whose local time zone is put far from UTC. */
  function farFromUtc<T>(code: () => T): T {
    const zone = process.env.TZ;
    process.env.TZ = 'Asia/Kathmandu';
    try {
      expect(new Date(0).getTimezoneOffset()).not.toBe(0);
      return code();
    } finally {
      if (zone === undefined) delete process.env.TZ;
      else process.env.TZ = zone;
    }
  }

  const days = [
    '2024-03-10',
    '2024-3-1',
    '3/1/2024',
    'Mar 10 2024',
    '10 Mar 2024',
    'March 10, 2024',
    'Sun Mar 10 2024',
    'Sun, 10 Mar 2024',
    '+012024-03-10',
  ];
  const times = [
    '',
    ' 02:30',
    ' 02:30:15',
    ' 02:30:15.5',
    ' 10:00 PM',
    'T02:30',
    'T02:30:15',
    'T02:30:15.123',
    'T02:30:15.123456',
    ' 2:05:59 am',
  ];
  const zones = [
    '',
    'Z',
    ' Z',
    ' UTC',
    ' GMT',
    ' GMT+0545',
    ' GMT-8',
    '+02:00',
    '-0330',
    ' +0100',
    ' EST',
    ' PDT',
    ' (no zone)',
    ' GMT-0800 (Pacific)',
    ' +0200 (CEST)',
  ];
  const oddTexts = [
    '2024',
    '2024-03',
    '-000001-01-01T00:00',
    '',
    'nonsense',
    '2024-13-01',
    '2024-02-30T00:00',
    ' 2024-03-10 ',
    '12:30',
    '1',
    'Z',
    '0',
  ];
  const dateTexts = [...days.flatMap((day) => times.flatMap((time) => zones.map((zone) => day + time + zone))), ...oddTexts];

  it('read texts without a time zone as UTC', () => {
    const expected = inUtcProcess(
      `${JSON.stringify(dateTexts)}.map((text) => [text, Date.parse(text), new Date(text).getTime(), new Date(Object(text)).getTime()])`,
    );
    const seen = farFromUtc(() =>
      adopt(() => dateTexts.map((text) => [text, Date.parse(text), new Date(text).getTime(), new Date(Object(text) as string).getTime()])),
    );
    expect(JSON.parse(JSON.stringify(seen))).toEqual(expected);
  });

  it('have a local time zone of UTC in every method', () => {
    const instants = fc.sample(fc.integer({ min: -8.64e15, max: 8.64e15 }), { numRuns: 200, seed: 1 });
    instants.push(0, -1, 8.64e15, -8.64e15, Date.UTC(2024, 2, 10, 2, 30), Number.NaN);
    const describeAll = (given: readonly (number | null)[]): unknown =>
      given.map((at) => {
        const call = (name: string, ...args: number[]): unknown => {
          const date = new Date(at ?? Number.NaN);
          return [(Reflect.get(date, name) as (...args: number[]) => unknown).apply(date, args), date.getTime()];
        };
        const reads = ['FullYear', 'Month', 'Date', 'Day', 'Hours', 'Minutes', 'Seconds', 'Milliseconds', 'TimezoneOffset', 'Year'];
        const texts = ['', 'Date', 'Time', 'Locale', 'LocaleDate', 'LocaleTime'];
        return [
          reads.map((name) => call(`get${name}`)),
          texts.map((name) => call(`to${name}String`)),
          [call('setFullYear', 2023, 1, 30), call('setMonth', 14), call('setDate', 0), call('setHours', 25, 61, 61, 1001)],
          [call('setMinutes', -1), call('setSeconds', 99), call('setMilliseconds', 5000), call('setYear', 99), call('setYear', 2011)],
          String(new Date(at ?? Number.NaN)),
        ];
      });
    const given = JSON.stringify(instants);
    const seen = farFromUtc(() => adopt(() => describeAll(JSON.parse(given) as (number | null)[])));
    // The same source runs there, so that the two cannot differ in anything but the world around them.
    expect(JSON.parse(JSON.stringify(seen))).toEqual(inUtcProcess(`(${String(describeAll)})(${given})`));
  });

  it('have parts that mean UTC', () => {
    const seen = farFromUtc(() =>
      adopt(() => [new Date(2024, 0), new Date(99, 11, 31, 23, 59, 59, 999), new Date(2024, 0, Number.NaN)].map((date) => date.getTime())),
    );
    expect(seen).toEqual([Date.UTC(2024, 0), Date.UTC(1999, 11, 31, 23, 59, 59, 999), Number.NaN]);
  });

  it('format in en-US and UTC where the program names neither', () => {
    const seen = farFromUtc(() =>
      adopt(() => [
        new Intl.DateTimeFormat(undefined, { dateStyle: 'short', timeStyle: 'short' }).format(0),
        Intl.DateTimeFormat().resolvedOptions().timeZone,
        new Intl.DateTimeFormat('de', { timeZone: 'Asia/Tokyo', timeStyle: 'short' }).format(0),
        new Intl.DateTimeFormat('en', { timeZone: 'UTC' }).format(),
        new Date(0).toLocaleDateString(),
        (1234.5).toLocaleString(),
        new Intl.NumberFormat('de').format(1234.5),
        new Intl.NumberFormat().resolvedOptions().locale,
        'ä'.localeCompare('z'),
        ['ä', 'z'].sort(new Intl.Collator().compare),
      ]),
    );
    expect(seen).toEqual([
      new Intl.DateTimeFormat('en-US', { dateStyle: 'short', timeStyle: 'short', timeZone: 'UTC' }).format(0),
      'UTC',
      '09:00',
      '1/2/2030',
      '1/1/1970',
      '1,234.5',
      '1.234,5',
      'en-US',
      -1,
      ['ä', 'z'],
    ]);
  });

  it('have a formatter whose bound function stays the same', () => {
    expect(
      adopt(() => {
        const formatter = new Intl.DateTimeFormat();
        return formatter.format === formatter.format;
      }),
    ).toBe(true);
  });
});

describe('Temporal in adopt mode', () => {
  const temporal = Reflect.get(globalThis, 'Temporal') as { Now: Record<string, () => { toString(): string }> } | undefined;

  it.skipIf(temporal === undefined)('reads the wall clock of the node in UTC (needs a Node with Temporal)', () => {
    const now = temporal?.Now ?? {};
    const seen = new OneProcessWorld('adopt').guarded(() =>
      ['instant', 'timeZoneId', 'zonedDateTimeISO', 'plainDateTimeISO', 'plainDateISO', 'plainTimeISO'].map((name) =>
        String(now[name]?.()),
      ),
    );
    const time = '03:04:05.678901';
    expect(seen).toEqual([`2030-01-02T${time}Z`, 'UTC', `2030-01-02T${time}+00:00[UTC]`, `2030-01-02T${time}`, '2030-01-02', time]);
    expect(() => new OneProcessWorld('strict').guarded(() => now.instant?.())).toThrow(AmbientUseError);
  });
});
