/**
 * Agents ask agents, which ask agents. Some questions come back to an agent that waits in their chain, some go deeper than allowed, some
 * to nobody; agents that are asked are busy, deleted meanwhile, or on a node that dies. Whoever waits gets an answer or a refusal in the
 * end, and no ring of agents waits for itself.
 */
import type { KelpieParts } from '../src/kelpie/parts.js';
import type { Random } from '../src/ports.js';
import type { AgentOperation } from './agent-client.js';
import { agentScenario } from './agent-scenario.js';
import { loopMarks, seen } from './marks.js';
import type { Scenario } from './scenario.js';
import { drawMoments, drawOperations, hot } from './workload-draws.js';

const SECOND = 1_000_000;
const AGENTS = ['g1', 'g2', 'g3'] as const;
const DEADLINES_MICROS = [5 * SECOND, 30 * SECOND];
/** One more than may wait for each other. */
const DEPTH_MAX = 6;

/** A message that makes its agent ask the first one, who asks the second one, and so on. */
const asking = ([agent, ...others]: readonly string[]): string =>
  agent === undefined ? 'use count {"name":"c"}' : `use ask_agent ${JSON.stringify({ agent, text: asking(others) })}`;

function drawChain(random: Random): readonly string[] {
  switch (random.int(6)) {
    case 0:
      return ['nobody'];
    // With three agents this comes back to one that waits.
    case 1:
      return Array.from({ length: random.between(3, DEPTH_MAX) }, () => random.pick(AGENTS));
    default:
      return random.shuffle(AGENTS).slice(0, random.between(0, 2));
  }
}

export const agentCalls: Scenario<KelpieParts> = agentScenario({
  id: 'agent-calls',
  summary: 'agents ask each other in chains and rings, while those who are asked are busy or gone',
  sometimes: {
    'agent asked another one': loopMarks['agent asked another one'],
    'step of a message handed out again': loopMarks['step of a message handed out again'],
    'chain of agents refused': seen('invoke.end', ({ outcome }) => outcome === 'reentrant'),
    'agent asked that was not there': seen('invoke.end', ({ outcome }) => outcome === 'not-found'),
    'peer asked again': loopMarks['peer asked again'],
  },
  offers: ['network', 'disk', 'process', 'clock', 'schedule', 'database', 'service', 'cluster'],
  chaosMicros: [8 * SECOND, 15 * SECOND],
  knobs: { idleMicros: { min: 100_000, max: 5 * SECOND, normal: SECOND } },
  residents: AGENTS,
  draw(random, chaosMicros) {
    const moments = drawMoments(random.fork('moments'), random.fork('sizes').between(4, 8), chaosMicros);
    const operations = drawOperations(random, 3, moments, (own, slot): AgentOperation => {
      const common = { ...slot, kind: 'agent', agent: hot(own, AGENTS) } as const;
      if (own.chance(1, 5)) return { ...common, action: own.pick(['remember', 'look'] as const), text: '' };
      return { ...common, action: 'message', text: asking(drawChain(own)), deadlineMicros: own.pick(DEADLINES_MICROS) };
    });
    return { nodes: 3, clients: 3, operations };
  },
});
