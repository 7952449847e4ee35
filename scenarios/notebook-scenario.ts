/**
 * What all scenarios on notebooks have in common: nodes run them, clients write in them, and when all is healed a note
 * is written in one, and each is read once more.
 * A scenario says the rest: what else nodes run, what clients do and when, and which situations that should lead to.
 */
import type { KelpieParts } from '../src/kelpie/parts.js';
import type { Micros, Platform, Random } from '../src/ports.js';
import type { Workload } from '../src/run.js';
import { allBut, type KelpieDesign, type KelpieProgram, kelpieScenario } from './kelpie-scenario.js';
import { notebookActors } from './notebook.js';
import { drawNote, NotebookClient, type NotebookOperation } from './notebook-client.js';
import type { Scenario } from './scenario.js';
import { drawOperations, hot, steadyMoments } from './workload-draws.js';

type Design<Sizes extends Workload> = KelpieDesign<Sizes, NotebookOperation, NotebookClient>;

export interface NotebookDesign<Sizes extends Workload>
  extends Omit<Design<Sizes>, 'invariants' | 'program' | 'worker' | 'setUp' | 'verify'> {
  /** By their actors, in the order in which they are read at the end. */
  readonly books: readonly string[] | ((workload: Sizes) => readonly string[]);
  /** Each has a first note before the chaos phase; else a book is begun by whoever first writes in it. */
  readonly begun?: true;
  /** What nodes run or are set to beside notebooks. */
  program?(platform: Platform, stage: { readonly workload: Sizes; readonly parts: KelpieParts }): Omit<KelpieProgram, 'actors'>;
}

export function notebookScenario<Sizes extends Workload>(design: NotebookDesign<Sizes>): Scenario<KelpieParts> {
  const { books, begun, program, ...rest } = design;
  const booksOf = typeof books === 'function' ? books : (): readonly string[] => books;
  return kelpieScenario<Sizes, NotebookOperation, NotebookClient>({
    ...rest,
    // Money is what notebooks have none of.
    invariants: allBut('conservation'),
    program: (platform, stage) => ({ ...program?.(platform, stage), actors: notebookActors }),
    worker: (desk) => new NotebookClient(desk),
    ...(begun === undefined
      ? {}
      : {
          async setUp(user, workload) {
            for (const book of booksOf(workload)) await user.begin(book);
          },
        }),
    async verify(user, workload) {
      await user.workOn(booksOf(workload)[0]);
      // One after the other: where nodes are full there is room for no more.
      for (const book of booksOf(workload)) await user.readUntilAnswered(book);
    },
  });
}

/** Clients that write and look without a rest, all over the chaos phase, mostly in the first of the books: whoever goes, somebody waits for it. */
export function drawSteadyUse(
  random: Random,
  chaosMicros: Micros,
  { clients, books, readsBelow }: { readonly clients: number; readonly books: readonly string[]; readonly readsBelow: number },
): Workload & { readonly operations: readonly NotebookOperation[] } {
  const size = random.fork('sizes');
  const nodes = size.between(3, 5);
  const moments = steadyMoments(size.between(12, 24), chaosMicros);
  const operations = drawOperations(random, clients, moments, (own, slot) => drawNote(own, slot, hot(own, books), readsBelow));
  return { nodes, clients, operations };
}
