/** How far a storm is: a bar on a terminal, else a plain line now and then. On stderr, so that stdout has the report alone. */
import cliProgress from 'cli-progress';

export interface ProgressView {
  update(runs: number, failed: number): void;
  end(): void;
}

/** Often enough to see that it lives, rarely enough for a log of CI. */
const LINE_EVERY_MS = 10_000;

export function progressView(total: number, done: number, stream: NodeJS.WriteStream, quiet: boolean): ProgressView {
  if (stream.isTTY) return bar(total, done, stream);
  return quiet ? { update: () => {}, end: () => {} } : lines(total, done, stream);
}

function bar(total: number, done: number, stream: NodeJS.WriteStream): ProgressView {
  const format = '{bar} {value}/{total} seeds  {rate}/s  {failed} failed  {eta_formatted} left';
  const view = new cliProgress.SingleBar({ format, stream, clearOnComplete: true, hideCursor: true }, cliProgress.Presets.shades_classic);
  const rate = rateSince(done);
  view.start(total, done, { failed: 0, rate: '0.0' });
  return {
    update: (runs, failed) => view.update(runs, { failed, rate: rate(runs) }),
    end: () => view.stop(),
  };
}

function lines(total: number, done: number, stream: NodeJS.WriteStream): ProgressView {
  const rate = rateSince(done);
  let lastMs = performance.now();
  return {
    update(runs, failed) {
      if (performance.now() - lastMs < LINE_EVERY_MS) return;
      lastMs = performance.now();
      stream.write(`${runs} of ${total} seeds, ${rate(runs)} a second, ${failed} failed\n`);
    },
    end: () => {},
  };
}

function rateSince(done: number): (runs: number) => string {
  const begunMs = performance.now();
  return (runs) => ((runs - done) / Math.max(0.001, (performance.now() - begunMs) / 1_000)).toFixed(1);
}
