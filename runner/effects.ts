/** What a run came to, apart from what the world tells of the faults themselves: so that a fault that changed nothing shows. */
import type { TraceEvent, TraceListener } from '../src/trace.js';
import { RollingHash } from '../src/trace.js';

/** Told of a fault as it strikes, so it shows nothing of what the fault led to. */
const OF_THE_FAULT: ReadonlySet<string> = new Set(['fault', 'clock', 'kill', 'stop', 'pause', 'resume', 'boot', 'exit']);

/** Hashes what programs, disks, database and services tell, and when. */
export class EffectsHash {
  readonly #hash = new RollingHash();

  readonly listener: TraceListener = ({ at, node, body }: TraceEvent): void => {
    if (OF_THE_FAULT.has(body.type)) return;
    this.#hash.int(at);
    this.#hash.value(node);
    this.#hash.value(body);
  };

  digest(): string {
    return this.#hash.digest();
  }
}
