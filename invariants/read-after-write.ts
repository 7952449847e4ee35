/** A look at an agent shows what was committed last: the change before it, and not an older one. */
import { AGENT_EFFECT_TYPES, AgentEffects, stampOf } from './bookkeeping/agent-effects.js';
import { entryOf } from './bookkeeping/keyed.js';
import { breachAt, type Invariant, told } from './invariant.js';

interface Agent {
  /** What it may be: one thing, or more while a commit is in doubt. */
  possible: Set<string | null>;
  /** The newest activation; older ones answer nobody. */
  token: number;
}

const shown = (stamp: string | null): string => stamp ?? 'no agent';

export const readAfterWrite: Invariant = {
  id: 'read-after-write',
  promise: 'Whoever looks at an agent sees what was changed last, whichever node is asked and whatever crashed in between.',
  kind: 'always',
  spec: 'KelpieAgentService!ReadAfterWrite',
  hears: [...AGENT_EFFECT_TYPES, 'activate.load', 'agent.get'],
  start() {
    const effects = new AgentEffects();
    const agents = new Map<string, Agent>();
    const tokens = new Map<string, number>();
    return {
      observe(event) {
        const body = told(event);
        const { commit, effect } = effects.observe(event) ?? {};
        if (commit !== undefined && effect?.after !== undefined) {
          const agent = entryOf(agents, effect.actor, (): Agent => ({ possible: new Set([null]), token: 0 }));
          // An older activation is fenced off.
          if (commit.token < agent.token && commit.fate === 'open') return undefined;
          if (commit.fate === 'open') agent.possible.add(effect.after);
          else if (commit.fate === 'applied' && commit.token >= agent.token) agent.possible = new Set([effect.after]);
          return undefined;
        }
        if (body.type === 'activate.load') {
          const agent = entryOf(agents, body.actor, (): Agent => ({ possible: new Set([null]), token: 0 }));
          agent.token = Math.max(agent.token, body.token);
          tokens.set(`${event.node}/${event.life}/${body.actor}`, body.token);
          return undefined;
        }
        if (body.type !== 'agent.get') return undefined;
        const agent = agents.get(body.actor);
        if (agent === undefined || tokens.get(`${event.node}/${event.life}/${body.actor}`) !== agent.token) return undefined;
        const stamp = body.incarnation === null || body.version === null ? null : stampOf(body.incarnation, body.version);
        if (agent.possible.has(stamp)) {
          agent.possible = new Set([stamp]);
          return undefined;
        }
        return breachAt(
          event,
          `${body.actor} is what was committed last: ${[...agent.possible].map(shown).join(' or ')}`,
          `a look at it shows ${shown(stamp)}`,
        );
      },
    };
  },
};
