#!/usr/bin/env node
/**
 * A whole node of a Kelpie cluster as a process (actors, membership, migration, agents): configuration from one file, structured logs on standard output, and a graceful stop on
 * SIGTERM or SIGINT. Exit codes: 0 stopped in order, 1 failed, 2 wrong usage or configuration.
 */
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { ActorType } from '../src/kelpie/actor.js';
import { AgentNode } from '../src/kelpie/agents/agent-node.js';
import { type AgentOptions, agentOptions } from '../src/kelpie/agents/agent-options.js';
import { AGENTS } from '../src/kelpie/agents/agent-state.js';
import { AGENT_DIRECTORY } from '../src/kelpie/agents/directory.js';
import { kelpieConfig, type KelpieConfig } from '../src/kelpie/config.js';
import { KelpieError } from '../src/kelpie/errors.js';
import { Membership } from '../src/kelpie/membership/membership.js';
import { Migrations } from '../src/kelpie/migration/migrations.js';
import { KelpieNode } from '../src/kelpie/node.js';
import { correctParts } from '../src/kelpie/parts.js';
import type { Micros } from '../src/ports.js';
import type { StopOutcome } from '../src/real/lifecycle.js';
import { ConfigError, type NodeConfig, readNodeConfig } from '../src/real/node-config.js';
import { type RealPlatform, realPlatform } from '../src/real/platform.js';
import { actors as demoActors } from './demo-actors.js';
import { UsageError } from './usage-error.js';

const USAGE = `kelpie-node --config FILE

Starts a node of a Kelpie cluster and serves until SIGTERM: actors, membership, migration and agents.

  --config FILE   configuration, one JSON object
  --help          this text

Fields of a configuration (paths are taken from its own folder; node, listen, dataDirectory and database are required):

  node            its name
  listen          host and port
  peers           name to host and port of the other nodes, which let it into the cluster
  dataDirectory   its own files
  database        { "kind": "embedded", "directory", "bytesMax" }, shared by the nodes of one machine, or
                  { "kind": "foundationdb", "clusterFile", "apiVersion" }
  services        what agents call: model, tools and http, each { "baseUrl", "headers", "headersFromEnvironment" };
                  an operation is one POST to baseUrl/OPERATION, and what is absent is refused
  actors          modules that export \`actors\`, a list of { namespace, create }; the built-in ones when absent
  kelpie          settings of the runtime, such as leaseMicros or placement
  agents          settings of agents, such as peerMicros or keptMicros
  log             { "level": "info" }
  stopMicrosMax   how long a stop may take before the process ends anyway

Example:

  {
    "node": "n1",
    "listen": { "host": "127.0.0.1", "port": 7101 },
    "peers": { "n2": { "host": "127.0.0.1", "port": 7102 } },
    "dataDirectory": "n1",
    "database": { "kind": "embedded", "directory": "store" },
    "services": { "model": { "baseUrl": "http://127.0.0.1:8080/model" } }
  }

Exit codes: 0 stopped in order, 1 failed, 2 wrong usage or configuration.`;

const COUNTERS_EVERY_MICROS: Micros = 60_000_000;

const AGENT_NAMESPACES: readonly string[] = [AGENTS, AGENT_DIRECTORY];

type End = StopOutcome | { readonly kind: 'alone'; readonly reason: string };

/** The end of a node that was not asked to stop. */
const alone: End = { kind: 'alone', reason: 'no peer let this node into the cluster: are the peers right, and does one of them run?' };

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  try {
    const file = configFile(args);
    if (file === undefined) {
      console.log(USAGE);
      return 0;
    }
    const config = await readNodeConfig(file);
    const settings = runtimeSettings(file, config);
    const code = await serve(config, settings, await loadActors(file, config));
    // A handler that was too slow, or a call to a service, may still hold the process.
    process.exit(code);
  } catch (error) {
    const own = error instanceof UsageError || error instanceof ConfigError;
    console.error(`kelpie-node: ${error instanceof Error ? error.message : String(error)}`);
    return own ? 2 : 1;
  }
}

