/** The whole Platform of one process, opened in order and closed in order; what fails half-way leaves nothing open. */
import type { DestinationStream } from 'pino';
import { type Database, type Disk, noChoices, type Platform, PortError, type Services } from '../ports.js';
import { RealClock } from './clock.js';
import { openEmbeddedDatabase } from './embedded-database.js';
import { openFoundationDatabase } from './fdb-database.js';
import { openFiles } from './files.js';
import { type HttpService, HttpServices } from './http-services.js';
import { ProcessLifecycle, type StopOutcome } from './lifecycle.js';
import type { NodeConfig } from './node-config.js';
import { RealRandom } from './random.js';
import { openTcpTransport, type TcpTransport } from './tcp-transport.js';
import { LogTracer } from './tracer.js';

export interface RealPlatform extends Platform {
  readonly transport: TcpTransport;
  readonly tracer: LogTracer;
  readonly lifecycle: ProcessLifecycle;
  /** Resolves when the process was asked to stop and every handler has settled, or the bound is reached. */
  readonly stopped: Promise<StopOutcome>;
  /** Closes everything. A second call waits for the first. */
  close(): Promise<void>;
}

/**
 * Opens the platform. Errors: PortError (`in-use`, `unavailable`, a DiskErrorCode, `invalid-argument` for a header whose environment
 * variable is not set), DatabaseError.
 */
export async function realPlatform(config: NodeConfig, logs?: DestinationStream): Promise<RealPlatform> {
  const clock = new RealClock();
  const random = new RealRandom();
  const tracer = new LogTracer({ node: config.node, level: config.log.level, ...(logs === undefined ? {} : { destination: logs }) });
  const services = httpServices(config, clock);
  const opened: { close(): Promise<void> }[] = [];
  const closeAll = async (): Promise<void> => {
    for (const one of opened.toReversed()) await one.close();
  };
  try {
    const disk: Disk = await openFiles(config.dataDirectory);
    const database = await openDatabase(config, clock, random);
    opened.push(database);
    const peers = new Map(Object.entries(config.peers));
    const transport = await openTcpTransport({
      self: config.node,
      listen: config.listen,
      addressOf: (node) => peers.get(node),
      clock,
      random,
      tracer,
    });
    opened.push(transport);
    let tellStopped: (outcome: StopOutcome) => void = () => undefined;
    const stopped = new Promise<StopOutcome>((resolve) => {
      tellStopped = resolve;
    });
    const lifecycle = new ProcessLifecycle({ clock, stopMicrosMax: config.stopMicrosMax, stopped: tellStopped });
    opened.push({ close: async () => lifecycle.release() });
    let closed: Promise<void> | undefined;
    const close = (): Promise<void> => {
      closed ??= closeAll();
      return closed;
    };
    return { node: config.node, clock, random, tracer, services, disk, database, transport, choices: noChoices, lifecycle, stopped, close };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

function openDatabase({ database }: NodeConfig, clock: RealClock, random: RealRandom): Promise<Database> | Database {
  switch (database.kind) {
    case 'embedded': {
      const { directory, bytesMax } = database;
      return openEmbeddedDatabase({ directory, clock, random, ...(bytesMax === undefined ? {} : { bytesMax }) });
    }
    case 'foundationdb': {
      const { clusterFile, apiVersion } = database;
      return openFoundationDatabase({
        ...(clusterFile === undefined ? {} : { clusterFile }),
        ...(apiVersion === undefined ? {} : { apiVersion }),
      });
    }
  }
}

function httpServices(config: NodeConfig, clock: RealClock): Services {
  const services = new Map<string, HttpService>();
  for (const [name, { baseUrl, headers, headersFromEnvironment }] of Object.entries(config.services)) {
    const secrets = Object.entries(headersFromEnvironment).map(([header, variable]): [string, string] => {
      const value = process.env[variable];
      if (value === undefined) {
        throw new PortError(
          'invalid-argument',
          `services.${name}.headersFromEnvironment.${header}: the environment variable ${variable} is not set`,
        );
      }
      return [header, value];
    });
    services.set(name, { baseUrl, headers: { ...headers, ...Object.fromEntries(secrets) } });
  }
  return new HttpServices({ services, clock });
}
