/** Who holds a role when a fault begins, and when somebody else has taken over: for faults that last as long as others need to go on. */
import type { Micros, NodeId } from '../src/ports.js';
import type { World } from '../src/sim/seams.js';
import { ROLES } from './parameters.js';

export type Role = (typeof ROLES)[number];

export interface Holder {
  readonly role: Role;
  readonly node: NodeId;
}

/** How often it is looked whether somebody has taken over. */
const LOOK_MICROS: Micros = 10_000;

/** Who holds the role; where nobody does, who holds another one. */
export function holderOf(world: World, role: Role): Holder | undefined {
  for (const one of [role, ...ROLES]) {
    const node = world.role(one);
    if (node !== undefined) return { role: one, node };
  }
  return undefined;
}

/** Calls back so long after another node has taken the role over. */
export function afterSuccession(world: World, holder: Holder, lateMicros: Micros, callback: () => void): void {
  const now = world.role(holder.role);
  if (now === undefined || now === holder.node) world.after(LOOK_MICROS, () => afterSuccession(world, holder, lateMicros, callback));
  else world.after(lateMicros, callback);
}
