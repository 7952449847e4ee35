/** Checks specs with one engine or with both, and says of each configuration whether it did what it should. */
import { embeddedChecker } from './embedded.js';
import { type Bounds, type CheckResult, DEFAULT_BOUNDS, type EngineName, type ModelChecker, ModelCheckError } from './model-checker.js';
import { readSpecs, type Spec, type SpecConfig } from './spec-catalogue.js';
import { findTlc, tlcChecker, type TlcWish } from './tlc.js';

export const ENGINES = ['embedded', 'tlc', 'both'] as const;
export type EngineChoice = (typeof ENGINES)[number];

/** One configuration, checked by one engine. */
export interface CheckRow {
  readonly module: string;
  readonly config: string;
  readonly engine: EngineName;
  readonly expected: 'holds' | 'violated';
  /** The invariant that must be violated. */
  readonly expectedInvariant: string | null;
  /** `skipped`: not for this engine. `error`: no verdict, see `note`. */
  readonly verdict: CheckResult['verdict'] | 'skipped' | 'error';
  readonly ok: boolean;
  /** The invariant that is violated. */
  readonly invariant: string | null;
  readonly distinctStates: number;
  readonly depth: number;
  readonly seconds: number;
  /** Why it is not ok, or was skipped; empty otherwise. */
  readonly note: string;
}

export interface CheckAllOptions {
  readonly tlc?: TlcWish;
  readonly bounds?: Bounds;
  readonly signal?: AbortSignal;
  /** Called in order, as rows come. */
  readonly onRow?: (row: CheckRow) => void;
  /** How many engines run at once. */
  readonly parallel?: number;
}

/**
 * Checks every configuration of these specs. Rejects with a ModelCheckError of the environment (no jar, no Java) before anything is
 * checked; what is wrong with one configuration is a row.
 */
export async function checkSpecs(
  specs: readonly Spec[],
  engine: EngineChoice,
  options: CheckAllOptions = {},
): Promise<readonly CheckRow[]> {
  const checkers: ModelChecker[] = [];
  if (engine !== 'tlc') checkers.push(embeddedChecker);
  if (engine !== 'embedded') checkers.push(tlcChecker(await findTlc(options.tlc)));
  const configs = specs.flatMap((spec) => [spec.good, ...spec.bugs, ...spec.liveness].map((config) => ({ spec, config })));
  const rows: CheckRow[] = [];
  const waiting = new Map<number, readonly CheckRow[]>();
  let told = 0;
  let next = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < configs.length; at = next++) {
      const job = configs[at];
      if (job === undefined) return;
      const results: CheckRow[] = [];
      for (const checker of checkers) results.push(await checkOne(checker, job.spec, job.config, options));
      waiting.set(at, compared(results));
      for (let ready = waiting.get(told); ready !== undefined; ready = waiting.get(told)) {
        waiting.delete(told++);
        for (const row of ready) {
          rows.push(row);
          options.onRow?.(row);
        }
      }
    }
  };
  await Promise.all(Array.from({ length: options.parallel ?? 1 }, work));
  return rows;
}

/** Every spec of this project whose module, folder or short name is one of these; all for none. */
export function specsNamed(
  names: readonly string[],
  specs: readonly Spec[] = readSpecs(),
): { readonly specs: readonly Spec[]; readonly unknown: readonly string[] } {
  const matches = (spec: Spec, name: string): boolean => [spec.module, spec.folder, shortName(spec)].includes(name);
  return {
    specs: names.length === 0 ? specs : specs.filter((spec) => names.some((name) => matches(spec, name))),
    unknown: names.filter((name) => !specs.some((spec) => matches(spec, name))),
  };
}

/** The module without the system's name. */
export const shortName = ({ module }: Spec): string => module.replace(/^Kelpie/, '');

/** Checks one configuration. Rejects with a ModelCheckError of the environment. */
export async function checkOne(checker: ModelChecker, spec: Spec, config: SpecConfig, options: CheckAllOptions): Promise<CheckRow> {
  const { expects } = config.parsed;
  const about = {
    module: spec.module,
    config: config.model.configName,
    engine: checker.name,
    expected: expects === undefined ? 'holds' : 'violated',
    expectedInvariant: expects ?? null,
  } as const;
  const none = { invariant: null, distinctStates: 0, depth: 0, seconds: 0 };
  const only = config.parsed.engine;
  if (only !== undefined && only !== checker.name)
    return { ...about, ...none, verdict: 'skipped', ok: true, note: `checked by ${only} alone` };
  const begun = performance.now();
  try {
    const { bounds = DEFAULT_BOUNDS, signal } = options;
    const result = await checker.check(config.model, { bounds, ...(signal === undefined ? {} : { signal }) });
    const { verdict, invariant = null, distinctStates, depth, seconds } = result;
    const ok = verdict === about.expected && invariant === about.expectedInvariant;
    return { ...about, verdict, ok, invariant, distinctStates, depth, seconds, note: ok ? '' : unexpected(about, result) };
  } catch (error) {
    if (!(error instanceof ModelCheckError) || error.environment) throw error;
    return { ...about, ...none, seconds: (performance.now() - begun) / 1_000, verdict: 'error', ok: false, note: error.message };
  }
}

function unexpected(about: { readonly expected: string; readonly expectedInvariant: string | null }, result: CheckResult): string {
  const expected = about.expectedInvariant === null ? 'it must hold' : `${about.expectedInvariant} must be violated`;
  const last = result.trace.at(-1)?.action?.label;
  const seen =
    result.verdict === 'holds' ? 'it holds' : `${result.invariant ?? result.verdict} fails${last === undefined ? '' : ` after ${last}`}`;
  return `${expected}, but ${seen}`;
}

/** Marks the rows of one configuration when two engines do not say the same of it. */
export function compared(rows: readonly CheckRow[]): readonly CheckRow[] {
  const [first, second] = rows;
  if (first === undefined || second === undefined || rows.some(({ verdict }) => verdict === 'skipped')) return rows;
  const compare: (keyof CheckRow)[] =
    first.verdict === 'holds' ? ['verdict', 'distinctStates', 'depth'] : ['verdict', 'invariant', 'depth'];
  const differing = compare.filter((key) => first[key] !== second[key]);
  if (differing.length === 0) return rows;
  const note = `the engines disagree: ${differing.map((key) => `${key} ${first[key]} (${first.engine}), ${second[key]} (${second.engine})`).join('; ')}`;
  return rows.map((row) => ({ ...row, ok: false, note: [row.note, note].filter((one) => one !== '').join('; ') }));
}
