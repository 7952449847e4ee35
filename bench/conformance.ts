/** What it costs to hold runs against the specs: the same default seeds with and without, in turn, in processor time. */
import { catalogue, DEFAULT_SCENARIO, find } from '../runner/catalogue.js';
import { draw } from '../runner/draw.js';
import { simulateCase } from '../runner/simulate-case.js';
import type { Case, Run } from '../src/run.js';
import { type BenchRow, median } from './bench.js';

const SEEDS = 16;
const ROUNDS = 5;
const COST_MAX = 1.1;
const NANOS_PER_STEP_MAX = 2_000;

const withoutSpecs = { ...catalogue, mappings: [] };

interface Timed {
  readonly micros: number;
  readonly run: Run;
}

/** Another core's share of the work, such as the collector's, counts; waiting for a core does not. */
async function timed(given: Case, parts: typeof catalogue): Promise<Timed> {
  const begin = process.cpuUsage();
  const done = await simulateCase(given, parts, {});
  const { user, system } = process.cpuUsage(begin);
  if (typeof done === 'string') throw new Error(done);
  return { micros: user + system, run: done.run };
}

const stepsOf = ({ spec }: Run): number => Object.values(spec).reduce((sum, { steps }) => sum + steps, 0);

/** A round before those that count warms what is compiled and what the walks keep. */
export async function conformance(): Promise<readonly BenchRow[]> {
  const scenario = find('scenario', catalogue.scenarios, DEFAULT_SCENARIO);
  let ours = 0;
  let theirs = 0;
  let steps = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const given = draw(seed, scenario, { faults: catalogue.faults });
    const heldMicros: number[] = [];
    const freeMicros: number[] = [];
    for (let round = 0; round <= ROUNDS; round++) {
      const [held, free] = await inTurn(
        round % 2 === 0,
        () => timed(given, catalogue),
        () => timed(given, withoutSpecs),
      );
      if (round === 0) steps += stepsOf(held.run);
      else {
        heldMicros.push(held.micros);
        freeMicros.push(free.micros);
      }
    }
    ours += median(heldMicros);
    theirs += median(freeMicros);
  }
  return [
    {
      bench: 'conformance',
      ours: ours / SEEDS,
      unit: 'us a run',
      against: 'the same runs without specs',
      theirs: theirs / SEEDS,
      aim: COST_MAX,
      lessIsBetter: true,
    },
    {
      bench: 'conformance',
      ours: (1_000 * (ours - theirs)) / steps,
      unit: 'ns a step',
      against: 'aim of performance.md',
      theirs: NANOS_PER_STEP_MAX,
      aim: 1,
      lessIsBetter: true,
    },
  ];
}

/** Who goes first alternates, so that neither always finds what the other has left in the caches. */
async function inTurn<T>(first: boolean, a: () => Promise<T>, b: () => Promise<T>): Promise<readonly [T, T]> {
  if (first) return [await a(), await b()];
  const later = await b();
  return [await a(), later];
}
