import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import { RealClock } from './clock.js';
import { ProcessLifecycle, type StopOutcome } from './lifecycle.js';

function make(stopMicrosMax = 1_000_000) {
  const signals = new EventEmitter();
  let settle: (outcome: StopOutcome) => void = () => undefined;
  const outcome = new Promise<StopOutcome>((resolve) => {
    settle = resolve;
  });
  const lifecycle = new ProcessLifecycle({ clock: new RealClock(), stopMicrosMax, stopped: settle }, signals);
  return { signals, outcome, lifecycle };
}

describe('the life of a process', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`${signal} calls every handler once and waits for them`, async () => {
      const { signals, outcome, lifecycle } = make();
      const calls: string[] = [];
      lifecycle.onStop(async () => {
        await new RealClock().sleep(20_000);
        calls.push('slow');
      });
      lifecycle.onStop(async () => {
        calls.push('quick');
      });
      signals.emit(signal);
      signals.emit(signal);
      expect(await outcome).toEqual({ kind: 'clean' });
      expect(calls).toEqual(['quick', 'slow']);
    });
  }

  test('a handler that fails, also at once, harms no other', async () => {
    const { signals, outcome, lifecycle } = make();
    const calls: string[] = [];
    lifecycle.onStop(() => {
      throw new Error('planted at once');
    });
    lifecycle.onStop(async () => {
      throw new Error('planted later');
    });
    lifecycle.onStop(async () => {
      calls.push('other');
    });
    signals.emit('SIGTERM');
    const result = await outcome;
    expect(result.kind === 'failed' && result.errors.map(String)).toEqual(['Error: planted at once', 'Error: planted later']);
    expect(calls).toEqual(['other']);
  });

  test('a handler that never settles is bounded', async () => {
    const { signals, outcome, lifecycle } = make(50_000);
    lifecycle.onStop(() => new Promise(() => undefined));
    lifecycle.onStop(async () => undefined);
    signals.emit('SIGTERM');
    expect(await outcome).toEqual({ kind: 'too-slow', waiting: 1 });
  });

  test('a handler that comes late is called too', async () => {
    const { signals, outcome, lifecycle } = make();
    let called = false;
    signals.emit('SIGTERM');
    lifecycle.onStop(async () => {
      called = true;
    });
    await outcome;
    expect(called).toBe(true);
  });

  test('nothing listens to signals after the end', async () => {
    const { signals, outcome } = make();
    signals.emit('SIGTERM');
    await outcome;
    expect(signals.listenerCount('SIGTERM') + signals.listenerCount('SIGINT')).toBe(0);
  });
});
