/** What the search leaves out must not matter: held against the search that leaves nothing out, on cases small enough for that. */
import { describe, expect, test } from 'vitest';
import type { Invariant } from '../../invariants/invariant.js';
import type { Scenario } from '../../scenarios/scenario.js';
import type { NodeId, Platform, StoryEvent } from '../../src/ports.js';
import type { Operation } from '../../src/run.js';
import type { DecisionPoint } from '../../src/sim/explorer.js';
import { catalogue as real } from '../catalogue.js';
import { defineInvariant, defineScenario } from '../define.js';
import { exploreRun } from './explored-run.js';
import { Odometer, type Route } from './odometer.js';
import { smallCase } from './small-case.js';
import { StateTable } from './state-table.js';

const SECOND = 1_000_000;
const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const decode = (bytes: Uint8Array): Message => JSON.parse(new TextDecoder().decode(bytes)) as Message;
interface Message {
  readonly kind: 'get' | 'set' | 'answer';
  readonly value: number;
}

/** Events of this program alone. */
const told = (event: StoryEvent & { readonly [detail: string]: string | number }): StoryEvent => event;

/** A register behind messages. What is told of it is heard by the judge, or by nobody. */
function serve({ transport, tracer }: Platform): Promise<void> {
  let register = 0;
  transport.listen((from, bytes) => {
    const { kind, value } = decode(bytes);
    if (kind === 'set') register = value;
    tracer.emit(told({ type: 'served', from, register }));
    transport.send(from, encode({ kind: 'answer', value: register }));
  });
  return new Promise(() => {});
}

/** Reads the register, then writes one more: an update that another can get lost. */
async function client({ transport, tracer, node }: Platform, _stage: unknown, operations: readonly Operation[]): Promise<void> {
  let answered: (value: number) => void = () => {};
  transport.listen((_from, bytes) => answered(decode(bytes).value));
  const ask = (to: NodeId, kind: Message['kind'], value: number): Promise<number> =>
    new Promise((resolve) => {
      answered = resolve;
      transport.send(to, encode({ kind, value }));
    });
  for (const { kind, to } of operations) {
    const seen = await ask(to as NodeId, 'get', 0);
    tracer.emit(told({ type: 'saw', client: node, seen }));
    if (kind === 'add') await ask(to as NodeId, 'set', seen + 1);
  }
}

/** Never broken; hears everything, or nothing. */
const silent = (hears?: readonly []): Invariant =>
  defineInvariant({
    id: 'planted',
    promise: 'planted',
    kind: 'always',
    ...(hears === undefined ? {} : { hears }),
    start: () => ({ observe: () => undefined }),
  });

/** Broken when this one is served before all others. */
const notFirst = (unwanted: NodeId): Invariant =>
  defineInvariant({
    id: 'planted',
    promise: `${unwanted} is not served first`,
    kind: 'always',
    start() {
      let isOver = false;
      return {
        observe({ index, at, body }) {
          if (isOver || body.type !== 'served') return undefined;
          isOver = true;
          if ((body as unknown as { readonly from: NodeId }).from !== unwanted) return undefined; // `serve` told it
          return { expected: 'another', seen: unwanted, atMicros: at, nodes: [], event: index };
        },
      };
    },
  });

function lab(operations: readonly Operation[], invariant: Invariant): Scenario {
  const clients = Math.max(...operations.map((operation) => operation.client));
  return defineScenario<unknown>({
    id: 'lab',
    summary: 'planted',
    offers: ['network'],
    invariants: [invariant],
    parts: {},
    convergenceMicros: 10 * SECOND,
    draw: () => ({ nodes: 2, clients, operations }),
    small: () => ({ workload: { nodes: 2, clients, operations }, chaosMicros: SECOND, readyMicros: 0, seed: 1 }),
    budget: (_workload, chaosMicros) => ({
      nodes: ['n1', 'n2'],
      downMax: 0,
      lyingDisksMax: 0,
      clockSkewMicrosMax: 0,
      clockDriftPpmMax: 0,
      chaosMicros,
    }),
    serve,
    client,
  });
}

const operation = (client: number, kind: 'add' | 'look', to: string): Operation => ({ client, atMicros: 0, kind, to });
const ADDERS = [operation(1, 'add', 'n1'), operation(2, 'add', 'n1')];
const APART = [operation(1, 'add', 'n1'), operation(2, 'add', 'n2'), operation(3, 'look', 'n2')];

interface Found {
  readonly runs: number;
  readonly cut: number;
  readonly outcomes: readonly string[];
  readonly failing: Route | undefined;
}

const RUNS_MAX = 20_000;

/** The whole space. `prunes`: ends runs in known states; `reduces`: tries only orders that matter. */
async function search(scenario: Scenario, prunes: boolean, reduces: boolean): Promise<Found> {
  const scenarios = [scenario];
  const catalogue = { ...real, scenarios };
  const { run, readyMicros } = smallCase(scenario, scenarios, { faults: 0 });
  const table = new StateTable(2 ** 14);
  const odometer = new Odometer();
  const outcomes = new Set<string>();
  let runs = 0;
  let cut = 0;
  let failing: Route | undefined;
  const all = (point: DecisionPoint): DecisionPoint => ({ ...point, entangled: true });
  for (let [route] = odometer.take(1); route !== undefined; [route] = odometer.take(1)) {
    if (++runs > RUNS_MAX) throw new Error('the space is too large for a test');
    const explored = await exploreRun({ run, readyMicros, depth: 1_000, faults: 0 }, route, catalogue, prunes ? table : undefined);
    if (typeof explored === 'string') throw new Error(explored);
    for (const { position, state, left } of explored.points) if (position >= route.length) table.put(state, left);
    odometer.branch(route, reduces ? explored.points : explored.points.map(all));
    if (explored.failing !== undefined) failing ??= route;
    if (explored.isCut) cut++;
    else outcomes.add(explored.verdict.effects);
  }
  return { runs, cut, outcomes: [...outcomes].sort(), failing };
}

describe('what pruning and reduction leave out', () => {
  test.each([
    ['two that race for one register', ADDERS],
    ['three, of which one has a register to itself', APART],
  ])(
    'changes nothing that a judge of everything can hear: %s',
    async (_, operations) => {
      const scenario = lab(operations, silent());
      const everything = await search(scenario, false, false);
      expect(everything.outcomes.length).toBeGreaterThan(2);
      for (const [prunes, reduces] of [
        [true, false],
        [false, true],
        [true, true],
      ] as const) {
        const found = await search(scenario, prunes, reduces);
        expect(found.outcomes).toEqual(everything.outcomes);
        expect(found.runs).toBeLessThanOrEqual(everything.runs);
      }
    },
    120_000,
  );

  test('saves runs: where states meet again, and more where no order can be heard', async () => {
    const scenario = lab(APART, silent([]));
    const everything = await search(scenario, false, false);
    const pruned = await search(scenario, true, false);
    const both = await search(scenario, true, true);
    expect(everything.cut).toBe(0);
    expect(pruned.cut).toBeGreaterThan(0);
    expect(pruned.runs).toBeLessThan(everything.runs);
    expect(both.runs).toBeLessThan(pruned.runs);
  }, 120_000);
});

test('what breaks in one order only is found, with one turn where the first way is the other order', async () => {
  const turns: (number | undefined)[] = [];
  for (const client of ['c1', 'c2']) {
    const { failing } = await search(lab(ADDERS, notFirst(client)), true, true);
    turns.push(failing?.filter((choice) => choice > 0).length);
  }
  expect(new Set(turns)).toEqual(new Set([0, 1]));
});
