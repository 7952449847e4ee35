/** The contract of the catalogue: a fault judges what happens at one seam, or strikes the world at a moment and heals. */
import type { Micros, Random, TraceValue } from '../src/ports.js';
import type { Episode } from '../src/run.js';
import type { Budget, Capability, Seam, SeamEvent, Seams, SeamVerdict, World } from '../src/sim/seams.js';

export const FAMILIES = ['network', 'disk', 'crash', 'clock', 'schedule', 'database', 'resource', 'service', 'sandbox', 'cluster'] as const;
export type Family = (typeof FAMILIES)[number];

/** Drawn parameters: plain JSON, always with the episode. */
export type FaultParams = Episode & { readonly [name: string]: TraceValue };

/** Who holds a role now, as `World.role` says it. */
export type RoleOf = World['role'];

/** A fault that another one brings along: an id of the catalogue and parameters that it checks like those of a file. */
export interface Companion {
  readonly id: Fault['id'];
  readonly params: FaultParams;
}

export interface Fault<Params extends FaultParams = FaultParams> {
  readonly id: `${Family}/${string}`;
  /** One line, shown by `list faults`. */
  readonly summary: string;
  /** Drawn only where the scenario offers all of these, because elsewhere it cannot matter. */
  readonly needs: readonly Capability[];
  readonly core: boolean;
  /** True where the protocol does not promise to survive it; drawn only by `beyond-budget`. */
  readonly beyondBudget?: boolean;
  /** True where its parameters are no matter of chance: never drawn, only in cases that were made, as `explore` makes them. */
  readonly scripted?: boolean;
  /** Whether a budget leaves any room for it (a lying disk, a node down); drawn only then. Absent: always. */
  allowed?(budget: Budget): boolean;
  /** Magnitude, targets, episode. */
  draw(random: Random, budget: Budget): Params;
  /** Simpler parameters, simplest first; nothing when none is simpler. */
  shrink(params: Params): Iterable<Params>;
  /** Says what is wrong with parameters read from a file, or undefined. */
  check(params: FaultParams): string | undefined;
  /** Its parameters with whoever holds a role as the episode begins; as they are where nobody does. `judge` and `strike` get what it returns. */
  aim?(params: Params, roleOf: RoleOf): Params;
  /** Other faults that make it meet work, drawn with it as faults of their own. Those that a scenario has no use or room for stay away. */
  brings?(params: NoInfer<Params>, random: Random, budget: Budget): readonly Companion[];
  /** Which seam `judge` answers at. */
  readonly seam?: Seam;
  /** `elapsedMicros` of the episode have passed, for faults that come and go within it. */
  judge?(event: SeamEvent, params: Params, random: Random, elapsedMicros: Micros): SeamVerdict | undefined;
  /** Does it; the returned function heals it. */
  strike?(world: World, params: Params): void | (() => void);
}

/** Ties the judge of a fault to the event type of its seam. A `strike` beside it does what verdicts cannot. */
export function judging<S extends Seam, Params extends FaultParams>(
  seam: S,
  fault: Omit<Fault<Params>, 'seam' | 'judge'> & {
    judge(event: Seams[S][0], params: Params, random: Random, elapsedMicros: Micros): Seams[S][1] | undefined;
  },
): Fault {
  return { ...fault, seam };
}

/** A fault that strikes. */
export function striking<Params extends FaultParams>(
  fault: Omit<Fault<Params>, 'seam' | 'judge'> & { strike(world: World, params: Params): void | (() => void) },
): Fault {
  return fault;
}
