/**
 * Real `kelpie-node` processes on loopback, for tests: they share one embedded store in a temporary folder, and neither a process nor
 * the folder outlives `close`.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NodeId } from '../ports.js';
import { type Child, startNode } from './compiled.js';

/** Three processes that start together on a machine with other work take a few seconds; this is far from that. */
const SERVING_MILLIS_MAX = 20_000;

export interface Address {
  readonly host: string;
  readonly port: number;
}

export class NodeCluster {
  /** Where files that a configuration names relatively are found. */
  readonly folder: string;
  readonly addresses: ReadonlyMap<NodeId, Address>;
  readonly #program: string;
  readonly #children: Child[] = [];

  private constructor(program: string, folder: string, addresses: ReadonlyMap<NodeId, Address>) {
    this.#program = program;
    this.folder = folder;
    this.addresses = addresses;
  }

  /** Makes the folder and chooses the ports. `program` is the path of the compiled `kelpie-node`. */
  static async open(program: string, nodes: readonly NodeId[]): Promise<NodeCluster> {
    const ports = await freePorts(nodes.length);
    const addresses = new Map(nodes.map((node, i): [NodeId, Address] => [node, { host: '127.0.0.1', port: ports[i] ?? 0 }]));
    return new NodeCluster(program, await mkdtemp(join(tmpdir(), 'kelpie-nodes-')), addresses);
  }

  /** Starts all nodes at once and waits until each serves. `settings` are further fields of their configurations. */
  async start(settings: object): Promise<ReadonlyMap<NodeId, Child>> {
    const nodes = [...this.addresses.keys()];
    return new Map(await Promise.all(nodes.map(async (node): Promise<[NodeId, Child]> => [node, await this.#startOne(node, settings)])));
  }

  /** Kills what still runs, and removes the folder. */
  async close(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL');
    await Promise.all(this.#children.map(({ ended }) => ended));
    await rm(this.folder, { recursive: true });
  }

  async #startOne(node: NodeId, settings: object): Promise<Child> {
    const peers = Object.fromEntries([...this.addresses].filter(([peer]) => peer !== node));
    const own = { node, listen: this.addresses.get(node), peers, dataDirectory: `${node}-data` };
    const file = join(this.folder, `${node}.json`);
    await writeFile(file, JSON.stringify({ ...own, database: { kind: 'embedded', directory: 'store' }, ...settings }));
    const child = startNode([this.#program, '--config', file]);
    this.#children.push(child);
    await child.line(`${node} serves`, (line) => line.includes('"msg":"serving"'), SERVING_MILLIS_MAX);
    return child;
  }
}

/** Ports that nobody listens at. All are held until the last is known, so that no two are the same. */
async function freePorts(count: number): Promise<number[]> {
  const probes = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<Server>((resolve, reject) => {
          const probe = createServer().once('error', reject);
          probe.listen(0, '127.0.0.1', () => resolve(probe));
        }),
    ),
  );
  const ports = probes.map((probe) => (probe.address() as { readonly port: number }).port); // a TCP server that listens has one
  await Promise.all(probes.map((probe) => new Promise((resolve) => void probe.close(resolve))));
  return ports;
}
