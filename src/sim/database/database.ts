/** The client that one life of a process holds: its connection to the cluster, and what it waits for. */
import { type Database, databaseErrorCode as code, type Random, type Transaction, type TransactionOptions } from '../../ports.js';
import type { Host, Incarnation, StreamLink } from '../host.js';
import type { SimCluster } from './cluster.js';
import { databaseError } from './codes.js';
import type { Request } from './requests.js';
import { SimTransaction } from './transaction.js';
import type { SimWatch } from './watch.js';

/** Most watches of one client that wait at once; 1032 above. */
export const WATCHES_MAX = 10_000;

export class SimDatabase implements Database {
  /** Everything asked and not settled. */
  readonly outstanding = new Set<Request>();
  readonly watches = new Set<SimWatch>();
  #random: Random | undefined;
  #closed = false;

  constructor(
    readonly host: Host,
    readonly link: StreamLink,
    readonly cluster: SimCluster,
    readonly owner: Incarnation,
  ) {}

  get closed(): boolean {
    return this.#closed;
  }

  transaction(options: TransactionOptions = {}): Transaction {
    if (this.#closed) throw databaseError(code.clientInvalidOperation, `the database of ${this.owner.node} is closed`);
    return new SimTransaction(this, options);
  }

  close(): Promise<void> {
    this.#closed = true;
    for (const watch of this.watches) watch.cancel();
    const error = databaseError(code.transactionCancelled, `the database of ${this.owner.node} was closed`);
    for (const request of this.outstanding) request.abort(error);
    return Promise.resolve();
  }

  /** Chance of this client alone. */
  random(): Random {
    this.#random ??= this.host.random(`database/${this.owner.node}/${this.owner.life}`);
    return this.#random;
  }
}
