/** The Disk port on a directory of the host. Nothing outside of that directory can be named, neither by `..` nor through a link. */
import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readdir, realpath, rename, rmdir, unlink } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { type Disk, type DiskErrorCode, type DiskFile, type OpenMode, PortError } from '../ports.js';

const FLAGS: Readonly<Record<OpenMode, number>> = {
  read: constants.O_RDONLY,
  write: constants.O_RDWR | constants.O_CREAT,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
};
/** A larger read looks at the size of the file first, so that asking for much does not allocate much. */
const READ_BYTES_UNASKED = 64 * 1024;
/** One call reads or writes no more; callers go on, as the port says. */
const TRANSFER_BYTES_MAX = 64 * 1024 * 1024;

const OWN_CODES: ReadonlySet<string> = new Set<DiskErrorCode>([
  'EIO',
  'ENOSPC',
  'EROFS',
  'ENOENT',
  'EEXIST',
  'EMFILE',
  'EBADF',
  'EINVAL',
  'EISDIR',
  'ENOTDIR',
  'ENOTEMPTY',
]);
/** What other codes of the host come to. */
const ALIKE: Readonly<Record<string, DiskErrorCode>> = {
  EACCES: 'EROFS',
  EPERM: 'EROFS',
  EDQUOT: 'ENOSPC',
  EFBIG: 'ENOSPC',
  ENFILE: 'EMFILE',
  ENAMETOOLONG: 'EINVAL',
  ELOOP: 'EINVAL',
};

/** Opens the disk; creates the directory when absent. Errors: PortError with a DiskErrorCode. */
export async function openFiles(root: string): Promise<Disk> {
  return attempt(`directory ${root}`, async () => {
    await mkdir(root, { recursive: true });
    return new Files(await realpath(root));
  });
}

class Files implements Disk {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    return attempt(`open of ${path} (${mode})`, async () => {
      const handle = await open(await this.#inside(path), FLAGS[mode] | constants.O_NOFOLLOW);
      if ((await handle.stat()).isDirectory()) {
        await handle.close();
        throw new PortError('EISDIR', `${path} is a directory`);
      }
      return new OpenFile(path, handle);
    });
  }

  async rename(from: string, to: string): Promise<void> {
    await attempt(`rename of ${from} to ${to}`, async () => rename(await this.#inside(from), await this.#inside(to)));
  }

  async remove(path: string): Promise<void> {
    await attempt(`remove of ${path}`, async () => {
      const target = await this.#inside(path);
      try {
        await unlink(target);
      } catch (error) {
        // Linux says EISDIR of a directory, macOS EPERM.
        if (codeOf(error) !== 'EISDIR' && codeOf(error) !== 'EPERM') throw error;
        await rmdir(target);
      }
    });
  }

  async makeDirectory(path: string): Promise<void> {
    await attempt(`makeDirectory ${path}`, async () => {
      // One by one, so that a link on the way is found before anything is made behind it.
      const names = namesOf(path);
      for (let depth = 1; depth <= names.length; depth++) {
        const target = await this.#inside(names.slice(0, depth).join('/'));
        try {
          await mkdir(target);
        } catch (error) {
          if (codeOf(error) !== 'EEXIST') throw error;
          if (await isDirectory(target)) continue;
          if (depth === names.length) throw error;
          throw new PortError('ENOTDIR', `${names.slice(0, depth).join('/')} is no directory`);
        }
      }
    });
  }

  async list(directory: string): Promise<readonly string[]> {
    const names = await attempt(`list of ${directory}`, async () => readdir(await this.#inside(directory, true)));
    return names.sort((a, b) => (a < b ? -1 : 1));
  }

  async syncDirectory(directory: string): Promise<void> {
    await attempt(`syncDirectory ${directory}`, async () => {
      const handle = await open(await this.#inside(directory, true), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    });
  }

  /** The path on the host. Throws EINVAL for a path that would leave the root. */
  async #inside(path: string, rootAllowed = false): Promise<string> {
    if (rootAllowed && path === '.') return this.#root;
    const names = namesOf(path);
    const last = names.pop() ?? '';
    const parent = await realpath(join(this.#root, ...names));
    if (parent !== this.#root && !parent.startsWith(this.#root + sep)) {
      throw new PortError('EINVAL', `${path} leads through a link out of the disk`);
    }
    return join(parent, last);
  }
}

class OpenFile implements DiskFile {
  readonly #handle: FileHandle;
  #closed = false;

  constructor(
    readonly path: string,
    handle: FileHandle,
  ) {
    this.#handle = handle;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    return this.#attempt('read', async () => {
      checkPlace(this.path, offset, length);
      const room = length <= READ_BYTES_UNASKED ? length : Math.min(length, (await this.#handle.stat()).size - offset, TRANSFER_BYTES_MAX);
      if (room <= 0) return new Uint8Array(0);
      const bytes = new Uint8Array(room);
      const { bytesRead } = await this.#handle.read(bytes, 0, room, offset);
      return bytesRead === room ? bytes : bytes.subarray(0, bytesRead);
    });
  }

  async write(offset: number, bytes: Uint8Array): Promise<number> {
    return this.#attempt('write', async () => {
      checkPlace(this.path, offset, bytes.length);
      if (bytes.length === 0) return 0;
      const { bytesWritten } = await this.#handle.write(bytes, 0, Math.min(bytes.length, TRANSFER_BYTES_MAX), offset);
      return bytesWritten;
    });
  }

  async truncate(length: number): Promise<void> {
    await this.#attempt('truncate', async () => {
      checkPlace(this.path, 0, length);
      await this.#handle.truncate(length);
    });
  }

  async sync(): Promise<void> {
    await this.#attempt('sync', () => this.#handle.sync());
  }

  async size(): Promise<number> {
    return this.#attempt('size', async () => (await this.#handle.stat()).size);
  }

  async close(): Promise<void> {
    await this.#attempt('close', () => {
      this.#closed = true;
      return this.#handle.close();
    });
  }

  async #attempt<T>(operation: string, body: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new PortError('EBADF', `${operation} of ${this.path} after it was closed`);
    return attempt(`${operation} of ${this.path}`, body);
  }
}

/** The names of a path below the root, at least one. Throws EINVAL for a path that is none. */
function namesOf(path: string): string[] {
  const names = path.split('/');
  if (names.some((name) => name === '' || name === '.' || name === '..') || path.includes('\0') || (sep === '\\' && path.includes('\\'))) {
    throw new PortError('EINVAL', `a path is names with / between them, not ${JSON.stringify(path)}; . and .. are no names`);
  }
  return names;
}

function checkPlace(path: string, offset: number, length: number): void {
  const whole = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (!whole || !Number.isSafeInteger(offset + length)) {
    throw new PortError('EINVAL', `${length} bytes at ${offset} of ${path}: both are integers from 0, and so is their sum`);
  }
}

const isDirectory = async (path: string): Promise<boolean> => (await lstat(path)).isDirectory();

const codeOf = (error: unknown): string => (error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? '') : '');

/** Runs the operation; what the host throws becomes a PortError with the port's code. */
async function attempt<T>(what: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (error) {
    if (error instanceof PortError) throw error;
    const code = codeOf(error);
    const own = OWN_CODES.has(code) ? (code as DiskErrorCode) : (ALIKE[code] ?? 'EIO');
    throw new PortError(own, `${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
