/**
 * What the scenarios of Kelpie's storage have in common: servers that each keep what they are given, by a log or by checkpoints on their
 * own disk, and clients that put and read. A put is answered when it is safe; however the server dies then, whoever reads later finds it.
 */
import { Deadlines } from '../src/kelpie/deadlines.js';
import { isKelpieErrorCode, isRetriable, KelpieError } from '../src/kelpie/errors.js';
import type { Json } from '../src/kelpie/json.js';
import { correctParts, type KelpieParts } from '../src/kelpie/parts.js';
import { pauseMicros } from '../src/kelpie/retry.js';
import { Rpc } from '../src/kelpie/rpc.js';
import { Teller } from '../src/kelpie/tell.js';
import type { Micros, NodeId, Platform, Random } from '../src/ports.js';
import type { Workload } from '../src/run.js';
import type { Budget, Capability } from '../src/sim/seams.js';
import { ClusterConvergence } from './cluster-convergence.js';
import { type Asked, History, newsOf, type Outcome, PATIENCE_MICROS } from './history.js';
import { kelpieTopicOf, performInTime } from './kelpie-scenario.js';
import { type Scenario, type Stage, serverIds } from './scenario.js';
import { type Common, drawMoments, drawOperations, numbered } from './workload-draws.js';

const SECOND: Micros = 1_000_000;
const ATTEMPT_MICROS: Micros = SECOND;
/** They do not know each other: two are as good as more. */
const NODES = 2;
const CONVERGENCE_MICROS: Micros = 120 * SECOND;

/** One server's storage. Errors of each: `KelpieError`. */
export interface Storage {
  /** Brings it up from what the disk holds; called again when that fails for the moment. Nothing else is called before it has resolved. */
  open(): Promise<void>;
  /** Resolves when the put is safe. `op` is its name: the same one may come again, and counts once. */
  put(op: string): Promise<void>;
  /** The names of all puts that were safe when it was called, and of a later one only with all that were safe before it. */
  read(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export type StorageView = { readonly marks: readonly string[] };
type StorageOperation = Common & { readonly node: NodeId } & (
    | {
        readonly kind: 'put';
        /** Puts at once, each of its own. */
        readonly times: number;
        /** How often each of them is sent at once, under its one name, as by a client that does not wait. */
        readonly copies: number;
      }
    | { readonly kind: 'read' }
  );

/** What is drawn. */
export type StorageWorkload = Workload & { readonly lyingDisks: boolean; readonly operations: readonly StorageOperation[] };

/** `code` is null for a success. */
type Reply = { readonly code: string | null; readonly marks: readonly string[] };

/** Serves puts and reads until it is told to stop. */
async function serveStorage(platform: Platform, storage: Storage): Promise<void> {
  const { clock, lifecycle, random } = platform;
  const rpc = new Rpc(platform, new Deadlines(clock), new Teller(platform.tracer));
  let phase: 'opening' | 'open' | 'stopped' = 'opening';
  const answer = async (handle: () => Promise<readonly string[]>): Promise<Json> => {
    try {
      if (phase !== 'open') throw new KelpieError('node-unavailable', `${platform.node} is ${phase}`);
      return { code: null, marks: await handle() } satisfies Reply;
    } catch (error) {
      return { code: KelpieError.from(error).code, marks: [] } satisfies Reply;
    }
  };
  rpc.handle('put', (body) => answer(() => storage.put((body as { readonly op: string }).op).then(() => [])));
  rpc.handle('read', () => answer(() => storage.read()));
  const ended = new Promise<void>((resolve) => {
    lifecycle.onStop(async () => {
      phase = 'stopped';
      rpc.close();
      await storage.close();
      await platform.transport.close();
      resolve();
    });
  });
  rpc.listen();
  // The handler of the stop changes it meanwhile.
  const stopped = (): boolean => phase === 'stopped';
  for (let tries = 1; !stopped(); tries++) {
    try {
      await storage.open();
      if (!stopped()) phase = 'open';
      break;
    } catch (error) {
      // What is damaged for good is left to an operator: the server goes on refusing.
      if (!KelpieError.from(error).retriable) break;
      await clock.sleep(pauseMicros(tries, random));
    }
  }
  await ended;
}

/** A client that asks each server for what is on that server. */
class StorageClient {
  readonly #platform: Platform;
  readonly #rpc: Rpc;
  readonly #history: History;

  constructor(platform: Platform) {
    this.#platform = platform;
    this.#rpc = new Rpc(platform, new Deadlines(platform.clock), new Teller(platform.tracer));
    this.#rpc.listen();
    this.#history = new History(platform);
  }

  async perform(operation: StorageOperation): Promise<void> {
    const { op, node, deadlineMicros } = operation;
    if (operation.kind === 'read') {
      await this.#history.tell(askedToRead(op, node), () => this.#ask(node, 'read', null, deadlineMicros));
      return;
    }
    const names = Array.from({ length: operation.times }, (_, i) => (i === 0 ? op : `${op}.${i}`));
    await Promise.all(names.map((name) => this.#put(node, name, operation.copies, deadlineMicros)));
  }

  /** Puts something on a server. */
  workOn(node: NodeId): Promise<void> {
    return this.#put(node, this.#history.nextName(), 1, PATIENCE_MICROS);
  }

  async readUntilAnswered(node: NodeId): Promise<void> {
    await this.#history.untilDone(
      (op) => askedToRead(op, node),
      () => this.#ask(node, 'read', null, PATIENCE_MICROS),
    );
  }

  async #put(node: NodeId, op: string, copies: number, deadlineMicros: Micros): Promise<void> {
    await this.#history.tell({ op, kind: 'put', args: { node }, writes: [node] }, async () => {
      const send = (): Promise<Outcome<StorageView>> => this.#ask(node, 'put', { op }, deadlineMicros);
      return newsOf(await Promise.all(Array.from({ length: copies }, send)));
    });
  }

