/** The cluster and its clients when messages are lost, faults are active and processes die. */
import { describe, expect, test } from 'vitest';
import { bytes, text } from '../../contract/database-model.js';
import { type Database, DatabaseError, databaseErrorCode as code, type Transaction } from '../../ports.js';
import type { StreamMessage } from '../host.js';
import { DATABASE_ADDRESS, type DatabaseEvent, type DatabaseVerdict } from '../seams.js';
import { SimCluster, type SimClusterOptions } from './cluster.js';
import { WATCHES_MAX } from './database.js';
import { FakeHost, FakeProcess, type Fate } from './fake-host.js';
import { CommitRequest, Reply } from './requests.js';

const SECOND = 1_000_000;
const ARRIVES: Fate = { kind: 'arrive', micros: 100 };

interface World {
  readonly host: FakeHost;
  readonly cluster: SimCluster;
  readonly owner: FakeProcess;
  readonly database: Database;
  /** What becomes of messages from now on. */
  fate: (message: StreamMessage) => Fate;
  /** What a fault says from now on. */
  judge: ((event: DatabaseEvent) => DatabaseVerdict | undefined) | undefined;
}

function world<T>(body: (world: World) => Promise<T>, options?: SimClusterOptions): Promise<T> {
  const host = new FakeHost({ fate: (message) => made.fate(message), judge: (event) => made.judge?.(event) });
  const cluster = new SimCluster(host, host, options);
  const owner = new FakeProcess('n1');
  const made: World = { host, cluster, owner, database: cluster.connect(owner), fate: () => ARRIVES, judge: undefined };
  return host.run(() => body(made));
}

async function outcome(promise: Promise<unknown>): Promise<number | 'done'> {
  try {
    await promise;
    return 'done';
  } catch (error) {
    if (error instanceof DatabaseError) return error.code;
    throw error;
  }
}

/** Whether the promise has settled by now. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  let seen = false;
  const note = () => {
    seen = true;
  };
  promise.then(note, note);
  for (let i = 0; i < 20; i++) await Promise.resolve();
  return seen;
}

const put = async (database: Database, key: string, value: string): Promise<void> => {
  const tx = database.transaction();
  tx.set(bytes(key), bytes(value));
  await tx.commit();
};
const read = async (database: Database, key: string): Promise<string | undefined> => {
  const value = await database.transaction().get(bytes(key));
  return value === undefined ? undefined : text(value);
};
const writing = async (database: Database, key = 'a'): Promise<Transaction> => {
  const tx = database.transaction();
  await tx.getReadVersion();
  tx.set(bytes(key), bytes('1'));
  return tx;
};
/** Breaks what the test picks, the first so many times. */
const breaking = (times: number, picks: (message: StreamMessage) => boolean) => {
  let left = times;
  return (message: StreamMessage): Fate => (picks(message) && left-- > 0 ? { kind: 'break', micros: 500 } : ARRIVES);
};
const isCommit = (message: StreamMessage) => message instanceof CommitRequest;
const isCommitReply = (message: StreamMessage) => message instanceof Reply && message.request instanceof CommitRequest;
const commitsTold = (host: FakeHost) => host.told.filter(({ event }) => event.type === 'database' && event['outcome'] === 'committed');

