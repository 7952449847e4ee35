/** How a machine comes to share a storm: the flags read, the code told, what others find taken in. */
import type { Gathered } from '../storm/gathered.js';
import type { Plan } from '../storm/plan.js';
import { UsageError } from '../usage-error.js';
import { ownCode } from './code.js';
import { redisAddress } from './redis-address.js';
import { SharedStorm } from './shared-storm.js';

export interface JoinOptions {
  readonly plan: Plan;
  /** Positions in a batch, where this machine begins the storm. */
  readonly batch: number;
  /** Takes what the others find. */
  readonly gathered: Gathered;
  /** Ends waiting. */
  readonly signal: AbortSignal;
}

/** They are part of the keys in Redis. */
const NAME = /^[\w.-]{1,100}$/;

/** Throws UsageError for flags that are wrong, and as `SharedStorm.join` does. */
export async function joinStorm(queue: string, name: string, { plan, batch, gathered, signal }: JoinOptions): Promise<SharedStorm> {
  if (!NAME.test(name)) throw new UsageError(`--queue-name '${name}' is none; write up to a hundred letters, digits, '-', '_' and '.'`);
  const address = redisAddress(queue);
  return SharedStorm.join({
    address,
    name,
    plan,
    code: await ownCode(),
    batch,
    done: gathered.done,
    onBatch: ({ machine, results, visits }) => gathered.add(results, visits, machine),
    signal,
  });
}
