----------------------------- MODULE KelpieLease -----------------------------
(***************************************************************************)
(* One lease in time: who may think that he holds it, on clocks that are   *)
(* not the same.  No node compares its clock with another's: the holder    *)
(* counts from before it sent its claim or renewal and stops early, by     *)
(* grace and skew; a challenger counts from after it first saw the lease   *)
(* as it stands, and waits for the whole of it.                            *)
(*                                                                         *)
(* Time passes in ticks; counts stop growing where they no longer matter.  *)
(* A fast clock shows one tick more than has passed, over any length that  *)
(* counts here; grace and skew together exceed that.                       *)
(*                                                                         *)
(* Steps and story events, for the lease of one actor:                     *)
(*   AcquireDone   claim.commit                                            *)
(*   RenewDone     lease.renew                                             *)
(*   RenewRefused  lease.lost to a newer claim, or to none                 *)
(*   Stop          lease.expire-local, other lease.lost, deactivate.done,  *)
(*                 activate.drop, activate.fail: the first of them         *)
(*   Crash, Restart   kill and boot of the node, told by the world         *)
(* That a node serves shows by invoke.start and commit.start.              *)
(* Hidden: all others; ticks too, for the story has no clock that all      *)
(*   nodes share.                                                          *)
(***************************************************************************)
EXTENDS Naturals, FiniteSets

CONSTANTS
    Nodes,   \* names of the nodes
    Fast,    \* those whose clock is fast
    Bug      \* "None", or the one defect put in

None == "None"

Length == 4     \* of the lease, in ticks
Grace == 1
Skew == 1
Never == Length + 1

VARIABLES
    holder,     \* in the store
    phase,      \* of the node
    newest,     \* the fencing token in the node's memory is the store's
    count,      \* ticks since before the holder sent what gave it its term
    sight,      \* ticks since the challenger saw the record as it stands, or Never
    op,         \* what the node has sent to the store
    since,      \* ticks since it did
    suspected   \* the holder is suspected to be dead

vars == <<holder, phase, newest, count, sight, op, since, suspected>>

Phases == {"Idle", "Serving", "Paused", "Stopped", "Down"}
Ops == {"None", "Acquiring", "Conflicting", "Acquired", "Renewing", "Renewed"}

\* When the holder stops serving; with the defect only when the lease is over by its clock.
StopAt == IF Bug = "NoGrace" THEN Length ELSE Length - Grace - Skew

TypeOK ==
    /\ holder \in Nodes \cup {None}
    /\ phase \in [Nodes -> Phases]
    /\ newest \in [Nodes -> BOOLEAN]
    /\ count \in [Nodes -> 0..StopAt]
    /\ sight \in [Nodes -> 0..Never]
    /\ op \in [Nodes -> Ops]
    /\ since \in [Nodes -> 0..StopAt]
    /\ suspected \in BOOLEAN

Init ==
    /\ holder = None
    /\ phase = [n \in Nodes |-> "Idle"]
    /\ newest = [n \in Nodes |-> FALSE]
    /\ count = [n \in Nodes |-> StopAt]
    /\ sight = [n \in Nodes |-> Never]
    /\ op = [n \in Nodes |-> "None"]
    /\ since = [n \in Nodes |-> 0]
    /\ suspected = FALSE

\* What the node's clock shows of a length of time.
Shown(n, ticks) == ticks + (IF n \in Fast /\ ticks > 0 THEN 1 ELSE 0)

Due(n) == Shown(n, count[n]) >= StopAt

\* The record has changed: sights of it are void, and so are claims that have read it.
Changed(writer) ==
    /\ sight' = [n \in Nodes |-> Never]
    /\ op' = [n \in Nodes |-> IF n = writer THEN (IF op[n] = "Renewing" THEN "Renewed" ELSE "Acquired")
                              ELSE IF op[n] = "Acquiring" THEN "Conflicting" ELSE op[n]]

\* A challenger reads the lease as it stands, for the first time.
See(n) ==
    /\ phase[n] = "Idle"
    /\ holder \notin {None, n}
    /\ sight[n] = Never
    /\ sight' = [sight EXCEPT ![n] = 0]
    /\ UNCHANGED <<holder, phase, newest, count, op, since, suspected>>

\* Nobody's, an earlier life's of the same node, or unchanged for its whole length.
Free(n) ==
    \/ holder \in {None, n}
    \/ sight[n] # Never /\ Shown(n, sight[n]) >= Length
    \/ Bug = "AcquireWithoutCheck" /\ suspected

AcquireSend(n) ==
    /\ phase[n] = "Idle"
    /\ op[n] = "None"
    /\ Free(n)
    /\ op' = [op EXCEPT ![n] = "Acquiring"]
    /\ since' = [since EXCEPT ![n] = 0]
    /\ UNCHANGED <<holder, phase, newest, count, sight, suspected>>

