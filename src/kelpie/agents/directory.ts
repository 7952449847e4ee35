/** Answers which agents there are. Any node can: the list is read from the database in one transaction. */
import type { Actor, ActorType } from '../actor.js';
import { KelpieError } from '../errors.js';
import type { Runtime } from '../runtime.js';
import { readListed } from './agent-index.js';
import { AGENT_LIST_MAX, agentRef, fieldsOf, numberField } from './agent-state.js';

export const AGENT_DIRECTORY = 'agent-directory';

/** `runtime` is undefined until the node is registered. */
export function directoryType(runtime: () => Runtime | undefined): ActorType {
  const directory: Actor<null> = {
    initialState: () => null,
    async invoke(_, operation, payload) {
      if (operation !== 'list')
        throw new KelpieError('invalid-argument', `the directory of agents has no operation ${operation}; it has list`);
      const fields = fieldsOf(payload, 'the payload of list');
      const after = fields['after'] ?? null;
      if (after !== null && typeof after !== 'string')
        throw new KelpieError('invalid-argument', 'after must be the id of an agent, or null');
      if (after !== null) agentRef(after);
      const limit = numberField(fields, 'limit', 1, AGENT_LIST_MAX);
      const found = runtime();
      if (found === undefined) throw new KelpieError('node-unavailable', 'this node is starting');
      const page = await readListed(found, after, limit);
      return { agents: page.entries.map(({ agent }) => agent), after: page.after };
    },
  };
  return { namespace: AGENT_DIRECTORY, create: () => directory };
}
