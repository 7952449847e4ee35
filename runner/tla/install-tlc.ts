/** Gets TLC: one known release of the TLA+ tools, checked against its digest before it takes its place. */
import { createHash } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { installedJar } from './tlc.js';

export interface Release {
  readonly version: string;
  readonly url: string;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

export const TLC_RELEASE: Release = {
  version: '1.7.4',
  url: 'https://github.com/tlaplus/tlaplus/releases/download/v1.7.4/tla2tools.jar',
  bytes: 2_274_532,
  sha256: '936a262061c914694dfd669a543be24573c45d5aa0ff20a8b96b23d01e050e88',
};

/** The jar could not be got, or is not the release. The message says what to do. */
export class InstallError extends Error {
  override readonly name = 'InstallError';
}

export interface InstallOptions {
  /** A file or an http(s) address that has the same jar; the release's own address when absent. */
  readonly from?: string;
  /** Where it goes; where everybody looks for it when absent. */
  readonly to?: string;
  readonly release?: Release;
  readonly signal?: AbortSignal;
}

export interface Installed {
  readonly path: string;
  readonly version: string;
  /** False when it was there already. */
  readonly fetched: boolean;
}

/** Rejects with InstallError; then nothing was changed. */
export async function installTlc({ from, to = installedJar(), release = TLC_RELEASE, signal }: InstallOptions = {}): Promise<Installed> {
  const installed = { path: to, version: release.version };
  const present = await readFile(to).catch(() => undefined);
  if (present !== undefined && sha256(present) === release.sha256) return { ...installed, fetched: false };
  const source = from ?? release.url;
  const bytes = /^https?:\/\//.test(source) ? await download(source, release, signal) : await readBounded(source, release);
  const digest = sha256(bytes);
  if (digest !== release.sha256) {
    throw new InstallError(
      `${source} is not release ${release.version} of tla2tools.jar: expected ${release.bytes} bytes with SHA-256 ${release.sha256}, ` +
        `got ${bytes.length} bytes with ${digest}; nothing was installed`,
    );
  }
  try {
    await mkdir(dirname(to), { recursive: true });
    await writeFileAtomic(to, bytes);
  } catch (error) {
    throw new InstallError(`${to} cannot be written: ${(error as Error).message}`);
  }
  return { ...installed, fetched: true };
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const DOWNLOAD_MS_MAX = 120_000;

async function download(url: string, release: Release, signal: AbortSignal | undefined): Promise<Buffer> {
  const bound = AbortSignal.timeout(DOWNLOAD_MS_MAX);
  try {
    const response = await fetch(url, { signal: signal === undefined ? bound : AbortSignal.any([signal, bound]) });
    if (!response.ok || response.body === null) throw new Error(`the server answered ${response.status} ${response.statusText}`);
    const parts: Uint8Array[] = [];
    let length = 0;
    // What is longer than the release is not the release, and need not be read to its end.
    for await (const part of response.body as AsyncIterable<Uint8Array>) {
      parts.push(part);
      length += part.length;
      if (length > release.bytes) break;
    }
    return Buffer.concat(parts);
  } catch (error) {
    signal?.throwIfAborted();
    const { message, cause } = error as Error;
    const why = cause instanceof Error ? `${message}: ${cause.message}` : message;
    throw new InstallError(`${url} cannot be fetched: ${why}; fetch it on another machine and give it with --from FILE`);
  }
}

async function readBounded(path: string, release: Release): Promise<Buffer> {
  try {
    const file = await open(path);
    try {
      const buffer = Buffer.alloc(release.bytes + 1);
      let length = 0;
      for (;;) {
        const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
        length += bytesRead;
        if (bytesRead === 0 || length === buffer.length) return buffer.subarray(0, length);
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new InstallError(`${path} cannot be read: ${(error as Error).message}; --from takes a file or an http(s) address`);
  }
}
