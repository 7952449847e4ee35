/**
 * Which disks have kept what they were told to keep, as a trace tells it. One that was wiped, swapped, has rotted, or has answered for
 * what it did not do is trusted no more in a run: programs must notice what is broken, but what is gone nobody can give back.
 */
import type { TraceEvent, WorldEvent } from './trace.js';

export const DISK_TYPES = ['disk'] as const satisfies readonly WorldEvent['type'][];

/** What a program is not told: done in no place or a wrong one, read from there, or damaged while nobody looked. */
const LIES = new Set(['phantom', 'stale', 'misdirected', 'damaged']);

export class DiskTrust {
  readonly #liars = new Set<string>();

  observe(event: TraceEvent): void {
    const body = event.body as WorldEvent;
    if (body.type !== 'disk' || !LIES.has(body.outcome)) return;
    for (const disk of [event.node, body['disk'], body['with']]) if (typeof disk === 'string' && disk !== '') this.#liars.add(disk);
  }

  trusts(node: string): boolean {
    return !this.#liars.has(node);
  }
}
