/** A storm as JUnit XML, which most CI systems show: a test case for each scenario, and one for what every storm must come to see. */
import type { StormReporter } from './reporter.js';
import type { StormReport } from './storm-report.js';

export const junit: StormReporter = {
  id: 'junit',
  report(storm) {
    const cases = [...scenarioCases(storm), coverageCase(storm)];
    const failures = cases.filter(({ failure }) => failure !== undefined).length;
    const seconds = (storm.wallMs / 1_000).toFixed(3);
    return [
      '<?xml version="1.0" encoding="UTF-8"?>',
      '<testsuites>',
      `  <testsuite name="kelpie-dst storm" tests="${cases.length}" failures="${failures}" errors="0" skipped="0" time="${seconds}">`,
      ...cases.flatMap(caseLines),
      '  </testsuite>',
      '</testsuites>',
      '',
    ].join('\n');
  },
};

interface TestCase {
  readonly name: string;
  readonly failure: { readonly message: string; readonly text: string } | undefined;
}

function scenarioCases({ scenarios, failures }: StormReport): TestCase[] {
  return scenarios.map(({ id, seeds, failed }) => ({
    name: id,
    failure:
      failed === 0
        ? undefined
        : {
            message: `${failed} of ${seeds} seeds failed`,
            text: failures
              .filter(({ scenario }) => scenario === id)
              .map(({ signature, count, reproduce }) => `${signature}\n  ${count} seeds\n  ${reproduce}`)
              .join('\n\n'),
          },
  }));
}

function coverageCase({ coverage, inert, impotent, neverReached }: StormReport): TestCase {
  const missed = [
    ...inert.map((id) => `inert: ${id}`),
    ...(impotent ?? []).map((id) => `impotent: ${id}`),
    ...neverReached.map((name) => `never reached: ${name}`),
  ];
  const failure = coverage.decides && missed.length > 0 ? { message: coverage.rule, text: missed.join('\n') } : undefined;
  return { name: 'every fault fires and every situation is reached', failure };
}

function caseLines({ name, failure }: TestCase): string[] {
  const head = `    <testcase classname="storm" name="${escaped(name)}"`;
  if (failure === undefined) return [`${head}/>`];
  return [`${head}>`, `      <failure message="${escaped(failure.message)}">${escaped(failure.text)}</failure>`, '    </testcase>'];
}

/** For text and attributes alike. Characters that XML cannot hold at all are replaced. */
function escaped(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '?')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
