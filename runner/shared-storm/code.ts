/** Whether two machines run the same code: a run is the same everywhere only then. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../tla/package-root.js';

/** The rooms that decide what a run does and what is kept of it. */
const ROOMS = ['faults', 'invariants', 'runner', 'scenarios', 'specs', 'src'];
/** Test support, which only a build for benches may bring along. */
const SUPPORT = /^(?:src\/contract|runner\/fixtures)\//;
const DIGITS = 16;

export interface Code {
  /** Of kelpie-dst. */
  readonly release: string;
  readonly digest: string;
}

/** Which code this command is made of, wherever it lies; the specs that runs are held against are part of it. */
export async function ownCode(): Promise<Code> {
  const built = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
  const programs = await Promise.all(ROOMS.map((room) => filesOf(built, room, /\.js$/)));
  const specs = await filesOf(packageRoot(), 'specs', /\.(?:tla|cfg)$/);
  const manifest = JSON.parse(await readFile(join(packageRoot(), 'package.json'), 'utf8')) as { readonly version: string };
  return { release: manifest.version, digest: digestOf([...programs.flat(), ...specs].filter(({ name }) => !SUPPORT.test(name))) };
}

interface SourceText {
  /** With `/`, the same on every system. */
  readonly name: string;
  readonly text: string;
}

async function filesOf(root: string, room: string, ending: RegExp): Promise<SourceText[]> {
  const entries = await readdir(join(root, room), { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile() && ending.test(entry.name)).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(paths.map(async (path) => ({ name: relative(root, path).split(sep).join('/'), text: await readFile(path, 'utf8') })));
}

/** In whatever order they come; a checkout with the line ends of another system is the same code. */
export function digestOf(files: readonly SourceText[]): string {
  const hash = createHash('sha256');
  for (const { name, text } of [...files].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const lines = text.replaceAll('\r\n', '\n');
    hash.update(`${name}\n${Buffer.byteLength(lines)}\n`).update(lines);
  }
  return hash.digest('hex').slice(0, DIGITS);
}
