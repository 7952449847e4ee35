/**
 * Strict serialisability under every fault at once. Random transactions of several processes run against the cluster while messages
 * are late, lost and straggle, operations are delayed, held and failed, and processes die. Each try leaves a marker that
 * holds the stamp of its commit, so that afterwards the store itself says what was applied and in which order; replaying that
 * order alone, one transaction after the other, must give every answer that was read and the final content.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytes, DatabaseModel, text } from '../../contract/database-model.js';
import {
  type AtomicOperation,
  type Database,
  DatabaseError,
  databaseErrorCode as code,
  type KeySelector,
  type Random,
  type Transaction,
  transact,
} from '../../ports.js';
import type { StreamMessage } from '../host.js';
import type { DatabaseEvent, DatabaseVerdict } from '../seams.js';
import { SimCluster } from './cluster.js';
import { FakeHost, FakeProcess, type Fate } from './fake-host.js';

const END = '\xff';
const TRANSACTIONS_MIN = 20_000;

interface Point {
  readonly key: string;
  readonly orEqual: boolean;
  readonly offset: number;
}

type Read =
  | { readonly kind: 'get'; readonly key: string; readonly snapshot: boolean }
  | { readonly kind: 'get-key'; readonly at: Point; readonly snapshot: boolean }
  | {
      readonly kind: 'get-range';
      readonly begin: Point;
      readonly end: Point;
      readonly limit: number;
      readonly reverse: boolean;
      readonly snapshot: boolean;
    };
type Write =
  | { readonly kind: 'set'; readonly key: string }
  | { readonly kind: 'clear'; readonly key: string }
  | { readonly kind: 'clear-range'; readonly begin: string; readonly end: string }
  | { readonly kind: 'atomic'; readonly operation: AtomicOperation; readonly key: string; readonly operand: string };
type Stamped = { readonly kind: 'stamped-key' } | { readonly kind: 'stamped-value'; readonly key: string };
type Step = Read | Write | Stamped;

const key = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 2 });
const point = fc.record({ key, orEqual: fc.boolean(), offset: fc.integer({ min: -2, max: 3 }) });
const snapshot = fc.integer({ min: 0, max: 4 }).map((n) => n === 0);
const readStep: fc.Arbitrary<Read> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('get' as const), key, snapshot }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('get-key' as const), at: point, snapshot }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('get-range' as const),
      begin: point,
      end: point,
      limit: fc.integer({ min: 0, max: 3 }),
      reverse: fc.boolean(),
      snapshot,
    }),
  },
);
const writeStep: fc.Arbitrary<Write> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('set' as const), key }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('clear' as const), key }) },
  {
    weight: 1,
    arbitrary: fc.tuple(key, key).map(([x, y]) => ({ kind: 'clear-range' as const, begin: x < y ? x : y, end: x < y ? y : x })),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('atomic' as const),
      operation: fc.constantFrom<AtomicOperation>('add', 'bit-xor', 'max', 'min', 'byte-max', 'append-if-fits', 'compare-and-clear'),
      key,
      operand: fc.string({ unit: fc.constantFrom('\x01', '\xff'), maxLength: 2 }),
    }),
  },
);
/** Last in their transaction, for what waits for its stamp cannot be read. */
const stampedStep: fc.Arbitrary<Stamped> = fc.oneof(
  fc.record({ kind: fc.constant('stamped-key' as const) }),
  fc.record({ kind: fc.constant('stamped-value' as const), key }),
);
const transaction: fc.Arbitrary<readonly Step[]> = fc
  .tuple(fc.array(fc.oneof(readStep, writeStep), { minLength: 1, maxLength: 5 }), fc.array(stampedStep, { maxLength: 1 }))
  .map(([steps, stamps]) => [...steps, ...stamps]);
const scenario = fc.record({
  seed: fc.nat(),
  clients: fc.array(fc.array(transaction, { minLength: 4, maxLength: 14 }), { minLength: 2, maxLength: 6 }),
  /** How much goes wrong, in thousandths of messages and of operations. */
  messages: fc.constantFrom(0, 5, 30),
  operations: fc.constantFrom(0, 10, 80),
});

