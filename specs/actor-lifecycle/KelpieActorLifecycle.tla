------------------------- MODULE KelpieActorLifecycle -------------------------
(***************************************************************************)
(* One actor on one node, from its activation to its deactivation: calls   *)
(* wait in its mailbox and run one at a time, an idle actor goes after its *)
(* time, and going means serving what was accepted, running the hook, and  *)
(* running nothing after it.  What comes meanwhile waits and is dispatched *)
(* again, which may bring the actor up anew.                               *)
(*                                                                         *)
(* Steps and story events, for one actor on one node:                      *)
(*   Activate         activate.start                                       *)
(*   Elsewhere        activate.load, when another node had the actor since *)
(*   ActivateDone     activate.done                                        *)
(*   ActivateFail     activate.fail, claim.lost                            *)
(*   Start            invoke.start with tries 1                            *)
(*   FinishWrite, FinishDelete, FinishFail   invoke.end                    *)
(*   DeactivateIdle   deactivate.start for idleness                        *)
(*   DeactivateAsked  deactivate.start for another reason                  *)
(*   DeactivateDone   deactivate.done                                      *)
(*   Drop             activate.drop                                        *)
(*   Crash, Restart   kill and boot of the node, told by the world         *)
(* Hidden: Deliver, TimeOut (a call that waits is answered, or goes        *)
(*   elsewhere), IdlePasses, Hook.                                         *)
(***************************************************************************)
EXTENDS Naturals

CONSTANT Bug     \* "None", or the one defect put in

Mailbox == 2

VARIABLES
    phase,    \* of the activation
    queue,    \* calls that wait in the mailbox
    running,  \* an invocation runs
    late,     \* a call came while the actor was going
    quiet,    \* nothing was called for the idle time
    reason,   \* why the actor goes
    hooked,   \* the hook has run
    stored,   \* the store has a state of the actor
    deleted   \* the last invocation that wrote has deleted the actor

vars == <<phase, queue, running, late, quiet, reason, hooked, stored, deleted>>

TypeOK ==
    /\ phase \in {"Inactive", "Activating", "Active", "Deactivating", "Down"}
    /\ queue \in 0..Mailbox
    /\ running \in BOOLEAN
    /\ late \in BOOLEAN
    /\ quiet \in BOOLEAN
    /\ reason \in {"None", "Idle", "Asked"}
    /\ hooked \in BOOLEAN
    /\ stored \in BOOLEAN
    /\ deleted \in BOOLEAN

Init ==
    /\ phase = "Inactive"
    /\ queue = 0
    /\ running = FALSE
    /\ late = FALSE
    /\ quiet = FALSE
    /\ reason = "None"
    /\ hooked = FALSE
    /\ stored = FALSE
    /\ deleted = FALSE

\* The first call, or somebody who wants the actor up.
Activate ==
    /\ phase = "Inactive"
    /\ queue = 0
    /\ phase' = "Activating"
    /\ queue' = 1
    /\ UNCHANGED <<running, late, quiet, reason, hooked, stored, deleted>>

\* A call arrives: it waits in the mailbox of the actor, or until the actor is gone.
Deliver ==
    \/ /\ phase \in {"Activating", "Active"}
       /\ queue < Mailbox
       /\ queue' = queue + 1
       /\ quiet' = FALSE
       /\ UNCHANGED <<phase, running, late, reason, hooked, stored, deleted>>
    \/ /\ phase = "Deactivating"
       /\ ~late
       /\ late' = TRUE
       /\ UNCHANGED <<phase, queue, running, quiet, reason, hooked, stored, deleted>>

\* Another node had the actor meanwhile: what is loaded is what that one has left.
Elsewhere(state) ==
    /\ phase = "Activating"
    /\ stored' = state
    /\ deleted' = FALSE
    /\ UNCHANGED <<phase, queue, running, late, quiet, reason, hooked>>

ActivateDone ==
    /\ phase = "Activating"
    /\ phase' = "Active"
    /\ UNCHANGED <<queue, running, late, quiet, reason, hooked, stored, deleted>>

\* Nothing of the activation is left; calls that wait are answered, or go elsewhere.
Ended ==
    /\ queue' = 0
    /\ running' = FALSE
    /\ late' = FALSE
    /\ quiet' = FALSE
    /\ reason' = "None"
    /\ hooked' = FALSE

ActivateFail ==
    /\ phase = "Activating"
    /\ phase' = "Inactive"
    /\ Ended
    /\ UNCHANGED <<stored, deleted>>

\* With the defect, also after the hook, for a call that came late.
Start ==
    /\ phase \in {"Active", "Deactivating"}
    /\ ~running
    /\ \/ queue > 0 /\ queue' = queue - 1 /\ UNCHANGED late
       \/ Bug = "InvokeWhileDeactivating" /\ late /\ late' = FALSE /\ UNCHANGED queue
    /\ running' = TRUE
    /\ quiet' = FALSE
    /\ UNCHANGED <<phase, reason, hooked, stored, deleted>>

