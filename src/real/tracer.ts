/**
 * The Tracer port in production: every event is one line of structured log (pino), counters add up in memory and are logged together
 * from time to time by whoever runs the node.
 */
import pino, { type DestinationStream, type Logger } from 'pino';
import type { NodeId, StoryEvent, Tracer } from '../ports.js';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogTracerOptions {
  readonly node: NodeId;
  /** Events are told at `debug`; `info` and above are what an operator wants to read. */
  readonly level: LogLevel;
  /** Where lines go; standard output when absent. */
  readonly destination?: DestinationStream;
}

export class LogTracer implements Tracer {
  readonly log: Logger;
  readonly #counters = new Map<string, number>();

  constructor({ node, level, destination }: LogTracerOptions) {
    const options = { level, base: { node, pid: process.pid } };
    // Lines are written at once: a node that is killed must not take its last lines with it.
    this.log = pino(options, destination ?? pino.destination({ dest: 1, sync: true }));
  }

  emit(event: StoryEvent): void {
    // Under a field of its own, so that no field of an event is taken for one of the logger's.
    this.log.debug({ event }, event.type);
  }

  count(name: string, amount = 1): void {
    this.#counters.set(name, (this.#counters.get(name) ?? 0) + amount);
  }

  counters(): ReadonlyMap<string, number> {
    return this.#counters;
  }

  /** Logs all counters in one line, sorted by name. */
  logCounters(): void {
    const sorted = [...this.#counters].sort(([a], [b]) => (a < b ? -1 : 1));
    this.log.info({ counters: Object.fromEntries(sorted) }, 'counters');
  }
}
