/** Reads what `run --trace FILE` wrote, event by event. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import type { TraceEvent } from '../../src/trace.js';
import { UsageError } from '../usage-error.js';

const EVENT = z.object({
  index: z.int().min(0),
  at: z.int().min(0),
  node: z.string(),
  life: z.int().min(0),
  cause: z.int().min(-1),
  body: z.looseObject({ type: z.string() }),
});

const HOW = "'kelpie-dst run --trace FILE' writes one, and 'kelpie-dst storm --out DIR' case files, which are taken too";

/** Hands over every event in order. Rejects with UsageError, naming the line, for a file that is missing or is no trace. */
export async function readStoredTrace(path: string, take: (event: TraceEvent) => void): Promise<void> {
  let line = 0;
  let last = -1;
  try {
    for await (const text of createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Number.POSITIVE_INFINITY })) {
      line++;
      const event = parseLine(text);
      if (typeof event === 'string') throw new UsageError(`'${path}' is no trace: line ${line} ${event}; ${HOW}`);
      if (event.index <= last) {
        throw new UsageError(`'${path}' is no trace: line ${line} has event ${event.index} after event ${last}; ${HOW}`);
      }
      last = event.index;
      take(event);
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`the trace '${path}' cannot be read: ${(error as Error).message}; ${HOW}`);
  }
  if (line === 0) throw new UsageError(`'${path}' is empty, so there is nothing to check; ${HOW}`);
}

/** The event, or what is wrong with its line. */
function parseLine(text: string): TraceEvent | string {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return 'is no JSON';
  }
  const parsed = EVENT.safeParse(data);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return `is no event: ${issue?.path.join('.') || 'its top'}: ${issue?.message ?? 'unknown'}`;
}
