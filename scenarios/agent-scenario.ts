/**
 * What scenarios on agents have in common: some agents are there before the chaos phase and are looked at when all is healed. A scenario says
 * the rest: what their users ask of them, of whom else, and which situations that should lead to.
 */
import type { KelpieParts } from '../src/kelpie/parts.js';
import type { Workload } from '../src/run.js';
import { AgentClient, type AgentOperation } from './agent-client.js';
import { agentProgram } from './agent-program.js';
import { allBut, type KelpieDesign, kelpieScenario } from './kelpie-scenario.js';
import type { Scenario } from './scenario.js';

type Design<Sizes extends Workload> = KelpieDesign<Sizes, AgentOperation, AgentClient>;

export interface AgentDesign<Sizes extends Workload>
  extends Omit<Design<Sizes>, 'invariants' | 'program' | 'worker' | 'setUp' | 'verify' | 'watched'> {
  /** Those that stay; the holder of the first one has the role `lease-holder`. */
  readonly residents: readonly [string, ...string[]];
}

export function agentScenario<Sizes extends Workload>({ residents, ...rest }: AgentDesign<Sizes>): Scenario<KelpieParts> {
  return kelpieScenario<Sizes, AgentOperation, AgentClient>({
    ...rest,
    // Money is what agents have none of.
    invariants: allBut('conservation'),
    watched: `agents:${residents[0]}`,
    program: (platform, { parts }) => agentProgram(platform, parts),
    worker: ({ client, platform, history }) => new AgentClient(client, platform.clock, history),
    async setUp(user) {
      for (const agent of residents) await user.settle(agent);
    },
    async verify(user) {
      await user.workOn(residents[0]);
      await user.talk();
      for (const agent of residents) await user.lookUntilSeen(agent);
    },
  });
}
