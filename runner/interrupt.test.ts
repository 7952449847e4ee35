import { expect, test } from 'vitest';
import { Interrupted, interruptible } from './interrupt.js';

test('work learns of a signal, and nobody listens any more when it has ended', async () => {
  const before = process.listenerCount('SIGINT');
  const work = interruptible(
    (signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      }),
  );
  expect(process.listenerCount('SIGINT')).toBe(before + 1);
  process.emit('SIGINT');
  await expect(work).rejects.toThrow(Interrupted);
  expect(process.listenerCount('SIGINT')).toBe(before);
  expect(await interruptible(() => Promise.resolve(7))).toBe(7);
  expect(process.listenerCount('SIGINT')).toBe(before);
});