describe('a connection that breaks', () => {
  test('is no failure of reads: they are asked again', () =>
    world(async (it) => {
      await put(it.database, 'a', '1');
      for (const picks of [
        (message: StreamMessage) => message.to === DATABASE_ADDRESS,
        (message: StreamMessage) => message instanceof Reply,
      ]) {
        it.fate = breaking(5, picks);
        const tx = it.database.transaction();
        expect(text((await tx.get(bytes('a'))) ?? bytes(''))).toBe('1');
        expect((await tx.getRange(bytes('a'), bytes('b'))).items.length).toBe(1);
      }
    }));

  test('for good ends a read with 1007 when its version is past reading', () =>
    world(async (it) => {
      const tx = it.database.transaction();
      await tx.getReadVersion();
      it.fate = () => ({ kind: 'break', micros: 1_000 });
      const begun = it.host.now();
      expect(await outcome(tx.get(bytes('a')))).toBe(code.transactionTooOld);
      expect(it.host.now() - begun).toBeGreaterThan(5 * SECOND);
      expect(it.host.now() - begun).toBeLessThan(7 * SECOND);
    }));

  test('for good leaves a read version to the time-out', () =>
    world(async (it) => {
      it.fate = () => ({ kind: 'break', micros: 1_000 });
      expect(await outcome(it.database.transaction({ timeoutMicros: 20 * SECOND }).getReadVersion())).toBe(code.transactionTimedOut);
      expect(it.host.now()).toBe(20 * SECOND);
    }));

  test('before a commit has arrived makes 1021, and nothing was applied', () =>
    world(async (it) => {
      const tx = await writing(it.database);
      it.fate = breaking(1, isCommit);
      expect(await outcome(tx.commit())).toBe(code.commitUnknownResult);
      expect(await read(it.database, 'a')).toBeUndefined();
      expect(commitsTold(it.host)).toEqual([]);
    }));

  test('after a commit was applied makes 1021 too', () =>
    world(async (it) => {
      const tx = await writing(it.database);
      it.fate = breaking(1, isCommitReply);
      expect(await outcome(tx.commit())).toBe(code.commitUnknownResult);
      expect(await read(it.database, 'a')).toBe('1');
      expect(commitsTold(it.host).length).toBe(1);
    }));

  test('tells 1021 only when the cluster is in reach again, for only then the outcome is final', () =>
    world(async (it) => {
      const tx = await writing(it.database);
      const healsAt = it.host.now() + 30 * SECOND;
      it.fate = () => (it.host.now() < healsAt ? { kind: 'break', micros: 1_000 } : ARRIVES);
      expect(await outcome(tx.commit())).toBe(code.commitUnknownResult);
      expect(it.host.now()).toBeGreaterThanOrEqual(healsAt);
      expect(it.host.now()).toBeLessThan(healsAt + 2 * SECOND);
    }));

  test('never lets a commit happen after 1021, even where its message comes in late', () =>
    world(async (it) => {
      const tx = await writing(it.database);
      it.fate = (message) => (isCommit(message) ? { kind: 'straggle', micros: SECOND } : ARRIVES);
      expect(await outcome(tx.commit())).toBe(code.commitUnknownResult);
      it.fate = () => ARRIVES;
      expect(await read(it.database, 'a')).toBeUndefined();
      await it.host.sleep(3 * SECOND);
      expect(await read(it.database, 'a')).toBeUndefined();
      expect(commitsTold(it.host)).toEqual([]);
    }));

  test('is forgiven when the answer comes all the same', () =>
    world(async (it) => {
      const tx = await writing(it.database);
      // The break is noticed at 1000, the answer comes at 2000, and the fence is on its way until 10,000.
      it.fate = (message) => (isCommitReply(message) ? { kind: 'straggle', micros: 1_000 } : { kind: 'arrive', micros: 5_000 });
      expect(await outcome(tx.commit())).toBe('done');
      expect(tx.committedVersion()).toBeGreaterThan(0);
      await it.host.sleep(SECOND);
      expect(it.host.told.filter(({ event }) => event.type === 'database' && event['outcome'] === 'unknown')).toEqual([]);
    }));

  test('does not lose a watch', () =>
    world(async (it) => {
      const tx = it.database.transaction();
      const watch = tx.watch(bytes('a'));
      await tx.commit();
      it.fate = breaking(3, (message) => message instanceof Reply && message.request.operation === 'watch');
      await put(it.cluster.connect(new FakeProcess('n2')), 'a', '1');
      await watch.changed;
      expect(await read(it.database, 'a')).toBe('1');
    }));
});

