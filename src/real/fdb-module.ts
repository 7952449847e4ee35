/**
 * The part of the npm package `foundationdb` (2.x, josephg/node-foundationdb) that is used here, and how it is loaded. The package
 * is an optional peer: installing it compiles against FoundationDB's client library, which most machines do not have.
 */
import { existsSync } from 'node:fs';
import { DatabaseError, databaseErrorCode, PortError } from '../ports.js';

/** `_isKeySelector` is how the package tells selectors from keys. */
export interface FdbKeySelector {
  readonly key: Buffer;
  readonly orEqual: boolean;
  readonly offset: number;
  readonly _isKeySelector: true;
}

export interface FdbWatch {
  readonly promise: Promise<boolean>;
  cancel(): void;
}

/** Versions are eight bytes, big-endian. Failures are the package's FDBError, an Error with FoundationDB's number as `code`. */
export interface FdbTransaction {
  setOption(option: number, value: number): void;
  snapshot(): FdbTransaction;
  get(key: Buffer): Promise<Buffer | undefined>;
  /** Undefined for the empty key. */
  getKey(selector: FdbKeySelector): Promise<Buffer | undefined>;
  getRangeNative(
    begin: FdbKeySelector,
    end: FdbKeySelector,
    limit: number,
    targetBytes: number,
    mode: number,
    iteration: number,
    reverse: boolean,
  ): Promise<{ readonly results: readonly (readonly [Buffer, Buffer])[]; readonly more: boolean }>;
  set(key: Buffer, value: Buffer): void;
  clear(key: Buffer): void;
  clearRange(begin: Buffer, end: Buffer): void;
  atomicOpNative(operation: number, key: Buffer, operand: Buffer): void;
  watch(key: Buffer, options: { readonly throwAllErrors: true }): FdbWatch;
  addReadConflictRange(begin: Buffer, end: Buffer): void;
  addWriteConflictRange(begin: Buffer, end: Buffer): void;
  getReadVersion(): Promise<Buffer>;
  setReadVersion(version: Buffer): void;
  /** Minus one for a transaction that wrote nothing. */
  getCommittedVersion(): Buffer;
  getVersionstamp(): { readonly promise: Promise<Buffer> };
  rawCommit(): Promise<void>;
  rawOnError(code: number): Promise<void>;
  rawReset(): void;
  rawCancel(): void;
}

export interface FdbDatabase {
  rawCreateTransaction(): FdbTransaction;
  close(): void;
}

export interface FdbModule {
  /** Once a process; the same version again is accepted. */
  setAPIVersion(version: number): void;
  open(clusterFile?: string): FdbDatabase;
}

const PACKAGE = 'foundationdb';
const DEFAULT_CLUSTER_FILES = ['/etc/foundationdb/fdb.cluster', '/usr/local/etc/foundationdb/fdb.cluster'];

/** Loads the package. Throws PortError `unavailable` that says what to install. */
export async function loadFdbModule(load: (name: string) => Promise<unknown> = (name) => import(name)): Promise<FdbModule> {
  let loaded: unknown;
  try {
    loaded = await load(PACKAGE);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const missing = (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && reason.includes(`'${PACKAGE}'`);
    throw new PortError(
      'unavailable',
      missing
        ? `the npm package ${PACKAGE} is not installed: install FoundationDB's client library (foundationdb-clients from its releases), then \`npm install ${PACKAGE}@2\`; or use the embedded store`
        : `the npm package ${PACKAGE} cannot be loaded: ${reason}; it needs FoundationDB's client library (libfdb_c, package foundationdb-clients) on this machine`,
    );
  }
  const module = hasFdbShape(loaded) ? loaded : (loaded as { readonly default?: unknown }).default;
  if (hasFdbShape(module)) return module;
  throw new PortError('unavailable', `the npm package ${PACKAGE} has no setAPIVersion and open: version 2 of it is needed`);
}

function hasFdbShape(value: unknown): value is FdbModule {
  const shape = value as Partial<FdbModule> | null | undefined;
  return typeof shape?.setAPIVersion === 'function' && typeof shape.open === 'function';
}

/** The cluster file to use: the given one, that of `FDB_CLUSTER_FILE`, or the system's. Throws 1515 when it does not exist. */
export function findClusterFile(
  given: string | undefined,
  environment: Readonly<Record<string, string | undefined>> = process.env,
  exists: (path: string) => boolean = existsSync,
): string {
  const named = given ?? environment['FDB_CLUSTER_FILE'];
  const found = named === undefined ? DEFAULT_CLUSTER_FILES.find(exists) : exists(named) ? named : undefined;
  if (found !== undefined) return found;
  throw new DatabaseError(
    databaseErrorCode.noClusterFile,
    named === undefined
      ? `no cluster file: set FDB_CLUSTER_FILE or the config's \`clusterFile\`, or install one at ${DEFAULT_CLUSTER_FILES[0]}`
      : `the cluster file ${named} does not exist; copy it from a machine of the cluster`,
  );
}
