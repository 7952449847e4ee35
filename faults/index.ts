/** Every fault there is, in the order of the design's catalogue. A file that is missing here fails a test. */
import type { Fault } from './fault.js';
import { drift } from './clock/drift.js';
import { freeze } from './clock/freeze.js';
import { jumpBackward } from './clock/jump-backward.js';
import { jumpForward } from './clock/jump-forward.js';
import { leapSecond } from './clock/leap-second.js';
import { skew } from './clock/skew.js';
import { slew } from './clock/slew.js';
import { strobe } from './clock/strobe.js';
import { timerEarly } from './clock/timer-early.js';
import { timerLate } from './clock/timer-late.js';
import { agentBusy } from './cluster/agent-busy.js';
import { agentNotFound } from './cluster/agent-not-found.js';
import { callRejected } from './cluster/call-rejected.js';
import { callTimeout } from './cluster/call-timeout.js';
import { falseSuspicion } from './cluster/false-suspicion.js';
import { joinDuringPartition } from './cluster/join-during-partition.js';
import { leaseExpiryInPause } from './cluster/lease-expiry-in-pause.js';
import { loopPanic } from './cluster/loop-panic.js';
import { membershipChurn } from './cluster/membership-churn.js';
import { quorumLoss } from './cluster/quorum-loss.js';
import { replicationLag } from './cluster/replication-lag.js';
import { splitBrain } from './cluster/split-brain.js';
import { gracefulStop } from './crash/graceful-stop.js';
import { killAfterWrite } from './crash/kill-after-write.js';
import { killAtAwait } from './crash/kill-at-await.js';
import { killBeforeWrite } from './crash/kill-before-write.js';
import { killInTransaction } from './crash/kill-in-transaction.js';
import { killLoop } from './crash/kill-loop.js';
import { kill } from './crash/kill.js';
import { lateReturn } from './crash/late-return.js';
import { rack } from './crash/rack.js';
import { rollingUpgrade } from './crash/rolling-upgrade.js';
import { chosenCommits } from './database/chosen-commits.js';
import { clientClockTimeout } from './database/client-clock-timeout.js';
import { clusterVersionChanged } from './database/cluster-version-changed.js';
import { commitUnknownApplied } from './database/commit-unknown-applied.js';
import { commitUnknownLost } from './database/commit-unknown-lost.js';
import { conflict } from './database/conflict.js';
import { futureVersion } from './database/future-version.js';
import { locked } from './database/locked.js';
import { processBehind } from './database/process-behind.js';
import { slowCommit } from './database/slow-commit.js';
import { slowRead } from './database/slow-read.js';
import { stuckCommits } from './database/stuck-commits.js';
import { throttled } from './database/throttled.js';
import { transactionTooOld } from './database/transaction-too-old.js';
import { unavailable } from './database/unavailable.js';
import { bitRot } from './disk/bit-rot.js';
import { fsyncFail } from './disk/fsync-fail.js';
import { fsyncLie } from './disk/fsync-lie.js';
import { full } from './disk/full.js';
import { lostUnsynced } from './disk/lost-unsynced.js';
import { misdirectedRead } from './disk/misdirected-read.js';
import { misdirectedWrite } from './disk/misdirected-write.js';
import { openFail } from './disk/open-fail.js';
import { phantomWrite } from './disk/phantom-write.js';
import { readFail } from './disk/read-fail.js';
import { readOnly } from './disk/read-only.js';
import { renameLost } from './disk/rename-lost.js';
import { reorderUnsynced } from './disk/reorder-unsynced.js';
import { shortRead } from './disk/short-read.js';
import { shortWrite } from './disk/short-write.js';
import { slow } from './disk/slow.js';
import { staleRead } from './disk/stale-read.js';
import { stall } from './disk/stall.js';
import { swapped } from './disk/swapped.js';
import { throttle as diskThrottle } from './disk/throttle.js';
import { tornWrite } from './disk/torn-write.js';
import { wiped } from './disk/wiped.js';
import { writeFail } from './disk/write-fail.js';
import { clogIn } from './network/clog-in.js';
import { clogOut } from './network/clog-out.js';
import { connectionExhaustion } from './network/connection-exhaustion.js';
import { corrupt } from './network/corrupt.js';
import { delay } from './network/delay.js';
import { duplicate } from './network/duplicate.js';
import { flap } from './network/flap.js';
import { isolate } from './network/isolate.js';
import { jam } from './network/jam.js';
import { loss } from './network/loss.js';
import { majoritiesRing } from './network/majorities-ring.js';
import { misdeliver } from './network/misdeliver.js';
import { partitionOneway } from './network/partition-oneway.js';
import { partition } from './network/partition.js';
import { reorder } from './network/reorder.js';
import { slowPair } from './network/slow-pair.js';
import { swizzleClog } from './network/swizzle-clog.js';
import { tailLatency } from './network/tail-latency.js';
import { throttle } from './network/throttle.js';
import { truncate } from './network/truncate.js';
import { cacheEviction } from './resource/cache-eviction.js';
import { cpuStarvation } from './resource/cpu-starvation.js';
import { fdExhaustion } from './resource/fd-exhaustion.js';
import { mailboxFull } from './resource/mailbox-full.js';
import { outOfMemory } from './resource/out-of-memory.js';
import { queueFull } from './resource/queue-full.js';
import { tinyBuffers } from './resource/tiny-buffers.js';
import { burst } from './schedule/burst.js';
import { pause } from './schedule/pause.js';
import { reverse } from './schedule/reverse.js';
import { spuriousWakeup } from './schedule/spurious-wakeup.js';
import { starve } from './schedule/starve.js';
import { yieldStorm } from './schedule/yield-storm.js';
import { duplicateDelivery } from './service/duplicate-delivery.js';
import { error4xx } from './service/error-4xx.js';
import { error5xx } from './service/error-5xx.js';
import { malformedBody } from './service/malformed-body.js';
import { rateLimited } from './service/rate-limited.js';
import { refused } from './service/refused.js';
import { responseTooLarge } from './service/response-too-large.js';
import { serverCrash } from './service/server-crash.js';
import { slowStart } from './service/slow-start.js';
import { timeout } from './service/timeout.js';
import { toolFail } from './service/tool-fail.js';
import { truncatedStream } from './service/truncated-stream.js';

