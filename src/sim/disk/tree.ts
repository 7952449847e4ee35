/**
 * Names: the tree of directories as programs see it, the tree as the platter has it, and the journal of name operations in
 * between. Names and data become durable apart: a file's by `sync` of the file, a name's by `syncDirectory` of its directory.
 */
import { type DiskErrorCode, type OpenMode, PortError } from '../../ports.js';
import type { CrashDraw } from './crash.js';
import { SimulatedFile } from './file.js';
import { PAGE_BYTES } from './pages.js';

/** Longest name in a directory, as most file systems have it. */
const NAME_LENGTH_MAX = 255;
/** Name operations that may wait for a directory sync; beyond it the journal commits by itself. */
const JOURNAL_LENGTH_MAX = 10_000;

export type Inode = SimulatedFile | Directory;

export class Directory {
  readonly kind = 'directory';
  readonly entries = new Map<string, Inode>();
  /** As the platter has it. */
  readonly platter = new Map<string, Inode>();
  parent: Directory | undefined;
  /** The operation that gave it its name. */
  named: NameOperation | undefined;
}

interface NameChange {
  readonly directory: Directory;
  readonly name: string;
  /** What the name means from now on; undefined: nothing. */
  readonly inode: Inode | undefined;
}

/** One change of names, atomic also in a crash. */
export interface NameOperation {
  readonly sequence: number;
  readonly changes: readonly NameChange[];
  readonly directories: readonly Directory[];
  /** Operations without which this one would lose a file. */
  readonly needs: readonly NameOperation[];
  /** It moves or removes a directory and waits for everything before it. */
  readonly barrier: boolean;
  /** Never reaches the platter, although a sync says so. */
  readonly phantom: boolean;
}

/** What a crash made of the changes that were not durable. */
export interface CrashCounts {
  readonly operations: number;
  readonly names: number;
  readonly namesKept: number;
}

export class Tree {
  #root = new Directory();
  #journal: NameOperation[] = [];
  /** Files that the platter may not have whole, also those without a name. */
  readonly #dirty = new Set<SimulatedFile>();
  #sequence = 0;
  #bytesUsed = 0;

  /** Space taken by files that have a name or are open. */
  get bytesUsed(): number {
    return this.#bytesUsed;
  }

  /** Number of the latest name operation: a directory sync that begins now covers up to it. */
  get sequence(): number {
    return this.#sequence;
  }

  open(path: string, mode: OpenMode, full: boolean): SimulatedFile {
    const { directory, name } = this.#place(path, 'EISDIR');
    const existing = directory.entries.get(name);
    if (existing !== undefined && mode === 'create') throw failure('EEXIST', `${path} exists`);
    if (existing?.kind === 'directory') throw failure('EISDIR', `${path} is a directory`);
    if (existing !== undefined) return existing;
    if (mode === 'read') throw failure('ENOENT', `no file ${path}`);
    if (full) throw failure('ENOSPC', `no space for ${path}`);
    const file = new SimulatedFile();
    this.#change([{ directory, name, inode: file }]);
    return file;
  }

