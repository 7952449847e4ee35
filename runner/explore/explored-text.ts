/** What a search found, in words: how much of the space it went through, and what that says. */
import { counted, grouped } from '../../reports/text.js';
import type { ExploreReport } from './explore.js';
import type { Search } from './explored-run.js';

const SHARE = 100;

/** Decisions that were not varied, out of all, in percent. */
export const beyondPercent = ({ beyond, decisions }: Pick<ExploreReport, 'beyond' | 'decisions'>): number =>
  decisions === 0 ? 0 : Math.round((SHARE * beyond) / decisions);

export function exploredText(report: ExploreReport, { run, depth, faults }: Search, wallMs: number): string {
  const { runs, cut, states, longest, beyond, decisions } = report;
  const subject = run.bug === undefined ? run.scenario : `${run.scenario} with ${run.bug}`;
  const lines = [
    `explored ${subject}: ${bound(depth, faults)}`,
    `  ${counted(runs, 'run')} in ${(wallMs / 1_000).toFixed(1)} s, ${grouped(cut)} of them cut where another had been; ${counted(states, 'state')}`,
    `  beyond the depth: ${grouped(beyond)} of ${grouped(decisions)} decisions (${beyondPercent(report)} %) took their first way only; at most ${counted(longest, 'decision')} in a run`,
    `  ${verdictText(report)}`,
  ];
  return `${lines.join('\n')}\n`;
}

const bound = (depth: number, faults: number): string =>
  `the first ${counted(depth, 'schedule decision')} of each run, at most ${counted(faults, 'commit')} with a fate of its own`;

function verdictText({ cutShort, failure, runs, routes, turns }: ExploreReport): string {
  const part = `${grouped(runs)} of ${grouped(routes)} routes known by now were run`;
  const fully = turns === undefined || turns === 0 ? '' : `; all with fewer than ${counted(turns, 'turn')} were`;
  switch (cutShort) {
    case undefined:
      return 'exhausted: no schedule and no fault choice within this bound breaks a promise';
    case 'runs':
      return `not exhausted, and nothing broke: the bound on runs is reached (${part}${fully}); --runs raises it`;
    case 'interrupted':
      return `not exhausted, and nothing broke: interrupted (${part}${fully})`;
    case 'failure':
      return `a promise broke after ${counted(failure?.route.filter((choice) => choice > 0).length ?? 0, 'turn')} away from the first way; the search ended there (${part})`;
  }
}
