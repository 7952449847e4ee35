/** What every `Tracer` must do with what a program tells. */
import { describe, expect, test } from 'vitest';
import type { StoryEvent, Tracer } from '../ports.js';

export interface TracerUnderTest {
  readonly tracer: Tracer;
  /** What was emitted so far, oldest first, as plain JSON values. */
  events(): readonly StoryEvent[];
  counters(): ReadonlyMap<string, number>;
}

export interface TracerContractOptions {
  make(): TracerUnderTest;
}

export function tracerContract(name: string, options: TracerContractOptions): void {
  describe(`${name} keeps the Tracer contract`, () => {
    test('events arrive whole and in order', () => {
      const under = options.make();
      const events = [
        { type: 'claim.read', actor: 'bank:a', generation: 7 },
        { type: 'claim.commit', actor: 'bank:a', nested: { list: [1, 'two', null, true] } },
        { type: 'claim.read', actor: 'quote " and newline \n and ü' },
      ];
      for (const event of events) under.tracer.emit(event);
      expect(under.events()).toEqual(events);
    });

    test('an event with fields named like a logger’s own arrives unchanged', () => {
      const under = options.make();
      const event = {
        type: 'odd',
        level: 'mine',
        time: 1,
        msg: 'mine',
        pid: 2,
        hostname: 'mine',
        node: 'mine',
        name: 'mine',
        event: 'mine',
      };
      under.tracer.emit(event);
      expect(under.events()).toEqual([event]);
    });

    test('counters add up by name', () => {
      const under = options.make();
      under.tracer.count('commits');
      under.tracer.count('commits', 4);
      under.tracer.count('wal.bytes', 1_000);
      under.tracer.count('nothing', 0);
      expect(under.counters().get('commits')).toBe(5);
      expect(under.counters().get('wal.bytes')).toBe(1_000);
      expect(under.counters().get('nothing') ?? 0).toBe(0);
      expect(under.counters().get('never')).toBeUndefined();
    });
  });
}