  rename(from: string, to: string, phantom: boolean): void {
    const source = this.#place(from, 'EINVAL');
    const inode = source.directory.entries.get(source.name);
    if (inode === undefined) throw failure('ENOENT', `no file ${from}`);
    const target = this.#place(to, 'EINVAL');
    const replaced = target.directory.entries.get(target.name);
    if (replaced === inode) return;
    if (inode.kind === 'directory') {
      for (let above: Directory | undefined = target.directory; above !== undefined; above = above.parent) {
        if (above === inode) throw failure('EINVAL', `${to} is inside ${from}`);
      }
      if (replaced?.kind === 'file') throw failure('ENOTDIR', `${to} is a file and ${from} a directory`);
      if (replaced !== undefined && replaced.entries.size > 0) throw failure('ENOTEMPTY', `${to} is not empty`);
    } else if (replaced?.kind === 'directory') {
      throw failure('EISDIR', `${to} is a directory and ${from} a file`);
    }
    this.#change(
      [
        { ...source, inode: undefined },
        { ...target, inode },
      ],
      phantom,
      inode.kind === 'directory',
    );
  }

  remove(path: string): void {
    const { directory, name } = this.#place(path, 'EINVAL');
    const inode = directory.entries.get(name);
    if (inode === undefined) throw failure('ENOENT', `no file ${path}`);
    if (inode.kind === 'directory' && inode.entries.size > 0) throw failure('ENOTEMPTY', `${path} is not empty`);
    this.#change([{ directory, name, inode: undefined }], false, inode.kind === 'directory');
  }

  makeDirectory(path: string, full: boolean): void {
    let directory = this.#root;
    const names = namesOf(path);
    names.forEach((name, index) => {
      let next = directory.entries.get(name);
      if (next?.kind === 'file') throw failure(index === names.length - 1 ? 'EEXIST' : 'ENOTDIR', `${path} meets the file ${name}`);
      if (next === undefined) {
        if (full) throw failure('ENOSPC', `no space for ${path}`);
        next = new Directory();
        this.#change([{ directory, name, inode: next }]);
      }
      directory = next;
    });
  }

  list(path: string): string[] {
    // Sorting without a comparison goes by code unit.
    return [...this.#directory(path).entries.keys()].sort();
  }

  /** Makes durable what was done to the names in a directory up to this operation, and what it stands on. */
  syncDirectory(path: string, upTo: number): void {
    const directory = this.#directory(path);
    const touched = new Set([directory]);
    const needed = new Set<NameOperation>();
    let all = false;
    for (let i = this.#journal.length - 1; i >= 0; i--) {
      const operation = this.#journal[i] as NameOperation; // the loop bounds it
      if (operation.sequence > upTo) continue;
      if (!all && !needed.has(operation) && !operation.directories.some((each) => touched.has(each))) continue;
      needed.add(operation);
      for (const each of operation.directories) touched.add(each);
      for (const need of operation.needs) needed.add(need);
      if (operation.barrier) all = true;
    }
    this.#commit(needed);
  }

  /** Space for a write: how many of its bytes fit under a limit. */
  room(file: SimulatedFile, offset: number, length: number, bytesMax: number): number {
    let spare = Math.floor((bytesMax - this.#bytesUsed) / PAGE_BYTES);
    if (file.missingPages(offset, length) <= spare) return length;
    const end = offset + length;
    for (let at = offset; at < end; at = (Math.floor(at / PAGE_BYTES) + 1) * PAGE_BYTES) {
      if (file.missingPages(at, 1) === 1 && --spare < 0) return at - offset;
    }
    return length;
  }

  /** Does something to a file and keeps account of its space and of what is unsynced. */
  alter(file: SimulatedFile, change: () => void): void {
    const before = file.bytesUsed;
    change();
    if (file.links > 0 || file.opens > 0) this.#bytesUsed += file.bytesUsed - before;
    if (file.pending.length > 0) this.#dirty.add(file);
    else this.#dirty.delete(file);
  }

  opened(file: SimulatedFile): void {
    file.opens++;
  }

  closed(file: SimulatedFile): void {
    file.opens--;
    this.#release(file);
  }

  /** A power loss: what is not durable is decided, and the cache starts again from the platter. */
  crash(draw: CrashDraw): CrashCounts {
    const names = this.#journal.length;
    const kept = draw.names(this.#journal);
    let operations = 0;
    for (const file of this.#dirty) {
      operations += file.pending.length;
      file.crash(draw.fates(file.pending));
    }
    this.#commit(kept);
    this.#journal = [];
    this.#dirty.clear();
    this.#bytesUsed = 0;
    this.#reload(this.#root, undefined, new Set());
    return { operations, names, namesKept: kept.size };
  }

  /** Files on the platter by path, in the order of their directories. */
  platterFiles(): (readonly [string, SimulatedFile])[] {
    const files: (readonly [string, SimulatedFile])[] = [];
    const seen = new Set<Inode>();
    const walk = (directory: Directory, prefix: string): void => {
      for (const [name, inode] of directory.platter) {
        if (seen.has(inode)) continue;
        seen.add(inode);
        if (inode.kind === 'file') files.push([prefix + name, inode]);
        else walk(inode, `${prefix}${name}/`);
      }
    };
    walk(this.#root, '');
    return files;
  }

  /** Whether a file or directory more fits under a limit. */
  fits(bytesMax: number): boolean {
    return this.#bytesUsed + PAGE_BYTES <= bytesMax;
  }

  get empty(): boolean {
    return this.#root.entries.size === 0 && this.#root.platter.size === 0;
  }

  #directory(path: string): Directory {
    return this.#walk(namesOf(path), path);
  }

  #place(path: string, rootCode: DiskErrorCode): { readonly directory: Directory; readonly name: string } {
    const names = namesOf(path);
    const name = names.pop();
    if (name === undefined) throw failure(rootCode, 'the root is a directory and keeps its place');
    return { directory: this.#walk(names, path), name };
  }

  #walk(names: readonly string[], path: string): Directory {
    let directory = this.#root;
    for (const name of names) {
      const next = directory.entries.get(name);
      if (next === undefined) throw failure('ENOENT', `no directory ${name} on the way to ${path}`);
      if (next.kind === 'file') throw failure('ENOTDIR', `${name} in ${path} is a file`);
      directory = next;
    }
    return directory;
  }

  #change(changes: readonly NameChange[], phantom = false, barrier = false): void {
    const directories = [...new Set(changes.map(({ directory }) => directory))];
    const needs: NameOperation[] = [];
    if (directories.length > 1) {
      // A file that moves into a directory must not get lost with the directory's own name.
      for (let above = changes.at(-1)?.directory; above?.named !== undefined; above = above.parent) {
        if (this.#journal.includes(above.named)) needs.push(above.named);
      }
    }
    const operation: NameOperation = { sequence: ++this.#sequence, changes, directories, needs, barrier, phantom };
    for (const { directory, name, inode } of changes) {
      const replaced = directory.entries.get(name);
      if (inode === undefined) directory.entries.delete(name);
      else directory.entries.set(name, inode);
      if (inode?.kind === 'file') inode.links++;
      if (inode?.kind === 'directory') {
        inode.parent = directory;
        inode.named = operation;
      }
      if (replaced?.kind === 'file') {
        replaced.links--;
        // The name that a rename takes away comes back in its next change.
        if (!changes.some((other) => other.inode === replaced)) this.#release(replaced);
      }
    }
    this.#journal.push(operation);
    if (this.#journal.length > JOURNAL_LENGTH_MAX) this.#commit(new Set(this.#journal));
  }

  #commit(operations: ReadonlySet<NameOperation>): void {
    for (const operation of this.#journal) {
      if (!operations.has(operation) || operation.phantom) continue;
      for (const { directory, name, inode } of operation.changes) {
        if (inode === undefined) directory.platter.delete(name);
        else directory.platter.set(name, inode);
      }
    }
    this.#journal = this.#journal.filter((operation) => !operations.has(operation));
  }

  #release(file: SimulatedFile): void {
    if (file.links === 0 && file.opens === 0) this.#bytesUsed -= file.bytesUsed;
  }

  #reload(directory: Directory, parent: Directory | undefined, seen: Set<Inode>): void {
    directory.parent = parent;
    directory.named = undefined;
    directory.entries.clear();
    seen.add(directory);
    for (const [name, inode] of directory.platter) {
      if (inode.kind === 'directory') {
        // Renames that never reached the platter can leave a directory in two places; a check at mount time leaves it in one.
        if (seen.has(inode)) {
          directory.platter.delete(name);
          continue;
        }
        this.#reload(inode, directory, seen);
      } else {
        if (!seen.has(inode)) {
          seen.add(inode);
          inode.reload();
          this.#bytesUsed += inode.bytesUsed;
        }
        inode.links++;
      }
      directory.entries.set(name, inode);
    }
  }
}

/** The names along a path; none for the root, which is written `.` or as the empty path. */
function namesOf(path: string): string[] {
  if (path === '' || path === '.') return [];
  const names = path.split('/');
  for (const name of names) {
    if (name === '' || name === '.' || name === '..' || name.includes('\0') || name.length > NAME_LENGTH_MAX) {
      throw failure(
        'EINVAL',
        `path ${JSON.stringify(path)} is not relative names of up to ${NAME_LENGTH_MAX} characters between single slashes`,
      );
    }
  }
  return names;
}

export const failure = (code: DiskErrorCode, message: string): PortError => new PortError(code, `${code}: ${message}`);
