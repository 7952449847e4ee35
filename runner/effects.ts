/** What a run came to, apart from what the world tells of the faults themselves: so that a fault that changed nothing shows. */
import type { TraceEvent, TraceListener } from '../src/trace.js';
import { RollingHash } from '../src/trace.js';

/** Told of a fault as it strikes, so it shows nothing of what the fault led to. */
const OF_THE_FAULT: ReadonlySet<string> = new Set(['fault', 'clock', 'kill', 'stop', 'pause', 'resume', 'boot', 'exit']);

/** Whether an event is of the program, its disks, its database or its services. */
export const isEffect = ({ body }: TraceEvent): boolean => !OF_THE_FAULT.has(body.type);

/** Hashes what programs, disks, database and services tell, and when. */
export class EffectsHash {
  readonly #hash = new RollingHash();

  readonly listener: TraceListener = (event: TraceEvent): void => {
    if (!isEffect(event)) return;
    const { at, node, body } = event;
    this.#hash.int(at);
    this.#hash.value(node);
    this.#hash.value(body);
  };

  /** 32 bits of the digest of what was told so far. */
  lane(): number {
    return this.#hash.lane();
  }

  digest(): string {
    return this.#hash.digest();
  }
}
