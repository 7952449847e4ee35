/**
 * One file: what its readers see (the cache), what a power loss leaves (the platter), and the list of operations in between.
 * A sync brings operations to the platter whole; a crash brings each as far as its fate says.
 */
import { Content, PAGE_BYTES, type Page, pageBytes, SECTOR_BYTES } from './pages.js';

/** Bytes of unsynced sectors a file may have; beyond it the cache writes back by itself, as an operating system does. */
const DIRTY_BYTES_MAX = 16 * 1024 * 1024;

/** A change that the platter may not have yet. */
export type DataOperation = DataWrite | DataTruncate;

export interface DataWrite {
  readonly kind: 'write';
  readonly sequence: number;
  /** The first sector it touches. */
  readonly sector: number;
  /** What the cache held in all touched sectors right after it: a platter writes sectors whole, as the cache has them. */
  readonly image: Uint8Array;
  /** Where it ends. */
  readonly end: number;
  /** Length of the file before and after it. */
  readonly lengthBefore: number;
  readonly lengthAfter: number;
  /** Where its bytes reach the platter: in place, nowhere (a phantom), or elsewhere (misdirected). */
  readonly lands: 'in-place' | 'nowhere' | readonly Stray[];
}

export interface DataTruncate {
  readonly kind: 'truncate';
  readonly sequence: number;
  readonly length: number;
}

/** Bytes that land where they do not belong. */
export interface Stray {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** What a crash leaves of one operation. */
export interface Fate {
  /** Of a write: which of its sectors reached the platter. */
  readonly sectors: readonly boolean[];
  /** The length that reached the platter with it; undefined: none. A truncation without a length is lost. */
  readonly length: number | undefined;
}

/** How a write goes wrong on its way to the platter. */
export type WriteDamage = { readonly kind: 'phantom' } | { readonly kind: 'misdirect'; readonly pages: number };

export class SimulatedFile {
  readonly kind = 'file';
  /** Names in the cached tree. */
  links = 0;
  /** Handles. A file without names lives on while it is open. */
  opens = 0;

  #cached: Content;
  #platter: Content;
  /** Each page as it was before the latest change of it on the platter; undefined where it did not exist. */
  readonly #before: Map<number, Page | undefined>;
  #pending: DataOperation[] = [];
  #pendingBytes = 0;
  #sequence = 0;

  constructor() {
    this.#cached = new Content();
    this.#platter = new Content();
    this.#before = new Map();
  }

  get length(): number {
    return this.#cached.length;
  }

  /** Space taken, as `du` counts it: holes take none. */
  get bytesUsed(): number {
    return this.#cached.pages.size * PAGE_BYTES;
  }

  /** Number of the latest operation: a sync that begins now covers up to it. */
  get sequence(): number {
    return this.#sequence;
  }

  get pending(): readonly DataOperation[] {
    return this.#pending;
  }

  missingPages(offset: number, length: number): number {
    return this.#cached.missingPages(offset, length);
  }

  read(offset: number, length: number): Uint8Array {
    return this.#cached.read(offset, length);
  }

  /** As `read`, with pages that the cache has dropped read again as the platter held them before their latest change. */
  readStale(offset: number, length: number): Uint8Array {
    const dirty = this.#dirtyPages();
    return this.#readThrough(offset, length, (page) =>
      dirty.has(page) || !this.#before.has(page) ? this.#cached.pages.get(page) : this.#before.get(page),
    );
  }