/** One try of a transaction and what it saw. */
interface Try {
  readonly id: number;
  readonly steps: readonly Step[];
  readonly seen: unknown[];
  readVersion: number;
  /** Newest commit that anybody had been told of when it began. */
  readonly acknowledgedBefore: number;
  /** Newest read version that anybody had been given when its commit was sent. */
  readBefore: number;
  outcome: 'open' | 'sent' | 'committed' | 'failed' | 'unknown-applied' | 'unknown-lost';
  version: number;
  stamp: string;
}

const marker = (id: number): string => `~${String(id).padStart(6, '0')}`;
const writesSomething = (steps: readonly Step[]): boolean => steps.some((step) => !step.kind.startsWith('get'));
const select = (at: Point): KeySelector => ({ key: bytes(at.key), orEqual: at.orEqual, offset: at.offset });
const plain = (items: readonly { key: Uint8Array; value: Uint8Array }[]) => items.map((item) => `${text(item.key)}=${text(item.value)}`);

/** What happened over all runs, so that the test can show that it was no calm day. */
const tally = { transactions: 0, committed: 0, conflicts: 0, unknownApplied: 0, unknownLost: 0, killed: 0, readOnly: 0, shared: 0 };

test('any mixture of transactions and faults equals some order of the applied ones that respects real time', {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async ({ seed, clients, messages, operations }) => {
      const history = new History(seed, messages, operations);
      await history.run(clients);
      history.judge();
    }),
    { numRuns: 620, seed: 33_001 },
  );
  expect(tally.transactions).toBeGreaterThan(TRANSACTIONS_MIN);
  expect(tally.committed).toBeGreaterThan(TRANSACTIONS_MIN / 2);
  for (const [what, often] of Object.entries(tally)) expect(often, what).toBeGreaterThan(100);
});

class History {
  readonly #host: FakeHost;
  readonly #cluster: SimCluster;
  readonly #tries: Try[] = [];
  readonly #messages: number;
  readonly #operations: number;
  #calm = false;
  #acknowledged = 0;
  #newestRead = 0;
  #final: readonly (readonly [key: string, value: string])[] = [];
  #died: ((process: FakeProcess) => void) | undefined;

