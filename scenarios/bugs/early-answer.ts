/** Commits of agents that are answered while they are still on their way to the database; three known bugs do that, each for one operation. */
import { agentKeys, AGENTS } from '../../src/kelpie/agents/agent-state.js';
import type { CommitPlan, CommitWrites } from '../../src/kelpie/commit.js';

/** What a commit does to an agent, as far as it can be told from what it writes; undefined for everything else. */
function agentChange({ held, state, writes, before }: CommitPlan): 'create' | 'update' | 'delete' | undefined {
  if (held.actor.namespace !== AGENTS) return undefined;
  if (state === null) return 'delete';
  // Only these two write the profile.
  if (!writes.entries.has(agentKeys.profile)) return undefined;
  return before.version === 0 ? 'create' : 'update';
}

/** Answers commits of this kind as done once they are under way. */
export const answeredEarly =
  (commit: CommitWrites, kind: ReturnType<typeof agentChange>): CommitWrites =>
  async (runtime, transaction, plan) => {
    const result = commit(runtime, transaction, plan);
    if (agentChange(plan) !== kind) return result;
    result.catch(() => {});
    return { kind: 'done', version: -1 };
  };
