/** What every thread of a watched pool does: loaded first, so that it is in place before any program under test is. */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Seat, type SeatBuffers } from './storm/seat.js';

// What programs under test print must not get into the one JSON document on stdout.
process.stdout.write = process.stderr.write.bind(process.stderr);

// Little goes back of each run, no stack among it, and Kelpie throws an error for every conflict. Whoever looks closer runs the case elsewhere.
Error.stackTraceLimit = 0;

let seat: Seat | undefined;
process.on('exit', () => seat?.exit());

/**
 * What runs leave behind is collected when it has grown to this: left to itself, V8 lets the heap of a thread grow for minutes before it
 * looks through all of it.
 */
const GROWTH_BYTES_MAX = 64 * 2 ** 20;

setFlagsFromString('--expose-gc');
// In a context of its own: no program under test sees it.
const collect = runInNewContext('gc') as () => void;
const usedBytes = (): number => getHeapStatistics().used_heap_size;
let keptBytes = usedBytes();

function collectWhatHasGrown(): void {
  if (usedBytes() - keptBytes < GROWTH_BYTES_MAX) return;
  collect();
  keptBytes = usedBytes();
}

/** Takes the seat of an order; the watchdog looks at it. */
export function sitDown(buffers: SeatBuffers): Seat {
  collectWhatHasGrown();
  seat = new Seat(buffers);
  return seat;
}
