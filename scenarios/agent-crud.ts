/**
 * Agents are made, changed, looked at, listed and deleted, by several users at once and over and over under the same names. What was
 * acknowledged is there at once and after every crash; what was deleted stays so, also when the deactivation of its last life comes late.
 */
import type { KelpieParts } from '../src/kelpie/parts.js';
import type { AgentOperation } from './agent-client.js';
import { agentScenario } from './agent-scenario.js';
import { activationMarks, agentMarks } from './marks.js';
import type { Scenario } from './scenario.js';
import { drawMoments, drawOperations, hot } from './workload-draws.js';

const RESIDENTS = ['g1', 'g2'] as const;
const GUESTS = ['v1', 'v2'];

export const agentCrud: Scenario<KelpieParts> = agentScenario({
  id: 'agent-crud',
  summary: 'agents are made, changed, listed and deleted over and over under the same names',
  sometimes: {
    'agent made again after it was deleted': agentMarks['agent made again after it was deleted'],
    'agent looked for in vain': agentMarks['agent looked for in vain'],
    'idempotency key found': agentMarks['idempotency key found'],
    'actor deactivated for idleness': activationMarks['actor deactivated for idleness'],
  },
  offers: ['network', 'process', 'clock', 'schedule', 'database', 'cluster'],
  knobs: { idleMicros: { min: 20_000, max: 3_000_000, normal: 150_000 } },
  residents: RESIDENTS,
  draw(random, chaosMicros) {
    const moments = drawMoments(random.fork('moments'), random.fork('sizes').between(12, 30), chaosMicros);
    const operations = drawOperations(random, 3, moments, (own, slot): AgentOperation => {
      const settled = own.chance(1, 3);
      const action = settled
        ? own.pick(['remember', 'remember', 'look', 'list'] as const)
        : own.pick(['create', 'create', 'create', 'delete', 'delete', 'touch', 'visit'] as const);
      return { ...slot, kind: 'agent', action, agent: hot(own, settled ? RESIDENTS : GUESTS), text: '' };
    });
    return { nodes: 3, clients: 3, operations };
  },
});
