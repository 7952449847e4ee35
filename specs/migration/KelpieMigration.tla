---------------------------- MODULE KelpieMigration ----------------------------
(***************************************************************************)
(* An actor that is moved between two nodes: the target agrees, the source *)
(* stops the actor, the target learns which state it must find, placement  *)
(* and lease move in one transaction, the target starts it.  Before the    *)
(* move every failure takes the actor back to the source; from the move on *)
(* it is the target's, whoever crashes.                                    *)
(*                                                                         *)
(* The state is in the store all the time; its version alternates between  *)
(* 0 and 1, for only equal or not matters.                                 *)
(*                                                                         *)
(* Steps and story events, for one actor and two nodes:                   *)
(*   Commit         commit.done                                            *)
(*   Prepare        migrate.prepare                                        *)
(*   StopSource     migrate.stop                                           *)
(*   Transfer       migrate.transfer                                       *)
(*   MoveDone       migrate.move                                           *)
(*   StartTarget    activate.done on the target, after migrate.start       *)
(*   Abort          migrate.abort of what was prepared                     *)
(*   Claim          activate.done without a migration, or with a claim     *)
(*                  that was read before                                   *)
(*   Crash, Restart   kill and boot of a node, told by the world           *)
(* That an actor is active shows by invoke.start and commit.start.         *)
(* Hidden: Deactivate (also of a holder that comes back too late), Release,*)
(*   MoveSend, MoveApply, Finish, Forget (the target no longer waits),     *)
(*   LeaseExpires.                                                         *)
(***************************************************************************)
EXTENDS Naturals, FiniteSets

CONSTANTS
    Nodes,   \* the two nodes
    Bug      \* "None", or the one defect put in

None == "None"

VARIABLES
    placement,  \* the node that the registry names
    holder,     \* the node that holds the lease
    good,       \* the lease has not run out
    actor,      \* on each node
    agreed,     \* what a node has agreed to as target: nothing, to take the actor, and knowing its version
    step,       \* of the migration under way
    source,     \* whose migration it is
    version,    \* of the state in the store
    loaded,     \* the version that each node has in memory
    told        \* the version that the target must find

vars == <<placement, holder, good, actor, agreed, step, source, version, loaded, told>>

Steps == {"None", "Prepared", "Stopped", "Transferred", "Moving", "Applied", "Moved"}

TypeOK ==
    /\ placement \in Nodes \cup {None}
    /\ holder \in Nodes \cup {None}
    /\ good \in BOOLEAN
    /\ actor \in [Nodes -> {"Idle", "Active", "Stopped", "Down"}]
    /\ agreed \in [Nodes -> {"No", "Agreed", "Ready"}]
    /\ step \in Steps
    /\ source \in Nodes \cup {None}
    /\ version \in 0..1
    /\ loaded \in [Nodes -> 0..1]
    /\ told \in 0..1

Init ==
    /\ placement = None
    /\ holder = None
    /\ good = FALSE
    /\ actor = [n \in Nodes |-> "Idle"]
    /\ agreed = [n \in Nodes |-> "No"]
    /\ step = "None"
    /\ source = None
    /\ version = 0
    /\ loaded = [n \in Nodes |-> 0]
    /\ told = 0

Target == CHOOSE n \in Nodes : n # source

\* The source has stopped the actor for the migration; its lease may have ended since.
Left == actor[source] \in {"Stopped", "Idle"}

\* The actor is claimed without a migration: nobody has it, its lease has run out, or it is the node's own.
Claim(n) ==
    /\ actor[n] = "Idle"
    /\ holder = None \/ ~good \/ holder = n
    /\ placement' = n
    /\ holder' = n
    /\ good' = TRUE
    /\ actor' = [actor EXCEPT ![n] = "Active"]
    /\ loaded' = [loaded EXCEPT ![n] = version]
    /\ agreed' = [agreed EXCEPT ![n] = "No"]
    /\ UNCHANGED <<step, source, version, told>>

Commit(n) ==
    /\ actor[n] = "Active"
    /\ version' = 1 - version
    /\ loaded' = [loaded EXCEPT ![n] = 1 - version]
    /\ UNCHANGED <<placement, holder, good, actor, agreed, step, source, told>>

\* The actor ends here: it was idle, or may serve no longer. The claim is left, or given back later.
Deactivate(n) ==
    /\ actor[n] \in {"Active", "Stopped"}
    /\ actor' = [actor EXCEPT ![n] = "Idle"]
    /\ UNCHANGED <<placement, holder, good, agreed, step, source, version, loaded, told>>

\* A claim without an active actor is given back.
Release(n) ==
    /\ actor[n] \in {"Idle", "Stopped"}
    /\ holder = n
    /\ placement' = None
    /\ holder' = None
    /\ good' = FALSE
    /\ UNCHANGED <<actor, agreed, step, source, version, loaded, told>>

\* The target agrees to take the actor. When the source hears of it, the target may be gone again.
Prepare(n, m) ==
    /\ n # m
    /\ step = "None"
    /\ actor[n] = "Active"
    /\ actor[m] \in {"Idle", "Down"}
    /\ agreed[m] = "No"
    /\ step' = "Prepared"
    /\ source' = n
    /\ agreed' = [agreed EXCEPT ![m] = IF actor[m] = "Down" THEN "No" ELSE "Agreed"]
    /\ UNCHANGED <<placement, holder, good, actor, version, loaded, told>>

\* What waits is served and committed, then the actor stops. The claim is kept.
StopSource ==
    /\ step = "Prepared"
    /\ actor[source] = "Active"
    /\ actor' = [actor EXCEPT ![source] = "Stopped"]
    /\ step' = "Stopped"
    /\ UNCHANGED <<placement, holder, good, agreed, source, version, loaded, told>>

Transfer ==
    /\ step = "Stopped"
    /\ Left
    /\ agreed' = [agreed EXCEPT ![Target] = IF @ = "Agreed" THEN "Ready" ELSE @]
    /\ told' = IF Bug = "SkipTransfer" THEN told ELSE version
    /\ step' = "Transferred"
    /\ UNCHANGED <<placement, holder, good, actor, source, version, loaded>>

\* The move is under way. It compares the claim of the source when it commits.
MoveSend ==
    /\ step = "Transferred"
    /\ Left
    /\ step' = "Moving"
    /\ UNCHANGED <<placement, holder, good, actor, agreed, source, version, loaded, told>>

\* The store moves placement and lease at once; nobody has claimed the actor meanwhile.
MoveApply ==
    /\ step = "Moving"
    /\ Left
    /\ holder = source
    /\ placement = source
    /\ placement' = Target
    /\ holder' = IF Bug = "SplitMove" THEN holder ELSE Target
    /\ good' = TRUE
    /\ step' = "Applied"
    /\ UNCHANGED <<actor, agreed, source, version, loaded, told>>

\* The source knows that the actor is the target's, and forgets it.
MoveDone ==
    /\ step = "Applied"
    /\ Left
    /\ actor' = [actor EXCEPT ![source] = "Idle"]
    /\ step' = "Moved"
    /\ UNCHANGED <<placement, holder, good, agreed, source, version, loaded, told>>

\* The target starts the actor under the claim that the move has written, from the version that it was told.
StartTarget(n) ==
    /\ actor[n] = "Idle"
    /\ agreed[n] = "Ready"
    /\ (holder = n /\ good) \/ Bug = "ActivateBeforeMove"
    /\ actor' = [actor EXCEPT ![n] = "Active"]
    /\ agreed' = [agreed EXCEPT ![n] = "No"]
    /\ loaded' = [loaded EXCEPT ![n] = IF Bug = "SkipTransfer" THEN told ELSE version]
    /\ UNCHANGED <<placement, holder, good, step, source, version, told>>

\* A step failed, or its answer was lost. The source claims the actor again, unless it never left; that finds a move that was applied.
Abort ==
    /\ step \in {"Prepared", "Stopped", "Transferred", "Moving", "Applied"}
    /\ actor[source] \in {"Active", "Stopped"}
    /\ actor' = [actor EXCEPT ![source] = IF @ = "Stopped" /\ Bug # "NoAbort" THEN "Idle" ELSE @]
    /\ step' = "None"
    /\ source' = None
    /\ UNCHANGED <<placement, holder, good, agreed, version, loaded, told>>

\* The migration is over, or its source is gone.
Finish ==
    /\ \/ step = "Moved"
       \/ step # "None" /\ actor[source] \notin {"Active", "Stopped"}
    /\ step' = "None"
    /\ source' = None
    /\ UNCHANGED <<placement, holder, good, actor, agreed, version, loaded, told>>

\* The target waits no longer. What the move may have given it, it gives back.
Forget(n) ==
    /\ agreed[n] # "No"
    /\ agreed' = [agreed EXCEPT ![n] = "No"]
    /\ IF agreed[n] = "Ready" /\ holder = n /\ actor[n] = "Idle"
       THEN /\ placement' = None
            /\ holder' = None
            /\ good' = FALSE
       ELSE UNCHANGED <<placement, holder, good>>
    /\ UNCHANGED <<actor, step, source, version, loaded, told>>

\* It runs out when nobody serves on it.
LeaseExpires ==
    /\ good
    /\ actor[holder] # "Active"
    /\ good' = FALSE
    /\ UNCHANGED <<placement, holder, actor, agreed, step, source, version, loaded, told>>

Crash(n) ==
    /\ actor[n] # "Down"
    /\ actor' = [actor EXCEPT ![n] = "Down"]
    /\ agreed' = [agreed EXCEPT ![n] = "No"]
    /\ UNCHANGED <<placement, holder, good, step, source, version, loaded, told>>

Restart(n) ==
    /\ actor[n] = "Down"
    /\ actor' = [actor EXCEPT ![n] = "Idle"]
    /\ UNCHANGED <<placement, holder, good, agreed, step, source, version, loaded, told>>

Next ==
    \/ \E n \in Nodes : Claim(n)
    \/ \E n \in Nodes : Commit(n)
    \/ \E n \in Nodes, m \in Nodes : Prepare(n, m)
    \/ StopSource
    \/ Transfer
    \/ MoveSend
    \/ MoveApply
    \/ MoveDone
    \/ \E n \in Nodes : StartTarget(n)
    \/ Abort
    \/ \E n \in Nodes : Deactivate(n)
    \/ \E n \in Nodes : Release(n)
    \/ Finish
    \/ \E n \in Nodes : Forget(n)
    \/ LeaseExpires
    \/ \E n \in Nodes : Crash(n)
    \/ \E n \in Nodes : Restart(n)

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
\* Registry and lease name the same node at every moment of a migration.
MigrationAtomicity == placement = holder

\* The actor is active on one node at most.
SingleActivationDuringMigration == Cardinality({n \in Nodes : actor[n] = "Active"}) <= 1

\* Whoever serves has the state that was committed last.
NoStateLoss == \A n \in Nodes : actor[n] = "Active" => loaded[n] = version

\* No actor stays stopped without a migration that will go on or take it back.
MigrationRollback == \A n \in Nodes : actor[n] = "Stopped" => (source = n /\ step \in {"Stopped", "Transferred", "Moving", "Applied"})

-----------------------------------------------------------------------------
Fairness ==
    /\ WF_vars(StopSource \/ Transfer \/ MoveSend \/ MoveDone \/ Abort \/ Finish)
    /\ SF_vars(LeaseExpires)
    /\ \A n \in Nodes : WF_vars(Restart(n)) /\ SF_vars(StartTarget(n)) /\ SF_vars(Claim(n))

LiveSpec == Spec /\ Fairness

\* Never none for ever.
EventualActivation == []<>(\E n \in Nodes : actor[n] = "Active")

\* Every migration comes to an end.
EventualCompletion == step # "None" ~> step = "None"
=============================================================================
