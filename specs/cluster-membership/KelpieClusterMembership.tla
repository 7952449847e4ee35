----------------------- MODULE KelpieClusterMembership -----------------------
(***************************************************************************)
(* Who is a member of the cluster and who is its primary.  The view is in  *)
(* the store and every change of it is one transaction; nodes hold copies. *)
(* A partition cuts one node off from the others, never from the store.    *)
(*                                                                         *)
(* Terms are not counted: a node that was elected remembers whether its    *)
(* term is the newest, a candidate whether the view that it has read has   *)
(* changed since.  A primary may be deposed and not know it yet; what it   *)
(* does then is refused by the store.                                      *)
(*                                                                         *)
(* Steps and story events:                                                 *)
(*   Found, Accept, Activate, Resume, BeginLeave, EndLeave, FailMember     *)
(*                 member.state, by what it changes and who decided it;    *)
(*                 a resumed member's goes over failed to joining at once  *)
(*   Elect         primary.elect                                           *)
(*   StepDown      primary.stepdown for want of a majority                 *)
(*   Deposed       member.deposed                                          *)
(*   Crash         kill of a member, told by the world                     *)
(* Hidden: Stand, Withdraw, Refresh, Cut, Heal.                            *)
(***************************************************************************)
EXTENDS Naturals, FiniteSets

CONSTANTS
    Nodes,   \* names of the nodes
    Bug      \* "None", or the one defect put in

None == "None"

VARIABLES
    state,      \* of each node, in the view
    primary,    \* in the view
    part,       \* the node takes part as a member: it runs, and answers heartbeats
    belief,     \* the node takes itself for the primary: no, of a term that is over, of the newest term
    stands,     \* it is a candidate: no, on a current view, for a minority, on a view that has changed
    mandate,    \* the newest primary was elected for a majority
    cut         \* the node that is cut off from the others

vars == <<state, primary, part, belief, stands, mandate, cut>>

States == {"left", "joining", "active", "leaving", "failed"}

TypeOK ==
    /\ state \in [Nodes -> States]
    /\ primary \in Nodes \cup {None}
    /\ part \in [Nodes -> BOOLEAN]
    /\ belief \in [Nodes -> {"No", "Old", "Newest"}]
    /\ stands \in [Nodes -> {"No", "Current", "Changed", "Minority"}]
    /\ mandate \in BOOLEAN
    /\ cut \in Nodes \cup {None}

Init ==
    /\ state = [n \in Nodes |-> "left"]
    /\ primary = None
    /\ part = [n \in Nodes |-> FALSE]
    /\ belief = [n \in Nodes |-> "No"]
    /\ stands = [n \in Nodes |-> "No"]
    /\ mandate = TRUE
    /\ cut = None

Reaches(n, m) == n = m \/ (part[n] /\ part[m] /\ cut \notin {n, m})

Voters == {n \in Nodes : state[n] \in {"active", "leaving"}}

\* The node is a voter and reaches more than half of them, itself counted.
Majority(n) == n \in Voters /\ 2 * Cardinality({m \in Voters : Reaches(n, m)}) > Cardinality(Voters)

\* A change of the view ends every other candidacy, for its transaction conflicts; with the defect it goes on.
ViewChanged(n) ==
    stands' = [m \in Nodes |-> IF m # n /\ stands[m] # "No" /\ Bug = "SplitElectionTransaction" THEN "Changed" ELSE "No"]

WithoutPrimary(n) == primary' = IF primary = n THEN None ELSE primary

Change(n, to) == state' = [state EXCEPT ![n] = to]

\* Nobody is a member: the first node founds the cluster.
Found(n) ==
    /\ \A m \in Nodes : state[m] \in {"left", "failed"}
    /\ ~part[n]
    /\ Change(n, "active")
    /\ part' = [part EXCEPT ![n] = TRUE]
    /\ ViewChanged(n)
    /\ UNCHANGED <<primary, belief, mandate, cut>>

\* An active member lets a node in that asks for it.
Accept(m, n) ==
    /\ state[m] = "active"
    /\ part[m]
    /\ state[n] \in {"left", "failed"}
    /\ ~part[n]
    /\ cut \notin {m, n}
    /\ Change(n, "joining")
    /\ ViewChanged(n)
    /\ UNCHANGED <<primary, part, belief, mandate, cut>>

\* A node that was let in becomes active and takes part; with the defect it takes part though nobody let it in.
Activate(n) ==
    /\ ~part[n]
    /\ \/ state[n] = "joining" /\ Change(n, "active")
       \/ state[n] = "left" /\ Bug = "JoinUnasked" /\ UNCHANGED state
    /\ part' = [part EXCEPT ![n] = TRUE]
    /\ ViewChanged(n)
    /\ UNCHANGED <<primary, belief, mandate, cut>>

\* A node that has started again takes the place of its earlier life, which is primary no more.
Resume(n) ==
    /\ ~part[n]
    /\ state[n] \in {"active", "leaving"}
    /\ Change(n, "joining")
    /\ WithoutPrimary(n)
    /\ ViewChanged(n)
    /\ UNCHANGED <<part, belief, mandate, cut>>

BeginLeave(n) ==
    /\ part[n]
    /\ state[n] = "active"
    /\ Change(n, "leaving")
    /\ IF Bug = "LeaveAsPrimary" THEN UNCHANGED primary ELSE WithoutPrimary(n)
    /\ belief' = [belief EXCEPT ![n] = "No"]
    /\ ViewChanged(n)
    /\ UNCHANGED <<part, mandate, cut>>

EndLeave(n) ==
    /\ part[n]
    /\ state[n] = "leaving"
    /\ Change(n, "left")
    /\ part' = [part EXCEPT ![n] = FALSE]
    /\ ViewChanged(n)
    /\ UNCHANGED <<primary, belief, mandate, cut>>

Vacant(n) == IF primary = None THEN TRUE ELSE ~Reaches(n, primary)

\* There is no primary, or none that answers, and more than half of the voters do.
Stand(n) ==
    /\ part[n]
    /\ state[n] = "active"
    /\ stands[n] = "No"
    /\ Vacant(n)
    /\ Majority(n) \/ Bug = "ElectWithoutQuorum"
    /\ stands' = [stands EXCEPT ![n] = IF Majority(n) THEN "Current" ELSE "Minority"]
    /\ UNCHANGED <<state, primary, part, belief, mandate, cut>>

Withdraw(n) ==
    /\ stands[n] # "No"
    /\ stands' = [stands EXCEPT ![n] = "No"]
    /\ UNCHANGED <<state, primary, part, belief, mandate, cut>>

\* Primary and a new term, on the view that was read; in two transactions with the defect.
Elect(n) ==
    /\ stands[n] # "No"
    /\ primary' = n
    /\ mandate' = (stands[n] # "Minority")
    /\ belief' = [m \in Nodes |-> IF m = n THEN "Newest" ELSE IF belief[m] = "Newest" /\ stands[n] # "Changed" THEN "Old" ELSE belief[m]]
    /\ ViewChanged(n)
    /\ UNCHANGED <<state, part, cut>>

\* A primary without a majority clears its own claim, and no other.
StepDown(n) ==
    /\ belief[n] # "No"
    /\ ~Majority(n)
    /\ belief' = [belief EXCEPT ![n] = "No"]
    /\ IF belief[n] = "Newest" THEN WithoutPrimary(n) ELSE UNCHANGED primary
    /\ IF belief[n] = "Newest" /\ primary = n THEN ViewChanged(n) ELSE UNCHANGED stands
    /\ UNCHANGED <<state, part, mandate, cut>>

\* The node reads the view and finds another primary, or none.
Refresh(n) ==
    /\ belief[n] # "No"
    /\ primary # n
    /\ belief' = [belief EXCEPT ![n] = "No"]
    /\ UNCHANGED <<state, primary, part, stands, mandate, cut>>

\* The primary gives up a member that does not answer. The store knows who is primary.
FailMember(p, n) ==
    /\ belief[p] # "No"
    /\ primary = p
    /\ state[n] \in {"joining", "active", "leaving"}
    /\ ~Reaches(p, n)
    /\ Change(n, "failed")
    /\ ViewChanged(n)
    /\ UNCHANGED <<primary, part, belief, mandate, cut>>

\* A node finds that it was given up; it is a new life from then on.
Deposed(n) ==
    /\ part[n]
    /\ state[n] = "failed"
    /\ part' = [part EXCEPT ![n] = FALSE]
    /\ belief' = [belief EXCEPT ![n] = "No"]
    /\ stands' = [stands EXCEPT ![n] = "No"]
    /\ UNCHANGED <<state, primary, mandate, cut>>

Cut(n) ==
    /\ cut = None
    /\ cut' = n
    /\ UNCHANGED <<state, primary, part, belief, stands, mandate>>

Heal ==
    /\ cut # None
    /\ cut' = None
    /\ UNCHANGED <<state, primary, part, belief, stands, mandate>>

\* The process of a member dies. What starts again is outside until it resumes.
Crash(n) ==
    /\ part[n]
    /\ part' = [part EXCEPT ![n] = FALSE]
    /\ belief' = [belief EXCEPT ![n] = "No"]
    /\ stands' = [stands EXCEPT ![n] = "No"]
    /\ UNCHANGED <<state, primary, mandate, cut>>

Next ==
    \/ \E n \in Nodes : Found(n)
    \/ \E m \in Nodes, n \in Nodes : Accept(m, n)
    \/ \E n \in Nodes : Activate(n)
    \/ \E n \in Nodes : Resume(n)
    \/ \E n \in Nodes : BeginLeave(n)
    \/ \E n \in Nodes : EndLeave(n)
    \/ \E n \in Nodes : Stand(n)
    \/ \E n \in Nodes : Withdraw(n)
    \/ \E n \in Nodes : Elect(n)
    \/ \E n \in Nodes : StepDown(n)
    \/ \E n \in Nodes : Refresh(n)
    \/ \E p \in Nodes, n \in Nodes : FailMember(p, n)
    \/ \E n \in Nodes : Deposed(n)
    \/ \E n \in Nodes : Cut(n)
    \/ Heal
    \/ \E n \in Nodes : Crash(n)

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
\* The primary is the choice of a majority, so that the smaller side of a partition never makes one of its own.
NoSplitBrain == mandate

\* Whoever takes part was let in; he may have been given up since.
JoinAtomicity == \A n \in Nodes : part[n] => state[n] # "left"

\* The primary is an active member.
MembershipConsistency == primary # None => state[primary] = "active"

\* Every election has its own term: no two nodes were elected in the newest one.
TermMonotonic == Cardinality({n \in Nodes : belief[n] = "Newest"}) <= 1

-----------------------------------------------------------------------------
\* Members act in time.
Fairness ==
    \A n \in Nodes :
        /\ SF_vars(Stand(n)) /\ SF_vars(Elect(n))
        /\ WF_vars(Refresh(n)) /\ WF_vars(StepDown(n))

LiveSpec == Spec /\ Fairness

Calm == cut = None /\ \A n \in Nodes : part[n] /\ state[n] = "active"

\* When no more nodes come, go or are cut off, there is a primary.
EventualPrimary == <>[]Calm => <>[](primary # None)

\* Who is primary no more finds out.
EventualAgreement == \A n \in Nodes : (belief[n] # "No" /\ primary # n) ~> (belief[n] = "No" \/ primary = n)
=============================================================================
