/** Core memory: a few ordered blocks of text that an agent has before its eyes all the time. One key holds them all. */
import type { ActorKv } from '../actor.js';
import { KelpieError } from '../errors.js';
import { checkTextBytes, utf8 } from '../json.js';
import { CORE_BLOCK_BYTES_MAX, CORE_BLOCK_LABEL_BYTES_MAX, CORE_BYTES_MAX } from '../limits.js';
import type { MemoryLane } from './memory-parts.js';

export type CoreBlock = { readonly label: string; readonly text: string };

const KEY = 'memory/core';

export class CoreMemory {
  readonly #kv: ActorKv;
  readonly #lane: MemoryLane;

  constructor(kv: ActorKv, lane: MemoryLane) {
    this.#kv = kv;
    this.#lane = lane;
  }

  /** All blocks, in their order. */
  blocks(): Promise<readonly CoreBlock[]> {
    return this.#lane.run(() => this.#read());
  }

  /** Undefined when there is none. */
  get(label: string): Promise<string | undefined> {
    return this.#lane.run(async () => (await this.#read()).find((block) => block.label === label)?.text);
  }

  /** Replaces the text of a block, or adds a block at the end. Errors: `too-large`, `invalid-argument` for a label that is none. */
  set(label: string, text: string): Promise<void> {
    return this.#change(label, () => text);
  }

  /** Adds to the end of a block, which is created when there is none. Errors: `too-large`. */
  append(label: string, text: string): Promise<void> {
    return this.#change(label, (old) => `${old ?? ''}${text}`);
  }

  /** Replaces the first place where `from` stands. Errors: `not-found` for a missing block or text, `too-large`. */
  replace(label: string, from: string, to: string): Promise<void> {
    return this.#change(label, (old) => {
      const at = old?.indexOf(from) ?? -1;
      if (old === undefined || at < 0) throw new KelpieError('not-found', `core memory block '${label}' does not hold the text to replace`);
      return `${old.slice(0, at)}${to}${old.slice(at + from.length)}`;
    });
  }

  /** Moves a block to this place in the order, from 0. Errors: `not-found`, `invalid-argument`. */
  move(label: string, index: number): Promise<void> {
    return this.#lane.run(async () => {
      const blocks = await this.#read();
      const block = blocks.find((one) => one.label === label);
      if (block === undefined) throw missing(label);
      if (!Number.isInteger(index) || index < 0 || index >= blocks.length) {
        throw new KelpieError('invalid-argument', `place ${index} is outside of 0 to ${blocks.length - 1}`);
      }
      const others = blocks.filter((one) => one !== block);
      await this.#kv.set(KEY, [...others.slice(0, index), block, ...others.slice(index)]);
    });
  }

  /** Whether there was one. */
  delete(label: string): Promise<boolean> {
    return this.#lane.run(async () => {
      const blocks = await this.#read();
      const rest = blocks.filter((block) => block.label !== label);
      if (rest.length === blocks.length) return false;
      await this.#kv.set(KEY, rest);
      return true;
    });
  }

  #change(label: string, next: (old: string | undefined) => string): Promise<void> {
    return this.#lane.run(async () => {
      if (label.length === 0) throw new KelpieError('invalid-argument', 'a core memory block must have a label');
      checkTextBytes(label, CORE_BLOCK_LABEL_BYTES_MAX, 'the label of a core memory block');
      const blocks = await this.#read();
      const at = blocks.findIndex((block) => block.label === label);
      const text = next(blocks[at]?.text);
      checkTextBytes(text, CORE_BLOCK_BYTES_MAX, `core memory block '${label}'`);
      const changed = at < 0 ? [...blocks, { label, text }] : blocks.with(at, { label, text });
      const total = changed.reduce((sum, block) => sum + utf8(block.text).length, 0);
      if (total > CORE_BYTES_MAX) {
        throw new KelpieError(
          'too-large',
          `core memory would have ${total} bytes with block '${label}', at most ${CORE_BYTES_MAX} are allowed`,
        );
      }
      await this.#kv.set(KEY, changed);
    });
  }

  async #read(): Promise<readonly CoreBlock[]> {
    return ((await this.#kv.get(KEY)) ?? []) as readonly CoreBlock[];
  }
}

const missing = (label: string): KelpieError => new KelpieError('not-found', `there is no core memory block '${label}'`);