/** The path after `--config`; undefined when help is asked for. */
function configFile(args: readonly string[]): string | undefined {
  try {
    const { values } = parseArgs({ args: [...args], options: { config: { type: 'string' }, help: { type: 'boolean', short: 'h' } } });
    if (values.help === true) return undefined;
    if (values.config !== undefined) return values.config;
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\nUsage: kelpie-node --config FILE`);
  }
  throw new UsageError('a configuration is missing\nUsage: kelpie-node --config FILE');
}

interface Settings {
  readonly kelpie: KelpieConfig;
  readonly agents: AgentOptions;
}

/** The runtime checks its settings itself; its words get file and field in front. */
function runtimeSettings(file: string, { kelpie, agents }: NodeConfig): Settings {
  return {
    kelpie: inField(file, 'kelpie', () => kelpieConfig(kelpie)),
    agents: inField(file, 'agents', () => agentOptions(agents)),
  };
}

function inField<T>(file: string, field: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof KelpieError)) throw error;
    throw new ConfigError(file, [{ field, problem: error.message }]);
  }
}

async function loadActors(file: string, { actors }: NodeConfig): Promise<readonly ActorType<never>[]> {
  if (actors === undefined) return demoActors;
  const found: ActorType<never>[] = [];
  for (const [i, path] of actors.entries()) {
    const refuse = (problem: string): never => {
      throw new ConfigError(file, [{ field: `actors.${i}`, problem }]);
    };
    const module = await import(pathToFileURL(path).href).catch((error: unknown) =>
      refuse(`${path} cannot be loaded: ${error instanceof Error ? error.message : String(error)}`),
    );
    const list: unknown = (module as { readonly actors?: unknown }).actors;
    if (!Array.isArray(list) || !list.every(isActorType)) {
      refuse(`expected ${path} to export \`actors\`, a list of { namespace, create }`);
    }
    found.push(...(list as ActorType<never>[]));
  }
  const own = found.find(({ namespace }) => AGENT_NAMESPACES.includes(namespace));
  if (own !== undefined) throw new ConfigError(file, [{ field: 'actors', problem: `namespace ${own.namespace} belongs to agents` }]);
  return found;
}

function isActorType(value: unknown): value is ActorType<never> {
  const type = value as Partial<ActorType<never>> | null | undefined;
  return typeof type?.namespace === 'string' && typeof type.create === 'function';
}

async function serve(config: NodeConfig, settings: Settings, own: readonly ActorType<never>[]): Promise<number> {
  const platform = await realPlatform(config);
  const { log } = platform.tracer;
  const failed = (error: unknown, what: string): void => {
    log.error({ err: error }, what);
    // What the node holds is unknown now; its leases end by themselves and its actors move.
    process.exit(1);
  };
  process.on('uncaughtException', (error) => failed(error, 'uncaught error'));
  process.on('unhandledRejection', (error) => failed(error, 'unhandled rejection'));
  try {
    const agents = new AgentNode(platform, correctParts, settings.agents);
    const actors = [...own, ...agents.actors];
    const services = [new Membership({ seeds: Object.keys(config.peers) }), new Migrations(), agents];
    const node = new KelpieNode(platform, { config: settings.kelpie, parts: correctParts, actors, services });
    const counters = tellCounters(platform);
    await node.start();
    if (node.phase === 'serving') {
      log.info(
        { address: platform.transport.address, database: config.database.kind, actors: actors.map(({ namespace }) => namespace) },
        'serving',
      );
    }
    // A node that nobody lets into the cluster stops by itself, and the process must not stay without it.
    const outcome = await Promise.race([
      platform.stopped,
      node.ended.then((): End | Promise<End> => (platform.lifecycle.stopping ? platform.stopped : alone)),
    ]);
    counters.stop();
    platform.tracer.logCounters();
    log[outcome.kind === 'clean' ? 'info' : 'error']({ outcome }, 'stopped');
    return outcome.kind === 'clean' ? 0 : 1;
  } finally {
    await platform.close();
  }
}

/** Logs the counters once a minute. */
function tellCounters({ clock, tracer }: RealPlatform): { stop(): void } {
  const next = (): ReturnType<typeof clock.after> =>
    clock.after(COUNTERS_EVERY_MICROS, () => {
      tracer.logCounters();
      timer = next();
    });
  let timer = next();
  return { stop: () => timer.cancel() };
}
