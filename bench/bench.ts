/** The contract of a bench: a figure of ours beside that of a limit or a peer, measured in the same process and run. */
export interface BenchRow {
  readonly bench: string;
  /** Ours, in `unit`: per second unless it says otherwise. */
  readonly ours: number;
  readonly unit: string;
  readonly against: string;
  /** The limit's or peer's figure, in the same unit. */
  readonly theirs: number;
  /** Least ratio of ours to theirs that is aimed at, in `performance.md` where it names the bench; the largest where less is better. */
  readonly aim: number;
  /** True for durations. */
  readonly lessIsBetter?: boolean;
}

/** Runs both in turn and takes the median of each, so that a machine whose speed drifts treats them alike. */
export async function sideBySide(
  rounds: number,
  ours: () => number | Promise<number>,
  theirs: () => number | Promise<number>,
): Promise<{ readonly ours: number; readonly theirs: number }> {
  await ours();
  await theirs();
  const a: number[] = [];
  const b: number[] = [];
  for (let i = 0; i < rounds; i++) {
    a.push(await ours());
    b.push(await theirs());
  }
  return { ours: median(a), theirs: median(b) };
}

/** The upper one of the two in the middle when their number is even. Sorts them in place. */
export function median(values: number[]): number {
  values.sort((a, b) => a - b);
  return values[values.length >> 1] ?? Number.NaN;
}

/** Calls `work`, which does `count` things, and returns things per second. */
export async function perSecond(count: number, work: () => void | Promise<void>): Promise<number> {
  const begin = process.hrtime.bigint();
  await work();
  return (count * 1e9) / Number(process.hrtime.bigint() - begin);
}