  constructor(seed: number, messages: number, operations: number) {
    this.#messages = messages;
    this.#operations = operations;
    this.#host = new FakeHost({
      seed: String(seed),
      fate: (message, random) => this.#fate(message, random),
      judge: (event, random) => this.#verdict(event, random),
      killed: (owner) => this.#died?.(owner),
    });
    this.#cluster = new SimCluster(this.#host, this.#host);
  }

  async run(clients: readonly (readonly (readonly Step[])[])[]): Promise<void> {
    await this.#host.run(async () => {
      await Promise.all(clients.map((transactions, i) => this.#client(`n${i}`, transactions)));
      this.#calm = true;
      const reader = this.#cluster.connect(new FakeProcess('reader'));
      // What is still under way may land yet, and nothing may be under way for longer than the window.
      await this.#host.sleep(6_000_000);
      this.#final = await transact(reader, async (tx) => {
        const { items } = await tx.getRange(bytes(''), bytes(END));
        return items.map((item) => [text(item.key), text(item.value)] as const);
      });
    });
  }

  #fate(_: StreamMessage, random: Random): Fate {
    const micros = random.chance(1, 20) ? random.between(1, 5_000) : random.between(1, 300);
    if (this.#calm || !random.chance(this.#messages, 1_000)) return { kind: 'arrive', micros };
    return { kind: random.chance(1, 2) ? 'break' : 'straggle', micros };
  }

  #verdict(_: DatabaseEvent, random: Random): DatabaseVerdict | undefined {
    if (this.#calm || !random.chance(this.#operations, 1_000)) return undefined;
    const applied = random.chance(1, 2);
    switch (random.int(8)) {
      case 0:
      case 1:
        return { kind: 'delay', micros: random.between(1, 4_000) };
      case 2:
        this.#host.after(random.between(1, 20_000), undefined, 'heal', () => {
          for (const held of this.#host.held.splice(0)) held.release();
        });
        return { kind: 'hold' };
      case 3:
        return { kind: 'crash', applied };
      case 4:
      case 5:
        return { kind: 'fail', code: random.pick([code.commitUnknownResult, code.clusterVersionChanged]), applied };
      default:
        return {
          kind: 'fail',
          code: random.pick([code.notCommitted, code.processBehind, code.transactionTooOld, code.databaseLocked]),
          applied,
        };
    }
  }

  /** A node that does its transactions one after the other, over as many lives as it takes. */
  async #client(node: string, transactions: readonly (readonly Step[])[]): Promise<void> {
    let next = 0;
    for (let life = 1; next < transactions.length; life++) {
      const process = new FakeProcess(node, life);
      const died = new Promise<void>((resolve) => {
        const others = this.#died;
        this.#died = (dead) => {
          others?.(dead);
          if (dead === process) resolve();
        };
      });
      const database = this.#cluster.connect(process);
      const work = async (): Promise<void> => {
        while (next < transactions.length) await this.#transact(database, transactions[next++] ?? []);
      };
      await Promise.race([work(), died]);
      if (!process.alive) tally.killed++;
      await this.#host.sleep(1_000);
    }
  }

  /** Tries until it is certain that the transaction was applied. */
  async #transact(database: Database, steps: readonly Step[]): Promise<void> {
    tally.transactions++;
    const tx = database.transaction();
    for (;;) {
      const one: Try = {
        id: this.#tries.length,
        steps,
        seen: [],
        readVersion: -1,
        acknowledgedBefore: this.#acknowledged,
        readBefore: 0,
        outcome: 'open',
        version: -1,
        stamp: '',
      };
      this.#tries.push(one);
      try {
        one.readVersion = await tx.getReadVersion();
        this.#newestRead = Math.max(this.#newestRead, one.readVersion);
        for (const step of steps) one.seen.push(await perform(tx, step, one.id));
        if (writesSomething(steps)) {
          tx.atomic('set-versionstamped-value', bytes(marker(one.id)), new Uint8Array(14));
          const stamp = tx.versionstamp();
          one.outcome = 'sent';
          one.readBefore = this.#newestRead;
          await tx.commit();
          one.stamp = text(await stamp);
        } else {
          one.outcome = 'sent';
          await tx.commit();
          tally.readOnly++;
        }
        one.outcome = 'committed';
        one.version = tx.committedVersion();
        this.#acknowledged = Math.max(this.#acknowledged, one.version);
        tally.committed++;
        return;
      } catch (error) {
        if (!(error instanceof DatabaseError)) throw error;
        if (error.code === code.notCommitted) tally.conflicts++;
        const unknown = error.maybeCommitted && one.outcome === 'sent' && writesSomething(steps);
        one.outcome = 'failed';
        await tx.onError(error);
        if (unknown && (await this.#resolve(tx, one))) return;
        tx.reset();
      }
    }
  }

  /** Looks whether a try of unknown outcome was applied: what is seen now must stay true. */
  async #resolve(tx: Transaction, one: Try): Promise<boolean> {
    one.outcome = 'sent';
    for (;;) {
      try {
        const applied = (await tx.get(bytes(marker(one.id)))) !== undefined;
        one.outcome = applied ? 'unknown-applied' : 'unknown-lost';
        if (applied) tally.unknownApplied++;
        else tally.unknownLost++;
        return applied;
      } catch (error) {
        await tx.onError(error);
      }
    }
  }

  judge(): void {
    const applied: Try[] = [];
    for (const [name, value] of this.#final) {
      if (!name.startsWith('~')) continue;
      const one = this.#tries[Number(name.slice(1))];
      if (one === undefined) throw new Error(`marker ${name} of a try that never was`);
      expect(['sent', 'committed', 'unknown-applied'], `try ${one.id} was told ${one.outcome}, and yet it was applied`).toContain(
        one.outcome,
      );
      if (one.outcome === 'committed') expect(one.stamp, 'the stamp that was promised').toBe(value);
      one.stamp = value;
      applied.push(one);
    }
    for (const one of this.#tries) {
      const told = one.outcome === 'committed' || one.outcome === 'unknown-applied';
      if (told && writesSomething(one.steps)) expect(applied, `try ${one.id} was told ${one.outcome}, and is lost`).toContain(one);
    }
    applied.sort((a, b) => (a.stamp < b.stamp ? -1 : 1));
    expect(new Set(applied.map((one) => one.stamp)).size, 'two commits with one stamp').toBe(applied.length);
    tally.shared += applied.filter((one, i) => i > 0 && versionOf(one.stamp) === versionOf(applied[i - 1]?.stamp ?? '')).length;

    const state = new DatabaseModel();
    const states: { readonly version: number; readonly state: DatabaseModel }[] = [{ version: -1, state: state.copy() }];
    for (const one of applied) {
      const version = versionOf(one.stamp);
      if (one.version !== -1) expect(version).toBe(one.version);
      expect(version, 'a commit at or before what was acknowledged when it began').toBeGreaterThan(one.acknowledgedBefore);
      expect(version, 'a commit at or below a read version handed out before').toBeGreaterThan(one.readBefore);
      replay(one, state, 'at its place in the serial order', (step) => !step.snapshot);
      state.set(marker(one.id), one.stamp);
      states.push({ version, state: state.copy() });
    }
    for (const one of this.#tries) {
      if (one.readVersion === -1) continue;
      expect(one.readVersion, 'a read version before what was acknowledged').toBeGreaterThanOrEqual(one.acknowledgedBefore);
      const then = states.findLast(({ version }) => version <= one.readVersion)?.state ?? new DatabaseModel();
      replay(one, then.copy(), `at its read version ${one.readVersion}`, () => true);
    }
    expect(this.#final).toEqual(state.keys().map((name) => [name, state.get(name)]));
  }
}

