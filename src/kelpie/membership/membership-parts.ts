/** The decisions of membership that a known bug may take the place of. */
import type { NodeId } from '../../ports.js';
import type { NodeAccess } from '../node.js';
import type { Rpc } from '../rpc.js';
import type { Runtime } from '../runtime.js';
import { type ElectPrimary, electPrimary, type HasMajority, hasMajority } from './changes.js';
import { type FailOver, failOver, type MayReplace, mayReplace } from './failover.js';
import { JOIN, wasAccepted } from './messages.js';

/** Asks seed nodes, one after the other, to be let in. Answers with the one that did. */
export type AskSeeds = (runtime: Runtime, rpc: Rpc, seeds: readonly NodeId[], stopped: () => boolean) => Promise<NodeId | undefined>;

const askSeeds: AskSeeds = async ({ config, life }, rpc, seeds, stopped) => {
  for (const seed of seeds) {
    if (stopped()) return undefined;
    const reply = await rpc.request(seed, JOIN, { life }, config.forwardMicros);
    if (reply.kind === 'reply' && wasAccepted(reply.body)) return seed;
  }
  return undefined;
};

/** What a heartbeat of a life does that is failed or gone. `change` names a change of the view, should it make one. */
export type HearLate = (runtime: Runtime, change: string, late: { readonly node: NodeId; readonly life: number }) => Promise<void>;

/** Nothing: a life that is over stays so. Its node reads the view and finds out. */
const hearLate: HearLate = () => Promise.resolve();

/** What a node does whose life was failed by others. Answers whether it has a new life. */
export type AfterOwnFailure = (access: NodeAccess) => Promise<boolean>;

/** It serves nothing any more as that life, and begins a new one. Errors: none; `false` when it stops. */
const afterOwnFailure: AfterOwnFailure = async ({ runtime, rejoin }) => {
  const nodeLife = runtime.life;
  const { actors, registered } = await rejoin();
  runtime.teller.tell({ type: 'member.deposed', nodeLife, actors });
  return registered;
};

export interface MembershipParts {
  readonly askSeeds: AskSeeds;
  readonly hasMajority: HasMajority;
  readonly electPrimary: ElectPrimary;
  readonly failOver: FailOver;
  readonly mayReplace: MayReplace;
  readonly hearLate: HearLate;
  readonly afterOwnFailure: AfterOwnFailure;
}

export const membershipParts: MembershipParts = {
  askSeeds,
  hasMajority,
  electPrimary,
  failOver,
  mayReplace,
  hearLate,
  afterOwnFailure,
};
