/**
 * Agents work on messages: ask their model, use tools, write to their memory, pause, ask again. Models and tools are slow, refuse, answer
 * nonsense or not at all, and nodes die between a step and its outcome. Every message that was accepted comes to an end, a tool whose
 * repetition shows is not used twice for one call, and nobody works on more iterations than allowed.
 */
import type { KelpieParts } from '../src/kelpie/parts.js';
import type { AgentOperation } from './agent-client.js';
import { agentScenario } from './agent-scenario.js';
import { agentMarks, loopMarks } from './marks.js';
import type { Scenario } from './scenario.js';
import { drawMoments, drawOperations, hot } from './workload-draws.js';

const SECOND = 1_000_000;
const AGENTS = ['g1', 'g2', 'g3'] as const;
const DEADLINES_MICROS = [5 * SECOND, 20 * SECOND];
const SCRIPTS: readonly string[] = [
  'hello',
  'use count {"name":"c"}',
  'use count {"name":"c"}\nuse count {"name":"d"}',
  'use echo {"a":1}\nuse add {"a":1,"b":2}\nuse add {"a":"one"}',
  'use http_put {"key":"k","value":1}\nuse http_get {"key":"k"}',
  'use working_set {"key":"w","value":1,"ttlMicros":1000000}\nuse working_count {"key":"n","by":1}',
  'use archival_insert {"text":"a passage"}\nuse archival_search {"query":"passage"}',
  'use pause_heartbeats {"seconds":1}',
  // More than a message may have.
  'use echo {}\nuse echo {}\nuse echo {}\nuse echo {}\nuse echo {}\nuse echo {}',
  'use nothing {}',
];

export const agentLoop: Scenario<KelpieParts> = agentScenario({
  id: 'agent-loop',
  summary: 'agents work on messages with models and tools that fail, on nodes that die between two steps',
  sometimes: {
    'step of a message handed out again': loopMarks['step of a message handed out again'],
    'message failed': loopMarks['message failed'],
    'message ended at its last iteration': loopMarks['message ended at its last iteration'],
    'peer asked again': loopMarks['peer asked again'],
    'peer that did not answer': loopMarks['peer that did not answer'],
    'tool called': loopMarks['tool called'],
    'agent paused': loopMarks['agent paused'],
    'idempotency key of a message under way': agentMarks['idempotency key of a message under way'],
  },
  offers: ['network', 'disk', 'process', 'clock', 'schedule', 'database', 'service', 'cluster'],
  chaosMicros: [8 * SECOND, 15 * SECOND],
  knobs: { idleMicros: { min: 100_000, max: 5 * SECOND, normal: SECOND } },
  residents: AGENTS,
  draw(random, chaosMicros) {
    const moments = drawMoments(random.fork('moments'), random.fork('sizes').between(5, 12), chaosMicros);
    const operations = drawOperations(random, 3, moments, (own, slot): AgentOperation => {
      const action = own.pick(['message', 'message', 'message', 'message', 'remember', 'look'] as const);
      const deadlineMicros = action === 'message' ? own.pick(DEADLINES_MICROS) : slot.deadlineMicros;
      return { ...slot, kind: 'agent', action, agent: hot(own, AGENTS), text: own.pick(SCRIPTS), deadlineMicros };
    });
    return { nodes: 3, clients: 3, operations };
  },
});
