---------------------------- MODULE KelpieRegistry ----------------------------
(***************************************************************************)
(* Nodes with capacities, an actor placed on them, and what happens to its *)
(* placement when a node is suspected, failed, or starts again.            *)
(*                                                                         *)
(* Two nodes are followed, and one actor.  The room that a node has is the *)
(* room left for this actor: its other actors take it up and give it back. *)
(* Any other node is the rest of the cluster, which may have the actor.    *)
(*                                                                         *)
(* Each change is one transaction: a claim reads node and placement and    *)
(* writes both; a heartbeat reads the status that it refreshes.  When what *)
(* it has read changes, a transaction can only fail: it is gone at once.   *)
(* What a process has sent to the database may commit after its end.       *)
(* A lease is good or has run out; it runs out only when the node that     *)
(* serves on it has stopped or is gone.                                    *)
(*                                                                         *)
(* Steps and story events, one walk for each actor:                        *)
(*   RegisterNode   node.register                                          *)
(*   ClaimDone      claim.commit; a migration's target: activate.load      *)
(*   Fail           member.state, and primary.view or member.deposed where *)
(*                  nobody has told of it                                  *)
(*   Crash          end of the process, told by the world                  *)
(*   Forward        forward to the node that is believed to hold it        *)
(* What is only looked at: invoke.start and commit.start (it serves), the  *)
(*   ends of serving (it does not), failover.free (the node is failed),    *)
(*   claim.release and failover.actor (it is not placed there any more),   *)
(*   and the count and version of claim.commit (within the capacity, and   *)
(*   not after the node was failed).                                       *)
(* Hidden: all others.  A migration is a release and a claim.              *)
(***************************************************************************)
EXTENDS Naturals, FiniteSets

CONSTANTS
    Nodes,     \* names of the nodes that are followed
    Capacity,  \* actors that a node may have, this one and others that compete with it
    Bug        \* "None", or the one defect put in

None == "None"
Rest == "Rest"  \* a node that is not followed

VARIABLES
    status,  \* of each node, in the registry
    alive,   \* the node's process runs and has registered
    failed,  \* the node was given up and has not registered since
    beat,    \* the node whose heartbeat transaction has read its status
    count,   \* of placed actors, in the node's record
    others,  \* actors besides this one that are placed on the node
    place,   \* of the actor, in the registry
    good,    \* its lease has not run out
    claim,   \* the node whose claim transaction has read that it may have the actor
    serves,  \* the nodes that run the actor
    known    \* nodes that it was placed on: callers may believe it there

vars == <<status, alive, failed, beat, count, others, place, good, claim, serves, known>>

TypeOK ==
    /\ status \in [Nodes -> {"Gone", "Active", "Suspect", "Failed"}]
    /\ alive \in [Nodes -> BOOLEAN]
    /\ failed \in [Nodes -> BOOLEAN]
    /\ beat \in Nodes \cup {None}
    /\ count \in [Nodes -> 0..(Capacity + 1)]
    /\ others \in [Nodes -> 0..Capacity]
    /\ place \in Nodes \cup {None, Rest}
    /\ good \in BOOLEAN
    /\ claim \in Nodes \cup {None}
    /\ serves \subseteq Nodes
    /\ known \subseteq Nodes

Init ==
    /\ status = [n \in Nodes |-> "Gone"]
    /\ alive = [n \in Nodes |-> FALSE]
    /\ failed = [n \in Nodes |-> FALSE]
    /\ beat = None
    /\ count = [n \in Nodes |-> 0]
    /\ others = [n \in Nodes |-> 0]
    /\ place = None
    /\ good = FALSE
    /\ claim = None
    /\ serves = {}
    /\ known = {}

\* The claim that is under way, after the record of this node has changed.
ClaimAfter(n) == IF claim = n /\ Bug # "RacyRegister" THEN None ELSE claim

\* The heartbeat that is under way, after the status of this node has changed.
BeatAfter(n) == IF beat = n /\ Bug # "RacyHeartbeat" THEN None ELSE beat

\* A node starts, or comes back after it was given up: placements of its earlier life are void from now on.
RegisterNode(n) ==
    /\ ~alive[n]
    /\ n \notin serves
    /\ status' = [status EXCEPT ![n] = "Active"]
    /\ alive' = [alive EXCEPT ![n] = TRUE]
    /\ failed' = [failed EXCEPT ![n] = FALSE]
    /\ beat' = IF beat = n THEN None ELSE beat
    /\ count' = [count EXCEPT ![n] = 0]
    /\ others' = [others EXCEPT ![n] = 0]
    /\ place' = IF place = n THEN None ELSE place
    /\ good' = (good /\ place # n)
    /\ claim' = IF claim = n \/ place = n THEN None ELSE claim
    /\ UNCHANGED <<serves, known>>

\* Nobody has it, or its lease has run out; and there is room.
ClaimRead(n) ==
    /\ claim = None
    /\ alive[n]
    /\ status[n] # "Failed"
    /\ place = None \/ (place \in Nodes \ {n} /\ ~good)
    /\ count[n] < Capacity
    /\ claim' = n
    /\ UNCHANGED <<status, alive, failed, beat, count, others, place, good, serves, known>>

\* Placement and counts change together, also those of the node that it is taken from.
ClaimCommit(n) ==
    /\ claim = n
    /\ place' = n
    /\ count' = [m \in Nodes |-> IF m = n THEN count[m] + 1 ELSE IF m = place THEN count[m] - 1 ELSE count[m]]
    /\ good' = TRUE
    /\ claim' = None
    /\ known' = known \cup {n}
    /\ UNCHANGED <<status, alive, failed, beat, others, serves>>

ClaimLost(n) ==
    /\ claim = n
    /\ claim' = None
    /\ UNCHANGED <<status, alive, failed, beat, count, others, place, good, serves, known>>

\* A node claims again what is placed on it already: an earlier claim whose answer was lost, or an activation that was dropped.
Reclaim(n) ==
    /\ place = n
    /\ alive[n]
    /\ status[n] # "Failed"
    /\ n \notin serves
    /\ ~good
    /\ good' = TRUE
    /\ claim' = None
    /\ UNCHANGED <<status, alive, failed, beat, count, others, place, serves, known>>

\* The node learns that its claim is committed: it serves from now on.
ClaimDone(n) ==
    /\ alive[n]
    /\ place = n
    /\ good
    /\ n \notin serves
    /\ serves' = serves \cup {n}
    /\ UNCHANGED <<status, alive, failed, beat, count, others, place, good, claim, known>>

\* The node stops serving: it wants to, or its lease is about to end.
Stop(n) ==
    /\ n \in serves
    /\ serves' = serves \ {n}
    /\ UNCHANGED <<status, alive, failed, beat, count, others, place, good, claim, known>>

\* The placement goes, and the count with it.
Remove(n) ==
    /\ place' = None
    /\ count' = [count EXCEPT ![n] = IF Bug = "CapacityLeak" THEN @ ELSE @ - 1]
    /\ good' = FALSE
    /\ claim' = None

\* The node gives back what it does not run. It may have ended meanwhile, or been given up.
Release(n) ==
    /\ place = n
    /\ n \notin serves
    /\ Remove(n)
    /\ UNCHANGED <<status, alive, failed, beat, others, serves, known>>

\* What a node that was given up has left; not before its leases have run out.
Sweep(n) ==
    /\ place = n
    /\ status[n] = "Failed"
    /\ ~good \/ Bug = "SweepBeforeExpiry"
    /\ Remove(n)
    /\ UNCHANGED <<status, alive, failed, beat, others, serves, known>>

LeaseExpires ==
    /\ good
    /\ place \in Nodes
    /\ place \notin serves
    /\ good' = FALSE
    /\ UNCHANGED <<status, alive, failed, beat, count, others, place, claim, serves, known>>

\* A node that is not followed claims the actor.
RestClaims ==
    /\ place = None \/ (place \in Nodes /\ ~good)
    /\ place' = Rest
    /\ count' = [n \in Nodes |-> IF n = place THEN count[n] - 1 ELSE count[n]]
    /\ good' = TRUE
    /\ claim' = None
    /\ UNCHANGED <<status, alive, failed, beat, others, serves, known>>

\* It has the actor no longer, or its lease has run out.
RestLoses ==
    /\ place = Rest
    /\ place' = None
    /\ good' = FALSE
    /\ UNCHANGED <<status, alive, failed, beat, count, others, claim, serves, known>>

OthersCome(n) ==
    /\ alive[n]
    /\ status[n] # "Failed"
    /\ count[n] < Capacity
    /\ count' = [count EXCEPT ![n] = @ + 1]
    /\ others' = [others EXCEPT ![n] = @ + 1]
    /\ claim' = ClaimAfter(n)
    /\ UNCHANGED <<status, alive, failed, beat, place, good, serves, known>>

OthersGo(n) ==
    /\ others[n] > 0
    /\ count' = [count EXCEPT ![n] = @ - 1]
    /\ others' = [others EXCEPT ![n] = @ - 1]
    /\ claim' = ClaimAfter(n)
    /\ UNCHANGED <<status, alive, failed, beat, place, good, serves, known>>

HeartbeatRead(n) ==
    /\ alive[n]
    /\ beat = None
    /\ status[n] = "Suspect"
    /\ beat' = n
    /\ UNCHANGED <<status, alive, failed, count, others, place, good, claim, serves, known>>

HeartbeatWrite(n) ==
    /\ beat = n
    /\ status' = [status EXCEPT ![n] = "Active"]
    /\ beat' = None
    /\ UNCHANGED <<alive, failed, count, others, place, good, claim, serves, known>>

HeartbeatLost(n) ==
    /\ beat = n
    /\ beat' = None
    /\ UNCHANGED <<status, alive, failed, count, others, place, good, claim, serves, known>>

\* Heartbeats are missed, rightly or not.
Suspect(n) ==
    /\ status[n] = "Active"
    /\ status' = [status EXCEPT ![n] = "Suspect"]
    /\ UNCHANGED <<alive, failed, beat, count, others, place, good, claim, serves, known>>

\* The node is given up. It may run still: then it must find out, and register again.
Fail(n) ==
    /\ status[n] = "Suspect"
    /\ status' = [status EXCEPT ![n] = "Failed"]
    /\ failed' = [failed EXCEPT ![n] = TRUE]
    /\ beat' = BeatAfter(n)
    /\ claim' = ClaimAfter(n)
    /\ UNCHANGED <<alive, count, others, place, good, serves, known>>

\* A node that finds itself given up gives up, too.
StepOut(n) ==
    /\ alive[n]
    /\ status[n] = "Failed"
    /\ n \notin serves
    /\ alive' = [alive EXCEPT ![n] = FALSE]
    /\ UNCHANGED <<status, failed, beat, count, others, place, good, claim, serves, known>>

Crash(n) ==
    /\ alive[n]
    /\ alive' = [alive EXCEPT ![n] = FALSE]
    /\ serves' = serves \ {n}
    /\ UNCHANGED <<status, failed, beat, count, others, place, good, claim, known>>

\* A call goes to a node where the actor was at some time. Who does not hold the actor says so, and does not run it.
Forward(n) ==
    /\ n \in known
    /\ serves' = IF Bug = "TrustCache" /\ alive[n] THEN serves \cup {n} ELSE serves
    /\ UNCHANGED <<status, alive, failed, beat, count, others, place, good, claim, known>>

Next ==
    \/ \E n \in Nodes : RegisterNode(n)
    \/ \E n \in Nodes : ClaimRead(n)
    \/ \E n \in Nodes : ClaimCommit(n)
    \/ \E n \in Nodes : ClaimLost(n)
    \/ \E n \in Nodes : Reclaim(n)
    \/ \E n \in Nodes : ClaimDone(n)
    \/ \E n \in Nodes : Stop(n)
    \/ \E n \in Nodes : Release(n)
    \/ \E n \in Nodes : Sweep(n)
    \/ LeaseExpires
    \/ RestClaims
    \/ RestLoses
    \/ \E n \in Nodes : OthersCome(n)
    \/ \E n \in Nodes : OthersGo(n)
    \/ \E n \in Nodes : HeartbeatRead(n)
    \/ \E n \in Nodes : HeartbeatWrite(n)
    \/ \E n \in Nodes : HeartbeatLost(n)
    \/ \E n \in Nodes : Suspect(n)
    \/ \E n \in Nodes : Fail(n)
    \/ \E n \in Nodes : StepOut(n)
    \/ \E n \in Nodes : Crash(n)
    \/ \E n \in Nodes : Forward(n)

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
\* Actors that are placed on the node.
Placed(n) == others[n] + (IF place = n THEN 1 ELSE 0)

\* No node has more actors than its capacity.
CapacityBounds == \A n \in Nodes : Placed(n) <= Capacity

\* A node's count is the number of actors placed on it.
CapacityConsistency == \A n \in Nodes : count[n] = Placed(n)

\* A node that was given up stays so until it registers again, whatever heartbeat arrives late.
HeartbeatStatusSync == \A n \in Nodes : failed[n] <=> status[n] = "Failed"

\* At most one node serves the actor.
LeaseExclusivity == Cardinality(serves) <= 1

\* A node serves only what is placed on it, on a good lease.
PlacementConsistency == \A n \in serves : place = n /\ good

-----------------------------------------------------------------------------
Fairness ==
    /\ \A n \in Nodes : SF_vars(Sweep(n)) /\ SF_vars(Stop(n))
    /\ SF_vars(LeaseExpires)

LiveSpec == Spec /\ Fairness

\* What a node that was given up has left does not stay.
EventualSweep == \A n \in Nodes : (place = n /\ status[n] = "Failed") ~> (place # n \/ status[n] # "Failed")
=============================================================================
