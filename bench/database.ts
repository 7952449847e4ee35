/**
 * The simulated database: get, set and commit of one key, whole with the client's transaction, its promises and its six messages,
 * beside what the same promises and events cost when they do nothing.
 */
import type { Database } from '../src/ports.js';
import { SimCluster } from '../src/sim/database/cluster.js';
import { FakeHost, FakeProcess } from '../src/sim/database/fake-host.js';
import { type BenchRow, perSecond, sideBySide } from './bench.js';

const TRANSACTIONS = 100_000;
const CLIENTS = 16;
const KEYS = 10_000;
const ROUNDS = 3;

const keys = Array.from({ length: KEYS }, (_, i) => new TextEncoder().encode(`bank/account/${String(i).padStart(8, '0')}`));

/** Simple transactions a second on one core. */
export async function databaseBench(): Promise<BenchRow> {
  const { ours, theirs } = await sideBySide(ROUNDS, transactions, idleRoundTrips);
  return { bench: 'database', ours, unit: 'transactions/s', against: 'as many events and promises', theirs, aim: 0.3 };
}

async function transactions(): Promise<number> {
  const host = new FakeHost();
  const cluster = new SimCluster(host, host);
  const databases = Array.from({ length: CLIENTS }, (_, i) => cluster.connect(new FakeProcess(`n${i}`)));
  return perSecond(TRANSACTIONS, () => host.run(() => Promise.all(databases.map(client)).then(() => undefined)));
}

async function client(database: Database, number: number): Promise<void> {
  const value = new Uint8Array(16);
  for (let i = 0; i < TRANSACTIONS / CLIENTS; i++) {
    const transaction = database.transaction();
    // Clients keep to their own keys: a conflict would be another, longer transaction.
    const key = keys[(i * CLIENTS + number) % KEYS] as Uint8Array; // the remainder is below the length
    const before = await transaction.get(key);
    value[0] = ((before?.[0] ?? 0) + 1) & 0xff;
    transaction.set(key, value);
    await transaction.commit();
  }
}

/** The same number of events and of promises waited for, with nothing done in them. */
async function idleRoundTrips(): Promise<number> {
  const host = new FakeHost();
  const hop = (hops: number, done: () => void): void => {
    host.after(1, undefined, 'message', () => (hops === 1 ? done() : hop(hops - 1, done)));
  };
  const idle = async (): Promise<void> => {
    for (let i = 0; i < TRANSACTIONS / CLIENTS; i++) {
      await new Promise<void>((resolve) => hop(4, resolve));
      await new Promise<void>((resolve) => hop(2, resolve));
    }
  };
  return perSecond(TRANSACTIONS, () => host.run(() => Promise.all(Array.from({ length: CLIENTS }, idle)).then(() => undefined)));
}