\* The store takes the claim; the token grows.
AcquireCommit(n) ==
    /\ op[n] = "Acquiring"
    /\ holder' = n
    /\ newest' = [m \in Nodes |-> m = n \/ (newest[m] /\ Bug = "SameToken")]
    /\ suspected' = FALSE
    /\ Changed(n)
    /\ UNCHANGED <<phase, count, since>>

AcquireDone(n) ==
    /\ phase[n] = "Idle"
    /\ op[n] = "Acquired"
    /\ op' = [op EXCEPT ![n] = "None"]
    /\ count' = [count EXCEPT ![n] = since[n]]
    /\ phase' = [phase EXCEPT ![n] = IF Shown(n, since[n]) >= StopAt THEN "Stopped" ELSE "Serving"]
    /\ since' = [since EXCEPT ![n] = 0]
    /\ UNCHANGED <<holder, newest, sight, suspected>>

AcquireFail(n) ==
    /\ phase[n] = "Idle"
    /\ op[n] \in {"Acquiring", "Conflicting"}
    /\ op' = [op EXCEPT ![n] = "None"]
    /\ since' = [since EXCEPT ![n] = 0]
    /\ UNCHANGED <<holder, phase, newest, count, sight, suspected>>

RenewSend(n) ==
    /\ phase[n] = "Serving"
    /\ op[n] = "None"
    /\ op' = [op EXCEPT ![n] = "Renewing"]
    /\ since' = [since EXCEPT ![n] = 0]
    /\ UNCHANGED <<holder, phase, newest, count, sight, suspected>>

\* The store compares the holder in the transaction that writes; the defect has compared in an earlier one.
RenewCommit(n) ==
    /\ op[n] = "Renewing"
    /\ newest[n] \/ Bug = "SplitRenewal"
    /\ holder' = n
    /\ suspected' = FALSE
    /\ Changed(n)
    /\ UNCHANGED <<phase, newest, count, since>>

RenewDone(n) ==
    /\ phase[n] \in {"Serving", "Stopped"}
    /\ op[n] = "Renewed"
    /\ op' = [op EXCEPT ![n] = "None"]
    /\ count' = [count EXCEPT ![n] = IF phase[n] = "Serving" THEN since[n] ELSE @]
    /\ since' = [since EXCEPT ![n] = 0]
    /\ UNCHANGED <<holder, phase, newest, sight, suspected>>

\* Another holds it, or the store did not answer: the term is as long as it was.
RenewFail(n) ==
    /\ phase[n] \in {"Serving", "Stopped"}
    /\ op[n] = "Renewing"
    /\ newest[n]
    /\ op' = [op EXCEPT ![n] = "None"]
    /\ since' = [since EXCEPT ![n] = 0]
    /\ UNCHANGED <<holder, phase, newest, count, sight, suspected>>

RenewRefused(n) ==
    /\ phase[n] \in {"Serving", "Stopped"}
    /\ op[n] = "Renewing"
    /\ ~newest[n]
    /\ op' = [op EXCEPT ![n] = "None"]
    /\ since' = [since EXCEPT ![n] = 0]
    /\ phase' = [phase EXCEPT ![n] = "Stopped"]
    /\ UNCHANGED <<holder, newest, count, sight, suspected>>

\* The term is over by the node's clock, or the node needs the lease no more.
Stop(n) ==
    /\ phase[n] = "Serving"
    /\ phase' = [phase EXCEPT ![n] = "Stopped"]
    /\ UNCHANGED <<holder, newest, count, sight, op, since, suspected>>

\* The lease is given back if it is still the node's.
Release(n) ==
    /\ phase[n] = "Stopped"
    /\ op[n] = "None"
    /\ phase' = [phase EXCEPT ![n] = "Idle"]
    /\ newest' = [newest EXCEPT ![n] = FALSE]
    /\ count' = [count EXCEPT ![n] = StopAt]
    /\ IF newest[n]
       THEN /\ holder' = None
            /\ sight' = [m \in Nodes |-> Never]
            /\ op' = [m \in Nodes |-> IF op[m] = "Acquiring" THEN "Conflicting" ELSE op[m]]
            /\ suspected' = FALSE
       ELSE UNCHANGED <<holder, sight, op, suspected>>
    /\ UNCHANGED since

\* Whoever may take the lease over may as well free it for others: the primary does, for members that are gone.
Evict(n) ==
    /\ phase[n] # "Down"
    /\ holder \notin {None, n}
    /\ Free(n)
    /\ holder' = None
    /\ newest' = [m \in Nodes |-> FALSE]
    /\ sight' = [m \in Nodes |-> Never]
    /\ op' = [m \in Nodes |-> IF op[m] = "Acquiring" THEN "Conflicting" ELSE op[m]]
    /\ suspected' = FALSE
    /\ UNCHANGED <<phase, count, since>>

\* Heartbeats of the holder are missed, rightly or not. It says nothing about the lease.
Suspect ==
    /\ holder # None
    /\ ~suspected
    /\ suspected' = TRUE
    /\ UNCHANGED <<holder, phase, newest, count, sight, op, since>>

