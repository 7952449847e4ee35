import { describe, expect, test } from 'vitest';
import { lab, labActor, type LabStage, told } from '../../runner/fixtures/lab.js';
import { type Transaction, transact } from '../ports.js';
import { auditDatabase } from './audit.js';
import { utf8 } from './json.js';
import { ActorKeys, registryKeys } from './keys.js';
import { CHUNK_BYTES } from './limits.js';
import { chunkKey, seal } from './sealed.js';

const keys = new ActorKeys(labActor('x').key);

/** Lets an actor write one long value and one short one, changes the store behind its back, and audits it. */
async function audited({ change, before }: { change?: (transaction: Transaction) => void; before?: (stage: LabStage) => void } = {}) {
  const { story } = await lab({
    nodes: 1,
    script: async (stage) => {
      const { call, platform } = stage;
      await call('x', 'add');
      await call('x', 'put', { key: 'long', value: 'l'.repeat(CHUNK_BYTES) });
      await call('x', 'put', { key: 'short', value: 's' });
      if (change !== undefined) await transact(platform.database, async (transaction) => change(transaction));
      before?.(stage);
      await auditDatabase(platform);
    },
  });
  return {
    nodes: told(story, 'audit.node').map(({ body }) => body),
    actor: told(story, 'audit.actor').find(({ body }) => body.actor === 'lab:x')?.body,
    last: told(story, 'audit.end').map(({ body }) => body),
  };
}

const checksum = (value: string): number => seal(utf8(JSON.stringify(value))).checksum;
const complete = { type: 'audit.end', complete: true };

describe('an audit', () => {
  test('tells every node and every actor as the database holds them, and that this was all', async () => {
    const { nodes, actor, last } = await audited();
    expect(nodes).toEqual([{ type: 'audit.node', member: 'n1', nodeLife: 1, status: 'active', count: 1 }]);
    expect(actor).toMatchObject({
      placement: { node: 'n1', nodeLife: 1, token: 1 },
      lease: { holder: 'n1', nodeLife: 1, token: 1 },
      heldBy: ['n1'],
      stateVersion: 3,
      state: seal(utf8(JSON.stringify({ n: 1, list: [] }))).checksum,
      values: [
        { key: 'long', value: checksum('l'.repeat(CHUNK_BYTES)) },
        { key: 'short', value: checksum('s') },
      ],
      epoch: 0,
      outcomeEpochs: [0],
      strayChunks: 0,
      damaged: [],
    });
    expect(last).toEqual([{ ...complete, misplaced: [] }]);
  });

  test('tells of chunks without a value, of a value without a chunk, and of records that are damaged', async () => {
    const { actor, last } = await audited({
      change: (transaction) => {
        transaction.clear(chunkKey(keys.kvChunksOf('long'), 1));
        transaction.set(chunkKey(keys.kvChunksOf('short'), 0), utf8('left over'));
        transaction.set(keys.lease, utf8('no record'));
      },
    });
    expect(actor).toMatchObject({ strayChunks: 1, damaged: ['lease', 'key long'], lease: null, stateVersion: 3 });
    expect(last).toEqual([{ ...complete, misplaced: [] }]);
  });

  test('names keys that nothing is to be kept under, and a record of a node that is damaged', async () => {
    const { nodes, last } = await audited({
      change: (transaction) => {
        transaction.set(utf8('kelpie/registry/actors/nobody'), utf8(''));
        transaction.set(utf8('kelpie/actor/lab:x/other'), utf8(''));
        transaction.set(registryKeys.node('n9'), utf8('no record'));
      },
    });
    expect(nodes.map(({ member }) => member)).toEqual(['n1']);
    expect(last).toEqual([
      { ...complete, misplaced: ['kelpie/actor/lab:x/other', 'kelpie/registry/actors/nobody', 'kelpie/registry/nodes/n9'] },
    ]);
  });

  test('says that it is not complete where the database does not answer', async () => {
    const { nodes, actor, last } = await audited({
      before: ({ judges, platform }) => {
        judges.database = ({ node, operation }) =>
          node === platform.node && operation === 'read' ? { kind: 'fail', code: 1009, applied: false } : undefined;
      },
    });
    expect([nodes, actor]).toEqual([[], undefined]);
    expect(last).toEqual([{ type: 'audit.end', complete: false, misplaced: [] }]);
  });
});
