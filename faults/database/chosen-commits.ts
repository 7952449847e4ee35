/**
 * Single commits, each chosen by its number in the run, have a fate of their own. Never drawn: this is how a search through all fault
 * choices writes down which one it made, so that the run can be done again.
 */
import { databaseErrorCode } from '../../src/ports.js';
import type { DatabaseVerdict } from '../../src/sim/seams.js';
import { judging } from '../fault.js';
import { type Field, fewer, parameters, servers } from '../parameters.js';

/** What may become of a commit, other than what normally does. Those that end the process come last. */
export const COMMIT_FATES = ['conflict', 'unknown-applied', 'unknown-lost', 'crash-before', 'crash-after'] as const;
export type CommitFate = (typeof COMMIT_FATES)[number];

export type ChosenCommit = { readonly commit: number; readonly fate: CommitFate };

const VERDICTS: Readonly<Record<CommitFate, DatabaseVerdict>> = {
  conflict: { kind: 'fail', code: databaseErrorCode.notCommitted, applied: false },
  'unknown-applied': { kind: 'fail', code: databaseErrorCode.commitUnknownResult, applied: true },
  'unknown-lost': { kind: 'fail', code: databaseErrorCode.commitUnknownResult, applied: false },
  'crash-before': { kind: 'crash', applied: false },
  'crash-after': { kind: 'crash', applied: true },
};

export const fateVerdict = (fate: CommitFate): DatabaseVerdict => VERDICTS[fate];

const CHOSEN_MAX = 1_000;
/** As far into a run as an example looks. */
const DRAWN_COMMIT_MAX = 20;

const commits: Field<readonly ChosenCommit[]> = {
  draw: (random) => {
    const numbers = random.shuffle(Array.from({ length: DRAWN_COMMIT_MAX }, (_, i) => i + 1)).slice(0, random.between(1, 3));
    return numbers.sort((a, b) => a - b).map((commit) => ({ commit, fate: random.pick(COMMIT_FATES) }));
  },
  shrink: (value) => fewer(value, 0),
  check(value) {
    const right =
      Array.isArray(value) &&
      value.length <= CHOSEN_MAX &&
      value.every((one: unknown) => {
        const { commit, fate } = (one ?? {}) as Partial<ChosenCommit>;
        return Number.isSafeInteger(commit) && (commit ?? 0) > 0 && fate !== undefined && COMMIT_FATES.includes(fate);
      }) &&
      new Set(value.map((one) => (one as ChosenCommit).commit)).size === value.length;
    return right ? undefined : `a list of {commit, fate} with different numbers from 1 and a fate of ${COMMIT_FATES.join(', ')}`;
  },
};

export const chosenCommits = judging('database', {
  id: 'database/chosen-commits',
  summary: 'chosen commits conflict, have an unknown result, or end the process',
  needs: ['database'],
  core: false,
  scripted: true,
  ...parameters({ nodes: servers(), commits }),
  judge(event, params) {
    if (event.commit === undefined || !params.nodes.includes(event.node)) return undefined;
    const fate = params.commits.find(({ commit }) => commit === event.commit)?.fate;
    return fate === undefined ? undefined : fateVerdict(fate);
  },
});