Trust ==
    /\ suspected
    /\ suspected' = FALSE
    /\ UNCHANGED <<holder, phase, newest, count, sight, op, since>>

Pause(n) ==
    /\ phase[n] = "Serving"
    /\ phase' = [phase EXCEPT ![n] = "Paused"]
    /\ UNCHANGED <<holder, newest, count, sight, op, since, suspected>>

\* Back again, it looks at its clock first.
Resume(n) ==
    /\ phase[n] = "Paused"
    /\ phase' = [phase EXCEPT ![n] = IF Due(n) THEN "Stopped" ELSE "Serving"]
    /\ UNCHANGED <<holder, newest, count, sight, op, since, suspected>>

\* Memory is lost. What was sent and is not in the store yet is taken for lost.
Crash(n) ==
    /\ phase[n] # "Down"
    /\ phase' = [phase EXCEPT ![n] = "Down"]
    /\ newest' = [newest EXCEPT ![n] = FALSE]
    /\ count' = [count EXCEPT ![n] = StopAt]
    /\ sight' = [sight EXCEPT ![n] = Never]
    /\ op' = [op EXCEPT ![n] = "None"]
    /\ since' = [since EXCEPT ![n] = 0]
    /\ UNCHANGED <<holder, suspected>>

Restart(n) ==
    /\ phase[n] = "Down"
    /\ phase' = [phase EXCEPT ![n] = "Idle"]
    /\ UNCHANGED <<holder, newest, count, sight, op, since, suspected>>

Later(ticks, bound) == IF ticks < bound THEN ticks + 1 ELSE ticks

\* Nobody who runs lets the end of his term pass.
Tick ==
    /\ \A n \in Nodes : phase[n] = "Serving" => ~Due(n)
    /\ count' = [n \in Nodes |-> IF phase[n] \in {"Serving", "Paused"} THEN Later(count[n], StopAt) ELSE count[n]]
    /\ sight' = [n \in Nodes |-> IF sight[n] = Never THEN Never ELSE Later(sight[n], Length)]
    /\ since' = [n \in Nodes |-> IF op[n] = "None" THEN 0 ELSE Later(since[n], StopAt)]
    /\ UNCHANGED <<holder, phase, newest, op, suspected>>

Next ==
    \/ \E n \in Nodes : See(n)
    \/ \E n \in Nodes : AcquireSend(n)
    \/ \E n \in Nodes : AcquireCommit(n)
    \/ \E n \in Nodes : AcquireDone(n)
    \/ \E n \in Nodes : AcquireFail(n)
    \/ \E n \in Nodes : RenewSend(n)
    \/ \E n \in Nodes : RenewCommit(n)
    \/ \E n \in Nodes : RenewDone(n)
    \/ \E n \in Nodes : RenewFail(n)
    \/ \E n \in Nodes : RenewRefused(n)
    \/ \E n \in Nodes : Stop(n)
    \/ \E n \in Nodes : Release(n)
    \/ \E n \in Nodes : Evict(n)
    \/ Suspect
    \/ Trust
    \/ \E n \in Nodes : Pause(n)
    \/ \E n \in Nodes : Resume(n)
    \/ \E n \in Nodes : Crash(n)
    \/ \E n \in Nodes : Restart(n)
    \/ Tick

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
\* At most one node serves on the lease.
LeaseUniqueness == Cardinality({n \in Nodes : phase[n] = "Serving"}) <= 1

\* Nobody but the holder renews: the node with the newest token stays the holder.
RenewalRequiresOwnership == \A n \in Nodes : newest[n] => holder = n

\* With every change of holder comes a newer token: two nodes never have the same.
FencingTokenMonotonic == Cardinality({n \in Nodes : newest[n]}) <= 1

\* Who serves has more than the grace period left, by no clock but time itself.
GracePeriodRespected == \A n \in Nodes : phase[n] = "Serving" => count[n] + Grace < Length

-----------------------------------------------------------------------------
Fairness ==
    /\ WF_vars(Tick)
    /\ \A n \in Nodes :
        /\ WF_vars(Restart(n)) /\ WF_vars(Resume(n)) /\ WF_vars(Stop(n)) /\ WF_vars(Release(n)) /\ SF_vars(See(n))
        /\ SF_vars(AcquireSend(n)) /\ SF_vars(AcquireCommit(n)) /\ SF_vars(AcquireDone(n)) /\ WF_vars(AcquireFail(n))
        /\ WF_vars(RenewDone(n)) /\ WF_vars(RenewFail(n)) /\ WF_vars(RenewRefused(n))

LiveSpec == Spec /\ Fairness

\* A lease never stays with a node that is gone: somebody holds it again. (He may learn of it too late to serve on it.)
EventualAcquisition == []<>(\E n \in Nodes : newest[n])
=============================================================================
