/** A storm as annotations of GitHub Actions: lines that its runner reads from the log of a step (workflow commands). */
import type { StormReporter } from './reporter.js';

/** GitHub shows ten errors a step. */
const ANNOTATIONS_MAX = 10;

export const github: StormReporter = {
  id: 'github',
  report({ failures, coverage, inert, impotent, neverReached }) {
    const lines = failures
      .slice(0, ANNOTATIONS_MAX)
      .map(({ scenario, signature, count, reproduce }) =>
        annotation('error', `${scenario}: ${signature}`, `${count} failing ${count === 1 ? 'seed' : 'seeds'}\n${reproduce}`),
      );
    const missed = [
      ...inert.map((id) => `inert: ${id}`),
      ...(impotent ?? []).map((id) => `impotent: ${id}`),
      ...neverReached.map((name) => `never reached: ${name}`),
    ];
    if (missed.length > 0)
      lines.push(annotation(coverage.decides ? 'error' : 'notice', 'not covered by this storm', `${missed.join('\n')}\n${coverage.rule}`));
    return lines.join('');
  },
};

function annotation(level: 'error' | 'notice', title: string, message: string): string {
  const property = data(title).replaceAll(':', '%3A').replaceAll(',', '%2C');
  return `::${level} title=${property}::${data(message)}\n`;
}

/** A command ends with its line, so line breaks are written as the runner decodes them. */
const data = (text: string): string => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
