/** Every fault there is. The folders are the table of contents; a file that is missing here fails `tidy.test.ts`. */
import { kill } from './crash/kill.js';
import { killInTransaction } from './crash/kill-in-transaction.js';
import { conflict } from './database/conflict.js';
import type { Fault } from './fault.js';
import { delay } from './network/delay.js';
import { loss } from './network/loss.js';
import { partition } from './network/partition.js';

export const faults: readonly Fault[] = [loss, delay, partition, kill, killInTransaction, conflict];
