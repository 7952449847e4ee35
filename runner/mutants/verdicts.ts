/**
 * What people found when they read the mutants that survived a storm. The key of a mutant stands in docs/mutants.md; a verdict is kept as
 * long as there is code like it.
 */

/**
 * - `equivalent`: the changed code does the same.
 * - `telemetry`: only how fast it is, what it counts or what it says to people changes.
 * - `unit-tests`: tests beside the file find it.
 * - `hole`: it breaks a promise, and neither a storm nor a test notices.
 */
export type Kind = 'equivalent' | 'telemetry' | 'unit-tests' | 'hole';

export interface MutantVerdict {
  readonly key: string;
  readonly kind: Kind;
  /** One sentence: why it is equivalent, which tests find it, which promise it breaks. */
  readonly why: string;
}

export const verdicts: readonly MutantVerdict[] = [
  {
    key: 'fca0cae6',
    kind: 'equivalent',
    why: 'an outcome is null exactly where its request is, so the second half of the condition decides alone',
  },
  { key: '9a91ab56', kind: 'equivalent', why: 'it is a site of rare choices; without it simulated runs only lack that way' },
  { key: '87dcabb0', kind: 'equivalent', why: 'the correct part never asks for the same node again; only a known bug does' },
  { key: '2b8c68fd', kind: 'equivalent', why: 'the chunks of an outcome are cleared before they are written, and no request has any yet' },
  {
    key: '5c680da7',
    kind: 'equivalent',
    why: 'a claim whose answer was lost is made again under the next token, as a second claim of the same life is',
  },
  { key: 'd62ccdb8', kind: 'telemetry', why: 'the reason of a rollback in the story' },
  { key: 'aae3ed34', kind: 'telemetry', why: 'a counter of failed invocations' },
  {
    key: 'e7ea5482',
    kind: 'telemetry',
    why: 'every commit counts as doubtful and is read back before it is answered, which only costs time',
  },
  { key: 'bdc68bb6', kind: 'telemetry', why: 'leases are renewed four times as often' },
  { key: 'eeeafd29', kind: 'telemetry', why: 'the name of a transaction in error messages' },
  { key: 'f37ae70d', kind: 'telemetry', why: 'the text of an error; but no run of the storm has a chain of calls that closes' },
  { key: '1c391f7d', kind: 'unit-tests', why: 'kv.test.ts; in storms nothing but the clean-up of deleted agents clears a key-value space' },
  { key: '5b1bd0be', kind: 'unit-tests', why: 'limits.test.ts; no storm comes near the 10 000 keys of a transaction' },
  {
    key: '31bf3fad',
    kind: 'hole',
    why: 'no lease is ever renewed, and all actors keep coming and going; leases-are-renewed was written for it',
  },
  {
    key: 'e6721fad',
    kind: 'hole',
    why: 'a call between actors whose first try may have happened, and whose second one fails for certain, is told as failed',
  },
  {
    key: '5bd2c1f8',
    kind: 'hole',
    why: 'an answer from memory leaves after the lease has ended while the code ran; linearizability sees it only where another owner has written meanwhile',
  },
  { key: 'ce85ea76', kind: 'hole', why: 'code that catches a failed read commits and answers as if it had read; no workload catches one' },
  {
    key: '263a694b',
    kind: 'hole',
    why: 'a commit that cannot be resolved leaves the activation up; no run comes to a resolution that gives up',
  },
];
