/** A key that an operation of an agent has used is known from then on: no repetition takes effect again, whatever crashed in between. */
import { AGENT_EFFECT_TYPES, AgentEffects } from './bookkeeping/agent-effects.js';
import { entryOf } from './bookkeeping/keyed.js';
import { breachAt, type Invariant, told } from './invariant.js';

export const idempotencyGuarantee: Invariant = {
  id: 'idempotency-guarantee',
  promise: 'However often a request to an agent is sent under its idempotency key, it takes effect once at most, and is told the same.',
  kind: 'always',
  spec: 'KelpieAgentService!IdempotencyGuarantee',
  hears: [...AGENT_EFFECT_TYPES, 'activate.load'],
  start() {
    const effects = new AgentEffects();
    /** The commit by which each key of each agent has taken effect, and those that may have. */
    const used = new Map<string, { applied: string | undefined; readonly tried: Set<string> }>();
    const keyed = (actor: string, key: string) =>
      entryOf(used, `${actor} ${key}`, () => ({ applied: undefined as string | undefined, tried: new Set<string>() }));
    const newest = new Map<string, number>();
    const tokens = new Map<string, number>();
    return {
      observe(event) {
        const body = told(event);
        if (body.type === 'activate.load') {
          tokens.set(`${event.node}/${event.life}/${body.actor}`, body.token);
          newest.set(body.actor, Math.max(body.token, newest.get(body.actor) ?? 0));
          return undefined;
        }
        const { commit, effect } = effects.observe(event) ?? {};
        if (commit !== undefined && effect?.key !== undefined) {
          const use = keyed(effect.actor, effect.key);
          use.tried.add(commit.commit);
          if (commit.fate !== 'applied') return undefined;
          const other = (use.applied ??= commit.commit);
          if (other === commit.commit) return undefined;
          return breachAt(
            event,
            `key ${effect.key} of ${effect.actor} has taken effect once, by commit ${other}`,
            `commit ${commit.commit} has its effect too`,
          );
        }
        if (body.type !== 'agent.key') return undefined;
        const use = keyed(body.actor, body.key);
        // What a deposed activation reads concerns nobody.
        if (tokens.get(`${event.node}/${event.life}/${body.actor}`) !== newest.get(body.actor)) return undefined;
        if (body.how === 'miss' && use.applied !== undefined) {
          return breachAt(
            event,
            `key ${body.key} of ${body.actor}, which was used by commit ${use.applied}, is found`,
            `${body.operation} does not find it`,
          );
        }
        if (body.how !== 'miss' && use.tried.size === 0) {
          return breachAt(
            event,
            `key ${body.key} of ${body.actor}, which nothing was committed under, is new`,
            `${body.operation} finds it (${body.how})`,
          );
        }
        return undefined;
      },
    };
  },
};
