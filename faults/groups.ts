/**
 * Groups of addresses that a fault keeps apart. The database and each client fall into one of the servers' groups or stay
 * outside: an address in no group reaches all.
 */
import type { NodeId, Random, TraceValue } from '../src/ports.js';
import { type Budget, DATABASE_ADDRESS, type PacketEvent } from '../src/sim/seams.js';
import { checkNames, everyone, type Field, fewer, inOrder } from './parameters.js';

export type Groups = readonly (readonly NodeId[])[];

const GROUPS_MAX = 3;

/** Mostly the servers fall apart; in one draw of four the clients lose all servers while these see each other. */
function drawGroups(random: Random, budget: Budget): Groups {
  const clients = budget.clients ?? [];
  if (clients.length > 0 && random.chance(1, 4)) return [[...budget.nodes, DATABASE_ADDRESS], clients];
  if (budget.nodes.length === 1) return [budget.nodes, [DATABASE_ADDRESS]];
  const groups: NodeId[][] = Array.from({ length: random.between(2, Math.min(GROUPS_MAX, budget.nodes.length)) }, () => []);
  const shuffled = random.shuffle(budget.nodes);
  // Every group gets one server for certain; the others, the database and the clients fall anywhere or stay outside.
  shuffled.forEach((node, i) => (i < groups.length ? groups[i] : random.pick(groups))?.push(node));
  for (const other of [DATABASE_ADDRESS, ...clients]) {
    const side = random.int(groups.length + 1);
    groups[side]?.push(other);
  }
  return groups.map((group) => inOrder(everyone(budget), group));
}

/** Fewer groups first, then fewer members. */
export function* shrinkGroups(groups: Groups): Iterable<Groups> {
  if (groups.length > 2) for (const some of fewer(groups, 2)) yield some;
  for (let i = 0; i < groups.length; i++) {
    for (const group of fewer(groups[i] ?? [], 1)) yield [...groups.slice(0, i), group, ...groups.slice(i + 1)];
  }
}

/** What groups read from a file should have been, or undefined. */
export function checkGroups(value: TraceValue | undefined): string | undefined {
  const wanted = `2 to ${GROUPS_MAX} groups of node names, no name twice`;
  if (!Array.isArray(value) || value.length < 2 || value.length > GROUPS_MAX) return wanted;
  return checkNames(value.flat(), 0) === undefined && value.every((group) => checkNames(group, 0) === undefined) ? undefined : wanted;
}

export const groups: Field<Groups> = { draw: drawGroups, shrink: shrinkGroups, check: checkGroups };

/** Whether the two addresses are in different groups. */
export function apart(packet: Pick<PacketEvent, 'from' | 'to'>, split: Groups): boolean {
  const from = split.findIndex((group) => group.includes(packet.from));
  const to = split.findIndex((group) => group.includes(packet.to));
  return from !== to && from >= 0 && to >= 0;
}
