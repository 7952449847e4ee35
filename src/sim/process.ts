/**
 * One life of a node. Everything that could make a program go on (a timer, an answer, a message) is an event owned by its
 * process, and the kernel drops events of dead processes: so a killed life never runs again, and nothing it had in memory survives.
 */
import type { NodeId } from '../ports.js';
import type { QueuedEvent } from './event-queue.js';
import type { Ambient } from './guard.js';
import type { Incarnation } from './host.js';
import type { NodeClock } from './clock.js';

export class Process implements Incarnation {
  alive = true;
  /** False from power-on to the first instruction of the program. */
  booted = false;
  /** SIGSTOP: events wait in `parked` until it resumes. */
  paused = false;
  readonly parked: QueuedEvent[] = [];
  /** Steps run so far: how often the program went on after waiting. */
  steps = 0;
  /** Asked to stop (SIGTERM). */
  stopping = false;
  stopHandler: (() => Promise<void>) | undefined;
  /** Time and chance for code that does not ask its platform; made when first asked for. */
  ambient: Ambient | undefined;

  constructor(
    readonly node: NodeId,
    readonly life: number,
    /** Small number for the trace hash. */
    readonly number: number,
    readonly clock: NodeClock,
  ) {}
}
