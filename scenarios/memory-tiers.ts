/**
 * The three tiers of an agent's memory near their limits. Large entries with and without an end fill working memory, so that only what has
 * expired makes room; blocks of core memory are set, grown, moved and dropped around their bounds; changes of all tiers run at once. Some
 * invocations fail at the end, and nodes die, so that a tier may be half written in memory and must not be in the store.
 */
import type { Json } from '../src/kelpie/json.js';
import type { KelpieParts } from '../src/kelpie/parts.js';
import type { Micros, Random } from '../src/ports.js';
import { type Asked, type Outcome, PATIENCE_MICROS } from './history.js';
import { allBut, type Desk, kelpieScenario, type Worker } from './kelpie-scenario.js';
import { activationMarks, commitMarks, seen } from './marks.js';
import { mind, mindType, type MindView, type Thought } from './mind.js';
import type { Scenario } from './scenario.js';
import { type Common, drawMoments, drawOperations, hot } from './workload-draws.js';

type MindOperation = Common & { readonly mind: string } & (
    | { readonly kind: 'think'; readonly thought: Thought }
    | { readonly kind: 'view' }
  );

const MINDS = ['m1', 'm2'];
const KEYS = ['k1', 'k2', 'k3', 'k4', 'k5'];
const LABELS = ['log', 'persona', 'human', 'plan'];
/** Three of them fill working memory. */
const LENGTHS = [1_000, 300_000, 330_000, 400_000];

class Thinker implements Worker<MindOperation> {
  constructor(readonly desk: Desk) {}

  async perform(operation: MindOperation): Promise<void> {
    const { op, deadlineMicros } = operation;
    if (operation.kind === 'think') return this.#think(operation.mind, operation.thought, deadlineMicros);
    await this.desk.history.tell(askedToView(op, operation.mind), () => this.#view(operation.mind, deadlineMicros));
  }

  /** Changes all tiers, as far as they have room. */
  workOn(name: string): Promise<void> {
    return this.#think(name, { op: this.desk.history.nextName(), spoils: false, kind: 'together', times: 1 }, PATIENCE_MICROS);
  }

  async viewUntilAnswered(name: string): Promise<void> {
    await this.desk.history.untilDone(
      (op) => askedToView(op, name),
      () => this.#view(name, PATIENCE_MICROS),
    );
  }

  async #think(name: string, thought: Thought, deadlineMicros: Micros): Promise<void> {
    const { client, history } = this.desk;
    const actor = mind(name);
    const asked: Asked<Json> = {
      op: thought.op,
      kind: `think ${thought.kind}`,
      args: thought,
      writes: thought.kind === 'together' ? [actor.key] : [],
      ...(thought.spoils ? { refusals: ['invalid-argument'] } : {}),
    };
    await history.tell(asked, () => client.invoke(actor, 'think', thought, { deadlineMicros }));
  }

  /** A mind answers nothing else. */
  #view(name: string, deadlineMicros: Micros): Promise<Outcome<MindView>> {
    return this.desk.client.invoke(mind(name), 'view', null, { deadlineMicros }) as Promise<Outcome<MindView>>;
  }
}

const askedToView = (op: string, name: string): Asked<MindView> => ({
  op,
  kind: 'view',
  args: { mind: name },
  shows: ({ marks }) => ({ target: mind(name).key, marks }),
});

function drawThought(random: Random, op: string): Thought {
  const spoils = random.chance(1, 8);
  const label = random.pick(LABELS);
  switch (random.pick(['keep', 'keep', 'keep', 'forget', 'block', 'block', 'move', 'together', 'together'] as const)) {
    case 'keep': {
      const ttlMicros = random.chance(2, 3) ? random.between(100_000, 3_000_000) : null;
      return { op, spoils, kind: 'keep', key: random.pick(KEYS), length: random.pick(LENGTHS), ttlMicros };
    }
    case 'forget':
      return { op, spoils, kind: 'forget', key: random.pick(KEYS) };
    case 'block':
      return {
        op,
        spoils,
        kind: 'block',
        how: random.pick(['set', 'append', 'delete'] as const),
        label,
        length: random.between(0, 17_000),
      };
    case 'move':
      return { op, spoils, kind: 'move', label, index: random.int(LABELS.length) };
    case 'together':
      return { op, spoils, kind: 'together', times: random.between(2, 4) };
  }
}

export const memoryTiers: Scenario<KelpieParts> = kelpieScenario({
  id: 'memory-tiers',
  summary: "the tiers of an agent's memory are filled to their limits, expire and change all at once",
  invariants: allBut('conservation'),
  sometimes: {
    'writes rolled back': commitMarks['writes rolled back'],
    'actor deactivated for idleness': activationMarks['actor deactivated for idleness'],
    'more than three keys written in one invocation': seen('commit.start', ({ writes }) => writes.length > 3),
  },
  // Without skewed clocks: entries expire by the wall clock, and the state must know which.
  offers: ['network', 'process', 'schedule', 'database', 'cluster'],
  knobs: { idleMicros: { min: 50_000, max: 5_000_000, normal: 500_000 } },
  watched: 'mind:m1',
  program: (_, { parts }) => ({ actors: [mindType(parts.memory)] }),
  worker: (desk) => new Thinker(desk),
  draw(random, chaosMicros) {
    const moments = drawMoments(random.fork('moments'), random.fork('sizes').between(12, 30), chaosMicros);
    const operations = drawOperations(random, 2, moments, (own, slot): MindOperation => {
      const name = hot(own, MINDS);
      if (own.chance(1, 8)) return { ...slot, kind: 'view', mind: name };
      return { ...slot, kind: 'think', mind: name, thought: drawThought(own, slot.op) };
    });
    return { nodes: 3, clients: 2, operations };
  },
  async verify(user) {
    await user.workOn(MINDS[0] ?? '');
    for (const name of MINDS) await user.viewUntilAnswered(name);
  },
});
