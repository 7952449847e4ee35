/** The public surface. What is not exported here may change with any version. */
export { type Fault, FAMILIES, type FaultParams, type Family } from '../faults/fault.js';
export { faults } from '../faults/index.js';
export type { Breach, Fold, Invariant } from '../invariants/invariant.js';
export { defineFault, defineInvariant, defineScenario, type JudgingFault, type StrikingFault } from '../runner/define.js';
export { type DrawableScenario, DRAWN_STRATEGIES, type DrawnStrategy, type DrawOptions, draw } from '../runner/draw.js';
export { UsageError } from '../runner/usage-error.js';
export type { Convergence, KnobRange, Scenario, Stage } from '../scenarios/scenario.js';
export * from './ports.js';
export * from './run.js';
export { type SimScenario, type SimStage, type Simulated, type SimulateOptions, simulate } from './sim/simulate.js';
export {
  type Budget,
  CAPABILITIES,
  type Capability,
  DATABASE_ADDRESS,
  type Seam,
  type SeamEvent,
  type Seams,
  type SeamVerdict,
  serviceAddress,
  type World,
} from './sim/seams.js';
export { canonical, encodeEvent, type TraceEvent, type TraceListener, type WorldEvent } from './trace.js';
