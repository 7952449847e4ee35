/** A writer of notebooks: writes, reads, spoils, passes notes on and has notebooks moved, and tells the history of it. */
import type { KelpieErrorCode } from '../src/kelpie/errors.js';
import type { ActorRef } from '../src/kelpie/ids.js';
import type { Json } from '../src/kelpie/json.js';
import type { Micros, Random } from '../src/ports.js';
import { type Asked, IMMOVABLE, newsOf, type Outcome, PATIENCE_MICROS } from './history.js';
import type { Desk, Worker } from './kelpie-scenario.js';
import { diary, type Jotting, notebook, type NotebookView, type Spoil } from './notebook.js';
import type { Common, Slot } from './workload-draws.js';

/** What a drawn operation has beside its name, client and time. Books are named by their actors: `notebook:b1`, `diary:b1`. */
export type NotebookOperation = Common &
  (
    | { readonly kind: 'write'; readonly book: string; readonly reads: number }
    | { readonly kind: 'jot'; readonly book: string }
    /** The same request is sent several times at once, as by a client that does not wait. */
    | { readonly kind: 'repeat'; readonly book: string; readonly times: number }
    /** Several requests at once. */
    | { readonly kind: 'burst'; readonly book: string; readonly times: number; readonly reads: number }
    | { readonly kind: 'spoil'; readonly book: string; readonly how: Spoil['how'] }
    | { readonly kind: 'read'; readonly book: string }
    /** `path`: ids of notebooks, each of which waits for the next. */
    | { readonly kind: 'relay'; readonly path: readonly string[] }
    | { readonly kind: 'migrate'; readonly book: string; readonly to: string }
  );

/** What most do in a book: a note, before which it looks at its store less than so many times, or now and then a look at it. */
export const drawNote = (random: Random, slot: Slot, book: string, readsBelow: number): NotebookOperation =>
  random.chance(3, 4) ? { ...slot, kind: 'write', book, reads: random.int(readsBelow) } : { ...slot, kind: 'read', book };

/** `notebook:b1` as a reference. */
function bookRef(book: string): ActorRef {
  const [namespace, id = ''] = book.split(':');
  return namespace === 'diary' ? diary(id) : notebook(id);
}

/** How a spoilt invocation ends. */
const SPOILT: Readonly<Record<Spoil['how'], KelpieErrorCode>> = { refuse: 'invalid-argument', panic: 'actor-error' };

export class NotebookClient implements Worker<NotebookOperation> {
  readonly #desk: Desk;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  /** Performs one drawn operation; whatever comes of it is told, and never thrown. */
  async perform(operation: NotebookOperation): Promise<void> {
    const { client, history } = this.#desk;
    const { op, deadlineMicros } = operation;
    switch (operation.kind) {
      case 'write':
        return this.#write(operation.book, op, operation.reads, deadlineMicros);
      case 'jot': {
        const { book } = operation;
        await history.tell({ op, kind: 'write', args: { book }, writes: [book] }, () =>
          client.invoke(bookRef(book), 'jot', { op } satisfies Jotting, { deadlineMicros }),
        );
        return;
      }
      case 'burst': {
        const { book, reads } = operation;
        const names = Array.from({ length: operation.times }, (_, i) => `${op}.${i + 1}`);
        await Promise.all(names.map((name) => this.#write(book, name, reads, deadlineMicros)));
        return;
      }
      case 'repeat': {
        const { book } = operation;
        const asked = { op, kind: 'write', args: { book }, writes: [book] };
        const send = (): Promise<Outcome<Json>> =>
          client.invoke(bookRef(book), 'write', { op, reads: 0 }, { requestId: op, deadlineMicros });
        await history.tell(asked, async () => newsOf(await Promise.all(Array.from({ length: operation.times }, send))));
        return;
      }
      case 'spoil': {
        const { book, how } = operation;
        await history.tell({ op, kind: 'spoil', args: { book, how }, refusals: [SPOILT[how]] }, () =>
          client.invoke(bookRef(book), 'spoil', { op, how } satisfies Spoil, { deadlineMicros }),
        );
        return;
      }
      case 'read':
        await history.tell(askedToRead(op, operation.book), () => this.#read(operation.book, deadlineMicros));
        return;
      case 'relay': {
        const [first = '', ...path] = operation.path;
        // Whoever is last on the path writes first.
        const writes = [...new Set(operation.path)].map((id) => notebook(id).key).reverse();
        const refusals = writes.length < operation.path.length ? { refusals: ['reentrant'] } : {};
        await history.tell({ op, kind: 'relay', args: { path: operation.path }, writes, ...refusals }, async () => {
          const outcome = await client.invoke(notebook(first), 'relay', { op, reads: 0, path }, { deadlineMicros });
          // A chain that comes back to who waits in it ends before anybody has written; after all else some may have.
          return outcome.kind === 'error' && outcome.error.code !== 'reentrant' ? { ...outcome, kind: 'unknown' } : outcome;
        });
        return;
      }
      case 'migrate': {
        const { book, to } = operation;
        await history.tell({ op, kind: 'migrate', args: { book, to }, refusals: IMMOVABLE }, () =>
          client.migrate(bookRef(book), to, { deadlineMicros }),
        );
        return;
      }
    }
  }

  /** Writes a first note, so that the book is there, however long it takes. */
  async begin(book: string): Promise<void> {
    await this.#desk.history.untilDone<Json>(
      (op) => ({ op, kind: 'write', args: { book }, writes: [book] }),
      (op) => this.#desk.client.invoke(bookRef(book), 'write', { op, reads: 0 }, { deadlineMicros: PATIENCE_MICROS }),
    );
  }

  /** Writes a note. */
  async workOn(book: string | undefined): Promise<void> {
    if (book !== undefined) await this.#write(book, this.#desk.history.nextName(), 0, PATIENCE_MICROS);
  }

  /** However long it takes. */
  readUntilAnswered(book: string): Promise<NotebookView> {
    return this.#desk.history.untilDone(
      (op) => askedToRead(op, book),
      () => this.#read(book, PATIENCE_MICROS),
    );
  }

  async #write(book: string, op: string, reads: number, deadlineMicros: Micros): Promise<void> {
    await this.#desk.history.tell({ op, kind: 'write', args: { book }, writes: [book] }, () =>
      this.#desk.client.invoke(bookRef(book), 'write', { op, reads }, { deadlineMicros }),
    );
  }

  /** A book answers nothing else. */
  #read(book: string, deadlineMicros: Micros): Promise<Outcome<NotebookView>> {
    return this.#desk.client.invoke(bookRef(book), 'read', null, { deadlineMicros }) as Promise<Outcome<NotebookView>>;
  }
}

const askedToRead = (op: string, book: string): Asked<NotebookView> => ({
  op,
  kind: 'read',
  args: { book },
  shows: ({ marks }) => ({ target: book, marks, inOrder: true }),
});
