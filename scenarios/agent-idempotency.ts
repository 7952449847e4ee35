/**
 * Idempotency keys used by everybody at once. Users send a request several times under one key, again much later, and some take the key of
 * another user's request for one of their own. A key stands for one request: the same one is carried out once and answered alike, another
 * one is refused, whichever node answers and whoever died before.
 */
import type { KelpieParts } from '../src/kelpie/parts.js';
import { AgentClient, type AgentOperation, type Repetition } from './agent-client.js';
import { agentProgram } from './agent-program.js';
import { allBut, type Desk, kelpieScenario, type Worker } from './kelpie-scenario.js';
import { agentMarks } from './marks.js';
import type { Scenario } from './scenario.js';
import { type Common, drawMoments, drawOperations, hot } from './workload-draws.js';

const AGENTS = ['g1', 'g2'];

type KeyedOperation =
  | AgentOperation
  | (Common & { readonly kind: 'repeat'; readonly agent: string; readonly times: number })
  /** `of`: the operation whose key is taken. */
  | (Common & { readonly kind: 'borrow'; readonly agent: string; readonly of: string });

class Repeater implements Worker<KeyedOperation> {
  readonly agents: AgentClient;

  constructor({ client, platform, history }: Desk) {
    this.agents = new AgentClient(client, platform.clock, history);
  }

  perform(operation: KeyedOperation): Promise<void> {
    if (operation.kind === 'agent') return this.agents.perform(operation);
    const { op, agent, deadlineMicros } = operation;
    const repetition: Repetition = operation.kind === 'repeat' ? { times: operation.times } : { times: 1, key: operation.of };
    return this.agents.rememberRepeatedly(op, agent, deadlineMicros, repetition);
  }
}

export const agentIdempotency: Scenario<KelpieParts> = kelpieScenario({
  id: 'agent-idempotency',
  summary: 'requests come several times under one key, and keys of others are used for something else',
  invariants: allBut('conservation'),
  sometimes: {
    'idempotency key found': agentMarks['idempotency key found'],
    'idempotency key found after its node had died': agentMarks['idempotency key found after its node had died'],
    'idempotency key used for another request': agentMarks['idempotency key used for another request'],
  },
  offers: ['process', 'network', 'schedule', 'database', 'cluster'],
  faultFactor: 2,
  knobs: { idleMicros: { min: 20_000, max: 3_000_000, normal: 300_000 } },
  watched: 'agents:g1',
  program: (platform, { parts }) => agentProgram(platform, parts),
  worker: (desk) => new Repeater(desk),
  draw(random, chaosMicros) {
    const moments = drawMoments(random.fork('moments'), random.fork('sizes').between(10, 24), chaosMicros);
    const begun = new Map<string, string[]>();
    const operations = drawOperations(random, 3, moments, (own, slot): KeyedOperation => {
      const agent = hot(own, AGENTS);
      const keys = begun.get(agent) ?? [];
      begun.set(agent, [...keys, slot.op]);
      if (own.chance(1, 6)) return { ...slot, kind: 'agent', action: 'look', agent, text: '' };
      if (keys.length > 0 && own.chance(1, 3)) return { ...slot, kind: 'borrow', agent, of: own.pick(keys) };
      return { ...slot, kind: 'repeat', agent, times: own.between(1, 4) };
    });
    return { nodes: 3, clients: 3, operations };
  },
  async setUp({ agents }) {
    for (const agent of AGENTS) await agents.settle(agent);
  },
  async verify({ agents }) {
    await agents.workOn(AGENTS[0]);
    await agents.talk();
    for (const agent of AGENTS) await agents.lookUntilSeen(agent);
  },
});
