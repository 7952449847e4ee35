/** The store takes long over reads: recovery, compaction, a hot shard. Up to seconds, beyond the life of a transaction. */
import { judging } from '../fault.js';
import { amount, hits, parameters, rate, servers } from '../parameters.js';

export const slowRead = judging('database', {
  id: 'database/slow-read',
  summary: 'reads of the store take long',
  needs: ['database'],
  core: false,
  ...parameters({ nodes: servers(), rate: rate(50, 1000), micros: amount(1_000, 6_000_000) }),
  judge(event, params, random) {
    if (event.operation !== 'read' || params.micros === 0 || !hits(event, params, random)) return undefined;
    return { kind: 'delay', micros: random.between(1, params.micros) };
  },
});