describe('a fault', () => {
  const answers = (operation: DatabaseEvent['operation'], verdict: DatabaseVerdict) => (event: DatabaseEvent) =>
    event.operation === operation && !event.readOnly ? verdict : undefined;

  test('delays an operation by its time and no more', () =>
    world(async (it) => {
      it.judge = answers('read', { kind: 'delay', micros: 7_777 });
      const tx = it.database.transaction();
      await tx.getReadVersion();
      const begun = it.host.now();
      await tx.get(bytes('a'));
      expect(it.host.now() - begun).toBe(7_777 + 200);
    }));

  test('that delays a commit lets others conflict with it meanwhile', () =>
    world(async (it) => {
      const tx = it.database.transaction();
      await tx.get(bytes('a'));
      tx.set(bytes('b'), bytes('1'));
      it.judge = answers('commit', { kind: 'delay', micros: 10_000 });
      const committed = outcome(tx.commit());
      await it.host.sleep(1_000);
      it.judge = undefined;
      await put(it.database, 'a', '1');
      expect(await committed).toBe(code.notCommitted);
    }));

  test('holds an operation until it heals', () =>
    world(async (it) => {
      for (const operation of ['read-version', 'read', 'commit'] as const) {
        it.judge = answers(operation, { kind: 'hold' });
        const tx = it.database.transaction();
        tx.set(bytes('b'), bytes('1'));
        const done = tx.get(bytes('a')).then(() => tx.commit());
        await it.host.sleep(3 * SECOND);
        expect(await settled(done)).toBe(false);
        it.judge = undefined;
        expect(it.host.held.length).toBe(1);
        for (const held of it.host.held.splice(0)) held.release();
        await done;
      }
    }));

  test('that holds a commit for longer than the window makes it too old, never late', () =>
    world(async (it) => {
      it.judge = answers('commit', { kind: 'hold' });
      const tx = await writing(it.database);
      const committed = outcome(tx.commit());
      await it.host.sleep(6 * SECOND);
      it.judge = undefined;
      for (const held of it.host.held.splice(0)) held.release();
      expect(await committed).toBe(code.transactionTooOld);
      expect(await read(it.database, 'a')).toBeUndefined();
    }));

  test('fails any operation with its code', () =>
    world(async (it) => {
      for (const number of [code.transactionTooOld, code.futureVersion, code.processBehind, code.databaseLocked, code.tagThrottled]) {
        it.judge = answers('read-version', { kind: 'fail', code: number, applied: false });
        const first = it.database.transaction();
        expect(await outcome(first.get(bytes('a')))).toBe(number);
        expect(await outcome(first.getReadVersion())).toBe(number);
        it.judge = answers('read', { kind: 'fail', code: number, applied: false });
        expect(await outcome(it.database.transaction().getRange(bytes('a'), bytes('b')))).toBe(number);
        it.judge = answers('commit', { kind: 'fail', code: number, applied: true });
        const tx = await writing(it.database);
        expect(await outcome(tx.commit())).toBe(number);
        it.judge = undefined;
        expect(await read(it.database, 'a'), 'these codes say for certain that nothing was applied').toBeUndefined();
        await tx.onError(new DatabaseError(number, 'as told'));
        expect(await tx.get(bytes('a'))).toBeUndefined();
      }
    }));

  test('makes a commit unknown in both outcomes, for every code that leaves it open', () =>
    world(async (it) => {
      for (const number of [code.commitUnknownResult, code.clusterVersionChanged, code.transactionTimedOut]) {
        for (const applied of [true, false]) {
          const key = `${number} ${applied}`;
          it.judge = answers('commit', { kind: 'fail', code: number, applied });
          const tx = await writing(it.database, key);
          expect(await outcome(tx.commit())).toBe(number);
          it.judge = undefined;
          expect(await read(it.database, key)).toBe(applied ? '1' : undefined);
        }
      }
    }));

  test('cannot apply what conflicts', () =>
    world(async (it) => {
      const tx = it.database.transaction();
      await tx.get(bytes('a'));
      tx.set(bytes('b'), bytes('1'));
      await put(it.database, 'a', '1');
      it.judge = answers('commit', { kind: 'fail', code: code.commitUnknownResult, applied: true });
      expect(await outcome(tx.commit())).toBe(code.commitUnknownResult);
      it.judge = undefined;
      expect(await read(it.database, 'b')).toBeUndefined();
    }));

  test('kills the process after its commit was sent, applied or not', () =>
    world(async (it) => {
      for (const applied of [true, false]) {
        const doomed = new FakeProcess('n2');
        const tx = await writing(it.cluster.connect(doomed), String(applied));
        it.judge = answers('commit', { kind: 'crash', applied });
        const committed = tx.commit();
        await it.host.sleep(SECOND);
        it.judge = undefined;
        expect(doomed.alive).toBe(false);
        expect(await settled(committed)).toBe(false);
        expect(await read(it.database, String(applied))).toBe(applied ? '1' : undefined);
      }
    }));

  test('is asked about a commit that writes nothing, and may delay, hold, fail or kill it', () =>
    world(async (it) => {
      const seen: DatabaseEvent[] = [];
      const answering = (verdict: DatabaseVerdict) => (event: DatabaseEvent) => {
        if (event.operation !== 'commit') return undefined;
        seen.push(event);
        return verdict;
      };
      const commit = async (verdict: DatabaseVerdict, database = it.database) => {
        const tx = database.transaction();
        await tx.get(bytes('a'));
        it.judge = answering(verdict);
        return tx.commit();
      };
      let begun = it.host.now();
      await commit({ kind: 'delay', micros: 5_000 });
      expect(it.host.now() - begun).toBeGreaterThanOrEqual(5_000);
      expect(await outcome(commit({ kind: 'fail', code: code.databaseLocked, applied: false }))).toBe(code.databaseLocked);
      begun = it.host.now();
      const held = commit({ kind: 'hold' });
      await it.host.sleep(SECOND);
      expect(await settled(held)).toBe(false);
      for (const one of it.host.held.splice(0)) one.release();
      await held;
      const doomed = new FakeProcess('n2');
      const lost = commit({ kind: 'crash', applied: false }, it.cluster.connect(doomed));
      await it.host.sleep(SECOND);
      expect(doomed.alive).toBe(false);
      expect(await settled(lost)).toBe(false);
      expect(seen.map((event) => event.readOnly)).toEqual([true, true, true, true]);
    }));

  test('fails a watch', () =>
    world(async (it) => {
      it.judge = answers('watch', { kind: 'fail', code: code.processBehind, applied: false });
      const tx = it.database.transaction();
      const watch = tx.watch(bytes('a'));
      await tx.commit();
      expect(await outcome(watch.changed)).toBe(code.processBehind);
    }));
});