  /** Asks again while that can help. An attempt without a final word may take effect later, so no later failure is the last word either. */
  async #ask(node: NodeId, kind: 'put' | 'read', body: Json, deadlineMicros: Micros): Promise<Outcome<StorageView>> {
    const { clock, random } = this.#platform;
    const deadline = clock.monotonicMicros() + deadlineMicros;
    let unsure = false;
    let code = 'timeout';
    for (let tries = 1; ; tries++) {
      const left = deadline - clock.monotonicMicros();
      if (left <= 0) break;
      const waitsMicros = Math.min(ATTEMPT_MICROS, left);
      const reply = await this.#rpc.request(node, kind, body, waitsMicros);
      if (reply.kind === 'reply') {
        const answer = reply.body as Reply;
        if (answer.code === null) return { kind: 'ok', result: { marks: answer.marks } };
        code = answer.code;
        unsure ||= code === 'commit-unknown';
        if (!isKelpieErrorCode(code) || !isRetriable(code)) break;
      } else {
        unsure ||= reply.kind === 'timeout';
        // That it could wait no longer itself says nothing about the server, as what that has answered before does.
        if (waitsMicros === ATTEMPT_MICROS) code = 'timeout';
      }
      await clock.sleep(pauseMicros(tries, random));
    }
    return { kind: unsure ? 'unknown' : 'error', error: { code } };
  }
}

const askedToRead = (op: string, node: NodeId): Asked<StorageView> => ({
  op,
  kind: 'read',
  args: { node },
  shows: ({ marks }) => ({ target: node, marks }),
});

/** The network is beside the point. */
const OFFERS: readonly Capability[] = ['disk', 'process', 'schedule', 'database'];
const FAULT_FACTOR = 3;

export function storageScenario(
  design: Pick<Scenario<KelpieParts>, 'id' | 'summary' | 'invariants' | 'sometimes' | 'knobs' | 'chaosMicros'> & {
    /** Whether cases are drawn in which disks lie, beside those in which they do not: not where the disk is the only copy. */
    readonly lyingDisks: boolean;
    storage(platform: Platform, stage: Stage<KelpieParts> & { readonly workload: StorageWorkload }): Storage;
  },
): Scenario<KelpieParts> {
  const { storage, lyingDisks, ...rest } = design;
  return {
    ...rest,
    offers: OFFERS,
    faultFactor: FAULT_FACTOR,
    parts: correctParts,
    convergenceMicros: CONVERGENCE_MICROS,
    topicOf: kelpieTopicOf,
    draw: (random, chaosMicros) => drawStorageWorkload(random, chaosMicros, lyingDisks),
    // Each server answers for itself, so that all may be down at once.
    budget: (workload, chaosMicros): Budget => ({
      nodes: serverIds(workload),
      clients: numbered('c', workload.clients),
      downMax: workload.nodes,
      lyingDisksMax: (workload as StorageWorkload).lyingDisks ? workload.nodes : 0,
      clockSkewMicrosMax: 0,
      clockDriftPpmMax: 0,
      chaosMicros,
    }),
    serve: (platform, stage) => serveStorage(platform, storage(platform, { ...stage, workload: stage.workload as StorageWorkload })),
    client(platform, _, operations) {
      const client = new StorageClient(platform);
      return performInTime(platform, operations as readonly StorageOperation[], (operation) => client.perform(operation));
    },
    async verify(platform, { workload }) {
      const client = new StorageClient(platform);
      for (const node of serverIds(workload)) {
        await client.workOn(node);
        await client.readUntilAnswered(node);
      }
    },
    convergence: () => new ClusterConvergence(''),
  };
}

function drawStorageWorkload(random: Random, chaosMicros: Micros, mayLie: boolean): StorageWorkload {
  const size = random.fork('sizes');
  const clients = size.between(2, 3);
  const moments = drawMoments(random.fork('moments'), size.between(15, 45), chaosMicros);
  const operations = drawOperations(random, clients, moments, (own, slot): StorageOperation => {
    // The first server is hot.
    const node = own.chance(1, 2) ? 'n1' : own.pick(numbered('n', NODES));
    if (own.chance(1, 6)) return { ...slot, kind: 'read', node };
    const times = own.chance(1, 3) ? own.between(2, 4) : 1;
    return { ...slot, kind: 'put', node, times, copies: own.chance(1, 4) ? own.between(2, 3) : 1 };
  });
  return { nodes: NODES, clients, lyingDisks: mayLie && size.chance(1, 2), operations };
}
