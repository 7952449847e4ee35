--------------------------- MODULE KelpieCheckpoint ---------------------------
(***************************************************************************)
(* Checkpoints of a state that grows by operations in a log: sequence and  *)
(* state become visible in one step, a crash may come between any two      *)
(* steps, and after it the newest whole checkpoint and the log behind it   *)
(* give the state again.                                                   *)
(*                                                                         *)
(* Positions are counted from the oldest checkpoint that is kept, and move *)
(* down when it is dropped.  Of the newer one 0 says that there is none.   *)
(*                                                                         *)
(* Steps and story events:                                                 *)
(*   Publish    checkpoint.save                                            *)
(*   Restore    checkpoint.restore, after checkpoint.damaged of each newer *)
(*              one                                                        *)
(*   Crash      kill of the node, told by the world                        *)
(* Hidden: Operate, SaveStart, SaveFail, Prune, Damage, ReplayNext,        *)
(*   Recovered.                                                            *)
(***************************************************************************)
EXTENDS Naturals

CONSTANTS
    Window,   \* operations beyond the oldest checkpoint
    Bug       \* "None", or the one defect put in

VARIABLES
    phase,     \* of the node
    ops,       \* operations in the log
    logFrom,   \* the log holds those after this one
    mem,       \* operations that are in the state in memory
    pos,       \* the last operation that was applied or taken for applied
    draft,     \* position of a checkpoint that is being written, 0 for none
    seq,       \* sequence of the newer checkpoint
    data,      \* operations that are in its state
    whole      \* its file is undamaged

vars == <<phase, ops, logFrom, mem, pos, draft, seq, data, whole>>

Positions == 0..Window

TypeOK ==
    /\ phase \in {"Running", "Down", "Replaying"}
    /\ ops \in Positions
    /\ logFrom \in Positions
    /\ mem \in Positions
    /\ pos \in Positions
    /\ draft \in Positions
    /\ seq \in Positions
    /\ data \in Positions
    /\ whole \in BOOLEAN

Init ==
    /\ phase = "Running"
    /\ ops = 0
    /\ logFrom = 0
    /\ mem = 0
    /\ pos = 0
    /\ draft = 0
    /\ seq = 0
    /\ data = 0
    /\ whole = TRUE

\* An operation is durable in the log and applied.
Operate ==
    /\ phase = "Running"
    /\ ops < Window
    /\ ops' = ops + 1
    /\ mem' = mem + 1
    /\ pos' = pos + 1
    /\ UNCHANGED <<phase, logFrom, draft, seq, data, whole>>

\* The state is taken as it is and written to a draft. With the defect, what it will cover is cut off the log already.
SaveStart ==
    /\ phase = "Running"
    /\ draft = 0
    /\ pos > seq
    /\ seq = 0 \/ ~whole
    /\ draft' = pos
    /\ logFrom' = IF Bug = "SequenceFirst" THEN pos ELSE logFrom
    /\ UNCHANGED <<phase, ops, mem, pos, seq, data, whole>>

SaveFail ==
    /\ draft # 0
    /\ draft' = 0
    /\ UNCHANGED <<phase, ops, logFrom, mem, pos, seq, data, whole>>

\* The draft, whole and durable, gets its name. With the defect the sequence is visible first, and then the state.
Publish ==
    /\ phase = "Running"
    /\ draft # 0
    /\ seq' = draft
    /\ data' = IF Bug = "SplitCheckpoint" /\ seq # draft THEN 0 ELSE draft
    /\ draft' = IF Bug = "SplitCheckpoint" /\ seq # draft THEN draft ELSE 0
    /\ whole' = TRUE
    /\ UNCHANGED <<phase, ops, logFrom, mem, pos>>

\* The oldest checkpoint is dropped, and the log up to the next one.
Prune ==
    /\ phase = "Running"
    /\ draft = 0
    /\ seq # 0
    /\ whole
    /\ ops' = ops - seq
    /\ mem' = mem - seq
    /\ pos' = pos - seq
    /\ logFrom' = 0
    /\ seq' = 0
    /\ data' = 0
    /\ UNCHANGED <<phase, draft, whole>>

\* The disk spoils a file while there is an older one.
Damage ==
    /\ seq # 0
    /\ whole
    /\ draft = 0
    /\ whole' = FALSE
    /\ UNCHANGED <<phase, ops, logFrom, mem, pos, draft, seq, data>>

Crash ==
    /\ phase # "Down"
    /\ phase' = "Down"
    /\ mem' = 0
    /\ pos' = 0
    /\ draft' = 0
    /\ UNCHANGED <<ops, logFrom, seq, data, whole>>

\* The newest whole checkpoint gives the state.
Restore ==
    /\ phase = "Down"
    /\ phase' = "Replaying"
    /\ mem' = IF whole THEN data ELSE 0
    /\ pos' = IF whole THEN seq ELSE 0
    /\ UNCHANGED <<ops, logFrom, draft, seq, data, whole>>

ReplayNext ==
    /\ phase = "Replaying"
    /\ pos < ops
    /\ pos' = pos + 1
    /\ mem' = IF pos >= logFrom THEN mem + 1 ELSE mem
    /\ UNCHANGED <<phase, ops, logFrom, draft, seq, data, whole>>

Recovered ==
    /\ phase = "Replaying"
    /\ pos = ops
    /\ phase' = "Running"
    /\ UNCHANGED <<ops, logFrom, mem, pos, draft, seq, data, whole>>

Next ==
    \/ Operate
    \/ SaveStart
    \/ SaveFail
    \/ Publish
    \/ Prune
    \/ Damage
    \/ Crash
    \/ Restore
    \/ ReplayNext
    \/ Recovered

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
\* A checkpoint that is visible holds what its sequence says.
CheckpointAtomicity == seq = data

\* A node that runs has every operation in its state.
StateConsistency == phase = "Running" => mem = ops

\* What the newest whole checkpoint lacks is in the log.
SequenceGapFree == logFrom <= (IF whole THEN data ELSE 0)

-----------------------------------------------------------------------------
Fairness == WF_vars(Restore) /\ WF_vars(ReplayNext) /\ WF_vars(Recovered)

LiveSpec == Spec /\ Fairness

\* A node that crashes no more comes back.
EventualRecovery == <>[](phase # "Down") => []<>(phase = "Running")
=============================================================================