describe('stalled commits', () => {
  test('of one node wait, while it reads and others commit, and are done when they go on', () =>
    world(async (it) => {
      const other = it.cluster.connect(new FakeProcess('n2'));
      expect(it.cluster.stallCommits('n1', true)).toBe(true);
      expect(it.cluster.stallCommits('n1', true)).toBe(false);
      const committed = put(it.database, 'a', '1');
      await put(other, 'b', '1');
      await it.host.sleep(SECOND);
      expect(await settled(committed)).toBe(false);
      expect([await read(it.database, 'a'), await read(it.database, 'b')]).toEqual([undefined, '1']);
      expect(it.cluster.stallCommits('n1', false)).toBe(true);
      expect(it.cluster.stallCommits('n1', false)).toBe(false);
      await committed;
      expect(await read(other, 'a')).toBe('1');
    }));

  test('conflict with what came in between, are too old after five seconds, and are done though their sender has died', () =>
    world(async (it) => {
      const sender = new FakeProcess('n1');
      const database = it.cluster.connect(sender);
      const other = it.cluster.connect(new FakeProcess('n2'));
      const begun = async (from: Database, key: string): Promise<Transaction> => {
        const tx = await writing(from, key);
        await tx.get(bytes('read'));
        return tx;
      };
      for (const [wait, expected] of [
        [SECOND, code.notCommitted],
        [6 * SECOND, code.transactionTooOld],
      ] as const) {
        const tx = await begun(database, 'a');
        it.cluster.stallCommits('n1', true);
        const done = outcome(tx.commit());
        await put(other, 'read', String(wait));
        await it.host.sleep(wait);
        it.cluster.stallCommits('n1', false);
        expect(await done).toBe(expected);
      }
      const tx = await begun(database, 'last');
      it.cluster.stallCommits('n1', true);
      void outcome(tx.commit());
      await it.host.sleep(SECOND);
      it.host.kill(sender);
      it.cluster.stallCommits('n1', false);
      await it.host.sleep(SECOND);
      expect(await read(other, 'last')).toBe('1');
    }));
});

describe('a process that dies', () => {
  test('hears nothing more, and what it had sent may still be applied', () =>
    world(async (it) => {
      const doomed = new FakeProcess('n2');
      const tx = await writing(it.cluster.connect(doomed));
      const reader = it.cluster.connect(doomed).transaction();
      const [committed, got, version] = [tx.commit(), reader.get(bytes('a')), reader.getReadVersion()];
      it.host.kill(doomed);
      await it.host.sleep(10 * SECOND);
      for (const promise of [committed, got, version]) expect(await settled(promise)).toBe(false);
      expect(await read(it.database, 'a')).toBe('1');
      // A dead process tells nothing any more, so the world tells of it.
      expect(commitsTold(it.host)).toEqual([
        {
          node: '',
          event: { type: 'database', operation: 'commit', outcome: 'committed', node: 'n2', version: expect.any(Number) as number },
        },
      ]);
    }));

  test('leaves no watch behind for its next life to pay for', () =>
    world(async (it) => {
      const first = new FakeProcess('n2', 1);
      const tx = it.cluster.connect(first).transaction();
      const watch = tx.watch(bytes('a'));
      await tx.commit();
      await it.host.sleep(SECOND);
      it.host.kill(first);
      it.cluster.connect(new FakeProcess('n2', 2));
      let replies = 0;
      it.fate = (message) => {
        if (message instanceof Reply && message.request.operation === 'watch') replies++;
        return ARRIVES;
      };
      await put(it.database, 'a', '1');
      await it.host.sleep(SECOND);
      expect(replies).toBe(0);
      expect(await settled(watch.changed)).toBe(false);
    }));
});

