import { expect, test } from 'vitest';
import { Progress } from './progress.js';

test('what one side writes, the other side over the same memory reads', () => {
  const worker = new Progress();
  const watchdog = new Progress(worker.buffer);
  expect(watchdog.read()).toEqual({ events: 0, simMicros: 0, node: '' });
  worker.write(17, 5_000_000_123, 'n1');
  expect(watchdog.read()).toEqual({ events: 17, simMicros: 5_000_000_123, node: 'n1' });
  worker.write(18, 5_000_000_124, 'observer');
  worker.write(19, 5_000_000_125, '');
  expect(watchdog.read()).toEqual({ events: 19, simMicros: 5_000_000_125, node: '' });
});

test('a name longer than its room is cut', () => {
  const progress = new Progress();
  progress.write(1, 1, 'x'.repeat(200));
  expect(progress.read().node).toBe('x'.repeat(64));
});
