import { describe, expect, test } from 'vitest';
import { lab, labActor, told } from '../../runner/fixtures/lab.js';
import { transact } from '../ports.js';
import type { DatabaseEvent, DatabaseVerdict } from '../sim/seams.js';
import { fromUtf8 } from './json.js';
import { ActorKeys, registryKeys } from './keys.js';
import { correctParts } from './parts.js';
import { leaseRecord, nodeRecord, placementRecord } from './records.js';
import type { LabStage } from '../../runner/fixtures/lab.js';

const ok = (result: unknown): unknown => ({ kind: 'ok', result });

/** What the registry holds: the count of each node, and where each actor is. */
async function registry({
  platform,
}: LabStage): Promise<{ counts: Record<string, number>; placed: Record<string, string>; held: string[] }> {
  return transact(platform.database, async (transaction) => {
    const all = async ({ begin, end }: { begin: Uint8Array; end: Uint8Array }) => (await transaction.getRange(begin, end)).items;
    const counts: Record<string, number> = {};
    for (const { value } of await all(registryKeys.nodes)) {
      const record = nodeRecord.decode(value, 'a node');
      if (record !== undefined) counts[record.node] = record.count;
    }
    const placed: Record<string, string> = {};
    for (const { key, value } of await all(registryKeys.placements)) {
      const actor = fromUtf8(key.subarray(registryKeys.placements.begin.length));
      placed[actor] = placementRecord.decode(value, actor as never)?.node ?? 'nowhere';
    }
    const held: string[] = [];
    for (const node of Object.keys(counts)) {
      for (const { key } of await all(registryKeys.heldBy(node))) held.push(fromUtf8(key).slice('kelpie/registry/held/'.length));
    }
    return { counts, placed, held };
  });
}

/** Answers the commits of one node that write something, once for each verdict. */
const atCommitsOf = (node: string, verdicts: DatabaseVerdict[]) => (event: DatabaseEvent) =>
  event.node === node && event.operation === 'commit' && !event.readOnly ? verdicts.shift() : undefined;

const sum = (counts: Record<string, number>): number => Object.values(counts).reduce((a, b) => a + b, 0);

