import { expect, test } from 'vitest';
import { tracerContract } from '../contract/tracer-contract.js';
import type { StoryEvent } from '../ports.js';
import { LogTracer } from './tracer.js';

function logged(): { readonly tracer: LogTracer; lines(): readonly Record<string, unknown>[] } {
  const written: string[] = [];
  const tracer = new LogTracer({ node: 'n1', level: 'debug', destination: { write: (line) => written.push(line) } });
  return { tracer, lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

tracerContract('the log', {
  make: () => {
    const { tracer, lines } = logged();
    return {
      tracer,
      events: () => lines().map((line) => line['event'] as StoryEvent),
      counters: () => tracer.counters(),
      run: (body) => body(),
    };
  },
});

test('a line names node and type, and counters are told in one line', () => {
  const { tracer, lines } = logged();
  tracer.emit({ type: 'claim.commit' });
  tracer.count('b', 2);
  tracer.count('a');
  tracer.logCounters();
  expect(lines()[0]).toMatchObject({ node: 'n1', msg: 'claim.commit' });
  expect(lines()[1]).toMatchObject({ msg: 'counters', counters: { a: 1, b: 2 } });
  expect(Object.keys(lines()[1]?.['counters'] as object)).toEqual(['a', 'b']);
});
