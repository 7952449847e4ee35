/**
 * A deposed owner may go on for a while; what it writes must not take effect. Commits and grants carry the version at which the
 * database committed them, so the true order is known although a node tells of a step later than it happened.
 */
import type { TraceEvent } from '../src/trace.js';
import { type Breach, breachAt, type Fold, type Invariant, told } from './invariant.js';

interface Step {
  readonly token: number;
  readonly version: number;
  readonly node: string;
}

class NoZombieWriteFold implements Fold {
  readonly #grants = new Map<string, Step[]>();
  /** The latest commit of each actor under each token. */
  readonly #commits = new Map<string, Map<number, Step>>();

  observe(event: TraceEvent): Breach | undefined {
    const body = told(event);
    // A version of -1 is an answer that was lost: the commit is known to be applied, not when.
    if ((body.type !== 'claim.commit' && body.type !== 'commit.done') || body.version < 0) return undefined;
    const { actor, token, version } = body;
    const step: Step = { token, version, node: event.node };
    if (body.type === 'claim.commit') {
      this.#grants.set(actor, [...(this.#grants.get(actor) ?? []), step]);
      const late = [...(this.#commits.get(actor)?.values() ?? [])].find((commit) => commit.token < token && commit.version > version);
      return late === undefined ? undefined : this.#zombie(event, actor, late, step);
    }
    const commits = this.#commits.get(actor) ?? new Map<number, Step>();
    this.#commits.set(actor, commits);
    if ((commits.get(token)?.version ?? -1) < version) commits.set(token, step);
    const newer = this.#grants.get(actor)?.find((grant) => grant.token > token && grant.version < version);
    return newer === undefined ? undefined : this.#zombie(event, actor, step, newer);
  }

  #zombie(event: TraceEvent, actor: string, commit: Step, grant: Step): Breach {
    return breachAt(
      event,
      `after ${grant.node} was granted ${actor} (token ${grant.token}, version ${grant.version}), nothing older is written`,
      `a commit of ${commit.node} under token ${commit.token} took effect at version ${commit.version}`,
      [commit.node, grant.node],
    );
  }
}

export const noZombieWrite: Invariant = {
  id: 'no-zombie-write',
  promise: 'A node that has lost an actor writes nothing more of it: no commit under an older token takes effect after a newer grant.',
  kind: 'always',
  spec: 'KelpieSingleActivation!NoZombieWrite',
  hears: ['claim.commit', 'commit.done'],
  start: () => new NoZombieWriteFold(),
};
