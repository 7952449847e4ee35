---------------------- MODULE KelpieSingleActivation ----------------------
(***************************************************************************)
(* One actor and the nodes that may run it: who activates it, and what the *)
(* store lets a deposed owner do.                                          *)
(*                                                                         *)
(* The store holds a lease record and a placement record; both change in   *)
(* one transaction.  Nothing is counted: a claim remembers only whether    *)
(* what it read has been overwritten, a node only whether the fencing      *)
(* token in its memory is still the store's.  Time is the age of the       *)
(* lease: "Valid", "Ending" (renewal is overdue; an owner that runs stops  *)
(* serving before this ends, by its monotonic clock, grace and skew        *)
(* allowed for) and "Expired".                                             *)
(*                                                                         *)
(* A transaction takes effect in the store before its caller hears of it,  *)
(* so its effect is a step of its own that no story event shows.           *)
(*                                                                         *)
(* Steps and story events, for the events of one actor:                    *)
(*   Activate      activate.done                                           *)
(*   WriteDone     commit.done, commit.resolved when it was applied        *)
(*   WriteFenced   commit.fenced by a newer token                          *)
(*   StopServing   deactivate.done, lease.expire-local, activate.drop; no  *)
(*                 step when the node has stopped in the model already     *)
(*   Crash, Restart  kill and boot of the node, told by the world          *)
(*   invoke.start and commit.start are no steps, but need an active actor; *)
(*   what is told under an older token than the node's own is no step.     *)
(* Hidden: all others.  What is told of a claim, a renewal, a release or a *)
(*   sweep says only that the step has happened by then; a node may stand  *)
(*   still without the world saying so.                                    *)
(***************************************************************************)
EXTENDS Naturals, FiniteSets

CONSTANTS
    Nodes,   \* names of the nodes
    Bug      \* "None", or the one defect put in

None == "None"

VARIABLES
    lease,      \* holder and age, as the store has them
    placement,  \* the node that the registry names
    orphaned,   \* the holder has crashed since it claimed
    phase,      \* of the actor on each node
    stale,      \* what the node's claim has read is overwritten
    newest,     \* the fencing token in the node's memory is the store's
    write,      \* a commit of the node is in the store and the node does not know yet
    zombie      \* a commit under an old token was let in

vars == <<lease, placement, orphaned, phase, stale, newest, write, zombie>>

Phases == {"Idle", "Claiming", "Activating", "Active", "Paused", "Stopping", "Releasing", "Down"}
Engaged == {"Activating", "Active", "Paused", "Stopping", "Releasing"}
Ages == {"Valid", "Ending", "Expired"}

NoLease == [holder |-> None, age |-> "Expired"]

TypeOK ==
    /\ lease \in [holder : Nodes \cup {None}, age : Ages]
    /\ placement \in Nodes \cup {None}
    /\ orphaned \in BOOLEAN
    /\ phase \in [Nodes -> Phases]
    /\ stale \in [Nodes -> BOOLEAN]
    /\ newest \in [Nodes -> BOOLEAN]
    /\ write \in [Nodes -> BOOLEAN]
    /\ zombie \in BOOLEAN

Init ==
    /\ lease = NoLease
    /\ placement = None
    /\ orphaned = FALSE
    /\ phase = [n \in Nodes |-> "Idle"]
    /\ stale = [n \in Nodes |-> FALSE]
    /\ newest = [n \in Nodes |-> FALSE]
    /\ write = [n \in Nodes |-> FALSE]
    /\ zombie = FALSE

\* After the writer changed the records, every other claim that has read them is stale.
StaleAfter(writer) == [n \in Nodes |-> stale[n] \/ (n # writer /\ phase[n] = "Claiming")]

Good(n) == lease.holder = n /\ lease.age # "Expired"

\* The claim reads placement and lease: run out, or left by an earlier life of the claimer.
ClaimRead(n) ==
    /\ phase[n] = "Idle"
    /\ lease.age = "Expired" \/ (lease.holder = n /\ orphaned)
    /\ phase' = [phase EXCEPT ![n] = "Claiming"]
    /\ UNCHANGED <<lease, placement, orphaned, stale, newest, write, zombie>>

\* The store takes the claim: holder, placement and a new token at once.
ClaimCommit(n) ==
    /\ phase[n] = "Claiming"
    /\ ~stale[n] \/ Bug = "RacyClaim"
    /\ lease' = [holder |-> n, age |-> "Valid"]
    /\ placement' = n
    /\ orphaned' = FALSE
    /\ phase' = [phase EXCEPT ![n] = "Activating"]
    /\ stale' = [StaleAfter(n) EXCEPT ![n] = FALSE]
    /\ newest' = [m \in Nodes |-> m = n]
    /\ UNCHANGED <<write, zombie>>

\* A node claims what it holds already, having dropped it or lost the answer to its claim: only the token changes.
Reclaim(n) ==
    /\ phase[n] \in {"Stopping", "Releasing"}
    /\ newest[n]
    /\ lease' = [lease EXCEPT !.age = "Valid"]
    /\ phase' = [phase EXCEPT ![n] = "Activating"]
    /\ stale' = StaleAfter(n)
    /\ write' = [write EXCEPT ![n] = FALSE]
    /\ UNCHANGED <<placement, orphaned, newest, zombie>>

\* The claim ends without effect: it conflicts, or is given up.
ClaimLost(n) ==
    /\ phase[n] = "Claiming"
    /\ phase' = [phase EXCEPT ![n] = "Idle"]
    /\ stale' = [stale EXCEPT ![n] = FALSE]
    /\ UNCHANGED <<lease, placement, orphaned, newest, write, zombie>>

\* The state is read, and the lease still good by the node's own clock.
Activate(n) ==
    /\ phase[n] = "Activating"
    /\ Good(n)
    /\ phase' = [phase EXCEPT ![n] = "Active"]
    /\ UNCHANGED <<lease, placement, orphaned, stale, newest, write, zombie>>

\* The state cannot be read, or the lease ran out meanwhile: the claim is to be given back.
ActivateFail(n) ==
    /\ phase[n] = "Activating"
    /\ phase' = [phase EXCEPT ![n] = IF Bug = "ClaimLeak" THEN "Idle" ELSE "Releasing"]
    /\ UNCHANGED <<lease, placement, orphaned, stale, newest, write, zombie>>

\* The store extends the lease of its holder, and only before it has run out.
Renew(n) ==
    /\ phase[n] \in Engaged
    /\ newest[n]
    /\ lease.age = "Ending"
    /\ lease' = [lease EXCEPT !.age = "Valid"]
    /\ UNCHANGED <<placement, orphaned, phase, stale, newest, write, zombie>>

\* The store takes a commit of the node when its token is the newest.
WriteApply(n) ==
    /\ phase[n] \in {"Active", "Paused", "Stopping"}
    /\ ~write[n]
    /\ newest[n] \/ Bug = "NoFencing"
    /\ write' = [write EXCEPT ![n] = TRUE]
    /\ zombie' = (zombie \/ ~newest[n])
    /\ UNCHANGED <<lease, placement, orphaned, phase, stale, newest>>

\* The node hears that its commit is in.
WriteDone(n) ==
    /\ phase[n] \in {"Active", "Stopping"}
    /\ write[n]
    /\ write' = [write EXCEPT ![n] = FALSE]
    /\ UNCHANGED <<lease, placement, orphaned, phase, stale, newest, zombie>>

\* The node hears that it is deposed: there is nothing to commit and nothing to release.
WriteFenced(n) ==
    /\ phase[n] = "Stopping"
    /\ ~write[n]
    /\ ~newest[n]
    /\ phase' = [phase EXCEPT ![n] = "Idle"]
    /\ UNCHANGED <<lease, placement, orphaned, stale, newest, write, zombie>>

\* The node serves no more: idle, shutdown, migration, or the lease is about to end.
StopServing(n) ==
    /\ phase[n] = "Active"
    /\ phase' = [phase EXCEPT ![n] = "Stopping"]
    /\ UNCHANGED <<lease, placement, orphaned, stale, newest, write, zombie>>

\* The release compares the owner: another's lease stays as it is.
Release(n) ==
    /\ phase[n] \in {"Stopping", "Releasing"}
    /\ ~write[n]
    /\ phase' = [phase EXCEPT ![n] = "Idle"]
    /\ newest' = [newest EXCEPT ![n] = FALSE]
    /\ IF newest[n] \/ Bug = "BlindRelease"
       THEN /\ lease' = NoLease
            /\ placement' = None
            /\ stale' = StaleAfter(n)
       ELSE UNCHANGED <<lease, placement, stale>>
    /\ UNCHANGED <<orphaned, write, zombie>>

\* A node that has started again removes what an earlier life of it holds.
Sweep(n) ==
    /\ phase[n] = "Idle"
    /\ lease.holder = n
    /\ orphaned
    /\ lease' = NoLease
    /\ placement' = None
    /\ orphaned' = FALSE
    /\ stale' = StaleAfter(n)
    /\ UNCHANGED <<phase, newest, write, zombie>>

\* A migration moves placement, lease and token to a node that waits for them.
Move(n, m) ==
    /\ n # m
    /\ phase[n] = "Stopping"
    /\ ~write[n]
    /\ newest[n]
    /\ phase[m] = "Idle"
    /\ lease' = [holder |-> m, age |-> "Valid"]
    /\ placement' = m
    /\ phase' = [phase EXCEPT ![n] = "Idle", ![m] = "Activating"]
    /\ stale' = StaleAfter(m)
    /\ newest' = [k \in Nodes |-> k = m]
    /\ UNCHANGED <<orphaned, write, zombie>>

\* The process stands still for a while; the world goes on.
Pause(n) ==
    /\ phase[n] = "Active"
    /\ phase' = [phase EXCEPT ![n] = "Paused"]
    /\ UNCHANGED <<lease, placement, orphaned, stale, newest, write, zombie>>

\* Back again, it looks at its clock before it serves.
Resume(n) ==
    /\ phase[n] = "Paused"
    /\ phase' = [phase EXCEPT ![n] = IF Good(n) THEN "Active" ELSE "Stopping"]
    /\ UNCHANGED <<lease, placement, orphaned, stale, newest, write, zombie>>

\* Memory is lost. Of a commit on its way, only what the store has taken by now counts.
Crash(n) ==
    /\ phase[n] # "Down"
    /\ phase' = [phase EXCEPT ![n] = "Down"]
    /\ stale' = [stale EXCEPT ![n] = FALSE]
    /\ newest' = [newest EXCEPT ![n] = FALSE]
    /\ write' = [write EXCEPT ![n] = FALSE]
    /\ orphaned' = (orphaned \/ lease.holder = n)
    /\ UNCHANGED <<lease, placement, zombie>>

Restart(n) ==
    /\ phase[n] = "Down"
    /\ phase' = [phase EXCEPT ![n] = "Idle"]
    /\ UNCHANGED <<lease, placement, orphaned, stale, newest, write, zombie>>

\* Time passes without a renewal.
LeaseEnds ==
    /\ lease.age = "Valid"
    /\ lease' = [lease EXCEPT !.age = "Ending"]
    /\ UNCHANGED <<placement, orphaned, phase, stale, newest, write, zombie>>

\* The lease runs out; an owner that runs has stopped serving by then.
LeaseExpires ==
    /\ lease.age = "Ending"
    /\ phase[lease.holder] # "Active" \/ Bug = "RacyLeaseExpiry"
    /\ lease' = [lease EXCEPT !.age = "Expired"]
    /\ UNCHANGED <<placement, orphaned, phase, stale, newest, write, zombie>>

Next ==
    \/ \E n \in Nodes : ClaimRead(n)
    \/ \E n \in Nodes : ClaimCommit(n)
    \/ \E n \in Nodes : ClaimLost(n)
    \/ \E n \in Nodes : Reclaim(n)
    \/ \E n \in Nodes : Activate(n)
    \/ \E n \in Nodes : ActivateFail(n)
    \/ \E n \in Nodes : Renew(n)
    \/ \E n \in Nodes : WriteApply(n)
    \/ \E n \in Nodes : WriteDone(n)
    \/ \E n \in Nodes : WriteFenced(n)
    \/ \E n \in Nodes : StopServing(n)
    \/ \E n \in Nodes : Release(n)
    \/ \E n \in Nodes : Sweep(n)
    \/ \E n \in Nodes, m \in Nodes : Move(n, m)
    \/ \E n \in Nodes : Pause(n)
    \/ \E n \in Nodes : Resume(n)
    \/ \E n \in Nodes : Crash(n)
    \/ \E n \in Nodes : Restart(n)
    \/ LeaseEnds
    \/ LeaseExpires

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
\* At most one node serves the actor.
SingleActivation == Cardinality({n \in Nodes : phase[n] = "Active"}) <= 1

\* A node whose token is the newest is the holder.
ConsistentHolder == \A n \in Nodes : newest[n] => lease.holder = n

\* Registry and lease name the same node, and that node knows unless it has crashed.
PlacementConsistency ==
    /\ placement = lease.holder
    /\ \A n \in Nodes : (Good(n) /\ ~orphaned) => phase[n] \in Engaged

\* Who serves holds a lease that has not run out.
LeaseValidityIfActive == \A n \in Nodes : phase[n] = "Active" => Good(n)

\* No commit under an old token was let in.
NoZombieWrite == ~zombie

-----------------------------------------------------------------------------
\* What a node and the store get done in the end, however often nodes crash and pause.
Fairness ==
    /\ \A n \in Nodes : WF_vars(Restart(n)) /\ WF_vars(Resume(n)) /\ WF_vars(ClaimLost(n)) /\ WF_vars(ActivateFail(n))
    /\ \A n \in Nodes : WF_vars(WriteDone(n)) /\ SF_vars(Release(n))
    /\ \A n \in Nodes : SF_vars(ClaimRead(n)) /\ SF_vars(ClaimCommit(n)) /\ SF_vars(Activate(n))
    /\ SF_vars(LeaseEnds) /\ SF_vars(LeaseExpires)

LiveSpec == Spec /\ Fairness

\* The actor never stays without a node that serves it.
EventualActivation == []<>(\E n \in Nodes : phase[n] = "Active")

\* A deposed owner does not linger.
EventualStop == \A n \in Nodes : phase[n] = "Stopping" ~> phase[n] # "Stopping"
=============================================================================