describe('the registry', () => {
  test('agrees with itself: counts, placements and the index by node', async () => {
    const { result } = await lab({
      idleMicros: 3_000_000,
      script: async (stage) => {
        const { call, nodes, sleep, world } = stage;
        const names = world.nodes;
        for (let i = 0; i < 9; i++) await nodes.get(names[i % 3] ?? '')?.invoke(labActor(`a${i}`), 'add', null);
        const full = await registry(stage);
        world.kill('n1', 'test');
        for (let i = 0; i < 9; i++) await call(`a${i}`, 'add', null, { deadlineMicros: 60_000_000 });
        const after = await registry(stage);
        world.restart('n1');
        await sleep(20_000_000);
        return { full, after, empty: await registry(stage) };
      },
    });
    for (const { counts, placed, held } of [result.full, result.after]) {
      expect(sum(counts)).toBe(Object.keys(placed).length);
      expect([...held].sort()).toEqual(
        Object.entries(placed)
          .map(([actor, node]) => `${node}/${actor}`)
          .sort(),
      );
    }
    expect(result.full.counts).toEqual({ n1: 3, n2: 3, n3: 3 });
    expect(result.after.counts.n1).toBe(0);
    expect(result.empty).toEqual({ counts: { n1: 0, n2: 0, n3: 0 }, placed: {}, held: [] });
  });

  for (const applied of [true, false]) {
    test(`finds out about a claim, a renewal and a release whose answers are lost and that were ${applied ? '' : 'not '}applied`, async () => {
      const unknown = (): DatabaseVerdict => ({ kind: 'fail', code: 1021, applied });
      const { result, story } = await lab({
        nodes: 1,
        idleMicros: 8_000_000,
        script: async (stage) => {
          const { call, judges, sleep, until } = stage;
          judges.database = atCommitsOf('n1', [unknown()]);
          const answer = await call('a', 'get');
          judges.database = atCommitsOf('n1', [unknown()]);
          await sleep(4_000_000);
          const during = await registry(stage);
          await until(() => stage.story.some(({ body }) => body.type === 'deactivate.done'));
          judges.database = atCommitsOf('n1', [unknown()]);
          await sleep(5_000_000);
          return { answer, during, after: await registry(stage) };
        },
      });
      expect(result.answer).toEqual(ok(0));
      expect(result.during.counts).toEqual({ n1: 1 });
      expect(result.after).toEqual({ counts: { n1: 0 }, placed: {}, held: [] });
      // The activation was never in doubt.
      expect(told(story, 'activate.drop')).toEqual([]);
      expect(told(story, 'claim.commit').map(({ body }) => [body.token, body.version < 0])).toEqual([[1, applied]]);
    });
  }

  test('gives a claim back that could not be made in time, whether or not it was', async () => {
    for (const applied of [true, false]) {
      const { result } = await lab({
        nodes: 2,
        config: { storeMicros: 500_000 },
        script: async (stage) => {
          const { nodes, judges, sleep } = stage;
          // Both answers of the claim are lost, and the second try takes longer than there is time.
          const slow: DatabaseVerdict = { kind: 'delay', micros: 1_000_000 };
          judges.database = atCommitsOf('n1', [{ kind: 'fail', code: 1021, applied }, slow, slow]);
          const failed = await nodes
            .get('n1')
            ?.invoke(labActor('a'), 'add', null)
            .then(
              () => 'ok',
              (error: { code: string }) => error.code,
            );
          await sleep(10_000_000);
          return { failed, after: await registry(stage) };
        },
      });
      // When the first try was applied, the claim is found; when not, it is given up and given back.
      if (result.failed === 'ok') expect(sum(result.after.counts)).toBe(Object.keys(result.after.placed).length);
      else expect(result.after).toEqual({ counts: { n1: 0, n2: 0 }, placed: {}, held: [] });
    }
  });

  test('never lets a token fall, over releases, deaths and other holders', async () => {
    const { result, story } = await lab({
      idleMicros: 1_000_000,
      script: async ({ call, sleep, world, owner, platform }) => {
        for (let round = 0; round < 4; round++) {
          await call('a', 'add', null, { deadlineMicros: 60_000_000 });
          if (round % 2 === 0) await sleep(3_000_000);
          else {
            const node = owner('a');
            world.kill(node, 'test');
            await sleep(200_000);
            world.restart(node);
          }
        }
        const { lease } = new ActorKeys(labActor('a').key);
        const stored = await transact(platform.database, (transaction) => transaction.get(lease));
        return leaseRecord.decode(stored, labActor('a').key)?.token;
      },
    });
    const tokens = told(story, 'claim.commit').map(({ body }) => body.token);
    expect(tokens).toEqual([...tokens].sort((a, b) => a - b));
    expect(new Set(tokens).size).toBe(tokens.length);
    expect(result).toBe(tokens[tokens.length - 1]);
  });

  test('says of a node that others have failed that it has, also after it has left', async () => {
    const { result } = await lab({
      nodes: 2,
      script: async ({ platform, world, nodes, until }) => {
        const key = registryKeys.node('n2');
        await transact(platform.database, async (transaction) => {
          const record = nodeRecord.decode(await transaction.get(key), 'n2');
          if (record === undefined) throw new Error('n2 is not registered');
          transaction.set(key, nodeRecord.encode({ ...record, status: 'failed' }));
        });
        const left = [];
        for (const node of ['n1', 'n2']) {
          world.stop(node);
          await until(() => nodes.get(node)?.phase === 'stopped');
          const stored = await transact(platform.database, (transaction) => transaction.get(registryKeys.node(node)));
          left.push(nodeRecord.decode(stored, node)?.status);
        }
        return left;
      },
    });
    expect(result).toEqual(['left', 'failed']);
  });

  test('that is full lets in again who is in it', async () => {
    const { result } = await lab({
      nodes: 1,
      script: async ({ platform, world, nodes, call, until }) => {
        await call('a', 'add');
        const gone = { life: 1, boot: 'b', status: 'left', capacity: 1, count: 0 } as const;
        await transact(platform.database, async (transaction) => {
          for (let i = 1; i < 1_000; i++) {
            const node = `gone${i}`;
            transaction.set(registryKeys.node(node), nodeRecord.encode({ ...gone, node }));
          }
        });
        world.kill('n1', 'test');
        world.restart('n1');
        await until(() => nodes.get('n1')?.phase === 'serving');
        return call('a', 'add');
      },
    });
    expect(result).toEqual(ok(2));
  });

  test('is swept of all that an earlier life has left, over as many pages as that takes', async () => {
    const count = 120;
    const { result, story } = await lab({
      nodes: 1,
      script: async (stage) => {
        const { call, world, sleep } = stage;
        const actors = Array.from({ length: count }, (_, i) => `a${i}`);
        await Promise.all(actors.map((id) => call(id, 'get', null, { deadlineMicros: 60_000_000 })));
        const before = await registry(stage);
        world.kill('n1', 'test');
        world.restart('n1');
        await sleep(10_000_000);
        return { before, after: await registry(stage) };
      },
    });
    expect(result.before.held).toHaveLength(count);
    expect(told(story, 'node.sweep')).toHaveLength(count);
    expect(result.after).toEqual({ counts: { n1: 0 }, placed: {}, held: [] });
  });

  test('a process that is started under the name of one that runs takes its place', async () => {
    const { result } = await lab({
      nodes: 1,
      script: async (stage) => {
        const { platform, nodes, call } = stage;
        await call('a', 'add');
        // Another registration of the same name, as a second process would make it.
        await transact(platform.database, async (transaction) => {
          const key = registryKeys.node('n1');
          const record = nodeRecord.decode(await transaction.get(key), 'n1');
          if (record === undefined) throw new Error('n1 is not registered');
          transaction.set(key, nodeRecord.encode({ ...record, life: record.life + 1, boot: 'other', count: 0 }));
        });
        return nodes
          .get('n1')
          ?.invoke(labActor('b'), 'add', null)
          .then(
            () => 'ok',
            (error: { code: string; message: string }) => `${error.code}: ${error.message}`,
          );
      },
    });
    expect(result).toMatch(/^node-unavailable: node n1 runs as life 1 but the registry has life 2/);
  });

  test('keeps what the present life holds when its sweep is slow', async () => {
    const { result, story } = await lab({
      nodes: 1,
      parts: {
        sweep: async (runtime) => {
          await runtime.platform.clock.sleep(2_000_000);
          await correctParts.sweep(runtime);
        },
      },
      script: async (stage) => {
        const { call, sleep, world, until, story: sofar } = stage;
        await call('old', 'add');
        world.kill('n1', 'test');
        world.restart('n1');
        await until(() => told(sofar, 'node.register').length === 2);
        await call('new', 'add');
        const before = told(sofar, 'node.sweep').length;
        await sleep(3_000_000);
        return { before, ...(await registry(stage)) };
      },
    });
    expect(result).toEqual({ before: 0, counts: { n1: 1 }, placed: { 'lab:new': 'n1' }, held: ['n1/lab:new'] });
    expect(told(story, 'node.sweep').map(({ body }) => [body.actor, body.earlierLife])).toEqual([['lab:old', 1]]);
  });
});
