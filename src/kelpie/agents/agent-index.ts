/**
 * Which agents there are, which have messages to answer, and which are gone but for their idempotency keys: keys beside those of the actors, written in the transaction that commits
 * an agent's state. So whoever reads them in one transaction sees exactly the agents that exist at its read version, whichever node
 * holds them, and nothing can come between an agent and its place in the list.
 *
 *     kelpie/agents/listed/{agent}      nothing
 *     kelpie/agents/pending/{agent}     what it works at: changes with every step
 *     kelpie/agents/retired/{agent}     nothing: it was deleted, and its idempotency keys are to be dropped when their time is over
 */
import type { Bytes, Transaction } from '../../ports.js';
import type { ActorRef } from '../ids.js';
import { fromUtf8, utf8 } from '../json.js';
import { ActorKeys, type KeySpan, nextKey, span } from '../keys.js';
import type { Runtime } from '../runtime.js';
import { inlineValue, parseStored, readSealed, type Sealed } from '../sealed.js';
import { inTransaction, readRange } from '../store.js';
import { AGENTS, agentKeys, agentRef, type AgentState } from './agent-state.js';

const LISTED = 'kelpie/agents/listed/';
const PENDING = 'kelpie/agents/pending/';
const RETIRED = 'kelpie/agents/retired/';
const NOTHING: Bytes = new Uint8Array(0);

/** Adds to the transaction that commits an actor's state what is to be found of it from outside. `state` is null when it is deleted. */
export type IndexState = (transaction: Transaction, actor: ActorRef, state: Sealed | null) => void;

export const indexAgents: IndexState = (transaction, actor, sealed) => {
  if (actor.namespace !== AGENTS) return;
  const listed = utf8(LISTED + actor.id);
  const pending = utf8(PENDING + actor.id);
  const stored = sealed === null ? undefined : inlineValue(sealed);
  const state = stored === undefined ? null : (parseStored(stored, `state of ${actor.key}`) as AgentState | null);
  if (state === null) {
    transaction.clear(listed);
    transaction.clear(pending);
    transaction.set(utf8(RETIRED + actor.id), NOTHING);
    return;
  }
  transaction.set(listed, NOTHING);
  transaction.clear(utf8(RETIRED + actor.id));
  const first = state.queue[0];
  if (first === undefined) transaction.clear(pending);
  else transaction.set(pending, utf8(markOf(state, first)));
};

/** Names the step that an agent is at, so that an observer sees whether it goes on. */
function markOf({ incarnation, work }: AgentState, first: number): string {
  if (work === null) return `${incarnation}/${first}/0`;
  const driver = work.driver === null ? '' : `${work.driver.node}/${work.driver.life}`;
  return `${incarnation}/${work.message}/${work.step}/${driver}`;
}

export interface IndexPage {
  readonly entries: readonly { readonly agent: string; readonly mark: string }[];
  /** The last agent of this page, when there may be more after it. */
  readonly after: string | null;
}

/** The agents after this one, in the order of their ids. Errors: `store-unavailable`. */
export const readListed = (runtime: Runtime, after: string | null, limit: number): Promise<IndexPage> =>
  readIndex(runtime, LISTED, after, limit);

/** Those with messages to answer. Errors: `store-unavailable`. */
export const readPending = (runtime: Runtime, after: string | null, limit: number): Promise<IndexPage> =>
  readIndex(runtime, PENDING, after, limit);

/** Those that were deleted; the mark is the incarnation that was, empty when its keys are dropped already. Errors: `store-unavailable`, `corrupted`. */
export async function readRetired(runtime: Runtime, after: string | null, limit: number): Promise<IndexPage> {
  const page = await readIndex(runtime, RETIRED, after, limit);
  const { value: entries } = await inTransaction(runtime, 'read of deleted agents', (transaction) =>
    Promise.all(page.entries.map(async ({ agent }) => ({ agent, mark: (await readTombstone(runtime, transaction, agent)) ?? '' }))),
  );
  return { ...page, entries };
}

/** Takes an agent off the deleted ones, unless it was deleted anew. Errors: `store-unavailable` (it may have happened), `corrupted`. */
export async function clearRetired(runtime: Runtime, agent: string): Promise<void> {
  await inTransaction(runtime, `end of deleted agent ${agent}`, async (transaction) => {
    if ((await readTombstone(runtime, transaction, agent)) === undefined) transaction.clear(utf8(RETIRED + agent));
  });
}

async function readTombstone({ parts }: Runtime, transaction: Transaction, agent: string): Promise<string | undefined> {
  const { key } = agentRef(agent);
  const keys = new ActorKeys(key);
  const name = `key ${agentKeys.tombstone} of ${key}`;
  const chunks = (): Bytes => keys.kvChunksOf(agentKeys.tombstone);
  const found = await readSealed(transaction, parts.readValue, keys.kvKey(agentKeys.tombstone), chunks, name);
  return found === undefined ? undefined : (parseStored(found.value, name) as string);
}

async function readIndex(runtime: Runtime, prefix: string, after: string | null, limit: number): Promise<IndexPage> {
  const all: KeySpan = span(utf8(prefix));
  const begin = after === null ? all.begin : nextKey(utf8(prefix + after));
  const { value: items } = await inTransaction(runtime, `read of ${prefix}`, (transaction) =>
    readRange(transaction, begin, all.end, limit),
  );
  const entries = items.map(({ key, value }) => ({ agent: fromUtf8(key).slice(prefix.length), mark: fromUtf8(value) }));
  return { entries, after: entries.length < limit ? null : (entries.at(-1)?.agent ?? null) };
}
