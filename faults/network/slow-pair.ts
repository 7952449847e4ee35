/** One ordered pair of addresses stays slow, as a bad cable does: everything else sees nothing of it. */
import type { NodeId } from '../../src/ports.js';
import { judging } from '../fault.js';
import { amount, checkNames, everyone, type Field, LONG_EPISODE, parameters } from '../parameters.js';

const pair: Field<readonly NodeId[]> = {
  draw(random, budget) {
    const from = random.pick(budget.nodes);
    const to = random.pick(everyone(budget).filter((address) => address !== from));
    return random.chance(1, 2) ? [from, to] : [to, from];
  },
  shrink: () => [],
  check: (value) =>
    Array.isArray(value) && value.length === 2 && checkNames(value, 2) === undefined ? undefined : 'a list [from, to] of two addresses',
};

export const slowPair = judging('packet', {
  id: 'network/slow-pair',
  summary: 'one ordered pair of addresses stays slow',
  needs: ['network'],
  core: true,
  ...parameters({ pair, micros: amount(1_000, 5_000_000) }, LONG_EPISODE),
  judge(packet, params) {
    if (packet.phase !== 'send' || params.micros === 0) return undefined;
    const [from, to] = params.pair;
    return packet.from === from && packet.to === to ? { kind: 'delay', micros: params.micros } : undefined;
  },
});
