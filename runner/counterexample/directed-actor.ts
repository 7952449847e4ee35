/**
 * The actor that counterexamples are played with. Its one writing operation does what its payload lists, one thing after the other,
 * with a read from the store before each: a read can be held at the seam, so the operation waits there for its turn. It counts its
 * changes in state and keys and leaves the name of each operation in both, so that everything that is wrong with a commit shows.
 */
import type { Sequences } from '../../invariants/state-consistency.js';
import { History, type Outcome } from '../../scenarios/history.js';
import type { ActorType } from '../../src/kelpie/actor.js';
import { KelpieClient } from '../../src/kelpie/client.js';
import { KelpieError } from '../../src/kelpie/errors.js';
import { type ActorRef, actorRef } from '../../src/kelpie/ids.js';
import type { Json } from '../../src/kelpie/json.js';
import type { Micros, NodeId, Platform } from '../../src/ports.js';
import { Orders } from './orders.js';

export const TURNS = ['SetState', 'PutKv', 'Fail'] as const;
export type Turn = (typeof TURNS)[number];

type State = { sequence: number; marks: string[] };
type Play = { readonly op: string; readonly turns: readonly Turn[] };
type Look = Sequences & { readonly marks: readonly string[] };

const SEQUENCE = 'sequence';
const MARK = 'mark/';

const DIRECTED: ActorRef = actorRef('directed', 'actor');
const DIRECTED_NAME = DIRECTED.key;

export const directedActors: readonly ActorType[] = [
  {
    namespace: DIRECTED.namespace,
    create: () => ({
      initialState: (): State => ({ sequence: 0, marks: [] }),
      async invoke(ctx, operation, payload): Promise<Json> {
        const state = ctx.state as State; // `initialState` made it
        if (operation === 'look') {
          const marks = await ctx.kv.list(MARK);
          const keysSequence = (await ctx.kv.get(SEQUENCE)) ?? 0;
          const all = new Set([...state.marks, ...marks.map((key) => key.slice(MARK.length))]);
          return { stateSequence: state.sequence, keysSequence, marks: [...all].sort() };
        }
        const { op, turns } = payload as Play; // sent by `DirectedClient`
        const sequence = state.sequence + 1;
        for (const [at, turn] of turns.entries()) {
          await ctx.kv.get(`turn/${at}`);
          switch (turn) {
            case 'SetState':
              state.sequence = sequence;
              state.marks.push(op);
              break;
            case 'PutKv':
              await ctx.kv.set(SEQUENCE, sequence);
              await ctx.kv.set(`${MARK}${op}`, true);
              break;
            case 'Fail':
              throw new KelpieError('invalid-argument', 'the counterexample has it fail');
          }
        }
        return null;
      },
    }),
  },
];

const SECOND: Micros = 1_000_000;
/** An attempt is not given up while the director holds things. */
const ATTEMPT_MICROS: Micros = 20 * SECOND;
const DEADLINE_MICROS: Micros = 30 * SECOND;

type Order = { readonly op: string } & ({ readonly kind: 'play'; readonly turns: readonly Turn[] } | { readonly kind: 'look' });

/** Calls the actor at one node, as the script orders, and tells what came of it. Each is a client of its own. */
export class Caller {
  readonly #node: NodeId;
  readonly #orders = new Orders<Order>();

  constructor(node: NodeId) {
    this.#node = node;
  }

  /** The client's program: carries out orders until `end`. */
  async run(platform: Platform): Promise<void> {
    const history = new History(platform);
    const client = new KelpieClient(platform, { nodes: [this.#node], attemptMicros: ATTEMPT_MICROS });
    await this.#orders.carryOut(platform.clock, (order) => this.#carryOut(order, history, client));
    await client.close();
  }

  /** Begins an operation that writes. */
  play(turns: readonly Turn[]): void {
    this.#orders.give({ op: this.#nextOp(), kind: 'play', turns });
  }

  /** Begins to read everything. */
  look(): void {
    this.#orders.give({ op: this.#nextOp(), kind: 'look' });
  }

  get idle(): boolean {
    return this.#orders.idle;
  }

  end(): void {
    this.#orders.end();
  }

  #nextOp(): string {
    return `${this.#node}-${this.#orders.given + 1}`;
  }

  async #carryOut(order: Order, history: History, client: KelpieClient): Promise<void> {
    const { op } = order;
    if (order.kind === 'play') {
      const args: Play = { op, turns: order.turns };
      await history.tell({ op, kind: 'play', args, writes: [DIRECTED_NAME] }, () =>
        client.invoke(DIRECTED, 'play', args, { deadlineMicros: DEADLINE_MICROS }),
      );
      return;
    }
    const shows = ({ marks }: Look): { readonly target: string; readonly marks: readonly string[] } => ({ target: DIRECTED_NAME, marks });
    await history.tell<Look>(
      { op, kind: 'look', args: null, shows },
      async () => (await client.invoke(DIRECTED, 'look', null, { deadlineMicros: DEADLINE_MICROS })) as Outcome<Look>,
    );
  }
}
