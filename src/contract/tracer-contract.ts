/** What every `Tracer` must do with what a program tells. */
import { describe, expect, test } from 'vitest';
import type { StoryEvent, Tracer } from '../ports.js';

export interface TracerUnderTest {
  readonly tracer: Tracer;
  /** What was emitted so far, oldest first, as plain JSON values. */
  events(): readonly StoryEvent[];
  counters(): ReadonlyMap<string, number>;
  /** Runs the body to its end; a simulated tracer's world is driven meanwhile. */
  run<T>(body: () => Promise<T>): Promise<T>;
}

export interface TracerContractOptions {
  make(): TracerUnderTest;
}

export function tracerContract(name: string, options: TracerContractOptions): void {
  const promise = (title: string, body: (under: TracerUnderTest) => void): void => {
    test(title, async () => {
      const under = options.make();
      await under.run(async () => body(under));
    });
  };

  describe(`${name} keeps the Tracer contract`, () => {
    promise('events arrive whole and in order', (under) => {
      const events = [
        { type: 'claim.read', actor: 'bank:a', generation: 7 },
        { type: 'claim.commit', actor: 'bank:a', nested: { list: [1, 'two', null, true] } },
        { type: 'claim.read', actor: 'quote " and newline \n and ü' },
      ];
      for (const event of events) under.tracer.emit(event);
      expect(under.events()).toEqual(events);
    });

    promise('an event with fields named like a logger’s own arrives unchanged', (under) => {
      const names = ['level', 'msg', 'hostname', 'node', 'name', 'event', 'at', 'index', 'life', 'cause', 'body'];
      const event = { type: 'odd', time: 1, pid: 2, ...Object.fromEntries(names.map((field) => [field, 'mine'])) };
      under.tracer.emit(event);
      expect(under.events()).toEqual([event]);
    });

    promise('counters add up by name', (under) => {
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