const versionOf = (stamp: string): number => [...stamp.slice(0, 8)].reduce((sum, digit) => sum * 256 + digit.charCodeAt(0), 0);

async function perform(tx: Transaction, step: Step, id: number): Promise<unknown> {
  switch (step.kind) {
    case 'get': {
      const value = await (step.snapshot ? tx.snapshot : tx).get(bytes(step.key));
      return value === undefined ? undefined : text(value);
    }
    case 'get-key':
      return text(await (step.snapshot ? tx.snapshot : tx).getKey(select(step.at)));
    case 'get-range': {
      const { limit, reverse } = step;
      return plain((await (step.snapshot ? tx.snapshot : tx).getRange(select(step.begin), select(step.end), { limit, reverse })).items);
    }
    case 'set':
      return tx.set(bytes(step.key), bytes(`#${id}`));
    case 'clear':
      return tx.clear(bytes(step.key));
    case 'clear-range':
      return tx.clearRange(bytes(step.begin), bytes(step.end));
    case 'atomic':
      return tx.atomic(step.operation, bytes(step.key), bytes(step.operand));
    case 'stamped-key':
      return tx.atomic('set-versionstamped-key', bytes(`s/${'\0'.repeat(10)}\x02\0\0\0`), bytes(`#${id}`));
    case 'stamped-value':
      return tx.atomic('set-versionstamped-value', bytes(step.key), new Uint8Array(14));
  }
}

/** Runs the try alone on the state: it must read what it read then, as far as it came. */
function replay(one: Try, state: DatabaseModel, where: string, compares: (step: Read) => boolean): void {
  const same = (i: number, step: Read, expected: unknown): void => {
    // Only what differs is worth the matcher's time.
    if (i >= one.seen.length || !compares(step) || JSON.stringify(one.seen[i]) === JSON.stringify(expected)) return;
    expect(one.seen[i], `step ${i} of try ${one.id}, ${JSON.stringify(one.steps)}, ${where}`).toEqual(expected);
  };
  for (const [i, step] of one.steps.entries()) {
    switch (step.kind) {
      case 'get':
        same(i, step, state.get(step.key));
        break;
      case 'get-key':
        same(i, step, state.getKey(select(step.at)));
        break;
      case 'get-range': {
        const [begin, end] = [state.getKey(select(step.begin)), state.getKey(select(step.end))];
        same(i, step, plain(state.getRange(begin, end, step.limit, step.reverse)));
        break;
      }
      case 'set':
        state.set(step.key, `#${one.id}`);
        break;
      case 'clear':
        state.clear(step.key);
        break;
      case 'clear-range':
        state.clearRange(step.begin, step.end);
        break;
      case 'atomic':
        state.atomic(step.operation, step.key, step.operand);
        break;
      case 'stamped-key':
        state.set(`s/${one.stamp}`, `#${one.id}`);
        break;
      case 'stamped-value':
        state.set(step.key, one.stamp);
        break;
    }
  }
}
