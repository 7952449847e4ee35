/** The search for an order: 10,000 operations of 20 clients, beside the five seconds that it may take. */
import { checkLinearizability } from '../invariants/linearizability/checker.js';
import type { HistoryOperation, SequentialModel } from '../invariants/linearizability/model.js';
import {
  type Json,
  type KvInput,
  kvModel,
  type ListInput,
  listAppendModel,
  type RegisterInput,
  registerModel,
} from '../invariants/linearizability/models.js';
import { randomOf } from '../src/sim/random.js';
import type { Random } from '../src/ports.js';
import { type BenchRow, median, perSecond } from './bench.js';

const OPERATIONS = 10_000;
const CLIENTS = 20;
const KEYS = 50;
const ROUNDS = 3;
const SECONDS_MAX = 5;

/** Operations a second. One in a hundred has no answer. */
export async function linearizability(): Promise<readonly BenchRow[]> {
  const key = (random: Random): string => `k${random.int(KEYS)}`;
  return [
    await row(
      'linear-kv',
      kvModel,
      (random, i): KvInput => (random.chance(1, 2) ? { kind: 'get', key: key(random) } : { kind: 'put', key: key(random), value: i }),
    ),
    await row(
      'linear-reg',
      registerModel,
      (random, i): RegisterInput =>
        random.chance(1, 2) ? { kind: 'read', key: key(random) } : { kind: 'write', key: key(random), value: i },
    ),
    await row(
      'linear-list',
      listAppendModel,
      (random, i): ListInput => (random.chance(1, 2) ? { kind: 'read', key: key(random) } : { kind: 'append', key: key(random), value: i }),
    ),
  ];
}

async function row<State, Input>(
  bench: string,
  model: SequentialModel<State, Input, Json>,
  draw: (random: Random, index: number) => Input,
): Promise<BenchRow> {
  const history = historyOf(model, draw);
  const rounds: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    rounds.push(
      await perSecond(OPERATIONS, () => {
        const { verdict } = checkLinearizability(history, model);
        if (verdict !== 'yes') throw new Error(`${bench}: a history that happened is said to be ${verdict}`);
      }),
    );
  }
  return {
    bench,
    ours: median(rounds),
    unit: 'operations/s',
    against: `${SECONDS_MAX} s for ${OPERATIONS}`,
    theirs: OPERATIONS / SECONDS_MAX,
    aim: 1,
  };
}

/** A history that happened: each client does one thing after the other, and each thing takes effect between its call and its end. */
function historyOf<State, Input>(
  model: SequentialModel<State, Input, Json>,
  draw: (random: Random, index: number) => Input,
): HistoryOperation<Input, Json>[] {
  const random = randomOf(1).fork('linearizability');
  const free = Array.from({ length: CLIENTS }, () => 0);
  const operations = Array.from({ length: OPERATIONS }, (_, i) => {
    const client = i % CLIENTS;
    const call = (free[client] ?? 0) + random.between(1, 20);
    const end = call + random.between(2, 200);
    free[client] = end;
    return { client: `c${client}`, input: draw(random, i), call, end, moment: random.between(call, end), lost: random.chance(1, 100) };
  });
  const states = new Map<string, State>();
  return operations
    .sort((a, b) => a.moment - b.moment)
    .map(({ client, input, call, end, lost }) => {
      const part = model.part(input);
      const { state, output } = model.apply(states.get(part) ?? model.initial(part), input);
      states.set(part, state);
      return { client, input, call, end: lost ? undefined : end, output: lost ? undefined : output };
    });
}
