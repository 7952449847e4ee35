/** Random transactions: one alone against the model, and many at once against every serial order that respects real time. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Database, transact } from '../../ports.js';
import { bytes, DatabaseModel, text } from '../database-model.js';
import { type DatabaseContractOptions, END, plain, TEST_MILLIS_MAX } from './promised.js';
import { arbitraryClient, arbitraryRead, arbitraryWrite, perform, performModel, performReal, type Read, type Step } from './steps.js';

export function historyPromises(options: DatabaseContractOptions): void {
  const timeout = options.testMillisMax ?? TEST_MILLIS_MAX;

  describe('against the model', () => {
    test('random selectors and ranges over random own writes', { timeout }, async () => {
      const under = await options.make();
      try {
        await fc.assert(
          fc.asyncProperty(
            fc.array(arbitraryWrite, { maxLength: 12 }),
            fc.array(arbitraryWrite, { maxLength: 8 }),
            fc.array(arbitraryRead, { minLength: 1, maxLength: 8 }),
            (stored, own, reads) =>
              under.run(async () => {
                const model = new DatabaseModel();
                const setUp = under.database.transaction();
                setUp.clearRange(new Uint8Array(0), END);
                for (const step of stored) await perform(step, setUp, model);
                await setUp.commit();
                const tx = under.database.transaction();
                for (const step of own) await perform(step, tx, model);
                for (const step of reads) {
                  const [seen, expected] = await perform(step, tx, model);
                  expect(seen, JSON.stringify(step)).toEqual(expected);
                }
                await tx.commit();
              }),
          ),
          { numRuns: 60, seed: 20_001 },
        );
      } finally {
        await under.close();
      }
    });

    test('random concurrent transactions equal a serial order that respects real time', { timeout: timeout * 2 }, async () => {
      const under = await options.make();
      try {
        await fc.assert(
          fc.asyncProperty(fc.array(arbitraryClient, { minLength: 2, maxLength: 5 }), (clients) =>
            under.run(() => runHistory(under.database, clients)),
          ),
          { numRuns: options.historyRounds ?? 25, seed: 20_002 },
        );
      } finally {
        await under.close();
      }
    });
  });
}

interface Committed {
  readonly steps: readonly Step[];
  readonly seen: readonly unknown[];
  readonly readVersion: number;
  /** The stamp of the commit; undefined when nothing was written. */
  readonly stamp: string | undefined;
}

/** Whether a commit has something to write: clearing an empty range is nothing. */
const writes = (steps: readonly Step[]): boolean =>
  steps.some((step) => (step.do === 'clear-range' ? step.begin < step.end : !step.do.startsWith('get')));

async function runHistory(database: Database, clients: readonly (readonly (readonly Step[])[])[]): Promise<void> {
  await transact(database, async (tx) => tx.clearRange(new Uint8Array(0), END));
  const committed: Committed[] = [];
  let newestAcknowledged = 0;
  let writeNumber = 0;

  const runOne = async (steps: readonly Step[]): Promise<void> => {
    const unique = steps.map((step): Step => (step.do === 'set' ? { ...step, value: `${step.value}#${writeNumber++}` } : step));
    const tx = database.transaction({ retryLimit: 1_000 });
    for (;;) {
      const acknowledgedBefore = newestAcknowledged;
      try {
        const seen: unknown[] = [];
        const readVersion = await tx.getReadVersion();
        expect(readVersion, 'a read version older than an acknowledged commit').toBeGreaterThanOrEqual(acknowledgedBefore);
        for (const step of unique) seen.push(await performReal(step, tx));
        const stamp = writes(unique) ? tx.versionstamp() : undefined;
        stamp?.catch(() => undefined);
        await tx.commit();
        newestAcknowledged = Math.max(newestAcknowledged, tx.committedVersion());
        committed.push({ steps: unique, seen, readVersion, stamp: stamp === undefined ? undefined : text(await stamp) });
        return;
      } catch (error) {
        await tx.onError(error);
      }
    }
  };
  await Promise.all(
    clients.map(async (transactions) => {
      for (const steps of transactions) await runOne(steps);
    }),
  );

  const order = committed.filter((one) => one.stamp !== undefined).sort((x, y) => ((x.stamp ?? '') < (y.stamp ?? '') ? -1 : 1));
  expect(new Set(order.map(({ stamp }) => stamp)).size, 'two commits with one stamp').toBe(order.length);
  // The state after each commit, oldest first, to judge reads at a read version.
  const states: { readonly version: number; readonly state: DatabaseModel }[] = [{ version: -1, state: new DatabaseModel() }];
  const stateAt = (version: number): DatabaseModel => states.findLast((one) => one.version <= version)?.state ?? new DatabaseModel();
  for (const one of order) {
    const state = (states.at(-1)?.state ?? new DatabaseModel()).copy();
    judge(one, state.copy(), false);
    for (const step of one.steps) if (!step.do.startsWith('get')) performModel(step, state);
    states.push({ version: versionOf(one.stamp ?? ''), state });
  }
  for (const one of committed) judge(one, stateAt(one.readVersion).copy(), true);
  expect(await transact(database, async (tx) => plain(await tx.getRange(new Uint8Array(0), END)))).toEqual(
    (states.at(-1)?.state ?? new DatabaseModel()).getRange('', '\xff', 0, false).map(({ key, value }) => [text(key), text(value)]),
  );
}

const versionOf = (stamp: string): number => bytes(stamp.slice(0, 8)).reduce((sum, digit) => sum * 256 + digit, 0);

/** Runs the steps alone on this state: every read must be as the database said. Snapshot reads hold at the read version only. */
function judge(one: Committed, state: DatabaseModel, atReadVersion: boolean): void {
  for (const [i, step] of one.steps.entries()) {
    const expected = performModel(step, state);
    if (!step.do.startsWith('get') || (!atReadVersion && (step as Read).snapshot)) continue;
    const moment = atReadVersion ? `at read version ${one.readVersion}` : 'at its place in the serial order';
    expect(one.seen[i], `step ${i} of ${JSON.stringify(one.steps)} ${moment}`).toEqual(expected);
  }
}