Finish ==
    /\ running
    /\ running' = FALSE
    /\ UNCHANGED <<phase, queue, late, quiet, reason, hooked>>

FinishWrite ==
    /\ Finish
    /\ stored' = TRUE
    /\ deleted' = FALSE

FinishDelete ==
    /\ Finish
    /\ stored' = FALSE
    /\ deleted' = TRUE

FinishFail ==
    /\ Finish
    /\ UNCHANGED <<stored, deleted>>

TimeOut ==
    /\ phase \in {"Activating", "Active", "Deactivating"}
    /\ queue > 0
    /\ queue' = queue - 1
    /\ UNCHANGED <<phase, running, late, quiet, reason, hooked, stored, deleted>>

IdlePasses ==
    /\ phase = "Active"
    /\ queue = 0
    /\ ~running
    /\ ~quiet
    /\ quiet' = TRUE
    /\ UNCHANGED <<phase, queue, running, late, reason, hooked, stored, deleted>>

DeactivateIdle ==
    /\ phase = "Active"
    /\ quiet \/ Bug = "IdleTooSoon"
    /\ queue = 0
    /\ ~running
    /\ phase' = "Deactivating"
    /\ reason' = "Idle"
    /\ UNCHANGED <<queue, running, late, quiet, hooked, stored, deleted>>

\* Shutdown, migration, or an operator; calls that were accepted are served first.
DeactivateAsked ==
    /\ phase = "Active"
    /\ phase' = "Deactivating"
    /\ reason' = "Asked"
    /\ UNCHANGED <<queue, running, late, quiet, hooked, stored, deleted>>

Drained == queue = 0 /\ ~running

\* The hook runs when everything is served, and commits like an invocation; it brings no deleted actor back.
Hook ==
    /\ phase = "Deactivating"
    /\ Drained \/ Bug = "DeactivateWithPending"
    /\ ~hooked
    /\ hooked' = TRUE
    /\ UNCHANGED <<phase, queue, running, late, quiet, reason, stored, deleted>>

\* Calls that came late are dispatched again.
DeactivateDone ==
    /\ phase = "Deactivating"
    /\ hooked
    /\ Drained \/ Bug = "DeactivateWithPending"
    /\ phase' = "Inactive"
    /\ late' = FALSE
    /\ quiet' = FALSE
    /\ reason' = "None"
    /\ hooked' = FALSE
    /\ stored' = (stored \/ Bug = "LateSave")
    /\ UNCHANGED <<queue, running, deleted>>

\* The lease is lost or a commit stays in doubt: the activation ends at once.
Drop ==
    /\ phase \in {"Activating", "Active", "Deactivating"}
    /\ phase' = "Inactive"
    /\ Ended
    /\ UNCHANGED <<stored, deleted>>

Crash ==
    /\ phase # "Down"
    /\ phase' = "Down"
    /\ Ended
    /\ UNCHANGED <<stored, deleted>>

Restart ==
    /\ phase = "Down"
    /\ phase' = "Inactive"
    /\ UNCHANGED <<queue, running, late, quiet, reason, hooked, stored, deleted>>

Next ==
    \/ Activate
    \/ Deliver
    \/ \E s \in BOOLEAN : Elsewhere(s)
    \/ ActivateDone
    \/ ActivateFail
    \/ Start
    \/ FinishWrite
    \/ FinishDelete
    \/ FinishFail
    \/ TimeOut
    \/ IdlePasses
    \/ DeactivateIdle
    \/ DeactivateAsked
    \/ Hook
    \/ DeactivateDone
    \/ Drop
    \/ Crash
    \/ Restart

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
\* An invocation runs in an actor that is up, and never after the hook that ends it.
LifecycleOrdering == running => (phase \in {"Active", "Deactivating"} /\ ~hooked)

\* An actor that is gone has left no accepted call behind.
GracefulDeactivation == phase = "Inactive" => (queue = 0 /\ ~running)

\* What was deleted stays so until it is written again.
NoResurrection == deleted => ~stored

\* An actor goes for idleness only when nobody has called it for its time.
IdleTimeoutRespected == (phase = "Deactivating" /\ reason = "Idle") => quiet

-----------------------------------------------------------------------------
Fairness ==
    /\ WF_vars(ActivateDone \/ ActivateFail) /\ WF_vars(Start) /\ WF_vars(FinishWrite \/ FinishDelete \/ FinishFail)
    /\ WF_vars(Hook) /\ WF_vars(DeactivateDone) /\ WF_vars(Restart)

LiveSpec == Spec /\ Fairness

\* A call that waits does not wait for ever.
EventualAnswer == queue > 0 ~> (queue = 0 \/ running)

EventualDeactivation == phase = "Deactivating" ~> phase # "Deactivating"
=============================================================================
