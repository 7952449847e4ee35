/**
 * A state that could not be committed is kept aside, and deactivation saves it after all: outside of a transaction with its keys, without
 * a fence, and although its caller was told that it had failed.
 */
import type { SaveOnDeactivate } from '../../src/kelpie/activation.js';
import { type ActorMemory, type Rollback, sealState } from '../../src/kelpie/memory.js';
import { writeSealed } from '../../src/kelpie/sealed.js';
import { inTransaction } from '../../src/kelpie/store.js';
import { kelpieBug } from './bug.js';

const unsaved = new WeakMap<ActorMemory, string>();

const keepingAside =
  (rollback: Rollback): Rollback =>
  (memory) => {
    const text = JSON.stringify(memory.state) as string | undefined;
    if (text !== undefined && text !== memory.committed) unsaved.set(memory, text);
    rollback(memory);
  };

const savingAnyway =
  (deactivate: SaveOnDeactivate): SaveOnDeactivate =>
  async (access) => {
    const { runtime, held, memory } = access;
    const text = unsaved.get(memory);
    try {
      if (text !== undefined) {
        await inTransaction(runtime, `last save of ${held.actor.key}`, async (transaction) =>
          writeSealed(transaction, held.keys.state, () => held.keys.stateChunks, sealState(text), true),
        );
      }
    } catch {
      // Its caller was told that it had failed.
    }
    return deactivate(access);
  };

export const deactivateHeals = kelpieBug({
  id: 'deactivate-heals',
  summary: 'deactivation writes the state outside of a transaction and covers up a failed invocation',
  spec: { module: 'KelpieActorState', config: 'DeactivateHeals' },
  parts: ({ rollback, deactivate }) => ({ rollback: keepingAside(rollback), deactivate: savingAnyway(deactivate) }),
});
