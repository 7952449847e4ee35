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
  { key: 'f37ae70d', kind: 'telemetry', why: 'the text of an error' },
  {
    key: '1c391f7d',
    kind: 'unit-tests',
    why: 'kv.test.ts or commit.test.ts; it survived storms until store-holds-commits was written, which reads what deleted agents leave',
  },
  { key: '5b1bd0be', kind: 'unit-tests', why: 'limits.test.ts; no storm comes near the 10 000 keys of a transaction' },
  {
    key: '31bf3fad',
    kind: 'hole',
    why: 'no lease is ever renewed, and all actors keep coming and going; leases-are-renewed was written for it',
  },
  {
    key: 'e6721fad',
    kind: 'unit-tests',
    why: 'dispatcher.test.ts, since this mutant survived it; it only leaves callers in doubt about calls that failed for certain',
  },
  {
    key: '5bd2c1f8',
    kind: 'unit-tests',
    why: 'lease.test.ts; answers-under-lease would find it, but storms seldom answer after the end of a lease that no timer has told of',
  },
  { key: 'ce85ea76', kind: 'unit-tests', why: 'corrupted.test.ts, since this mutant survived it; no workload catches a failed read' },
  { key: '263a694b', kind: 'unit-tests', why: 'commit.test.ts; no run of the storm comes to a resolution that gives up' },
  { key: '3e25fcd8', kind: 'telemetry', why: 'how many calls node.leave says were abandoned' },
  { key: 'd3f8c5cc', kind: 'telemetry', why: 'the name of a transaction in error messages' },
  { key: 'cc8d47d0', kind: 'telemetry', why: 'the cause inside of an error' },
  { key: '807119c7', kind: 'telemetry', why: 'how many operations a clean-up says that it dropped' },
  { key: '04c60b84', kind: 'unit-tests', why: 'lease.test.ts; it survived storms until claims-end-once was written' },
  {
    key: '5b10ad24',
    kind: 'unit-tests',
    why: 'lease.test.ts and registry.test.ts do not come to an end; in storms no expired lease is taken over, and failover hides it',
  },
  {
    key: '5d6b055c',
    kind: 'unit-tests',
    why: 'registry.test.ts; three runs of a hundred come by, for takeovers of expired leases are rare in storms',
  },
  { key: '05c2faa4', kind: 'unit-tests', why: 'wal.test.ts' },
  { key: '182d7abc', kind: 'unit-tests', why: 'wal.test.ts' },
  { key: 'ed86fff7', kind: 'unit-tests', why: 'wal.test.ts; storms seldom end an operation while those before it are replayed' },
  { key: '810e463c', kind: 'unit-tests', why: 'wal.test.ts; no storm lets a disk change a byte of the log' },
  {
    key: '06bf3425',
    kind: 'unit-tests',
    why: 'wal.test.ts; a storm passed although the log refuses every operation; work-succeeds was written for it',
  },
  { key: 'ae6f64d6', kind: 'unit-tests', why: 'wal.test.ts; as the refusal of every key' },
  {
    key: '00b502d2',
    kind: 'unit-tests',
    why: 'leases.test.ts, since this mutant survived it; no storm holds so many leases',
  },
  {
    key: 'ac288c3d',
    kind: 'hole',
    why: 'an actor that its own node claims again is missing in the list of what the node holds; registry-agrees was written for it',
  },
  {
    key: '07a190da',
    kind: 'unit-tests',
    why: 'dispatcher.test.ts, since this mutant survived it; no promise says how late an answer may be',
  },
  { key: 'a2bf48f4', kind: 'unit-tests', why: 'limits.test.ts; no storm has a thousand nodes' },
  {
    key: '1170f1fc',
    kind: 'hole',
    why: 'a node that has stopped is listed as active until it is failed; leaving-is-recorded was written for it',
  },
  {
    key: '29358a60',
    kind: 'unit-tests',
    why: 'registry.test.ts; registry-agrees finds it where a sweep is slow, as in kelpie-cluster, seed 53',
  },
  { key: '32dc62ef', kind: 'unit-tests', why: 'segment.test.ts, since this mutant survived it' },
  { key: 'caa8dd0f', kind: 'unit-tests', why: 'segment.test.ts, since this mutant survived it' },
  { key: '21129f9c', kind: 'unit-tests', why: 'wal.test.ts, since this mutant survived it' },
  {
    key: '296ae958',
    kind: 'unit-tests',
    why: 'wal.test.ts, since this mutant survived it; in storms no log has as many segments as files may be open',
  },
  { key: '203be0da', kind: 'telemetry', why: 'the reason of a rollback in the story' },
  { key: 'c0e36b63', kind: 'telemetry', why: 'the text of an error' },
  { key: '92d9b270', kind: 'telemetry', why: 'how many bytes a start says that it cut' },
  { key: 'e81c4184', kind: 'equivalent', why: 'the correct part never asks for the same node again; only a known bug does' },
  { key: 'f730ccd6', kind: 'telemetry', why: 'every call between actors is looked up first and its outcome stored, which only costs time' },
  { key: '3af52c58', kind: 'telemetry', why: 'a call whose next try would begin at the very deadline fails then in place of before' },
  { key: '21423969', kind: 'telemetry', why: 'the placement is decoded and compared by its claim in place of by its bytes' },
  { key: '7236dda0', kind: 'equivalent', why: 'the database refuses a transaction of that size itself, and is told with the same error' },
  { key: 'ac42b032', kind: 'equivalent', why: 'an activation ends once, and no other of its actor is begun before' },
  { key: '98796764', kind: 'telemetry', why: 'a lease is taken over a microsecond later' },
  {
    key: 'e23ce7dd',
    kind: 'equivalent',
    why: 'the renewal of a claim that was given back meanwhile finds it lost, and losing it again does nothing',
  },
  { key: 'def3ddb2', kind: 'telemetry', why: 'when a lease ends by the wall clock stands in its record for people; nothing reads it' },
  { key: '4192120e', kind: 'telemetry', why: 'the name of a transaction in error messages' },
  { key: '3667f3ac', kind: 'equivalent', why: 'the body of a batch has two bytes at least, so that no batch is as long as its header' },
  { key: 'd592e8ec', kind: 'equivalent', why: 'it is a site of rare choices; without it simulated runs only lack that way' },
  {
    key: 'c7c87033',
    kind: 'equivalent',
    why: 'it is a site of rare choices; a segment that holds no entry may be followed by another as well',
  },
  { key: '0a13f837', kind: 'equivalent', why: 'it is a site of rare choices; simulated runs only take that way elsewhere' },
  { key: 'aa128218', kind: 'telemetry', why: 'the placement is decoded and compared by its claim in place of by its bytes' },
  { key: '8c3cc59e', kind: 'telemetry', why: 'the name of a record in error messages' },
  { key: 'bcd80a4e', kind: 'telemetry', why: 'the text of an error' },
  { key: 'ba413531', kind: 'equivalent', why: 'a promise is settled once, whoever settles it again' },
  {
    key: '40236900',
    kind: 'telemetry',
    why: 'a caller is asked to come again after 21 activations that ended under its call in place of 20',
  },
  { key: 'cc591174', kind: 'equivalent', why: 'a node serves a microsecond longer, of the grace and the skew that are kept for that' },
  { key: '799aad5d', kind: 'equivalent', why: 'a challenger looks for any change of the version, and nobody for its order' },
  { key: '5d9b9f15', kind: 'equivalent', why: 'it is a site of rare choices; a refused commit is looked for as well, and not found' },
  {
    key: '3acb8228',
    kind: 'telemetry',
    why: 'every commit counts as doubtful and is read back before it is answered, which only costs time',
  },
  { key: 'e5173b73', kind: 'equivalent', why: 'behind their ends both have nothing, and nothing equals nothing' },
  { key: 'ab16544c', kind: 'telemetry', why: 'a commit that was certainly not applied is looked for first, which only costs time' },
  {
    key: 'f29ff5d9',
    kind: 'hole',
    why: 'the bound of a hundred thousand remembered routes is not kept; neither test nor storm calls so many actors',
  },
  {
    key: 'c808a0c7',
    kind: 'hole',
    why: 'the bound of a hundred thousand remembered routes is not kept; neither test nor storm calls so many actors',
  },
  {
    key: 'dba87ba6',
    kind: 'hole',
    why: 'the bound of a hundred thousand remembered routes is not kept; neither test nor storm calls so many actors',
  },
  { key: 'cca95719', kind: 'telemetry', why: 'the registry is asked again for the holder of an actor at every call that is forwarded' },
  { key: '9d2bcb77', kind: 'equivalent', why: 'it is a site of rare choices; without it simulated runs only lack that way' },
  { key: '5ab09ad3', kind: 'telemetry', why: 'the text of an error' },
  { key: '00850ea5', kind: 'telemetry', why: 'the text of an error' },
  { key: 'acc252cd', kind: 'equivalent', why: 'the name of the folder for whoever names none' },
  {
    key: '0e3d877c',
    kind: 'telemetry',
    why: 'a damaged length costs the time of a checksum over bytes that are not there, which does not match',
  },
  { key: 'bf7ef0fa', kind: 'equivalent', why: 'the name of a claim holds the life that made it' },
  { key: '5445dd69', kind: 'telemetry', why: 'when a lease ends by the wall clock stands in its record for people; nothing reads it' },
  { key: '6e2265be', kind: 'telemetry', why: 'the name of a transaction in error messages' },
  { key: '437433ef', kind: 'telemetry', why: 'the name of a transaction in error messages' },
  { key: '562220ff', kind: 'telemetry', why: 'the cause inside of an error' },
  { key: 'ea761f59', kind: 'equivalent', why: 'the database refuses a transaction of that size itself, and is told with the same error' },
  {
    key: 'ff9416f6',
    kind: 'hole',
    why: 'a forward that was certainly not served is told to the caller in place of tried elsewhere; neither test nor storm has a forwarded call refused for want of hops',
  },
  {
    key: 'c1b269c8',
    kind: 'hole',
    why: 'a call between actors that is made again after an uncertain end is not looked up first; a test that would see it has not been found, for the last forward mostly asks again itself',
  },
  {
    key: '93e6b896',
    kind: 'hole',
    why: 'a call between actors that is made again after an uncertain end is not looked up first; a test that would see it has not been found, for the last forward mostly asks again itself',
  },
  { key: '649d89b6', kind: 'hole', why: 'a file of the log stays open after it was cut back; no port counts open files' },
  { key: 'cc364ba6', kind: 'hole', why: 'files of the log stay open after they were read; no port counts open files' },
  {
    key: '2b02911d',
    kind: 'unit-tests',
    why: 'wal.test.ts, since this mutant survived it; no storm runs long enough for what stays in memory to count',
  },
];
