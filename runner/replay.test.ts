import { describe, expect, test } from 'vitest';
import type { TraceEvent } from '../src/trace.js';
import { firstDifference } from './replay.js';
import { logOf } from './storm/case-file.js';

const event = (index: number, type: string): TraceEvent => ({ index, at: index * 10, node: 'n1', life: 1, cause: -1, body: { type } });

describe('where a run first differs from its log', () => {
  const log = logOf([event(0, 'boot'), event(1, 'send'), event(2, 'claim.read')]);

  test('packets do not count, nor their numbers', () => {
    expect(log).toEqual(['0 n1 1 {"type":"boot"}', '20 n1 1 {"type":"claim.read"}']);
  });

  test('is the first line that is another one, or missing', () => {
    expect(firstDifference(log, log)).toBeUndefined();
    expect(firstDifference(log, [log[0] ?? '', 'x', 'y'])).toEqual({ line: 2, before: log[1], now: 'x' });
    expect(firstDifference(log, log.slice(0, 1))).toEqual({ line: 2, before: log[1], now: null });
  });

  test('what comes after the end of the log is not known', () => {
    expect(firstDifference(log.slice(0, 1), log)).toBeUndefined();
  });
});
