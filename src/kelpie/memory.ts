/** What an active actor keeps in memory: its state, and the text of the state as it was last committed. */
import type { Bytes } from '../ports.js';
import { KelpieError } from './errors.js';
import { checkTextBytes, fromUtf8, toJsonText, utf8 } from './json.js';
import { STATE_BYTES_MAX } from './limits.js';
import { EMPTY_HEAD, type Head, headRecord } from './records.js';
import type { HeldClaim } from './registry.js';
import type { Runtime } from './runtime.js';
import { parseStored, readSealed, type Sealed, seal } from './sealed.js';
import { inTransaction } from './store.js';

export class ActorMemory {
  /** What the actor's code sees and changes. */
  state: unknown;
  /** JSON of the committed state; undefined when none is stored. */
  committed: string | undefined;
  readonly initial: () => unknown;

  constructor(committed: string | undefined, initial: () => unknown) {
    this.initial = initial;
    this.committed = committed;
    this.state = committed === undefined ? initial() : JSON.parse(committed);
  }

  /**
   * The state as it would be committed, as JSON; `unchanged` when that is what is committed, undefined when it is to be deleted.
   * Errors: `invalid-argument`, `too-large`.
   */
  changed(actor: string): { readonly text: string | undefined } | 'unchanged' {
    if (this.state === undefined) return this.committed === undefined ? 'unchanged' : { text: undefined };
    const text = toJsonText(this.state, `the state of ${actor}`);
    if (text === this.committed) return 'unchanged';
    // An actor that has no state stored is not changed by looking at its first one.
    if (this.committed === undefined && text === JSON.stringify(this.initial())) return 'unchanged';
    checkTextBytes(text, STATE_BYTES_MAX, `the state of ${actor}`);
    return { text };
  }

  /** Checksum of the state as it would be stored now, null for none; -1 for a state that cannot be stored. */
  checksum(): number | null {
    try {
      const changed = this.changed('an actor');
      const text = changed === 'unchanged' ? this.committed : changed.text;
      return text === undefined ? null : sealState(text).checksum;
    } catch (error) {
      if (error instanceof KelpieError) return -1;
      throw error;
    }
  }
}

/** Puts the memory back to the snapshot, which is what was last committed. */
export type Rollback = (memory: ActorMemory) => void;

export const rollback: Rollback = (memory) => {
  memory.state = memory.committed === undefined ? memory.initial() : JSON.parse(memory.committed);
};

/** What activation reads. */
export interface LoadedActor {
  readonly head: Head;
  /** JSON of the state; undefined when none is stored. */
  readonly text: string | undefined;
  readonly checksum: number | null;
}

/** Reads an actor from the store. A read that fails fails the activation. Errors: `store-unavailable`, `corrupted`. */
export type LoadActor = (runtime: Runtime, held: HeldClaim) => Promise<LoadedActor>;

export const loadActor: LoadActor = async (runtime, held) => {
  const { keys, actor } = held;
  const { readValue } = runtime.parts;
  const name = `state of ${actor.key}`;
  const { value } = await inTransaction(runtime, `load of ${actor.key}`, async (transaction) => {
    const [head, state] = await Promise.all([
      readValue(transaction, keys.head),
      readSealed(transaction, readValue, keys.state, () => keys.stateChunks, name),
    ]);
    return { head, state };
  });
  const head = headRecord.decode(value.head, actor.key) ?? EMPTY_HEAD;
  if (value.state === undefined) return { head, text: undefined, checksum: null };
  parseStored(value.state.value, name);
  return { head, text: fromUtf8(value.state.value), checksum: value.state.checksum };
};

/** A state ready to be stored. */
export const sealState = (text: string): Sealed => seal(utf8(text));

/** The stored outcome of a request, as it is answered. Errors: `corrupted`. */
export const parseOutcome = (bytes: Bytes, request: string): unknown => parseStored(bytes, `outcome of request ${request}`);
