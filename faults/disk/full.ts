/**
 * Disks have almost no room left when it begins: what grows beyond fails with ENOSPC, often in the middle of a record. The room is counted
 * from what each disk holds by then, because a limit that a disk has long passed refuses everything at once, and a far one nothing.
 */
import { striking } from '../fault.js';
import { level, parameters, servers } from '../parameters.js';

export const full = striking({
  id: 'disk/full',
  summary: 'disks are full (ENOSPC) but for a little room',
  needs: ['disk'],
  core: true,
  ...parameters({ nodes: servers(), spareBytes: level(512, 16_384) }),
  strike(world, params) {
    const limited = params.nodes.filter((node) => world.disk.limit(node, world.disk.usedBytes(node) + params.spareBytes));
    return () => {
      for (const node of limited) world.disk.limit(node, undefined);
    };
  },
});
