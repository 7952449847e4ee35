/**
 * What the database holds of an actor is what its commits made of it: state and keys as they were written last, nothing of what was deleted
 * or replaced, and of the outcomes of requests those that are still kept. Nobody reads what is left over, so an auditor does.
 */
import type { AuditEvent } from '../src/story.js';
import type { TraceEvent } from '../src/trace.js';
import { CONTENT_TYPES, type Content, StoreContents } from './bookkeeping/store-contents.js';
import { type Breach, breachAt, type Fold, type Invariant, told } from './invariant.js';

type Audit = Extract<AuditEvent, { type: 'audit.actor' }>;

/** Commits of an actor, by the numbers they give it. */
interface Commits {
  /** The newest that was begun. */
  begun: number;
  /** The newest that was told done, and the version at which it took effect. */
  done: { readonly number: number; readonly version: number } | undefined;
}

class StoreHoldsCommitsFold implements Fold {
  readonly #contents = new StoreContents();
  readonly #commits = new Map<string, Commits>();
  readonly #audited = new Set<string>();
  #complete = false;

  observe(event: TraceEvent): Breach | undefined {
    this.#contents.observe(event);
    const body = told(event);
    switch (body.type) {
      case 'commit.start': {
        const commits = this.#of(body.actor);
        commits.begun = Math.max(commits.begun, body.stateVersion);
        return undefined;
      }
      case 'commit.done': {
        const commits = this.#of(body.actor);
        if (body.version >= 0 && body.stateVersion > (commits.done?.number ?? 0)) {
          commits.done = { number: body.stateVersion, version: body.version };
        }
        return undefined;
      }
      case 'audit.actor':
        this.#audited.add(body.actor);
        return this.#judged(event, body);
      case 'audit.end':
        this.#complete = body.complete;
        return body.complete ? this.#lost(event) : undefined;
      default:
        return undefined;
    }
  }

  #of(actor: string): Commits {
    const commits = this.#commits.get(actor) ?? { begun: 0, done: undefined };
    this.#commits.set(actor, commits);
    return commits;
  }

  #judged(event: TraceEvent, audit: Audit): Breach | undefined {
    const { actor, readVersion, stateVersion, strayChunks, damaged, epoch, outcomeEpochs } = audit;
    const { begun, done } = this.#of(actor);
    if (damaged.length > 0) return breachAt(event, `everything of ${actor} can be read`, `damaged: ${damaged.slice(0, 5).join(', ')}`);
    if (strayChunks > 0) return breachAt(event, `every chunk of ${actor} belongs to a value`, `${strayChunks} belong to none`);
    const stale = outcomeEpochs.find((kept) => kept < epoch - 1 || kept > epoch);
    if (stale !== undefined) {
      return breachAt(event, `outcomes of ${actor} are kept for epoch ${epoch} and the one before`, `there are some of epoch ${stale}`);
    }
    if (done !== undefined && done.version <= readVersion && stateVersion < done.number) {
      const expected = `${actor} has had the ${done.number} commits that it was told to have at version ${done.version}`;
      return breachAt(event, expected, `it has had ${stateVersion} at version ${readVersion}`);
    }
    // One that was begun later may have passed the auditor by.
    if (begun > stateVersion) return undefined;
    const contents = this.#contents.settled(actor);
    if (contents === undefined || contents.some((content) => differenceOf(content, audit) === undefined)) return undefined;
    const [newest] = contents.slice(-1);
    const [expected, seen] = (newest === undefined ? undefined : differenceOf(newest, audit)) ?? ['', ''];
    return breachAt(event, `the database holds of ${actor} what it has committed: ${expected}`, `after ${stateVersion} commits ${seen}`);
  }

  /** An actor that has committed has a record of that for good. */
  #lost(event: TraceEvent): Breach | undefined {
    for (const [actor, { done }] of this.#commits) {
      if (done === undefined || this.#audited.has(actor)) continue;
      return breachAt(event, `the database holds ${actor}, which has had ${done.number} commits`, 'it holds nothing of it');
    }
    return undefined;
  }

  finish(): 'unknown' | undefined {
    return this.#complete && !this.#contents.incomplete ? undefined : 'unknown';
  }
}

/** In what the database differs: what should be there, and what is. */
function differenceOf({ state, keys }: Content, audit: Audit): readonly [expected: string, seen: string] | undefined {
  const shown = (checksum: number | null): string => (checksum === null ? 'none' : `one with checksum ${checksum}`);
  if (state !== audit.state) return [`as its state ${shown(state)}`, `it holds ${shown(audit.state)}`];
  const stored = new Map(audit.values.map(({ key, value }) => [key, value]));
  for (const [key, value] of keys) {
    if ((stored.get(key) ?? null) !== value) return [`under key ${key} ${shown(value)}`, `it holds ${shown(stored.get(key) ?? null)}`];
  }
  for (const [key, value] of stored) if (!keys.has(key)) return [`nothing under key ${key}`, `it holds ${shown(value)}`];
  return undefined;
}

export const storeHoldsCommits: Invariant = {
  id: 'store-holds-commits',
  promise:
    'The database holds of each actor what it has committed and nothing else: nothing that was deleted, replaced or is kept no longer.',
  kind: 'always',
  hears: [...CONTENT_TYPES, 'audit.actor', 'audit.end'],
  start: () => new StoreHoldsCommitsFold(),
};
