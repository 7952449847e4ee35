/**
 * The node and the client that counterexamples of the write-ahead log are played with: operations come over the network, are logged,
 * and take effect in the database, which takes each entry of the log once.
 */
import { History, type Outcome } from '../../scenarios/history.js';
import { Deadlines } from '../../src/kelpie/deadlines.js';
import { KelpieError } from '../../src/kelpie/errors.js';
import { fromUtf8, type Json, utf8 } from '../../src/kelpie/json.js';
import { Rpc } from '../../src/kelpie/rpc.js';
import { Teller } from '../../src/kelpie/tell.js';
import { Wal, type WalEntry, type WalParts } from '../../src/kelpie/wal/wal.js';
import { type Database, type Micros, type NodeId, type Platform, transact } from '../../src/ports.js';
import { Orders } from './orders.js';

const SECOND: Micros = 1_000_000;
const EXECUTE = 'execute';
const IMPOSSIBLE = 'impossible';
const LOOK = 'look';
const LOG = 'log';

/** Told by the node when it has replayed what was pending. */
export const RECOVERED = 'directed.recovered';

type Execute = { readonly key: string; readonly times: number; readonly fails: boolean };
type Look = { readonly effects: Readonly<Record<string, number>> };

const appliedKey = (id: number): Uint8Array => utf8(`applied/${id}`);
const effectKey = (key: string): Uint8Array => utf8(`effect/${key}`);
const EFFECTS_BEGIN = utf8('effect/');
const EFFECTS_END = utf8('effect0');

/** One life of the node. Serves while it still replays, as nodes do. */
export async function serveLog(platform: Platform, parts: WalParts): Promise<void> {
  const { database, disk, clock, tracer, lifecycle } = platform;
  const teller = new Teller(tracer);
  const rpc = new Rpc(platform, new Deadlines(clock), teller);
  const wal = await Wal.open(disk, clock, tracer, { directory: 'wal' }, parts);
  const apply = async (entry: WalEntry): Promise<string> => {
    // The store is a peer that is asked on behalf of an entry, and what is asked of peers is told.
    const { key, operation } = entry;
    teller.tell({ type: 'peer.call', actor: LOG, service: 'store', operation, key, attempt: 1 });
    return takeEffect(database, entry);
  };
  rpc.handle(EXECUTE, async (body) => {
    const { key, times, fails } = body as Execute; // sent by `LogCaller`
    const request = { key, operation: fails ? IMPOSSIBLE : 'add', payload: 'null' };
    try {
      // Requests that arrive together are taken up together.
      const entries = await Promise.all(Array.from({ length: times }, () => wal.execute(request, apply)));
      return entries[0]?.status ?? null;
    } catch (error) {
      return KelpieError.from(error).code;
    }
  });
  rpc.handle(LOOK, () => effects(database));
  rpc.listen();
  const replayed = wal.replay(apply).then(() => tracer.emit({ type: RECOVERED }));
  const stopped = new Promise<void>((resolve) => {
    lifecycle.onStop(() => {
      resolve();
      return Promise.resolve();
    });
  });
  await Promise.all([replayed, stopped]);
}

/** The store takes an operation once per entry of the log. */
const takeEffect = async (database: Database, { id, key, operation }: WalEntry): Promise<string> => {
  if (operation === IMPOSSIBLE) throw new KelpieError('invalid-argument', 'the counterexample has it fail');
  await transact(database, async (transaction) => {
    const [done, count] = await Promise.all([transaction.get(appliedKey(id)), transaction.get(effectKey(key))]);
    if (done !== undefined) return;
    transaction.set(appliedKey(id), utf8('1'));
    transaction.set(effectKey(key), utf8(String(Number(count === undefined ? '0' : fromUtf8(count)) + 1)));
  });
  return 'null';
};

const effects = (database: Database): Promise<Look> =>
  transact(database, async (transaction) => {
    const { items } = await transaction.getRange(EFFECTS_BEGIN, EFFECTS_END, { limit: 100 });
    const found = items.map(({ key, value }) => [fromUtf8(key).slice('effect/'.length), Number(fromUtf8(value))] as const);
    return { effects: Object.fromEntries(found) };
  });

const POLL_MICROS: Micros = 500;
/** Longer than anything is held. */
const REPLY_MICROS: Micros = 25 * SECOND;

type Order = ({ readonly kind: 'execute' } & Execute) | { readonly kind: 'look' };

interface Line {
  readonly rpc: Rpc;
  readonly platform: Platform;
}

/** The client of the log at one node. */
export class LogCaller {
  readonly #node: NodeId;
  /** Names of the operations that were sent under each key. */
  readonly #sent = new Map<string, string[]>();
  readonly #orders = new Orders<Order>();

  constructor(node: NodeId) {
    this.#node = node;
  }

  /** The client's program: carries out orders until `end`. */
  async run(platform: Platform): Promise<void> {
    const history = new History(platform);
    const rpc = new Rpc(platform, new Deadlines(platform.clock), new Teller(platform.tracer));
    rpc.listen();
    await this.#orders.carryOut(platform.clock, (order) => this.#carryOut(order, history, { rpc, platform }));
    rpc.close();
  }

  /** Sends an operation under its key, several times at once, or again. */
  execute(key: string, { times = 1, fails = false } = {}): void {
    this.#orders.give({ kind: 'execute', key, times, fails });
  }

  /** Reads what has taken effect. */
  look(): void {
    this.#orders.give({ kind: 'look' });
  }

  get idle(): boolean {
    return this.#orders.idle;
  }

  end(): void {
    this.#orders.end();
  }

  async #carryOut(order: Order, history: History, line: Line): Promise<void> {
    const op = history.nextName();
    if (order.kind === 'look') {
      const shows = ({ effects: found }: Look): { readonly target: string; readonly marks: readonly string[] } => ({
        target: LOG,
        marks: Object.keys(found).flatMap((key) => this.#sent.get(key) ?? []),
      });
      await history.tell<Look>({ op, kind: 'look', args: null, shows }, () => ask<Look>(line, this.#node, LOOK, null));
      return;
    }
    const { key, times, fails } = order;
    const args: Execute = { key, times, fails };
    // Whoever is told that the operation of a key is done must find its effect, the first time and again.
    this.#sent.set(key, [...(this.#sent.get(key) ?? []), op]);
    await history.tell<string>({ op, kind: 'execute', args, writes: [LOG] }, () =>
      ask<string>(line, this.#node, EXECUTE, args, (status) => status === 'complete'),
    );
  }
}

/** Asks until there is an answer: a node that was restarted has not taken up what was meant for the life before. */
async function ask<T>(
  { rpc, platform }: Line,
  node: NodeId,
  kind: string,
  body: Json,
  succeeded: (answer: T) => boolean = () => true,
): Promise<Outcome<T>> {
  const { clock } = platform;
  const deadline = clock.monotonicMicros() + REPLY_MICROS;
  for (;;) {
    const left = deadline - clock.monotonicMicros();
    if (left <= 0) return { kind: 'unknown', error: { code: 'timeout' } };
    const reply = await rpc.request(node, kind, body, left);
    if (reply.kind !== 'reply') {
      await clock.sleep(POLL_MICROS);
      continue;
    }
    const answer = reply.body as T; // `serveLog` made it
    return succeeded(answer) ? { kind: 'ok', result: answer } : { kind: 'unknown', error: { code: String(answer) } };
  }
}
