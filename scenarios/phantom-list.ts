/**
 * Lists of keys that change while they are listed. Each operation puts items on a shelf, takes others off and lists them in between, so
 * that what is buffered and what is stored must be merged; some fail at the end and must have changed no list. An owner that was deposed in
 * the middle must not commit what it listed before.
 */
import type { Json } from '../src/kelpie/json.js';
import type { KelpieParts } from '../src/kelpie/parts.js';
import type { Micros } from '../src/ports.js';
import { type Asked, type Outcome, PATIENCE_MICROS } from './history.js';
import { allBut, type Desk, kelpieScenario, type Worker } from './kelpie-scenario.js';
import { commitMarks, seen } from './marks.js';
import type { Scenario } from './scenario.js';
import { type Rearrange, shelf, shelfType, type ShelfView } from './shelf.js';
import { type Common, drawMoments, drawOperations, hot, numbered } from './workload-draws.js';

type ShelfOperation = Common &
  ({ readonly kind: 'read'; readonly shelf: string } | ({ readonly kind: 'rearrange'; readonly shelf: string } & Rearrange));

const SHELVES = ['s1', 's2'];
const ITEMS = numbered('i', 8);

class Librarian implements Worker<ShelfOperation> {
  constructor(readonly desk: Desk) {}

  async perform(operation: ShelfOperation): Promise<void> {
    const { history } = this.desk;
    const { op, deadlineMicros } = operation;
    if (operation.kind === 'read') {
      await history.tell(askedToRead(op, operation.shelf), () => this.#read(operation.shelf, deadlineMicros));
      return;
    }
    const { puts, takes, spoils } = operation;
    return this.#rearrange(operation.shelf, { op, puts, takes, spoils }, deadlineMicros);
  }

  /** Puts an item on a shelf. */
  workOn(name: string): Promise<void> {
    return this.#rearrange(name, { op: this.desk.history.nextName(), puts: ITEMS.slice(0, 1), takes: [], spoils: false }, PATIENCE_MICROS);
  }

  readUntilAnswered(name: string): Promise<ShelfView> {
    return this.desk.history.untilDone(
      (op) => askedToRead(op, name),
      () => this.#read(name, PATIENCE_MICROS),
    );
  }

  async #rearrange(name: string, args: Rearrange, deadlineMicros: Micros): Promise<void> {
    const { client, history } = this.desk;
    const actor = shelf(name);
    const refusals = args.spoils ? { refusals: ['invalid-argument'] } : {};
    const asked: Asked<Json> = { op: args.op, kind: 'rearrange', args, writes: [actor.key], ...refusals };
    await history.tell(asked, () => client.invoke(actor, 'rearrange', args, { deadlineMicros }));
  }

  /** A shelf answers nothing else. */
  #read(name: string, deadlineMicros: Micros): Promise<Outcome<ShelfView>> {
    return this.desk.client.invoke(shelf(name), 'read', null, { deadlineMicros }) as Promise<Outcome<ShelfView>>;
  }
}

const askedToRead = (op: string, name: string): Asked<ShelfView> => ({
  op,
  kind: 'read',
  args: { shelf: name },
  shows: ({ marks }) => ({ target: shelf(name).key, marks }),
});

export const phantomList: Scenario<KelpieParts> = kelpieScenario({
  id: 'phantom-list',
  summary: 'keys are listed while they are written and deleted, in the buffer and in the store',
  invariants: allBut('conservation'),
  sometimes: {
    'list met a limit': seen('kv.list', ({ limited }) => limited),
    'list of nothing': seen('kv.list', ({ keys }) => keys.length === 0),
    'writes rolled back': commitMarks['writes rolled back'],
    'invocation tried again': commitMarks['invocation tried again'],
  },
  knobs: { idleMicros: { min: 20_000, max: 2_000_000, normal: 300_000 } },
  watched: 'shelf:s1',
  program: () => ({ actors: [shelfType] }),
  worker: (desk) => new Librarian(desk),
  draw(random, chaosMicros) {
    const moments = drawMoments(random.fork('moments'), random.fork('sizes').between(8, 20), chaosMicros);
    const operations = drawOperations(random, 3, moments, (own, slot): ShelfOperation => {
      const name = hot(own, SHELVES);
      if (own.chance(1, 4)) return { ...slot, kind: 'read', shelf: name };
      const items = own.shuffle(ITEMS);
      const puts = items.slice(0, own.int(4));
      // Some of what was just put is taken again.
      const takes = own.shuffle([...items.slice(4, 6), ...puts]).slice(0, own.int(4));
      return { ...slot, kind: 'rearrange', shelf: name, puts, takes, spoils: own.chance(1, 6) };
    });
    return { nodes: 3, clients: 3, operations };
  },
  async verify(user) {
    await user.workOn(SHELVES[0] ?? '');
    for (const name of SHELVES) await user.readUntilAnswered(name);
  },
});
