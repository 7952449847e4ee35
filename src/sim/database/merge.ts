/**
 * Range reads over the store with a transaction's own writes laid on top. The merge says which stretch of the store it needs
 * next, takes what the store answers, and stops at its limits or its end; it never waits itself.
 */
import { databaseErrorCode } from '../../ports.js';
import { earlier, keyAfter, later } from './binary.js';
import { databaseError } from './codes.js';
import type { Item, Scan, ScanLimits } from './store.js';
import { type Overlay, resolvePending } from './write-buffer.js';

export interface Stretch {
  readonly begin: string;
  readonly end: string;
  /** What is worth asking for at once. */
  readonly limits: ScanLimits;
}

/** Most bytes that the store answers at once; what is longer takes more round trips. */
const ANSWER_BYTES_MAX = 80_000;

export class Merge {
  readonly items: Item[] = [];
  /** A limit was reached, so the range may hold more. */
  more = false;
  #begin: string;
  #end: string;
  #bytes = 0;
  readonly #overlay: Overlay | undefined;
  readonly #limits: ScanLimits;
  readonly #reverse: boolean;

  constructor(overlay: Overlay | undefined, begin: string, end: string, limits: ScanLimits, reverse: boolean) {
    this.#overlay = overlay;
    this.#begin = begin;
    this.#end = end;
    this.#limits = limits;
    this.#reverse = reverse;
  }

  /** What to ask the store for next; undefined when the read is done. */
  next(): Stretch | undefined {
    const overlay = this.#overlay;
    while (!this.more && this.#begin < this.#end) {
      if (overlay === undefined) return this.#stretch(0);
      // What the transaction cleared itself needs no asking.
      const known = this.#clearedAhead(overlay);
      if (known === undefined) {
        // Each own write hides at most one stored item, so this many are enough unless ranges were cleared.
        return this.#stretch(overlay.seek(this.#end) - overlay.seek(this.#begin));
      }
      this.#emit(known[0], known[1], []);
    }
    return undefined;
  }

  /** Takes the store's answer to what `next` asked for. */
  take(scan: Scan): void {
    const last = scan.items.at(-1)?.key;
    const partial = scan.more && last !== undefined;
    if (this.#reverse) this.#emit(partial ? last : this.#begin, this.#end, scan.items);
    else this.#emit(this.#begin, partial ? keyAfter(last) : this.#end, scan.items);
  }

  #stretch(hidden: number): Stretch {
    const { items, bytes } = this.#limits;
    return {
      begin: this.#begin,
      end: this.#end,
      limits: {
        items: items === 0 ? 0 : items - this.items.length + hidden,
        bytes: bytes === 0 ? ANSWER_BYTES_MAX : Math.min(ANSWER_BYTES_MAX, bytes - this.#bytes),
      },
    };
  }

  /** The cleared stretch that the read is about to enter, if it is. */
  #clearedAhead(overlay: Overlay): readonly [begin: string, end: string] | undefined {
    if (this.#reverse) {
      const range = overlay.cleared.lastWithin(this.#begin, this.#end);
      return range !== undefined && range[1] >= this.#end ? [later(range[0], this.#begin), this.#end] : undefined;
    }
    const range = overlay.cleared.firstWithin(this.#begin, this.#end);
    return range !== undefined && range[0] <= this.#begin ? [this.#begin, earlier(range[1], this.#end)] : undefined;
  }

  /** Brings what `[begin, end)` holds, which lies at the near end of what is left, and moves on behind it. */
  #emit(begin: string, end: string, stored: readonly Item[]): void {
    const overlay = this.#overlay;
    if (overlay === undefined) {
      for (const item of stored) {
        if (this.more) break;
        this.#push(item);
      }
    } else if (this.#reverse) this.#emitBackward(overlay, begin, end, stored);
    else this.#emitForward(overlay, begin, end, stored);
    if (this.#reverse) this.#end = begin;
    else this.#begin = end;
  }

  #emitForward(overlay: Overlay, begin: string, end: string, stored: readonly Item[]): void {
    let passed = begin;
    let next = 0;
    for (let i = overlay.seek(begin); !this.more; ) {
      const own = overlay.writes[i];
      const item = stored[next];
      const ownAhead = own !== undefined && own.key < end ? own.key : undefined;
      const key = ownAhead !== undefined && (item === undefined || ownAhead <= item.key) ? ownAhead : item?.key;
      if (key === undefined) break;
      this.#refuseUnreadable(overlay, passed, keyAfter(key));
      this.#pushMerged(overlay, key, key === ownAhead ? i : -1, item?.key === key ? item : undefined);
      if (key === ownAhead) i++;
      if (item?.key === key) next++;
      passed = keyAfter(key);
    }
    if (!this.more) this.#refuseUnreadable(overlay, passed, end);
  }

  #emitBackward(overlay: Overlay, begin: string, end: string, stored: readonly Item[]): void {
    let passed = end;
    let next = 0;
    for (let i = overlay.seek(end) - 1; !this.more; ) {
      const own = overlay.writes[i];
      const item = stored[next];
      const ownAhead = own !== undefined && own.key >= begin ? own.key : undefined;
      const key = ownAhead !== undefined && (item === undefined || ownAhead >= item.key) ? ownAhead : item?.key;
      if (key === undefined) break;
      this.#refuseUnreadable(overlay, key, passed);
      this.#pushMerged(overlay, key, key === ownAhead ? i : -1, item?.key === key ? item : undefined);
      if (key === ownAhead) i--;
      if (item?.key === key) next++;
      passed = key;
    }
    if (!this.more) this.#refuseUnreadable(overlay, begin, passed);
  }

  /** Pushes what own write number `at` (-1 for none) makes of the stored item. */
  #pushMerged(overlay: Overlay, key: string, at: number, item: Item | undefined): void {
    const own = overlay.writes[at];
    if (own === undefined) {
      if (item !== undefined && !overlay.cleared.has(key)) this.#push(item);
      return;
    }
    const value = own.kind === 'known' ? own.value : resolvePending(own, item?.value);
    if (value !== undefined) this.#push({ key, value });
  }

  #push(item: Item): void {
    this.items.push(item);
    this.#bytes += item.key.length + item.value.length;
    const { items, bytes } = this.#limits;
    this.more = (items > 0 && this.items.length >= items) || (bytes > 0 && this.#bytes >= bytes);
  }

  #refuseUnreadable(overlay: Overlay, begin: string, end: string): void {
    if (overlay.unreadable.size > 0 && overlay.unreadable.firstWithin(begin, end) !== undefined) {
      throw databaseError(databaseErrorCode.accessedUnreadable);
    }
  }
}