describe('versions', () => {
  test('follow simulated time at a million a second', () =>
    world(async (it) => {
      const version = () => it.database.transaction().getReadVersion();
      const [first, begun] = [await version(), it.host.now()];
      await it.host.sleep(3 * SECOND);
      expect((await version()) - first).toBe(it.host.now() - begun);
    }));

  test('a read version is never below a commit that was acknowledged', () =>
    world(async (it) => {
      for (let i = 0; i < 50; i++) {
        const tx = it.database.transaction();
        tx.set(bytes('a'), bytes(String(i)));
        await tx.commit();
        expect(await it.database.transaction().getReadVersion()).toBeGreaterThanOrEqual(tx.committedVersion());
      }
    }));

  test('commits close together share one, in the order of their stamps, until somebody reads at it', () =>
    world(async (it) => {
      const pair = async () => {
        const both = await Promise.all([writing(it.database, 'a'), writing(it.database, 'b')]);
        const stamps = both.map((tx) => tx.versionstamp());
        await Promise.all(both.map((tx) => tx.commit()));
        return { versions: both.map((tx) => tx.committedVersion()), stamps: (await Promise.all(stamps)).map(text) };
      };
      const together = await pair();
      expect(together.versions[1]).toBe(together.versions[0]);
      expect((together.stamps[0] ?? '') < (together.stamps[1] ?? '')).toBe(true);
    }));

  test('no commit goes below a read version that was handed out before, nor below its own', () =>
    world(
      async (it) => {
        const [first, second, third] = [await writing(it.database), await writing(it.database), it.database.transaction()];
        await first.commit();
        const version = await it.database.transaction().getReadVersion();
        await second.commit();
        expect(version).toBeGreaterThan(first.committedVersion());
        expect(second.committedVersion()).toBeGreaterThan(version);
        third.setReadVersion(second.committedVersion() + 50);
        third.set(bytes('b'), bytes('1'));
        await third.commit();
        expect(third.committedVersion()).toBeGreaterThan(second.committedVersion() + 50);
      },
      { batchMicros: SECOND },
    ));

  test('commits need not share one', () =>
    world(
      async (it) => {
        const both = await Promise.all([writing(it.database, 'a'), writing(it.database, 'b')]);
        await Promise.all(both.map((tx) => tx.commit()));
        expect(both[0].committedVersion()).not.toBe(both[1].committedVersion());
      },
      { batchMicros: 0 },
    ));

  test('a read slightly ahead of the cluster waits for it', () =>
    world(async (it) => {
      const version = await it.database.transaction().getReadVersion();
      const tx = it.database.transaction();
      tx.setReadVersion(version + 500_000);
      const begun = it.host.now();
      const early = tx.get(bytes('a'));
      await put(it.database, 'a', 'before its version');
      expect(text((await early) ?? bytes(''))).toBe('before its version');
      expect(it.host.now() - begun).toBeGreaterThan(400_000);
      const far = it.database.transaction();
      far.setReadVersion(version + 10 * SECOND);
      far.set(bytes('b'), bytes('1'));
      expect(await outcome(far.commit())).toBe(code.futureVersion);
    }));

  test('no commit goes below a version that was read at, whoever named it', () =>
    world(
      async (it) => {
        const [first, second] = [await writing(it.database, 'a'), await writing(it.database, 'b')];
        await first.commit();
        const reader = it.database.transaction();
        reader.setReadVersion(first.committedVersion() + 50);
        expect(await reader.get(bytes('b'))).toBeUndefined();
        await second.commit();
        expect(second.committedVersion()).toBeGreaterThan(first.committedVersion() + 50);
        expect(await reader.get(bytes('b'))).toBeUndefined();
      },
      { batchMicros: SECOND },
    ));

  test('old data is readable for five seconds, with conflicts told that long', () =>
    world(async (it) => {
      await put(it.database, 'a', 'old');
      const [reader, writer] = [it.database.transaction(), it.database.transaction()];
      expect(text((await reader.get(bytes('a'))) ?? bytes(''))).toBe('old');
      await writer.get(bytes('a'));
      writer.set(bytes('b'), bytes('1'));
      await put(it.database, 'a', 'new');
      for (let i = 0; i < 48; i++) {
        await it.host.sleep(100_000);
        await put(it.database, 'a', `newer ${i}`);
      }
      expect(text((await reader.snapshot.get(bytes('a'))) ?? bytes(''))).toBe('old');
      expect(await outcome(writer.commit())).toBe(code.notCommitted);
      await it.host.sleep(200_000);
      expect(await outcome(reader.get(bytes('a')))).toBe(code.transactionTooOld);
    }));
});

