/** Bits of durable data flip while nobody looks. Whoever reads them must notice by a checksum. */
import { striking } from '../fault.js';
import { amount, liars, parameters } from '../parameters.js';

export const bitRot = striking({
  id: 'disk/bit-rot',
  summary: 'bits of durable data flip',
  needs: ['disk'],
  core: true,
  allowed: (budget) => budget.lyingDisksMax > 0,
  ...parameters({ nodes: liars(), bitFlips: amount(1, 64) }),
  // Rot is not undone by time: the damage stays for whoever repairs it.
  strike(world, params) {
    for (const node of params.nodes) world.disk.rot(node, params.bitFlips, world.random);
  },
});
