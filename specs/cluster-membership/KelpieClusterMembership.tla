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
(* The three nodes may be some of a larger cluster.  Then the others may    *)
(* make up a majority and be primary, and what they decide on the three    *)
(* happens to them.                                                        *)
(*                                                                         *)
(* Steps and story events:                                                 *)
(*   Found, Accept, Activate, Resume, BeginLeave, EndLeave, FailMember,    *)
(*   AcceptedByRest, FailedByRest                                          *)
(*                 member.state, by what it changes and who decided it;    *)
(*                 a resumed member's goes over failed to joining at once  *)
(*   Elect, ElectRest   primary.elect                                      *)
(*   StepDown      primary.stepdown for want of a majority                 *)
(*   Deposed       member.deposed                                          *)
(*   Crash         the end of a member's process, told by the world        *)
(* Hidden: Stand, Withdraw, Resign, Refresh, Fade, RestVacates, Cut, Heal. *)
(***************************************************************************)
EXTENDS Naturals, FiniteSets

CONSTANTS
    Nodes,   \* names of the nodes
    Bug      \* "None", or the one defect put in

None == "None"
Rest == "Rest"

VARIABLES
    state,      \* of each node, in the view
    primary,    \* in the view
    part,       \* the node takes part as a member: it runs, and answers heartbeats; or it did lately, and nobody has noticed
    belief,     \* the node takes itself for the primary: no, of a term that is over, of the newest term
    stands,     \* it is a candidate: no, yes, with the votes of a term that is over; or a primary that resigns
    mandate,    \* the newest primary was elected for a majority
    cut,        \* the node that runs and is cut off from the others
    wide        \* there may be other members than these nodes

vars == <<state, primary, part, belief, stands, mandate, cut, wide>>

States == {"left", "joining", "active", "leaving", "failed"}

TypeOK ==
    /\ state \in [Nodes -> States]
    /\ primary \in Nodes \cup {None, Rest}
    /\ part \in [Nodes -> {"No", "Yes", "Lately"}]
    /\ belief \in [Nodes -> {"No", "Old", "Newest"}]
    /\ stands \in [Nodes -> {"No", "Yes", "Changed", "Resigns"}]
    /\ mandate \in BOOLEAN
    /\ cut \in Nodes \cup {None}
    /\ wide \in BOOLEAN

Init ==
    /\ state = [n \in Nodes |-> "left"]
    /\ primary = None
    /\ part = [n \in Nodes |-> "No"]
    /\ belief = [n \in Nodes |-> "No"]
    /\ stands = [n \in Nodes |-> "No"]
    /\ mandate = TRUE
    /\ cut = None
    /\ wide \in BOOLEAN

Runs(n) == part[n] = "Yes"

\* What a node sent before it died may still come to the store.
Acts(n) == part[n] # "No" \/ wide

Reaches(n, m) == n = m \/ (Runs(n) /\ part[m] # "No" /\ cut \notin {n, m})

\* In a larger cluster no node is cut off by itself: any of them may miss any other.
Misses(n, m) == n # m /\ (wide \/ ~Reaches(n, m))

Voters == {n \in Nodes : state[n] \in {"active", "leaving"}}

\* Who has ended is not cut off any more.
HealedAt(n) == cut' = IF cut = n THEN None ELSE cut

\* The node is a voter and reaches more than half of them, itself counted.
Majority(n) == n \in Voters /\ (wide \/ 2 * Cardinality({m \in Voters : Reaches(n, m)}) > Cardinality(Voters))

\* Other candidates go on: their transactions conflict with a change of the view, and count the votes of the new one.
EndCandidacy(n) == stands' = [stands EXCEPT ![n] = "No"]

WithoutPrimary(n) == primary' = IF primary = n THEN None ELSE primary

Change(n, to) == state' = [state EXCEPT ![n] = to]

\* A life that died meanwhile does not.
TakesPart(n) ==
    \/ part' = [part EXCEPT ![n] = "Yes"]
    \/ Acts(n) /\ ~Runs(n) /\ UNCHANGED part

\* Nobody is a member: the first node founds the cluster.
Found(n) ==
    /\ \A m \in Nodes : state[m] \in {"left", "failed"}
    /\ ~Runs(n)
    /\ Change(n, "active")
    /\ TakesPart(n)
    /\ EndCandidacy(n)
    /\ UNCHANGED <<primary, belief, mandate, cut, wide>>

\* An active member lets a node in that asks for it.
Accept(m, n) ==
    /\ state[m] = "active"
    /\ Acts(m)
    /\ state[n] \in {"left", "failed"}
    /\ ~Runs(n)
    /\ cut \notin {m, n}
    /\ Change(n, "joining")
    /\ EndCandidacy(n)
    /\ UNCHANGED <<primary, part, belief, mandate, cut, wide>>

AcceptedByRest(n) ==
    /\ wide
    /\ state[n] \in {"left", "failed"}
    /\ ~Runs(n)
    /\ Change(n, "joining")
    /\ EndCandidacy(n)
    /\ UNCHANGED <<primary, part, belief, mandate, cut, wide>>

\* A node that was let in becomes active and takes part; with the defect it takes part though nobody let it in.
Activate(n) ==
    /\ ~Runs(n)
    /\ \/ state[n] = "joining" /\ Change(n, "active")
       \/ state[n] = "left" /\ Bug = "JoinUnasked" /\ UNCHANGED state
    /\ TakesPart(n)
    /\ EndCandidacy(n)
    /\ UNCHANGED <<primary, belief, mandate, cut, wide>>

\* A node that has started again takes the place of its earlier life, which is primary no more.
Resume(n) ==
    /\ ~Runs(n)
    /\ state[n] \in {"active", "leaving"}
    /\ Change(n, "joining")
    /\ WithoutPrimary(n)
    /\ EndCandidacy(n)
    /\ UNCHANGED <<part, belief, mandate, cut, wide>>

\* One that was let in may leave before it takes part.
BeginLeave(n) ==
    /\ (state[n] = "active" /\ Acts(n)) \/ (state[n] = "joining" /\ ~Runs(n))
    /\ Change(n, "leaving")
    /\ IF Bug = "LeaveAsPrimary" THEN UNCHANGED primary ELSE WithoutPrimary(n)
    /\ belief' = [belief EXCEPT ![n] = "No"]
    /\ EndCandidacy(n)
    /\ UNCHANGED <<part, mandate, cut, wide>>

EndLeave(n) ==
    /\ state[n] = "leaving"
    /\ Change(n, "left")
    /\ part' = [part EXCEPT ![n] = "No"]
    /\ EndCandidacy(n)
    /\ HealedAt(n)
    /\ UNCHANGED <<primary, belief, mandate, wide>>

Vacant(n) == IF primary \in {None, Rest} THEN TRUE ELSE Misses(n, primary)

\* There is no primary, or none that answers.
Stand(n) ==
    /\ ~wide
    /\ Runs(n)
    /\ state[n] = "active"
    /\ stands[n] = "No"
    /\ Vacant(n)
    /\ stands' = [stands EXCEPT ![n] = "Yes"]
    /\ UNCHANGED <<state, primary, part, belief, mandate, cut, wide>>

Withdraw(n) ==
    /\ stands[n] # "No"
    /\ EndCandidacy(n)
    /\ UNCHANGED <<state, primary, part, belief, mandate, cut, wide>>

\* A new term ends every other candidacy; with the defect whoever has counted its votes goes on.
TermChanged(n) ==
    stands' = [m \in Nodes |-> IF m = n THEN "No"
                              ELSE IF stands[m] = "Yes" THEN IF Bug = "SplitElectionTransaction" /\ Majority(m) THEN "Changed" ELSE "No"
                              ELSE stands[m]]

\* Primary and a new term, with the votes of more than half of those who are voters now. One of them may be the primary, if it answers again.
\* The vote of a larger cluster is not known here; with the defect votes were counted in a transaction before.
Elect(n) ==
    /\ \/ stands[n] = "Yes" /\ (Majority(n) \/ Bug = "ElectWithoutQuorum")
       \/ stands[n] = "Changed"
       \/ state[n] = "active" /\ (part[n] = "Lately" \/ wide)
    /\ primary' = n
    /\ mandate' = (stands[n] = "Yes" => Majority(n))
    /\ belief' = [m \in Nodes |-> IF m = n /\ Runs(n) THEN "Newest" ELSE IF belief[m] = "Newest" /\ stands[n] # "Changed" THEN "Old" ELSE belief[m]]
    /\ TermChanged(n)
    /\ UNCHANGED <<state, part, cut, wide>>

ElectRest ==
    /\ wide
    /\ primary' = Rest
    /\ mandate' = TRUE
    /\ belief' = [m \in Nodes |-> IF belief[m] = "Newest" THEN "Old" ELSE belief[m]]
    /\ TermChanged(Rest)
    /\ UNCHANGED <<state, part, cut, wide>>

\* It steps down, leaves, or was given up and has come back.
RestVacates ==
    /\ primary = Rest
    /\ primary' = None
    /\ UNCHANGED <<state, part, belief, stands, mandate, cut, wide>>

\* A primary finds itself without a majority. What it does then it does on the view that it had read.
Resign(n) ==
    /\ ~wide
    /\ belief[n] # "No"
    /\ ~Majority(n)
    /\ stands[n] = "No"
    /\ stands' = [stands EXCEPT ![n] = "Resigns"]
    /\ UNCHANGED <<state, primary, part, belief, mandate, cut, wide>>

\* It clears its own claim, and no other.
StepDown(n) ==
    /\ belief[n] # "No"
    /\ wide \/ stands[n] = "Resigns"
    /\ belief' = [belief EXCEPT ![n] = "No"]
    /\ IF belief[n] = "Newest" THEN WithoutPrimary(n) ELSE UNCHANGED primary
    /\ EndCandidacy(n)
    /\ UNCHANGED <<state, part, mandate, cut, wide>>

\* The node reads the view and finds another primary, or none.
Refresh(n) ==
    /\ belief[n] # "No"
    /\ primary # n
    /\ belief' = [belief EXCEPT ![n] = "No"]
    /\ EndCandidacy(n)
    /\ UNCHANGED <<state, primary, part, mandate, cut, wide>>

\* The primary gives up a member that does not answer. The store knows who is primary.
FailMember(p, n) ==
    /\ belief[p] # "No" \/ (Acts(p) /\ ~Runs(p))
    /\ primary = p
    /\ state[n] \in {"joining", "active", "leaving"}
    /\ Misses(p, n)
    /\ Change(n, "failed")
    /\ EndCandidacy(n)
    /\ UNCHANGED <<primary, part, belief, mandate, cut, wide>>

FailedByRest(n) ==
    /\ wide
    /\ state[n] \in {"joining", "active", "leaving"}
    /\ Change(n, "failed")
    /\ WithoutPrimary(n)
    /\ EndCandidacy(n)
    /\ UNCHANGED <<part, belief, mandate, cut, wide>>

\* A node finds that it was given up; it is a new life from then on.
Deposed(n) ==
    /\ Runs(n)
    /\ state[n] = "failed"
    /\ part' = [part EXCEPT ![n] = "No"]
    /\ belief' = [belief EXCEPT ![n] = "No"]
    /\ EndCandidacy(n)
    /\ HealedAt(n)
    /\ UNCHANGED <<state, primary, mandate, wide>>

Cut(n) ==
    /\ ~wide
    /\ Runs(n)
    /\ cut = None
    /\ cut' = n
    /\ UNCHANGED <<state, primary, part, belief, stands, mandate, wide>>

Heal ==
    /\ cut # None
    /\ cut' = None
    /\ UNCHANGED <<state, primary, part, belief, stands, mandate, wide>>

\* The process of a member dies, or of one that may have sent that it founds the cluster or is active: that may still come to the store.
\* What starts again is outside until it resumes.
Crash(n) ==
    /\ Runs(n) \/ (state[n] \in {"left", "joining"} /\ part[n] = "No" /\ ~wide)
    /\ part' = [part EXCEPT ![n] = IF wide THEN "No" ELSE "Lately"]
    /\ belief' = [belief EXCEPT ![n] = "No"]
    /\ EndCandidacy(n)
    /\ HealedAt(n)
    /\ UNCHANGED <<state, primary, mandate, wide>>

\* Its last answers to heartbeats are too old to count, and what it had sent has come to the store or never will.
Fade(n) ==
    /\ part[n] = "Lately"
    /\ part' = [part EXCEPT ![n] = "No"]
    /\ UNCHANGED <<state, primary, belief, stands, mandate, cut, wide>>

Next ==
    \/ \E n \in Nodes : Found(n)
    \/ \E m \in Nodes, n \in Nodes : Accept(m, n)
    \/ \E n \in Nodes : AcceptedByRest(n)
    \/ \E n \in Nodes : Activate(n)
    \/ \E n \in Nodes : Resume(n)
    \/ \E n \in Nodes : BeginLeave(n)
    \/ \E n \in Nodes : EndLeave(n)
    \/ \E n \in Nodes : Stand(n)
    \/ \E n \in Nodes : Withdraw(n)
    \/ \E n \in Nodes : Elect(n)
    \/ ElectRest
    \/ RestVacates
    \/ \E n \in Nodes : Resign(n)
    \/ \E n \in Nodes : StepDown(n)
    \/ \E n \in Nodes : Refresh(n)
    \/ \E p \in Nodes, n \in Nodes : FailMember(p, n)
    \/ \E n \in Nodes : FailedByRest(n)
    \/ \E n \in Nodes : Deposed(n)
    \/ \E n \in Nodes : Cut(n)
    \/ Heal
    \/ \E n \in Nodes : Crash(n)
    \/ \E n \in Nodes : Fade(n)

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
\* The primary is the choice of a majority, so that the smaller side of a partition never makes one of its own.
NoSplitBrain == mandate

\* Whoever takes part was let in; he may have been given up since.
JoinAtomicity == \A n \in Nodes : Runs(n) => state[n] # "left"

\* The primary is an active member.
MembershipConsistency == primary \in Nodes => state[primary] = "active"

\* Every election has its own term: no two nodes were elected in the newest one.
TermMonotonic == Cardinality({n \in Nodes : belief[n] = "Newest"}) <= 1

-----------------------------------------------------------------------------
\* Members act in time.
Fairness ==
    \A n \in Nodes :
        /\ SF_vars(Stand(n)) /\ SF_vars(Elect(n))
        /\ WF_vars(Refresh(n)) /\ WF_vars(Resign(n)) /\ WF_vars(StepDown(n))

LiveSpec == Spec /\ Fairness

Calm == cut = None /\ ~wide /\ \A n \in Nodes : Runs(n) /\ state[n] = "active"

\* When no more nodes come, go or are cut off, there is a primary.
EventualPrimary == <>[]Calm => <>[](primary # None)

\* Who is primary no more finds out.
EventualAgreement == \A n \in Nodes : (belief[n] # "No" /\ primary # n) ~> (belief[n] = "No" \/ primary = n)
=============================================================================