export const faults: readonly Fault[] = [
  // network
  loss,
  duplicate,
  reorder,
  delay,
  tailLatency,
  slowPair,
  corrupt,
  truncate,
  misdeliver,
  partition,
  partitionOneway,
  isolate,
  majoritiesRing,
  clogIn,
  clogOut,
  swizzleClog,
  jam,
  flap,
  throttle,
  connectionExhaustion,
  // disk
  readFail,
  writeFail,
  fsyncFail,
  fsyncLie,
  full,
  readOnly,
  openFail,
  slow,
  stall,
  diskThrottle,
  tornWrite,
  lostUnsynced,
  reorderUnsynced,
  bitRot,
  misdirectedWrite,
  misdirectedRead,
  phantomWrite,
  staleRead,
  shortRead,
  shortWrite,
  renameLost,
  wiped,
  swapped,
  // crash
  kill,
  killBeforeWrite,
  killAfterWrite,
  killInTransaction,
  killAtAwait,
  killLoop,
  gracefulStop,
  rack,
  lateReturn,
  rollingUpgrade,
  // clock
  skew,
  drift,
  jumpForward,
  jumpBackward,
  strobe,
  freeze,
  slew,
  leapSecond,
  timerLate,
  timerEarly,
  // schedule
  pause,
  starve,
  burst,
  reverse,
  yieldStorm,
  spuriousWakeup,
  // database
  conflict,
  commitUnknownApplied,
  commitUnknownLost,
  transactionTooOld,
  futureVersion,
  processBehind,
  slowCommit,
  slowRead,
  stuckCommits,
  unavailable,
  throttled,
  locked,
  clusterVersionChanged,
  clientClockTimeout,
  chosenCommits,
  // resource
  outOfMemory,
  cpuStarvation,
  fdExhaustion,
  mailboxFull,
  queueFull,
  cacheEviction,
  tinyBuffers,
  // service
  timeout,
  refused,
  serverCrash,
  slowStart,
  error4xx,
  error5xx,
  rateLimited,
  malformedBody,
  truncatedStream,
  responseTooLarge,
  toolFail,
  duplicateDelivery,
  // cluster
  falseSuspicion,
  leaseExpiryInPause,
  splitBrain,
  quorumLoss,
  replicationLag,
  membershipChurn,
  joinDuringPartition,
  callTimeout,
  callRejected,
  agentBusy,
  agentNotFound,
  loopPanic,
];
