/** Every registered part, in one place, and how a part is found by its id. */
import { distance } from 'fastest-levenshtein';
import type { Fault } from '../faults/fault.js';
import { faults } from '../faults/index.js';
import { invariants } from '../invariants/index.js';
import type { Invariant } from '../invariants/invariant.js';
import { bugs, type KnownBug } from '../scenarios/bugs/index.js';
import { scenarios } from '../scenarios/index.js';
import type { Scenario } from '../scenarios/scenario.js';
import { mappings } from '../specs/index.js';
import type { Mapping } from '../specs/mapping.js';
import { UsageError } from './usage-error.js';

export interface Catalogue {
  readonly scenarios: readonly Scenario[];
  readonly faults: readonly Fault[];
  readonly invariants: readonly Invariant[];
  readonly bugs: readonly KnownBug[];
  /** The specs that every run is held against; none for a program that no spec is about. */
  readonly mappings?: readonly Mapping[];
}

/** What `run` and `storm` take when no scenario is named: everything at once. */
export const DEFAULT_SCENARIO = 'kelpie-cluster';

export const catalogue: Catalogue = { scenarios, faults, invariants, bugs, mappings };

const SUGGESTIONS_MAX = 3;

/** The part with this id. Throws UsageError naming the nearest ids when there is none; `kind` is a singular noun. */
export function find<Part extends { readonly id: string }>(kind: string, parts: readonly Part[], id: string): Part {
  const part = parts.find((one) => one.id === id);
  if (part !== undefined) return part;
  const near = nearest(
    id,
    parts.map((one) => one.id),
  );
  throw new UsageError(
    `there is no ${kind} '${id}'${near === '' ? '' : `; did you mean ${near}?`}\n'kelpie-dst list ${kind}s' shows all of them`,
  );
}

/** Up to three names like the wrong one, quoted and joined by `or`; empty where none is like it. */
export function nearest(wrong: string, names: readonly string[]): string {
  // The last part alone counts too: `loss` is near `network/loss`.
  const far = (name: string): number => Math.min(distance(wrong, name), distance(wrong, name.slice(name.lastIndexOf('/') + 1)));
  const bound = Math.max(2, Math.ceil(wrong.length / 4));
  const near = names.filter((name) => far(name) <= bound).sort((a, b) => far(a) - far(b) || (a < b ? -1 : 1));
  return near
    .slice(0, SUGGESTIONS_MAX)
    .map((name) => `'${name}'`)
    .join(' or ');
}
