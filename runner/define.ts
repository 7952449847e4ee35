/** For parts that are written outside of this project: each returns what it is given, with its type checked and inferred. */
import { type Fault, type FaultParams, judging, striking } from '../faults/fault.js';
import type { Invariant } from '../invariants/invariant.js';
import type { Scenario } from '../scenarios/scenario.js';
import type { Micros, Random } from '../src/ports.js';
import type { Seam, Seams, World } from '../src/sim/seams.js';

/** A scenario; `Parts` is the assembly of the program under test, which a known bug may replace. */
export function defineScenario<Parts>(scenario: Scenario<Parts>): Scenario<Parts> {
  return scenario;
}

/** A promise, as a fold over the trace. */
export function defineInvariant(invariant: Invariant): Invariant {
  return invariant;
}

/** A fault that answers at a seam. `judge` sees the event of that seam, and may answer only what the seam understands. */
export type JudgingFault<S extends Seam, Params extends FaultParams> = Omit<Fault<Params>, 'seam' | 'judge'> & {
  readonly seam: S;
  judge(event: Seams[S][0], params: Params, random: Random, elapsedMicros: Micros): Seams[S][1] | undefined;
};

/** A fault that does something to the world when its episode begins; the function that it returns undoes it. */
export type StrikingFault<Params extends FaultParams> = Omit<Fault<Params>, 'seam' | 'judge'> & {
  strike(world: World, params: Params): void | (() => void);
};

export function defineFault<S extends Seam, Params extends FaultParams>(fault: JudgingFault<S, Params>): Fault;
export function defineFault<Params extends FaultParams>(fault: StrikingFault<Params>): Fault;
export function defineFault<S extends Seam, Params extends FaultParams>(fault: JudgingFault<S, Params> | StrikingFault<Params>): Fault {
  return 'seam' in fault ? judging(fault.seam, fault) : striking(fault);
}
