/** What a client was told is done was done exactly once. The name of an operation is its idempotency key, so its commits are known. */
import { AGENT_EFFECT_TYPES, AgentEffects } from './bookkeeping/agent-effects.js';
import { breachAt, type Invariant, told } from './invariant.js';

export const exactlyOnceExecution: Invariant = {
  id: 'exactly-once-execution',
  promise: 'A change of an agent that a client was told is done has been done exactly once: it was committed before, and not twice.',
  kind: 'always',
  spec: 'KelpieAgentService!ExactlyOnceExecution',
  hears: [...AGENT_EFFECT_TYPES, 'op.ok'],
  start() {
    const effects = new AgentEffects();
    const asked = new Set<string>();
    return {
      observe(event) {
        effects.observe(event);
        const body = told(event);
        if (body.type === 'agent.key') asked.add(body.key);
        if (body.type !== 'op.ok' || !asked.has(body.op)) return undefined;
        const commits = [...effects.all()].filter(([, { key }]) => key === body.op).map(([commit]) => commit);
        const applied = commits.filter(({ fate }) => fate === 'applied');
        const open = commits.some(({ fate }) => fate === 'open');
        if (applied.length === 1 || (applied.length === 0 && open)) return undefined;
        const seen =
          applied.length === 0 ? 'no commit under its key has taken effect' : `${applied.map(({ commit }) => commit).join(' and ')} have`;
        return breachAt(event, `${body.op}, which is answered with success, was committed once`, seen);
      },
    };
  },
};
