/**
 * A random half of the addresses is clogged one by one and freed one by one in another order (FoundationDB's "swizzle-clogging",
 * which finds what plain partitions do not): many different halves of the system see each other in turn.
 */
import type { NodeId } from '../../src/ports.js';
import { judging } from '../fault.js';
import { checkNames, everyone, type Field, fewer, inOrder, parameters } from '../parameters.js';

type Orders = { readonly clog: readonly NodeId[]; readonly free: readonly NodeId[] };

const orders: Field<Orders> = {
  draw(random, budget) {
    const all = everyone(budget);
    const clog = random.shuffle(all).slice(0, Math.ceil(all.length / 2));
    return { clog, free: random.shuffle(clog) };
  },
  *shrink({ clog, free }) {
    for (const some of fewer(clog, 1)) yield { clog: some, free: inOrder(free, some) };
  },
  check(value) {
    const wanted = 'two orders {clog, free} of the same addresses';
    if (typeof value !== 'object' || value === null || !('clog' in value) || !('free' in value)) return wanted;
    const { clog, free } = value;
    if (checkNames(clog, 1) !== undefined || checkNames(free, 1) !== undefined) return wanted;
    return JSON.stringify([...(clog as string[])].sort()) === JSON.stringify([...(free as string[])].sort()) ? undefined : wanted;
  },
};

export const swizzleClog = judging('packet', {
  id: 'network/swizzle-clog',
  summary: 'half of all addresses clog one by one and are freed in another order',
  needs: ['network'],
  core: true,
  ...parameters({ orders }),
  judge(packet, { orders: { clog, free }, durationMicros }, _random, elapsedMicros) {
    if (packet.phase !== 'arrive') return undefined;
    const stepMicros = Math.floor(durationMicros / (2 * clog.length));
    const waitOf = (address: NodeId): number => {
      const at = clog.indexOf(address);
      if (at < 0 || elapsedMicros < at * stepMicros) return 0;
      return (clog.length + free.indexOf(address)) * stepMicros - elapsedMicros;
    };
    const micros = Math.max(waitOf(packet.from), waitOf(packet.to));
    return micros > 0 ? { kind: 'delay', micros } : undefined;
  },
});
