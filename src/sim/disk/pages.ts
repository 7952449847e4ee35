/**
 * The content of a file: a length and sparse pages. The page cache and the platter each have one, and share frozen pages, so that
 * a copy of a whole file costs a copy of its page table.
 */

/** What the cache and damage work in. */
export const PAGE_BYTES = 4096;
/** What the platter writes whole or not at all. */
export const SECTOR_BYTES = 512;

/** A frozen page may be shared and is copied before it changes. */
export interface Page {
  readonly bytes: Uint8Array;
  frozen: boolean;
}

const ZEROES = new Uint8Array(PAGE_BYTES);

export class Content {
  /** In bytes. Everything beyond it is zero, so that growing needs no clearing. */
  length = 0;
  readonly pages: Map<number, Page>;
  /** No byte at or above this place was ever put since the last cut. */
  #extent = 0;

  constructor(pages: Map<number, Page> = new Map(), length = 0) {
    this.pages = pages;
    this.length = length;
    this.#extent = length;
  }

  /** Up to `length` bytes from `offset`, fewer at the end of the file. */
  read(offset: number, length: number): Uint8Array<ArrayBuffer> {
    const end = Math.min(this.length, offset + length);
    return end <= offset ? new Uint8Array(0) : this.slice(offset, end);
  }

  /** The bytes of `[begin, end)`, zeroes beyond the end of the file. */
  slice(begin: number, end: number): Uint8Array<ArrayBuffer> {
    const result = new Uint8Array(end - begin);
    for (let at = begin; at < end; ) {
      const index = Math.floor(at / PAGE_BYTES);
      const within = at - index * PAGE_BYTES;
      const count = Math.min(PAGE_BYTES - within, end - at);
      const page = this.pages.get(index);
      if (page !== undefined) result.set(page.bytes.subarray(within, within + count), at - begin);
      at += count;
    }
    return result;
  }

  /** Puts bytes at a place without moving the end of the file. Follow with `grow` or `cut`. */
  put(offset: number, bytes: Uint8Array): void {
    const end = offset + bytes.length;
    for (let at = offset; at < end; ) {
      const index = Math.floor(at / PAGE_BYTES);
      const within = at - index * PAGE_BYTES;
      const count = Math.min(PAGE_BYTES - within, end - at);
      this.#writable(index).set(bytes.subarray(at - offset, at - offset + count), within);
      at += count;
    }
    if (end > this.#extent) this.#extent = end;
  }

  /** Sets the length and clears everything beyond it. */
  cut(length: number): void {
    this.length = length;
    if (this.#extent <= length) {
      this.#extent = length;
      return;
    }
    const last = Math.floor(length / PAGE_BYTES);
    const within = length - last * PAGE_BYTES;
    if (within > 0 && this.pages.has(last)) this.#writable(last).fill(0, within);
    const firstBeyond = within > 0 ? last + 1 : last;
    const pagesBeyond = Math.ceil(this.#extent / PAGE_BYTES) - firstBeyond;
    if (pagesBeyond <= this.pages.size) {
      for (let i = 0; i < pagesBeyond; i++) this.pages.delete(firstBeyond + i);
    } else {
      for (const index of this.pages.keys()) if (index >= firstBeyond) this.pages.delete(index);
    }
    this.#extent = length;
  }

  /** The same content in other hands: pages are shared until one side changes them. */
  share(): Content {
    for (const page of this.pages.values()) page.frozen = true;
    return new Content(new Map(this.pages), this.length);
  }

  /** Pages that a write to this range would have to allocate. */
  missingPages(offset: number, length: number): number {
    let missing = 0;
    const end = Math.ceil((offset + length) / PAGE_BYTES);
    for (let index = Math.floor(offset / PAGE_BYTES); index < end; index++) if (!this.pages.has(index)) missing++;
    return missing;
  }

  #writable(index: number): Uint8Array {
    let page = this.pages.get(index);
    if (page === undefined) {
      page = { bytes: new Uint8Array(PAGE_BYTES), frozen: false };
      this.pages.set(index, page);
    } else if (page.frozen) {
      page = { bytes: page.bytes.slice(), frozen: false };
      this.pages.set(index, page);
    }
    return page.bytes;
  }
}

/** The bytes of a page that may be absent. */
export const pageBytes = (page: Page | undefined): Uint8Array => page?.bytes ?? ZEROES;
