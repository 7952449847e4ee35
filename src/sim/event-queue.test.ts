import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventQueue, QueuedEvent } from './event-queue.js';

type Step = { readonly kind: 'push'; readonly at: number } | { readonly kind: 'pop' } | { readonly kind: 'cancel'; readonly pick: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('push' as const), at: fc.nat(50) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pop' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cancel' as const), pick: fc.nat(1000) }) },
);

describe('event queue', () => {
  it('gives the earliest first, then the first scheduled, as a sorted list does, over any pushes, pops and cancellations', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
        const queue = new EventQueue();
        let model: QueuedEvent[] = [];
        const nextLive = (): QueuedEvent | undefined => {
          for (;;) {
            const event = queue.pop();
            if (event === undefined || event.callback !== undefined) return event;
          }
        };
        let sequence = 0;
        for (const s of steps) {
          if (s.kind === 'push') {
            const event = new QueuedEvent(s.at, ++sequence, undefined, 'test', -1, () => {}, queue);
            queue.push(event);
            model.push(event);
          } else if (s.kind === 'pop') {
            model.sort((a, b) => a.at - b.at || a.sequence - b.sequence);
            expect(nextLive()).toBe(model.shift());
          } else {
            const victim = model[s.pick % Math.max(1, model.length)];
            if (victim === undefined) continue;
            queue.cancel(victim);
            model = model.filter((event) => event !== victim);
          }
        }
        model.sort((a, b) => a.at - b.at || a.sequence - b.sequence);
        for (const expected of model) expect(nextLive()).toBe(expected);
        expect(nextLive()).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  it('sweeps cancelled events, so that a cancelled time-out per request does not fill memory', () => {
    const queue = new EventQueue();
    for (let i = 0; i < 10_000; i++) {
      const event = new QueuedEvent(1_000_000 + i, i, undefined, 'time-out', -1, () => {}, queue);
      queue.push(event);
      queue.cancel(event);
    }
    expect(queue.length).toBeLessThan(200);
  });
});
