/** Specs as users name them. */
import { nearest } from '../catalogue.js';
import { shortName, specsNamed } from '../tla/check-all.js';
import { readSpecs, type Spec } from '../tla/spec-catalogue.js';
import { UsageError } from '../usage-error.js';

/** The specs of these names, all for none. Throws UsageError naming the nearest for a name that is wrong. */
export function specsAsked(names: readonly string[] | undefined): readonly Spec[] {
  const all = readSpecs();
  const { specs, unknown } = specsNamed(names ?? [], all);
  const [wrong] = unknown;
  if (wrong === undefined) return specs;
  const near = nearest(
    wrong,
    all.flatMap((spec) => [spec.module, spec.folder]),
  );
  throw new UsageError(
    `there is no spec '${wrong}'${near === '' ? '' : `; did you mean ${near}?`}\nThe specs are ${all.map(shortName).join(', ')}`,
  );
}
