------------------------- MODULE KelpieActorState -------------------------
(***************************************************************************)
(* One activation of one actor: the state in memory, the buffer of its     *)
(* key-value writes, and the one transaction that commits both.            *)
(*                                                                         *)
(* A committing invocation stamps both parts, state and key-value space,   *)
(* with the next version; versions alternate between 0 and 1, for only     *)
(* equal or not matters.  An invocation that writes one part only is seen  *)
(* as stamping the other one too.                                          *)
(*                                                                         *)
(* A commit is in the store before the node hears of it, or the answer is  *)
(* lost and the node has to look.  The node may be deposed at any time;    *)
(* then the store refuses its commits and takes those of others.           *)
(*                                                                         *)
(* Steps and story events, for the events of one actor on one node:        *)
(*   Activate        activate.load                                         *)
(*   InvokeStart     invoke.start; a hook's shows by its commit.start or   *)
(*                   rollback                                              *)
(*   InvokeEnd       invoke.end with no commit and outcome ok              *)
(*   CommitSend      commit.start                                          *)
(*   CommitDone      commit.done, unless commit.resolved came before it    *)
(*   CommitFailed    commit.conflict, commit.fenced; before a rollback     *)
(*                   because of a duplicate, too                           *)
(*   CommitUnknown   commit.unknown                                        *)
(*   ResolvedApplied, ResolvedLost   commit.resolved                       *)
(*   Rollback        rollback                                              *)
(*   DeactivateStart, DeactivateDone   deactivate.start, deactivate.done   *)
(*   Drop            activate.drop; activate.fail after activate.load      *)
(*   Crash, Restart  kill and boot of the node, told by the world          *)
(* Hidden: SetState, PutKv, Fail (the actor throws or is too slow),        *)
(*   CommitApply, Depose, OtherCommit.  What is told under the token of an *)
(*   activation that has ended is no step.                                 *)
(***************************************************************************)
EXTENDS Naturals

CONSTANT Bug     \* "None", or the one defect put in

VARIABLES
    phase,    \* of the activation
    leaving,  \* it is being deactivated
    owner,    \* its fencing token is the store's
    mem,      \* version of the state in memory
    snap,     \* the same before the invocation
    buffer,   \* key-value writes wait in the buffer
    applied,  \* the commit under way is in the store
    state,    \* version of the state in the store
    kv,       \* version of the key-value space in the store
    last      \* version that the last commit was to give both

vars == <<phase, leaving, owner, mem, snap, buffer, applied, state, kv, last>>

Phases == {"Inactive", "Idle", "Running", "Committing", "Unknown", "RollingBack", "Down"}
Versions == 0..1

TypeOK ==
    /\ phase \in Phases
    /\ leaving \in BOOLEAN
    /\ owner \in BOOLEAN
    /\ mem \in Versions
    /\ snap \in Versions
    /\ buffer \in BOOLEAN
    /\ applied \in BOOLEAN
    /\ state \in Versions
    /\ kv \in Versions
    /\ last \in Versions

Init ==
    /\ phase = "Inactive"
    /\ leaving = FALSE
    /\ owner = FALSE
    /\ mem = 0
    /\ snap = 0
    /\ buffer = FALSE
    /\ applied = FALSE
    /\ state = 0
    /\ kv = 0
    /\ last = 0

store == <<state, kv, last>>
memory == <<mem, snap, buffer>>

\* The actor is claimed, and its state is read.
Activate ==
    /\ phase = "Inactive"
    /\ phase' = "Idle"
    /\ owner' = TRUE
    /\ mem' = state
    /\ snap' = state
    /\ UNCHANGED <<leaving, buffer, applied, store>>

InvokeStart ==
    /\ phase = "Idle"
    /\ phase' = "Running"
    /\ snap' = mem
    /\ UNCHANGED <<leaving, owner, mem, buffer, applied, store>>

SetState ==
    /\ phase = "Running"
    /\ mem = snap
    /\ mem' = 1 - snap
    /\ UNCHANGED <<phase, leaving, owner, snap, buffer, applied, store>>

\* A write of a key goes to the buffer.
PutKv ==
    /\ phase = "Running"
    /\ ~buffer
    /\ buffer' = TRUE
    /\ kv' = IF Bug = "WriteThrough" THEN 1 - kv ELSE kv
    /\ UNCHANGED <<phase, leaving, owner, mem, snap, applied, state, last>>

\* Nothing was written, so there is nothing to commit.
InvokeEnd ==
    /\ phase = "Running"
    /\ mem = snap
    /\ ~buffer
    /\ phase' = "Idle"
    /\ UNCHANGED <<leaving, owner, memory, applied, store>>

\* The actor throws, or its time is over.
Fail ==
    /\ phase = "Running"
    /\ phase' = "RollingBack"
    /\ UNCHANGED <<leaving, owner, memory, applied, store>>

CommitSend ==
    /\ phase = "Running"
    /\ mem # snap
    /\ buffer
    /\ phase' = "Committing"
    /\ UNCHANGED <<leaving, owner, memory, applied, store>>

\* The store takes the transaction, under the newest token only.
CommitApply ==
    /\ phase \in {"Committing", "Unknown"}
    /\ ~applied
    /\ owner
    /\ applied' = TRUE
    /\ state' = mem
    /\ kv' = IF Bug \in {"StateOnlyCommit", "WriteThrough"} THEN kv ELSE 1 - kv
    /\ last' = 1 - last
    /\ UNCHANGED <<phase, leaving, owner, memory>>

\* The commit is in: memory is the new snapshot, the buffer is empty.
Committed ==
    /\ phase' = "Idle"
    /\ snap' = mem
    /\ buffer' = FALSE
    /\ applied' = FALSE
    /\ UNCHANGED <<leaving, owner, mem, store>>

CommitDone ==
    /\ phase = "Committing"
    /\ applied
    /\ Committed

CommitFailed ==
    /\ phase = "Committing"
    /\ ~applied
    /\ phase' = "RollingBack"
    /\ UNCHANGED <<leaving, owner, memory, applied, store>>

CommitUnknown ==
    /\ phase = "Committing"
    /\ phase' = IF Bug = "UnknownAsFailure" THEN "RollingBack" ELSE "Unknown"
    /\ UNCHANGED <<leaving, owner, memory, applied, store>>

\* The commit id is read back; a commit that is not in can come no more.
ResolvedApplied ==
    /\ phase = "Unknown"
    /\ applied
    /\ Committed

ResolvedLost ==
    /\ phase = "Unknown"
    /\ ~applied
    /\ phase' = "RollingBack"
    /\ UNCHANGED <<leaving, owner, memory, applied, store>>

Rollback ==
    /\ phase = "RollingBack"
    /\ phase' = "Idle"
    /\ mem' = IF Bug \in {"NoRollback", "DeactivateHeals"} THEN mem ELSE snap
    /\ buffer' = (buffer /\ Bug = "KeptBuffer")
    /\ applied' = FALSE
    /\ UNCHANGED <<leaving, owner, snap, store>>

\* Intake is closed, possibly while an invocation runs; what was accepted is still served.
DeactivateStart ==
    /\ phase \in {"Idle", "Running", "Committing", "Unknown", "RollingBack"}
    /\ ~leaving
    /\ leaving' = TRUE
    /\ UNCHANGED <<phase, owner, memory, applied, store>>

\* What an activation held in memory is gone.
Gone ==
    /\ leaving' = FALSE
    /\ owner' = FALSE
    /\ mem' = 0
    /\ snap' = 0
    /\ buffer' = FALSE
    /\ applied' = FALSE

\* Whatever the hook had to write is committed by now: nothing is written here.
DeactivateDone ==
    /\ phase = "Idle"
    /\ leaving
    /\ phase' = "Inactive"
    /\ state' = IF Bug = "DeactivateHeals" /\ owner THEN mem ELSE state
    /\ Gone
    /\ UNCHANGED <<kv, last>>

Drop ==
    /\ phase \in {"Idle", "Running", "Committing", "Unknown", "RollingBack"}
    /\ phase' = "Inactive"
    /\ Gone
    /\ UNCHANGED store

\* Another node takes the actor over.
Depose ==
    /\ owner
    /\ owner' = FALSE
    /\ UNCHANGED <<phase, leaving, memory, applied, store>>

OtherCommit ==
    /\ ~owner
    /\ state' = 1 - state
    /\ kv' = 1 - kv
    /\ last' = 1 - last
    /\ UNCHANGED <<phase, leaving, owner, memory, applied>>

Crash ==
    /\ phase # "Down"
    /\ phase' = "Down"
    /\ Gone
    /\ UNCHANGED store

Restart ==
    /\ phase = "Down"
    /\ phase' = "Inactive"
    /\ UNCHANGED <<leaving, owner, memory, applied, store>>

Next ==
    \/ Activate
    \/ InvokeStart
    \/ SetState
    \/ PutKv
    \/ InvokeEnd
    \/ Fail
    \/ CommitSend
    \/ CommitApply
    \/ CommitDone
    \/ CommitFailed
    \/ CommitUnknown
    \/ ResolvedApplied
    \/ ResolvedLost
    \/ Rollback
    \/ DeactivateStart
    \/ DeactivateDone
    \/ Drop
    \/ Depose
    \/ OtherCommit
    \/ Crash
    \/ Restart

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
\* Between invocations memory is the snapshot: of a failed one nothing is left.
RollbackCorrectness == phase = "Idle" => mem = snap

\* State and key-value space in the store are of the same commit.
TransactionAtomicity == state = kv

\* Between invocations the owner's memory is what the store has.
StateConsistency == (phase = "Idle" /\ owner) => mem = state

\* Nothing waits in the buffer but during an invocation and its commit.
BufferEmptyWhenIdle == phase \in {"Idle", "Inactive", "Down"} => ~buffer

\* The store has what the last commit wrote, and nothing of an invocation that has not committed.
NoPartialState == state = last /\ kv = last

-----------------------------------------------------------------------------
Fairness ==
    /\ WF_vars(Restart) /\ WF_vars(Rollback) /\ WF_vars(DeactivateDone)
    /\ WF_vars(Fail \/ CommitSend \/ InvokeEnd)
    /\ WF_vars(CommitDone \/ CommitFailed \/ CommitUnknown)
    /\ WF_vars(ResolvedApplied \/ ResolvedLost)

LiveSpec == Spec /\ Fairness

\* No invocation hangs: what has begun ends, one way or the other.
EventualCompletion == phase \in {"Running", "Committing", "Unknown", "RollingBack"} ~> phase \in {"Idle", "Inactive", "Down"}

EventualRecovery == phase = "Down" ~> phase = "Inactive"
=============================================================================
