/** What agents remember is kept under keys that do not name the agent, so that all of them write the same blocks and passages. */
import { AGENTS } from '../../src/kelpie/agents/agent-state.js';
import { type CommitWrites, writeKv } from '../../src/kelpie/commit.js';
import { actorRef } from '../../src/kelpie/ids.js';
import { ActorKeys } from '../../src/kelpie/keys.js';
import type { MakeKv, WriteSet } from '../../src/kelpie/kv.js';
import { kelpieBug } from './bug.js';

const shared = new ActorKeys(actorRef(AGENTS, 'memory').key);
const isShared = (key: string): boolean => key.startsWith('memory/');

/** Sends what is below `memory/` to a space that all agents have in common. */
const forgettingTheAgent =
  (buffered: MakeKv): MakeKv =>
  (runtime, held, view, ended) => {
    const own = buffered(runtime, held, view, ended);
    if (held.actor.namespace !== AGENTS) return own;
    const memory = buffered(runtime, { ...held, keys: shared }, view, ended);
    const of = (key: string) => (isShared(key) ? memory : own);
    return {
      get: (key) => of(key).get(key),
      has: (key) => of(key).has(key),
      list: (prefix, options) => of(prefix).list(prefix, options),
      range: (begin, end, options) => of(begin).range(begin, end, options),
      set: (key, value) => of(key).set(key, value),
      delete: (key) => of(key).delete(key),
      clear: () => own.clear(),
      writes() {
        const mine = own.writes();
        const theirs = memory.writes();
        return { cleared: mine.cleared, entries: new Map([...mine.entries, ...theirs.entries]), bytes: mine.bytes + theirs.bytes };
      },
    };
  };

const writingBoth =
  (commit: CommitWrites): CommitWrites =>
  (runtime, transaction, plan) => {
    const { held, writes } = plan;
    if (held.actor.namespace !== AGENTS) return commit(runtime, transaction, plan);
    const below = (wanted: boolean): WriteSet => ({
      cleared: !wanted && writes.cleared,
      entries: new Map([...writes.entries].filter(([key]) => isShared(key) === wanted)),
      bytes: writes.bytes,
    });
    writeKv(transaction, { ...held, keys: shared }, below(true), true);
    return commit(runtime, transaction, { ...plan, writes: below(false) });
  };

export const unscopedKeys = kelpieBug({
  id: 'unscoped-keys',
  summary: 'agents share the keys of their memory',
  parts: ({ kv, commit }) => ({ kv: forgettingTheAgent(kv), commit: writingBoth(commit) }),
});
