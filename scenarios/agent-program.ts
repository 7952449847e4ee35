/** What nodes of the scenarios of agents run, with times that fit into a run. */
import { AgentNode } from '../src/kelpie/agents/agent-node.js';
import type { AgentOptions } from '../src/kelpie/agents/agent-options.js';
import type { KelpieParts } from '../src/kelpie/parts.js';
import type { Micros, Platform } from '../src/ports.js';
import type { KelpieProgram } from './kelpie-scenario.js';

const SECOND: Micros = 1_000_000;

/** Agents are taken over and peers given up within a run. */
export const AGENT_OPTIONS: Partial<AgentOptions> = {
  sweepMicros: 2 * SECOND,
  sweepPage: 4,
  takeOverMicros: 8 * SECOND,
  peerMicros: 2 * SECOND,
  askMicros: 20 * SECOND,
};

export function agentProgram(platform: Platform, parts: KelpieParts): KelpieProgram {
  const agents = new AgentNode(platform, parts, AGENT_OPTIONS);
  return { actors: agents.actors, services: [agents] };
}
