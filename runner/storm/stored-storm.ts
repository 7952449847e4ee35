/** Storms that were kept, as one: a finished one, one that was killed, or the shards of one that ran on many machines. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { StormReport } from '../../reports/storm-report.js';
import { UsageError } from '../usage-error.js';
import { type Plan, wholePosition } from './plan.js';
import type { Potency } from './potency.js';
import { Store } from './store.js';
import type { Stopped } from './storm.js';
import { Tally } from './tally.js';

export interface StoredStorm {
  /** Of several shards, the plan of the whole. */
  readonly plan: Plan;
  readonly tally: Tally;
  readonly stopped: Stopped | undefined;
  /** Of all sessions together that came to write a report, and how many runs they did by their own account. */
  readonly wallMs: number;
  readonly runs: number;
  /** Absent where it ran on one, and of several folders. */
  readonly machines?: StormReport['machines'];
  /** Absent where no storm looked. */
  readonly potency?: readonly Potency[];
}

/** What only the report of a storm says. */
const REPORT = z.object({
  stopped: z.enum(['budget', 'fail-fast', 'interrupted', 'queue-lost']).nullable(),
  wallMs: z.number().min(0),
  seedsPerSecond: z.number().min(0),
  impotent: z.array(z.string()).nullable(),
  machines: z.array(z.object({ name: z.string(), runs: z.int().min(0) })).optional(),
  faults: z.array(z.object({ id: z.string(), seedsFired: z.int().min(0) })),
});

type Report = z.infer<typeof REPORT>;

/** Throws UsageError for a folder without a storm, a broken one, and for storms that are no shards of one. */
export async function readStorms(folders: readonly string[]): Promise<StoredStorm> {
  const plans = await Promise.all(folders.map((folder) => Store.planIn(folder)));
  const plan = wholePlan(folders, plans);
  const tally = new Tally(plan.scenarios);
  const done = new Set<number>();
  for (const [at, folder] of folders.entries()) {
    const own = plans[at] as Plan; // one for each folder
    const numbered = (position: number): number => (plan.shard.of === own.shard.of ? position : wholePosition(own, position));
    await Store.read(folder, ({ results, visits }) => {
      tally.visit(visits.map((one) => ({ ...one, alone: one.alone.map(({ run, states }) => ({ run: numbered(run), states })) })));
      for (const result of results) {
        const position = numbered(result.position);
        if (done.has(position)) continue;
        done.add(position);
        tally.add({ ...result, position });
      }
    });
  }
  const reports = await Promise.all(folders.map(reportIn));
  const told = reports.filter((report) => report !== undefined);
  const potency = potencyOf(told);
  const machines = reports.length === 1 ? told[0]?.machines : undefined;
  return {
    plan,
    tally,
    // One that was killed had no time to say so.
    stopped: told.length < reports.length ? 'interrupted' : (told.find(({ stopped }) => stopped !== null)?.stopped ?? undefined),
    wallMs: told.reduce((sum, { wallMs }) => sum + wallMs, 0),
    runs: told.reduce((sum, { wallMs, seedsPerSecond }) => sum + (seedsPerSecond * wallMs) / 1_000, 0),
    ...(machines === undefined ? {} : { machines }),
    ...(potency === undefined ? {} : { potency }),
  };
}

function wholePlan(folders: readonly string[], plans: readonly Plan[]): Plan {
  const [first, ...others] = plans;
  if (first === undefined) throw new UsageError('no folder is named');
  if (others.length === 0) return first;
  const seen = new Map<number, string>();
  for (const [at, plan] of plans.entries()) {
    const folder = folders[at] ?? '';
    const isOf = JSON.stringify({ ...plan, shard: plan.shard.of }) === JSON.stringify({ ...first, shard: first.shard.of });
    const twin = seen.get(plan.shard.index);
    if (!isOf) throw new UsageError(`'${folders[0]}' and '${folder}' have different storms; only shards of one make a whole`);
    if (twin !== undefined)
      throw new UsageError(`'${twin}' and '${folder}' both have shard ${plan.shard.index} of ${plan.shard.of}; name each once`);
    seen.set(plan.shard.index, folder);
  }
  return { ...first, shard: { index: 1, of: 1 } };
}

/** Undefined where the storm wrote none. */
async function reportIn(folder: string): Promise<Report | undefined> {
  const path = join(folder, 'report.json');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
  const parsed = REPORT.safeParse(JSON.parse(text));
  if (!parsed.success) throw new UsageError(`'${path}' is no report of a storm; remove it, and it is written again`);
  return parsed.data;
}

/** A fault that mattered in one shard matters. */
function potencyOf(reports: readonly Report[]): readonly Potency[] | undefined {
  const tried = reports.flatMap(({ impotent, faults }) =>
    impotent === null ? [] : faults.filter(({ seedsFired }) => seedsFired > 0).map(({ id }) => ({ id, potent: !impotent.includes(id) })),
  );
  if (reports.length === 0 || reports.some(({ impotent }) => impotent === null)) return undefined;
  const ids = [...new Set(tried.map(({ id }) => id))].sort();
  return ids.map((id) => {
    const own = tried.filter((one) => one.id === id);
    return { id, tried: own.length, potent: own.some(({ potent }) => potent) };
  });
}
