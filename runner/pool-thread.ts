/** What every thread of a watched pool does: loaded first, so that it is in place before any program under test is. */
import { Seat, type SeatBuffers } from './storm/seat.js';

// What programs under test print must not get into the one JSON document on stdout.
process.stdout.write = process.stderr.write.bind(process.stderr);

// Little goes back of each run, no stack among it, and Kelpie throws an error for every conflict. Whoever looks closer runs the case elsewhere.
Error.stackTraceLimit = 0;

let seat: Seat | undefined;
process.on('exit', () => seat?.exit());

const alive: { world?: object } = {};

/**
 * Keeps the world of the latest run alive. V8 keeps what it has compiled of a closure no longer than some closure of the same place in the
 * source lives, and a run makes its own: a full collection between two runs, where V8 often ends one, would throw away what is needed next.
 */
export function keepAlive(world: object): void {
  alive.world = world;
}

/** Takes the seat of an order; the watchdog looks at it. */
export function sitDown(buffers: SeatBuffers): Seat {
  seat = new Seat(buffers);
  return seat;
}
