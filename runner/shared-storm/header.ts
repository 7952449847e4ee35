/** What a shared storm says of itself in Redis: who joins it must ask for the same, by the same code. */
import { z } from 'zod';
import { PLAN_SCHEMA, type Plan, settingThatDiffers } from '../storm/plan.js';
import type { Code } from './code.js';

/** A storm is kept so long after it was begun. */
export const KEPT_DAYS = 7;
const DAY_SECONDS = 24 * 60 * 60;

const HEADER = z.strictObject({
  format: z.literal('kelpie-dst-shared-storm'),
  version: z.literal(1),
  release: z.string(),
  code: z.string(),
  plan: PLAN_SCHEMA,
  /** Positions in a batch. */
  batch: z.int().min(1),
  begunBy: z.string(),
  /** In seconds since 1970, by the clock of the Redis. */
  expiresAt: z.int(),
});

export type Header = Readonly<Omit<z.infer<typeof HEADER>, 'plan'>> & { readonly plan: Plan };

/** @param begun.nowSeconds since 1970, by the clock of the Redis. */
export function headerOf(begun: {
  readonly plan: Plan;
  readonly batch: number;
  readonly code: Code;
  readonly begunBy: string;
  readonly nowSeconds: number;
}): Header {
  const { plan, batch, code, begunBy, nowSeconds } = begun;
  const expiresAt = nowSeconds + KEPT_DAYS * DAY_SECONDS;
  return { format: 'kelpie-dst-shared-storm', version: 1, release: code.release, code: code.digest, plan, batch, begunBy, expiresAt };
}

/** Undefined for what is no header of this version. */
export function headerIn(text: string): Header | undefined {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = HEADER.safeParse(data);
  return parsed.success ? parsed.data : undefined;
}

/** The first thing in which a storm differs from what a machine asks for: what it has there, what here, and what to do. */
export function differenceOf(
  header: Header,
  plan: Plan,
  { release, digest }: Code,
): { readonly name: string; readonly there: string; readonly here: string; readonly remedy: string } | undefined {
  const setting = settingThatDiffers(header.plan, plan);
  if (setting !== undefined) return { ...setting, remedy: 'ask for the same' };
  if (header.release !== release) {
    return { name: 'version', there: header.release, here: release, remedy: 'install the same version of kelpie-dst on both' };
  }
  if (header.code === digest) return undefined;
  return { name: 'code', there: header.code, here: digest, remedy: 'check the same commit out on both and build it by npm ci' };
}
