/**
 * Every server sees a majority and no two see the same one (the "majorities ring" of Jepsen): servers sit in a ring and see only
 * their nearest neighbours, as many as a majority needs. Three of them are a line, where the ends do not see each other.
 */
import type { NodeId } from '../../src/ports.js';
import { judging } from '../fault.js';
import { names, parameters } from '../parameters.js';

const SERVERS_MIN = 3;

/** Whether the two places in a ring of `size` are too far from each other to see each other. */
function tooFar(a: number, b: number, size: number): boolean {
  const distance = Math.abs(a - b);
  if (size === SERVERS_MIN) return distance === 2;
  const majority = Math.floor(size / 2) + 1;
  return Math.min(distance, size - distance) > Math.ceil((majority - 1) / 2);
}

const ring = names((random, budget) => random.shuffle(budget.nodes), SERVERS_MIN);

export const majoritiesRing = judging('packet', {
  id: 'network/majorities-ring',
  summary: 'every server sees a majority, no two the same one',
  needs: ['network'],
  core: true,
  allowed: (budget) => budget.nodes.length >= SERVERS_MIN,
  ...parameters({ ring }),
  judge(packet, params) {
    const place = (node: NodeId): number => params.ring.indexOf(node);
    const [from, to] = [place(packet.from), place(packet.to)];
    return from >= 0 && to >= 0 && tooFar(from, to, params.ring.length) ? { kind: 'drop' } : undefined;
  },
});