  /** As `read`, with pages that the cache has dropped read again from `pages` further on, around the end of the file. */
  readMisdirected(offset: number, length: number, pages: number): Uint8Array {
    const dirty = this.#dirtyPages();
    return this.#readThrough(offset, length, (page) =>
      this.#cached.pages.get(dirty.has(page) ? page : wrap(page + pages, this.#cached.length)),
    );
  }

  write(offset: number, bytes: Uint8Array, damage?: WriteDamage): void {
    if (bytes.length === 0) return;
    const cached = this.#cached;
    const lengthBefore = cached.length;
    const end = offset + bytes.length;
    cached.put(offset, bytes);
    cached.length = Math.max(lengthBefore, end);
    const sector = Math.floor(offset / SECTOR_BYTES);
    const image = cached.slice(sector * SECTOR_BYTES, Math.ceil(end / SECTOR_BYTES) * SECTOR_BYTES);
    const lands =
      damage === undefined ? 'in-place' : damage.kind === 'phantom' ? 'nowhere' : strays(offset, bytes, damage.pages, cached.length);
    this.#add(
      { kind: 'write', sequence: ++this.#sequence, sector, image, end, lengthBefore, lengthAfter: cached.length, lands },
      image.length,
    );
  }

  truncate(length: number): void {
    this.#cached.cut(length);
    this.#add({ kind: 'truncate', sequence: ++this.#sequence, length }, 0);
  }

  /** Makes durable what was done up to this operation. */
  sync(upTo: number): void {
    const later = this.#pending.findIndex(({ sequence }) => sequence > upTo);
    this.#settle(later === -1 ? this.#pending.splice(0) : this.#pending.splice(0, later));
    this.#count();
  }

  /** Takes everything done so far for clean, although the platter never got it. */
  forget(): void {
    this.#pending = [];
    this.#count();
  }

  /** A power loss: the platter gets what the fates say, one for each pending operation, and the cache starts again from it. */
  crash(fates: readonly Fate[]): void {
    this.#settle(this.#pending, fates);
    this.reload();
  }

  /** Drops the cache. */
  reload(): void {
    this.#pending = [];
    this.#count();
    this.#cached = this.#platter.share();
    this.links = 0;
    this.opens = 0;
  }

  /** Bytes of the platter that can rot, in whole pages. */
  get platterPages(): number[] {
    return [...this.#platter.pages.keys()].filter((page) => page * PAGE_BYTES < this.#platter.length);
  }

  /** Flips one bit of a page on the platter. Readers see it unless the cache is about to write the page again. */
  flip(page: number, bit: number): void {
    const length = Math.min(PAGE_BYTES, this.#platter.length - page * PAGE_BYTES);
    const at = (bit >> 3) % length;
    const bytes = pageBytes(this.#platter.pages.get(page)).slice();
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
    const rotten: Page = { bytes, frozen: true };
    this.#platter.pages.set(page, rotten);
    if (this.#cached.pages.has(page) && !this.#dirtyPages().has(page) && this.#cached.length >= this.#platter.length) {
      this.#cached.pages.set(page, rotten);
    }
  }

  #add(operation: DataOperation, bytes: number): void {
    this.#pending.push(operation);
    this.#pendingBytes += bytes;
    if (this.#pendingBytes > DIRTY_BYTES_MAX) this.sync(this.#sequence);
  }

  #count(): void {
    this.#pendingBytes = 0;
    for (const operation of this.#pending) if (operation.kind === 'write') this.#pendingBytes += operation.image.length;
  }

  /** Brings operations to the platter in order: whole, or as far as their fates say. */
  #settle(operations: readonly DataOperation[], fates?: readonly Fate[]): void {
    if (operations.length === 0) return;
    const platter = this.#platter;
    const old = new Map<number, Page | undefined>();
    const put = (offset: number, bytes: Uint8Array): void => {
      const end = Math.ceil((offset + bytes.length) / PAGE_BYTES);
      for (let page = Math.floor(offset / PAGE_BYTES); page < end; page++) if (!old.has(page)) old.set(page, platter.pages.get(page));
      platter.put(offset, bytes);
    };
    let length = platter.length;
    operations.forEach((operation, index) => {
      const fate = fates?.[index];
      if (operation.kind === 'truncate') {
        if (fate !== undefined && fate.length === undefined) return;
        const boundary = Math.floor(operation.length / PAGE_BYTES);
        if (!old.has(boundary)) old.set(boundary, platter.pages.get(boundary));
        platter.cut(operation.length);
        length = operation.length;
        return;
      }
      if (operation.lands === 'in-place') putSectors(operation, fate?.sectors, put);
      else if (operation.lands !== 'nowhere' && fate?.sectors.includes(true) !== false) {
        for (const { offset, bytes } of operation.lands) put(offset, bytes);
      }
      if (fate === undefined) length = operation.lengthAfter;
      else if (fate.length !== undefined) length = fate.length;
    });
    platter.cut(length);
    for (const [index, before] of old) {
      const page = platter.pages.get(index);
      if (page !== undefined) page.frozen = true;
      if (index * PAGE_BYTES >= length) this.#before.delete(index);
      else if (page !== before) this.#before.set(index, before);
    }
  }

  /** Pages that the cache must keep because the platter does not have them yet. */
  #dirtyPages(): ReadonlySet<number> {
    const dirty = new Set<number>();
    for (const operation of this.#pending) {
      if (operation.kind === 'truncate') {
        dirty.add(Math.floor(operation.length / PAGE_BYTES));
      } else {
        const begin = operation.sector * SECTOR_BYTES;
        const end = begin + operation.image.length;
        for (let page = Math.floor(begin / PAGE_BYTES); page * PAGE_BYTES < end; page++) dirty.add(page);
      }
    }
    return dirty;
  }

  #readThrough(offset: number, length: number, pageAt: (page: number) => Page | undefined): Uint8Array {
    const end = Math.min(this.#cached.length, offset + length);
    const result = new Uint8Array(Math.max(0, end - offset));
    for (let at = offset; at < end; ) {
      const page = Math.floor(at / PAGE_BYTES);
      const within = at - page * PAGE_BYTES;
      const count = Math.min(PAGE_BYTES - within, end - at);
      result.set(pageBytes(pageAt(page)).subarray(within, within + count), at - offset);
      at += count;
    }
    return result;
  }
}

/** The page `pages` away from another, around the end of a file of this length. */
function wrap(page: number, length: number): number {
  const count = Math.max(1, Math.ceil(length / PAGE_BYTES));
  return ((page % count) + count) % count;
}

/** Where the bytes of a misdirected write land, page by page; in place where the file is too short to miss. */
function strays(offset: number, bytes: Uint8Array, pages: number, length: number): 'in-place' | readonly Stray[] {
  if (wrap(pages, length) === 0) return 'in-place';
  const result: Stray[] = [];
  for (let at = offset; at < offset + bytes.length; ) {
    const page = Math.floor(at / PAGE_BYTES);
    const within = at - page * PAGE_BYTES;
    const count = Math.min(PAGE_BYTES - within, offset + bytes.length - at);
    result.push({ offset: wrap(page + pages, length) * PAGE_BYTES + within, bytes: bytes.subarray(at - offset, at - offset + count) });
    at += count;
  }
  return result;
}

/** Puts the kept sectors of a write, all of them without a choice. */
function putSectors(write: DataWrite, kept: readonly boolean[] | undefined, put: (offset: number, bytes: Uint8Array) => void): void {
  const base = write.sector * SECTOR_BYTES;
  if (kept === undefined) {
    put(base, write.image);
    return;
  }
  kept.forEach((keep, index) => {
    const begin = index * SECTOR_BYTES;
    if (keep) put(base + begin, write.image.subarray(begin, begin + SECTOR_BYTES));
  });
}
