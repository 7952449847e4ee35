/** What a client was told is done was done exactly once. A client tells the idempotency key of what it asks, so the commits that did it are known. */
import type { TraceValue } from '../src/ports.js';
import { AGENT_EFFECT_TYPES, AgentEffects } from './bookkeeping/agent-effects.js';
import { breachAt, type Invariant, told } from './invariant.js';

/** The agent and the idempotency key that an operation names, if it does. */
function keyOf(args: TraceValue): { readonly actor: string; readonly key: string } | undefined {
  if (typeof args !== 'object' || args === null || !('agent' in args) || !('key' in args)) return undefined;
  const { agent, key } = args;
  return typeof agent === 'string' && typeof key === 'string' ? { actor: `agents:${agent}`, key } : undefined;
}

export const exactlyOnceExecution: Invariant = {
  id: 'exactly-once-execution',
  promise: 'A change of an agent that a client was told is done has been done exactly once: it was committed before, and not twice.',
  kind: 'always',
  spec: 'KelpieAgentService!ExactlyOnceExecution',
  hears: [...AGENT_EFFECT_TYPES, 'op.invoke', 'op.ok'],
  start() {
    const effects = new AgentEffects();
    /** The agent and the key of each operation under way that has one. */
    const asked = new Map<string, { readonly actor: string; readonly key: string }>();
    /** Keys that agents have looked for. */
    const looked = new Set<string>();
    return {
      observe(event) {
        effects.observe(event);
        const body = told(event);
        if (body.type === 'op.invoke') {
          const use = keyOf(body.args);
          if (use !== undefined) asked.set(body.op, use);
          return undefined;
        }
        const use = body.type === 'op.ok' ? asked.get(body.op) : undefined;
        if (body.type === 'agent.key') looked.add(`${body.actor} ${body.key}`);
        // Some operations name a key and need none.
        if (body.type !== 'op.ok' || use === undefined || !looked.has(`${use.actor} ${use.key}`)) return undefined;
        const commits = [...effects.all()].filter(([, { actor, key }]) => actor === use.actor && key === use.key).map(([commit]) => commit);
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
