/** Disks hold only so many bytes: what grows beyond fails with ENOSPC, often in the middle of a record. */
import { striking } from '../fault.js';
import { level, parameters, servers } from '../parameters.js';

export const full = striking({
  id: 'disk/full',
  summary: 'disks are full (ENOSPC) beyond a size',
  needs: ['disk'],
  core: true,
  ...parameters({ nodes: servers(), bytesMax: level(512, 262_144) }),
  strike(world, params) {
    const limited = params.nodes.filter((node) => world.disk.limit(node, params.bytesMax));
    return () => {
      for (const node of limited) world.disk.limit(node, undefined);
    };
  },
});
