---------------------------- MODULE KelpieRegistry ----------------------------
(***************************************************************************)
(* Nodes with capacities, the actors placed on them, and what happens to   *)
(* placements when a node is suspected, failed, or starts again.           *)
(*                                                                         *)
(* Each change is one transaction: a claim reads node and placement and    *)
(* writes both; a heartbeat reads the status that it refreshes.  A         *)
(* transaction remembers only whether what it read has changed since.      *)
(* A lease is good or has run out; it runs out only when the node that     *)
(* serves on it has stopped or is gone.                                    *)
(*                                                                         *)
(* Steps and story events, for two nodes and two actors:                   *)
(*   RegisterNode      node.register                                       *)
(*   ClaimCommit       claim.commit                                        *)
(*   Release           claim.release                                       *)
(*   Sweep             a failed node's actors are taken off it; what       *)
(*                     node.sweep removes is void since node.register      *)
(*   HeartbeatWrite, Suspect, Fail   changes of a node's status            *)
(*   Crash             kill of the node, told by the world                 *)
(*   Forward           forward, by a placement that was looked up before   *)
(* Hidden: ClaimRead, ClaimLost, Reclaim, Stop, HeartbeatRead,             *)
(*   HeartbeatLost, LeaseExpires, LookUp, StepOut.                         *)
(***************************************************************************)
EXTENDS Naturals, FiniteSets

CONSTANTS
    Nodes,     \* names of the nodes
    Actors,    \* names of the actors
    Called,    \* the one of them that is called from elsewhere
    Capacity,  \* actors that a node may have
    Bug        \* "None", or the one defect put in

None == "None"

VARIABLES
    status,  \* of each node, in the registry
    alive,   \* the node's process runs and has registered
    beat,    \* the node whose heartbeat transaction has read its status
    late,    \* that status has changed since
    count,   \* of placed actors, in the node's record
    place,   \* of each actor, in the registry
    good,    \* its lease has not run out
    claim,   \* for each actor the node that is claiming it
    stale,   \* what that claim has read has changed
    serves,  \* for each actor the nodes that run it
    call,    \* where the caller of the called actor believes it to be
    failed   \* the node was given up and has not registered since

vars == <<status, alive, beat, late, count, place, good, claim, stale, serves, call, failed>>

TypeOK ==
    /\ status \in [Nodes -> {"Gone", "Active", "Suspect", "Failed"}]
    /\ alive \in [Nodes -> BOOLEAN]
    /\ beat \in Nodes \cup {None}
    /\ late \in BOOLEAN
    /\ count \in [Nodes -> 0..Cardinality(Actors)]
    /\ place \in [Actors -> Nodes \cup {None}]
    /\ good \in [Actors -> BOOLEAN]
    /\ claim \in [Actors -> Nodes \cup {None}]
    /\ stale \in [Actors -> BOOLEAN]
    /\ serves \in [Actors -> SUBSET Nodes]
    /\ call \in Nodes \cup {None}
    /\ failed \in [Nodes -> BOOLEAN]

Init ==
    /\ status = [n \in Nodes |-> "Gone"]
    /\ alive = [n \in Nodes |-> FALSE]
    /\ beat = None
    /\ late = FALSE
    /\ count = [n \in Nodes |-> 0]
    /\ place = [a \in Actors |-> None]
    /\ good = [a \in Actors |-> FALSE]
    /\ claim = [a \in Actors |-> None]
    /\ stale = [a \in Actors |-> FALSE]
    /\ serves = [a \in Actors |-> {}]
    /\ call = None
    /\ failed = [n \in Nodes |-> FALSE]

Serves(n) == {a \in Actors : n \in serves[a]}

\* Claims that have read the record of one of these nodes, or one of these placements, are stale.
StaleAfter(nodes, actors) == [a \in Actors |-> claim[a] # None /\ (stale[a] \/ claim[a] \in nodes \/ a \in actors)]

LateAfter(n) == late \/ beat = n

\* A node starts, or comes back after it was given up: placements of its earlier life are void from now on.
RegisterNode(n) ==
    /\ ~alive[n]
    /\ Serves(n) = {}
    /\ status' = [status EXCEPT ![n] = "Active"]
    /\ alive' = [alive EXCEPT ![n] = TRUE]
    /\ count' = [count EXCEPT ![n] = 0]
    /\ place' = [a \in Actors |-> IF place[a] = n THEN None ELSE place[a]]
    /\ good' = [a \in Actors |-> good[a] /\ place[a] # n]
    /\ failed' = [failed EXCEPT ![n] = FALSE]
    /\ stale' = StaleAfter({n}, {a \in Actors : place[a] = n})
    /\ UNCHANGED <<beat, late, claim, serves, call>>

\* Nobody has it, or its lease has run out; and there is room.
ClaimRead(a, n) ==
    /\ claim[a] = None
    /\ alive[n]
    /\ place[a] = None \/ (place[a] # n /\ ~good[a])
    /\ count[n] < Capacity
    /\ claim' = [claim EXCEPT ![a] = n]
    /\ stale' = [stale EXCEPT ![a] = FALSE]
    /\ UNCHANGED <<status, alive, beat, late, count, place, good, serves, call, failed>>

\* Placement and counts change together, also those of the node that it is taken from.
ClaimCommit(a) ==
    /\ claim[a] # None
    /\ ~stale[a] \/ Bug = "RacyRegister"
    /\ LET n == claim[a]
           from == place[a]
       IN  /\ place' = [place EXCEPT ![a] = n]
           /\ count' = [m \in Nodes |-> IF m = n THEN count[m] + 1 ELSE IF m = from THEN count[m] - 1 ELSE count[m]]
           /\ serves' = [serves EXCEPT ![a] = @ \cup {n}]
           /\ stale' = [StaleAfter({n, from}, {a}) EXCEPT ![a] = FALSE]
    /\ good' = [good EXCEPT ![a] = TRUE]
    /\ claim' = [claim EXCEPT ![a] = None]
    /\ UNCHANGED <<status, alive, beat, late, call, failed>>

\* A node takes up again what is placed on it already.
Reclaim(a, n) ==
    /\ place[a] = n
    /\ alive[n]
    /\ n \notin serves[a]
    /\ good' = [good EXCEPT ![a] = TRUE]
    /\ serves' = [serves EXCEPT ![a] = @ \cup {n}]
    /\ stale' = StaleAfter({}, {a})
    /\ UNCHANGED <<status, alive, beat, late, count, place, claim, call, failed>>

ClaimLost(a) ==
    /\ claim[a] # None
    /\ claim' = [claim EXCEPT ![a] = None]
    /\ stale' = [stale EXCEPT ![a] = FALSE]
    /\ UNCHANGED <<status, alive, beat, late, count, place, good, serves, call, failed>>

\* The node stops serving: it wants to, or its lease is about to end.
Stop(a, n) ==
    /\ n \in serves[a]
    /\ serves' = [serves EXCEPT ![a] = @ \ {n}]
    /\ UNCHANGED <<status, alive, beat, late, count, place, good, claim, stale, call, failed>>

\* The placement of an actor that does not run there goes, and the count with it.
Remove(a, n) ==
    /\ place' = [place EXCEPT ![a] = None]
    /\ count' = [count EXCEPT ![n] = IF Bug = "CapacityLeak" THEN @ ELSE @ - 1]
    /\ good' = [good EXCEPT ![a] = FALSE]
    /\ stale' = StaleAfter({n}, {a})

Release(a, n) ==
    /\ place[a] = n
    /\ alive[n]
    /\ n \notin serves[a]
    /\ Remove(a, n)
    /\ UNCHANGED <<status, alive, beat, late, claim, serves, call, failed>>

\* What a node that was given up has left; not before its leases have run out.
Sweep(a, n) ==
    /\ place[a] = n
    /\ status[n] = "Failed"
    /\ ~good[a] \/ Bug = "SweepBeforeExpiry"
    /\ Remove(a, n)
    /\ UNCHANGED <<status, alive, beat, late, claim, serves, call, failed>>

LeaseExpires(a) ==
    /\ good[a]
    /\ place[a] \notin serves[a]
    /\ good' = [good EXCEPT ![a] = FALSE]
    /\ UNCHANGED <<status, alive, beat, late, count, place, claim, stale, serves, call, failed>>

HeartbeatRead(n) ==
    /\ alive[n]
    /\ beat = None
    /\ status[n] = "Suspect"
    /\ beat' = n
    /\ late' = FALSE
    /\ UNCHANGED <<status, alive, count, place, good, claim, stale, serves, call, failed>>

HeartbeatWrite(n) ==
    /\ beat = n
    /\ ~late \/ Bug = "RacyHeartbeat"
    /\ status' = [status EXCEPT ![n] = "Active"]
    /\ beat' = None
    /\ late' = FALSE
    /\ UNCHANGED <<alive, count, place, good, claim, stale, serves, call, failed>>

HeartbeatLost(n) ==
    /\ beat = n
    /\ beat' = None
    /\ late' = FALSE
    /\ UNCHANGED <<status, alive, count, place, good, claim, stale, serves, call, failed>>

\* Heartbeats are missed, rightly or not.
Suspect(n) ==
    /\ status[n] = "Active"
    /\ status' = [status EXCEPT ![n] = "Suspect"]
    /\ UNCHANGED <<alive, beat, late, count, place, good, claim, stale, serves, call, failed>>

\* The node is given up. It may run still: then it must find out, and register again.
Fail(n) ==
    /\ status[n] = "Suspect"
    /\ status' = [status EXCEPT ![n] = "Failed"]
    /\ failed' = [failed EXCEPT ![n] = TRUE]
    /\ late' = LateAfter(n)
    /\ stale' = StaleAfter({n}, {})
    /\ UNCHANGED <<alive, beat, count, place, good, claim, serves, call>>

\* What the node's process had under way is lost.
Ended(n) ==
    /\ alive' = [alive EXCEPT ![n] = FALSE]
    /\ beat' = IF beat = n THEN None ELSE beat
    /\ late' = (late /\ beat # n)
    /\ claim' = [a \in Actors |-> IF claim[a] = n THEN None ELSE claim[a]]
    /\ stale' = [a \in Actors |-> stale[a] /\ claim[a] # n]

\* A node that finds itself given up gives up, too.
StepOut(n) ==
    /\ alive[n]
    /\ status[n] = "Failed"
    /\ Serves(n) = {}
    /\ Ended(n)
    /\ UNCHANGED <<status, count, place, good, serves, call, failed>>

Crash(n) ==
    /\ alive[n]
    /\ Ended(n)
    /\ serves' = [a \in Actors |-> serves[a] \ {n}]
    /\ UNCHANGED <<status, count, place, good, call, failed>>

\* A caller looks up where the actor is; until the call arrives, that may change.
LookUp ==
    /\ call = None
    /\ place[Called] # None
    /\ call' = place[Called]
    /\ UNCHANGED <<status, alive, beat, late, count, place, good, claim, stale, serves, failed>>

\* The call arrives. Who does not hold the actor says so, and does not run it.
Forward ==
    /\ call # None
    /\ serves' = IF Bug = "TrustCache" /\ alive[call] THEN [serves EXCEPT ![Called] = @ \cup {call}] ELSE serves
    /\ call' = None
    /\ UNCHANGED <<status, alive, beat, late, count, place, good, claim, stale, failed>>

Next ==
    \/ \E n \in Nodes : RegisterNode(n)
    \/ \E a \in Actors, n \in Nodes : ClaimRead(a, n)
    \/ \E a \in Actors : ClaimCommit(a)
    \/ \E a \in Actors : ClaimLost(a)
    \/ \E a \in Actors, n \in Nodes : Reclaim(a, n)
    \/ \E a \in Actors, n \in Nodes : Stop(a, n)
    \/ \E a \in Actors, n \in Nodes : Release(a, n)
    \/ \E a \in Actors, n \in Nodes : Sweep(a, n)
    \/ \E a \in Actors : LeaseExpires(a)
    \/ \E n \in Nodes : HeartbeatRead(n)
    \/ \E n \in Nodes : HeartbeatWrite(n)
    \/ \E n \in Nodes : HeartbeatLost(n)
    \/ \E n \in Nodes : Suspect(n)
    \/ \E n \in Nodes : Fail(n)
    \/ \E n \in Nodes : StepOut(n)
    \/ \E n \in Nodes : Crash(n)
    \/ LookUp
    \/ Forward

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
PlacedOn(n) == {a \in Actors : place[a] = n}

\* No node has more actors than its capacity.
CapacityBounds == \A n \in Nodes : Cardinality(PlacedOn(n)) <= Capacity

\* A node's count is the number of actors placed on it.
CapacityConsistency == \A n \in Nodes : count[n] = Cardinality(PlacedOn(n))

\* A node that was given up stays so until it registers again, whatever heartbeat arrives late.
HeartbeatStatusSync == \A n \in Nodes : failed[n] <=> status[n] = "Failed"

\* At most one node serves an actor.
LeaseExclusivity == \A a \in Actors : Cardinality(serves[a]) <= 1

\* A node serves only what is placed on it, on a good lease.
PlacementConsistency == \A a \in Actors : \A n \in serves[a] : place[a] = n /\ good[a]

-----------------------------------------------------------------------------
Fairness ==
    /\ \A n \in Nodes, a \in Actors : SF_vars(Sweep(a, n)) /\ SF_vars(Stop(a, n))
    /\ \A a \in Actors : SF_vars(LeaseExpires(a))

LiveSpec == Spec /\ Fairness

\* What a node that was given up has left does not stay.
EventualSweep == \A n \in Nodes, a \in Actors : (place[a] = n /\ status[n] = "Failed") ~> (place[a] # n \/ status[n] # "Failed")
=============================================================================
