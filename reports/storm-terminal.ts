/** A storm for people at a terminal: a few lines a failure, and what the storm did not come to see. */
import { Chalk } from 'chalk';
import type { StormReporter } from './reporter.js';
import type { FailureGroup, NewBehaviour, SpecFigures, StormReport } from './storm-report.js';
import { counted, folded, grouped, printable } from './text.js';

const LABEL_WIDTH = 15;
/** More are in the JSON document. */
const GROUPS_MAX = 20;
const SEEDS_MAX = 8;
/** Of what was not covered by a storm that is too small to cover it. */
const NAMED_MAX = 8;
const WIDTH = 120;

export function stormTerminal({ colour }: { readonly colour: boolean }): StormReporter {
  const paint = new Chalk({ level: colour ? 1 : 0 });
  const label = (name: string, value: string): string => `  ${paint.dim(name.padEnd(LABEL_WIDTH))}${value}`;
  return {
    id: 'storm-terminal',
    report(storm) {
      const lines = storm.failures.slice(0, GROUPS_MAX).flatMap((group, index) => [...groupLines(group, index + 1, paint.red.bold), '']);
      if (storm.failures.length > GROUPS_MAX)
        lines.push(`and ${counted(storm.failures.length - GROUPS_MAX, 'more group')} of failures`, '');
      const verdict = storm.failed > 0 ? paint.red.bold(`${grouped(storm.failed)} failed`) : paint.green.bold('none failed');
      lines.push(`${grouped(storm.passed)} of ${counted(storm.seeds, 'run')} passed, ${verdict}`);
      for (const [name, value] of figures(storm)) lines.push(label(name, value));
      return `${lines.join('\n')}\n`;
    },
  };
}

function groupLines(
  { scenario, signature, count, seeds, smallest, reproduce }: FailureGroup,
  nth: number,
  loud: (text: string) => string,
): string[] {
  const named = seeds.slice(0, SEEDS_MAX).join(', ');
  const more = count > SEEDS_MAX ? `, and ${grouped(count - Math.min(SEEDS_MAX, seeds.length))} more` : '';
  return [
    `${nth}. ${loud(printable(signature))}`,
    `   ${scenario}, ${counted(count, 'seed')}: ${named}${more}; the smallest, ${smallest.seed}, has ${counted(smallest.events, 'event')}`,
    `   ${reproduce}`,
  ];
}

const SPEC_WIDTH = 24;

function specText(module: string, { statesVisited, statesReachable, transitionsVisited, transitionsReachable }: SpecFigures): string {
  const share = (part: number, whole: number): string => `${grouped(part)} of ${grouped(whole)} (${Math.floor((100 * part) / whole)} %)`;
  return `${module.padEnd(SPEC_WIDTH)}  states ${share(statesVisited, statesReachable)}, transitions ${share(transitionsVisited, transitionsReachable)}`;
}

function figures(storm: StormReport): (readonly [string, string])[] {
  const { newBehaviourEstimate: estimate, shard, scenarios, faults, twins } = storm;
  const fired = faults.filter(({ seedsFired }) => seedsFired > 0).length;
  const marks = Object.keys(storm.sometimes);
  return [
    [
      'scenarios',
      scenarios.map(({ id, seeds, failed }) => `${id} ${grouped(seeds)}${failed === 0 ? '' : ` (${grouped(failed)} failed)`}`).join(', '),
    ],
    [
      'seeds',
      `from ${storm.from}, profile ${storm.profile}${storm.bug === null ? '' : `, bug ${storm.bug}`}${shard.of === 1 ? '' : `, shard ${shard.index} of ${shard.of}`}`,
    ],
    ['took', `${(storm.wallMs / 1_000).toFixed(1)} s, ${storm.seedsPerSecond} seeds a second`],
    ...(storm.machines === undefined
      ? []
      : [['machines', storm.machines.map(({ name, runs }) => `${printable(name)} ${grouped(runs)}`).join(', ')] as const]),
    ...(storm.stopped === null ? [] : [['stopped', `by ${STOPPED[storm.stopped]}; ${counted(storm.notRun, 'run')} not done`] as const]),
    ['faults', `${fired} of the ${faults.length} that were drawn fired`],
    ...notCovered('inert', storm.inert, storm.coverage.decides),
    ...(storm.impotent === null
      ? []
      : [
          [
            'impotent',
            storm.impotent.length === 0 ? 'none: each changed a run that was done again without it' : storm.impotent.join(', '),
          ] as const,
        ]),
    ...(marks.length === 0
      ? []
      : [['reached', `${marks.length - storm.neverReached.length} of ${counted(marks.length, 'situation')} worth reaching`] as const]),
    ...notCovered('never reached', storm.neverReached, storm.coverage.decides),
    ...(storm.inert.length + storm.neverReached.length === 0 ? [] : [['rule', storm.coverage.rule] as const]),
    ...(twins.checked === 0
      ? []
      : [
          ['twins', `${twins.checked - twins.differed} of ${counted(twins.checked, 'run')} did the same again in another process`] as const,
        ]),
    ...Object.entries(storm.spec).map(([module, visited], at) => [at === 0 ? 'specs' : '', specText(module, visited)] as const),
    ['next seed', `shows something that none has shown with a chance of about ${percent(estimate.probability)}`],
    ...Object.entries(estimate.kinds).map(([kind, one]) => ['', newText(kind, one)] as const),
  ];
}

/** All of them where they decide, for then they are to be mended; else a few, for more seeds reach more. */
function notCovered(label: string, names: readonly string[], decides: boolean): (readonly [string, string])[] {
  if (names.length === 0) return [];
  const shown = decides ? names : names.slice(0, NAMED_MAX);
  const others = names.length - shown.length;
  const lines = folded(`${shown.join(', ')}${others === 0 ? '' : `, and ${others} more`}`, WIDTH);
  return lines.map((line, at) => [at === 0 ? label : '', line]);
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

const KINDS: Readonly<Record<string, string>> = {
  situations: 'situations',
  faultsInSituations: 'faults in situations',
  failures: 'failures',
  specStates: 'states of specs',
};

const newText = (kind: string, { probability, singletons, behaviours }: NewBehaviour): string =>
  `${(KINDS[kind] ?? kind).padEnd(SPEC_WIDTH)}  ${percent(probability).padStart(7)}: ${grouped(singletons)} of ${grouped(behaviours)} were seen in one run alone`;

const STOPPED: Readonly<Record<NonNullable<StormReport['stopped']>, string>> = {
  budget: 'its budget of wall time',
  'fail-fast': 'the first failure',
  interrupted: 'a signal',
  'queue-lost': 'the loss of the Redis that it shared',
};
