/**
 * Quiescence: after an event's callback, every microtask that it caused runs before the next event. Node can drain in place
 * (`process._tickCallback`, what Node itself calls between macrotasks); where that is absent or does not drain, each event gets
 * a macrotask of its own, which every platform orders behind all microtasks. Both give the same order of everything.
 */

/** Drains all microtasks before it returns. Only works outside of a microtask. */
export type InPlaceDrain = () => void;

interface NodeProcess {
  _tickCallback?: () => void;
}

/** Runs `callback` in a macrotask of its own. Taken at load time, before any guard replaces the globals. */
export const macrotask: (callback: () => void) => void = chooseMacrotask();

function chooseMacrotask(): (callback: () => void) => void {
  const host = globalThis as { setImmediate?: (callback: () => void) => unknown };
  if (typeof host.setImmediate === 'function') {
    const setImmediate = host.setImmediate;
    return (callback) => void setImmediate(callback);
  }
  if (typeof MessageChannel === 'function') {
    // A browser clamps nested timers to 4 ms; messages are not clamped.
    const channel = new MessageChannel();
    const waiting: (() => void)[] = [];
    (channel.port1 as { onmessage?: () => void }).onmessage = () => waiting.shift()?.();
    return (callback) => {
      waiting.push(callback);
      channel.port2.postMessage(0);
    };
  }
  const setTimeout = globalThis.setTimeout;
  return (callback) => void setTimeout(callback, 0);
}

/**
 * The in-place drain, when there is one and it proves itself: a chain of promises, and a tick inside a promise, must have run
 * when it returns. Call it from a macrotask.
 */
export function inPlaceDrain(): InPlaceDrain | undefined {
  const host = (globalThis as { process?: NodeProcess }).process;
  const tick = host?._tickCallback;
  if (typeof tick !== 'function') return undefined;
  const drain = tick.bind(host);
  let depth = 0;
  const chain = async (): Promise<void> => {
    for (let i = 0; i < 3; i++) {
      await Promise.resolve();
      depth++;
    }
  };
  void chain();
  drain();
  return depth === 3 ? drain : undefined;
}
