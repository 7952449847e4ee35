/**
 * The commit proxy that some servers send to stands still. What they sent to be committed waits there, and is committed when it goes on,
 * where nothing has come in between; reads, and the commits of others, take other ways. So a commit may take effect long after its sender
 * has given up waiting for it. Some of them aim at who holds a role by then, and let go a moment after somebody else has it.
 */
import { striking } from '../fault.js';
import { AIM, type EpisodeRange, level, parameters, servers } from '../parameters.js';
import { afterSuccession, holderOf } from '../successor.js';

/** Long enough for others to take over. What has waited for more than five seconds is too old: the store would refuse all of it. */
const EPISODE: EpisodeRange = { shortestMicros: 3_000_000, longest: { numerator: 2, denominator: 3 }, atMost: () => 5_500_000 };
/** There is somebody who can go on. */
const allButOne = ({ nodes }: { readonly nodes: readonly unknown[] }): number => Math.max(1, nodes.length - 1);

export const stuckCommits = striking({
  id: 'database/stuck-commits',
  summary: 'commits of some servers wait on their way, while they and others read and others commit',
  needs: ['database'],
  core: false,
  ...parameters({ nodes: servers(allButOne), aim: AIM, lateMicros: level(1_000, 1_000_000) }, EPISODE),
  strike(world, { nodes, aim, lateMicros }) {
    // Not by `aimed`, for which role somebody else is to take over must be known, and one that nobody has gives no one to aim at.
    const holder = aim === 'nodes' ? undefined : holderOf(world, aim);
    const stuck = (holder === undefined ? nodes : [holder.node]).filter((node) => world.database.stallCommits(node, true));
    const goOn = (): void => {
      for (const node of stuck.splice(0)) world.database.stallCommits(node, false);
    };
    if (holder !== undefined) afterSuccession(world, holder, lateMicros, goOn);
    return goOn;
  },
});
