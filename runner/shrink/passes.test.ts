/** A smaller world asks for nothing that is no longer there. */
import { describe, expect, test } from 'vitest';
import { walRecovery } from '../../scenarios/wal-recovery.js';
import type { TraceValue } from '../../src/ports.js';
import type { Case, Workload } from '../../src/run.js';
import type { CaseVerdict } from '../case-verdict.js';
import { Minimiser } from './minimiser.js';
import { COARSE_PASSES } from './passes.js';

const FAILS: CaseVerdict = { verdict: 'violation', invariant: 'x', signature: 'x', traceHash: 'f', events: 1, effects: 'e' };
const PASSES: CaseVerdict = { ...FAILS, verdict: 'pass', invariant: null, signature: 'pass' };

type Fields = Readonly<Record<string, TraceValue>>;

/** The smallest world in which the judge still sees a failure. */
async function smallest(world: Fields, operations: readonly Fields[], fails: (workload: Workload) => boolean): Promise<Workload> {
  const workload = { clients: 1, ...world, operations: operations.map((fields) => ({ client: 1, atMicros: 0, kind: 'do', ...fields })) };
  const from = { workload } as unknown as Case; // the pass looks into nothing else
  const minimiser = new Minimiser(from, FAILS, async (run) => (fails(run.workload) ? FAILS : PASSES), 1, {
    runs: 1_000,
    wallMs: Number.POSITIVE_INFINITY,
  });
  const pass = COARSE_PASSES.find(([name]) => name === 'nodes and clients')?.[1];
  await pass?.(minimiser, { scenario: walRecovery, faults: [], decisionsOf: async () => [] });
  return minimiser.best.workload;
}

describe('a smaller world', () => {
  test('has no operation on a server that is left out', async () => {
    const operations = [{ node: 'n3' }, { node: 'n1' }, { nested: { among: ['n2'] } }];
    const small = await smallest({ nodes: 3 }, operations, () => true);
    expect(small.nodes).toBe(1);
    expect(small.operations).toMatchObject([{ node: 'n1' }, { node: 'n1' }, { nested: { among: ['n1'] } }]);
  });

  test('leaves alone what names a server that stays', async () => {
    const small = await smallest({ nodes: 3 }, [{ node: 'n2' }, { node: 'n1' }], ({ nodes }) => nodes >= 2);
    expect(small.nodes).toBe(2);
    expect(small.operations).toMatchObject([{ node: 'n2' }, { node: 'n1' }]);
  });

  test('leaves out what would name one thing twice', async () => {
    const operations = [
      { from: 'l1', to: 'l2', amount: 2 },
      { from: 'l2', amount: 2 },
    ];
    const small = await smallest({ nodes: 1, ledgers: ['l1', 'l2'] }, operations, () => true);
    expect(small['ledgers']).toEqual(['l1']);
    expect(small.operations).toMatchObject([{ from: 'l1', amount: 2 }]);
  });

  test('takes numbers for numbers', async () => {
    const small = await smallest({ nodes: 1, sizes: [1, 2] }, [{ amount: 2 }], () => true);
    expect(small.operations).toMatchObject([{ amount: 2 }]);
  });
});