describe('watches', () => {
  test('are bounded, and 1032 says so', () =>
    world(async (it) => {
      const tx = it.database.transaction();
      const watches = Array.from({ length: WATCHES_MAX }, () => tx.watch(bytes('a')));
      expect(await outcome(tx.watch(bytes('a')).changed)).toBe(code.tooManyWatches);
      watches[0]?.cancel();
      const another = tx.watch(bytes('a'));
      await tx.commit();
      await put(it.database, 'a', '1');
      expect(await outcome(another.changed)).toBe('done');
      await Promise.all(watches.slice(1).map((watch) => watch.changed));
    }));

  test('fire for what their own transaction writes after asking for them, unless it is the same', () =>
    world(async (it) => {
      await put(it.database, 'a', 'same');
      const cases: readonly (readonly [write: (tx: Transaction) => void, fires: boolean])[] = [
        [(tx) => tx.set(bytes('a'), bytes('same')), false],
        [(tx) => tx.set(bytes('a'), bytes('other')), true],
        [(tx) => tx.clear(bytes('a')), true],
        [(tx) => tx.clearRange(bytes('a'), bytes('b')), true],
        [(tx) => tx.atomic('add', bytes('a'), bytes('\0')), true],
        [(tx) => tx.set(bytes('b'), bytes('other')), false],
      ];
      for (const [write, fires] of cases) {
        for (const late of [true, false]) {
          const tx = it.database.transaction();
          const watch = tx.watch(bytes('a'));
          if (late) await tx.get(bytes('a'));
          write(tx);
          await tx.get(bytes('c'));
          expect(await settled(watch.changed)).toBe(fires);
          tx.cancel();
          expect(await outcome(watch.changed)).toBe(fires ? 'done' : code.transactionCancelled);
        }
      }
    }));

  test('of a stamped key and of a stamped value fire when the commit makes them', () =>
    world(async (it) => {
      const tx = it.database.transaction();
      const watch = tx.watch(bytes('value'));
      await tx.commit();
      const other = it.database.transaction();
      other.atomic('set-versionstamped-value', bytes('value'), new Uint8Array(14));
      await other.commit();
      await watch.changed;
      expect(other.committedVersion()).toBeGreaterThan(0);
    }));

  test('that are cancelled no longer cost the cluster an answer', () =>
    world(async (it) => {
      const tx = it.database.transaction();
      const watch = tx.watch(bytes('a'));
      await tx.commit();
      await it.host.sleep(SECOND);
      watch.cancel();
      let replies = 0;
      it.fate = (message) => {
        if (message instanceof Reply && message.request.operation === 'watch') replies++;
        return ARRIVES;
      };
      await put(it.database, 'a', '1');
      await it.host.sleep(SECOND);
      expect(replies).toBe(0);
    }));
});

test('the trace hears of commits with writes and of failures, and of nothing else', () =>
  world(async (it) => {
    const tx = await writing(it.database);
    await tx.get(bytes('z'));
    await tx.commit();
    const reader = it.database.transaction();
    await reader.get(bytes('a'));
    await reader.commit();
    const late = it.database.transaction();
    late.setReadVersion(1);
    await outcome(late.get(bytes('a')));
    expect(it.host.told).toEqual([
      { node: 'n1', event: { type: 'database', operation: 'commit', outcome: 'committed', version: tx.committedVersion() } },
      { node: 'n1', event: { type: 'database', operation: 'read', outcome: 'failed', code: code.transactionTooOld } },
    ]);
  }));
