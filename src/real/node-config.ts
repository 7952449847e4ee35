/** The configuration of a node process: one JSON file, checked whole before anything is opened. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { isNodeName } from './tcp-connection.js';
import { LOG_LEVELS } from './tracer.js';

const nodeName = z.string().refine(isNodeName, { error: 'expected a node name of 1 to 256 bytes of printable characters' });

const address = z.strictObject({
  host: z.string().min(1),
  port: z.int().min(1).max(65_535),
});

const httpUrl = z
  .url({ protocol: /^https?$/, error: 'expected an http: or https: URL' })
  .refine((url) => !/[?#]/.test(url), { error: 'expected a URL without ? and #' });

const service = z.strictObject({
  baseUrl: httpUrl,
  /** Sent with every call. */
  headers: z.record(z.string(), z.string()).default({}),
  /** Header name to the name of the environment variable that holds its value, for secrets. */
  headersFromEnvironment: z.record(z.string(), z.string()).default({}),
});

const database = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('embedded'),
    /** Shared by all nodes on this machine that name the same one. */
    directory: z.string().min(1),
    /** Bound of all keys and values together. */
    bytesMax: z.int().min(1_000_000).optional(),
  }),
  z.strictObject({
    kind: z.literal('foundationdb'),
    clusterFile: z.string().min(1).optional(),
    apiVersion: z.int().min(500).optional(),
  }),
]);

const nodeConfig = z
  .strictObject({
    node: nodeName,
    listen: address,
    /** Where the other nodes listen. Those are asked to let this one into the cluster. */
    peers: z.record(nodeName, address).default({}),
    /** This node's own files. */
    dataDirectory: z.string().min(1),
    database,
    /** What agents call: `model`, `tools` and `http`. A call of one that is absent is refused. */
    services: z.record(z.string().min(1), service).default({}),
    /** Modules that export `actors`; the built-in ones when absent. */
    actors: z.array(z.string().min(1)).min(1).optional(),
    /** Settings of the runtime, checked by the runtime. */
    kelpie: z.record(z.string(), z.union([z.number(), z.string()])).default({}),
    /** Settings of agents, checked by the runtime. */
    agents: z.record(z.string(), z.number()).default({}),
    log: z.strictObject({ level: z.enum(LOG_LEVELS) }).default({ level: 'info' }),
    /** How long a stop may take before the process ends anyway. */
    stopMicrosMax: z.int().min(1).max(600_000_000).default(60_000_000),
  })
  .refine((config) => !(config.node in config.peers), { path: ['peers'], error: 'expected other nodes only, and this one is among them' });

export type NodeConfig = z.infer<typeof nodeConfig>;

export interface ConfigProblem {
  /** Path of the field, with dots: `listen.port`. */
  readonly field: string;
  /** What was expected, and what was there. */
  readonly problem: string;
}

/** A configuration that cannot be used. The message has one line for each problem: file, field, expected, seen. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(
    readonly file: string,
    readonly problems: readonly ConfigProblem[],
  ) {
    super(problems.map(({ field, problem }) => `${file}: ${field === '' ? '' : `${field}: `}${problem}`).join('\n'));
  }
}

/** Reads and checks the file. Paths in it are taken from its own folder, and made absolute. Throws ConfigError. */
export async function readNodeConfig(file: string): Promise<NodeConfig> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new ConfigError(file, [{ field: '', problem: `cannot be read: ${reasonOf(error)}` }]);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ConfigError(file, [{ field: '', problem: `expected JSON: ${reasonOf(error)}` }]);
  }
  const config = checkNodeConfig(file, value);
  const folder = dirname(resolve(file));
  const inFolder = (path: string): string => resolve(folder, path);
  return {
    ...config,
    dataDirectory: inFolder(config.dataDirectory),
    database:
      config.database.kind === 'embedded'
        ? { ...config.database, directory: inFolder(config.database.directory) }
        : {
            ...config.database,
            ...(config.database.clusterFile === undefined ? {} : { clusterFile: inFolder(config.database.clusterFile) }),
          },
    ...(config.actors === undefined ? {} : { actors: config.actors.map(inFolder) }),
  };
}

/** The value as a configuration with its defaults. Throws ConfigError; `file` is only told there. */
export function checkNodeConfig(file: string, value: unknown): NodeConfig {
  const checked = nodeConfig.safeParse(value);
  if (checked.success) return checked.data;
  throw new ConfigError(
    file,
    checked.error.issues.map(({ path, message }) => ({ field: path.map(String).join('.'), problem: `${message}${seen(value, path)}` })),
  );
}

/** The value at the path, for the message. */
function seen(value: unknown, path: readonly PropertyKey[]): string {
  let at = value;
  for (const name of path) {
    if (typeof at !== 'object' || at === null) return '';
    at = (at as Readonly<Record<PropertyKey, unknown>>)[name];
  }
  // A whole object says nothing that the field's name does not say, and may hold secrets.
  return at === undefined || typeof at === 'object' ? '' : `, seen ${JSON.stringify(at)}`;
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
