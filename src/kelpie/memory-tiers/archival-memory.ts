/** Archival memory: passages that are only ever added, found again by their words. Each is a key of its own, numbered from 1. */
import type { Micros } from '../../ports.js';
import type { ActorKv } from '../actor.js';
import { KelpieError } from '../errors.js';
import { checkTextBytes } from '../json.js';
import { ARCHIVAL_PASSAGE_BYTES_MAX } from '../limits.js';
import type { MemoryLane } from './memory-parts.js';

const PREFIX = 'memory/archival/';
const END = 'memory/archival0';
const LAST = 'memory/archival-last';
const PAGE = 200;
const DIGITS = 12;

export type Passage = { readonly id: number; readonly text: string; readonly tags: readonly string[]; readonly atMicros: Micros };

export interface SearchOptions {
  /** Most passages to return, 10 when absent. */
  readonly limit?: number;
  /** Only passages that carry all of these. */
  readonly tags?: readonly string[];
}

export class ArchivalMemory {
  readonly #kv: ActorKv;
  readonly #lane: MemoryLane;
  readonly #now: () => Micros;

  constructor(kv: ActorKv, lane: MemoryLane, now: () => Micros) {
    this.#kv = kv;
    this.#lane = lane;
    this.#now = now;
  }

  /** Returns the number of the passage. Errors: `too-large`, `invalid-argument` for an empty text. */
  append(text: string, tags: readonly string[] = []): Promise<number> {
    return this.#lane.run(async () => {
      if (text.length === 0) throw new KelpieError('invalid-argument', 'a passage of archival memory must have a text');
      checkTextBytes(text, ARCHIVAL_PASSAGE_BYTES_MAX, 'a passage of archival memory');
      const id = (((await this.#kv.get(LAST)) ?? 0) as number) + 1;
      await this.#kv.set(PREFIX + String(id).padStart(DIGITS, '0'), { id, text, tags, atMicros: this.#now() } satisfies Passage);
      await this.#kv.set(LAST, id);
      return id;
    });
  }

  /** Undefined when there is none. */
  get(id: number): Promise<Passage | undefined> {
    return this.#lane.run(async () => (await this.#kv.get(PREFIX + String(id).padStart(DIGITS, '0'))) as Passage | undefined);
  }

  /** The newest passages that hold every word of the query, whatever their case; all passages for an empty query. */
  search(query: string, options: SearchOptions = {}): Promise<readonly Passage[]> {
    return this.#lane.run(async () => {
      const { limit = 10, tags = [] } = options;
      if (!Number.isInteger(limit) || limit < 1)
        throw new KelpieError('invalid-argument', `a search must ask for at least one passage, not ${limit}`);
      // Lower case by Unicode's own rules, not by those of a locale: the same on every machine.
      const words = query
        .toLowerCase()
        .split(/\s+/)
        .filter((word) => word.length > 0);
      const found: Passage[] = [];
      let end = END;
      for (;;) {
        const page = await this.#kv.range(PREFIX, end, { limit: PAGE, reverse: true });
        for (const { value } of page) {
          const passage = value as Passage;
          const text = passage.text.toLowerCase();
          if (words.every((word) => text.includes(word)) && tags.every((tag) => passage.tags.includes(tag))) found.push(passage);
          if (found.length === limit) return found;
        }
        const last = page.at(-1);
        if (page.length < PAGE || last === undefined) return found;
        end = last.key;
      }
    });
  }
}
