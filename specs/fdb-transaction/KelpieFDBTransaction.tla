------------------------- MODULE KelpieFDBTransaction -------------------------
(***************************************************************************)
(* Two clients that change two keys in optimistic transactions: snapshot   *)
(* reads at a read version, writes in a buffer, conflict check at commit,  *)
(* a commit whose result is unknown, and the retry.                        *)
(*                                                                         *)
(* Each client carries out operations; an operation adds one to both keys  *)
(* and leaves its commit id, over as many transactions as it takes.  All   *)
(* counting is modulo two, for only equal or not matters, and versions are *)
(* not counted: a transaction remembers the snapshot that it reads and     *)
(* whether another has been committed since.                               *)
(*                                                                         *)
(* Steps and story events, for the commits of one actor:                   *)
(*   CommitSend  commit.start                                              *)
(*   Done        commit.done                                               *)
(*   Refused     commit.conflict, commit.fenced, rollback of what was not  *)
(*               sent after all                                            *)
(*   Unknown     commit.unknown, activate.drop with a commit under way     *)
(*   LookFound, LookMissed   commit.resolved; activate.load, which finds   *)
(*               what earlier holders have left                            *)
(*   Crash       the client is killed, told by the world                   *)
(* Hidden: Begin, Read, Write, ReadOwn, CommitApply (half of it with a     *)
(*   defect). What a transaction has read and buffered shows when it is    *)
(*   sent: kv.read, kv.write and the version that it adds to.              *)
(***************************************************************************)
EXTENDS Naturals

CONSTANTS
    Clients,
    Bug        \* "None", or the one defect put in

Keys == {"x", "y"}
Bits == 0..1
Unread == 2

VARIABLES
    db,        \* what the store has under each key
    truth,     \* how many operations have taken effect
    ids,       \* the clients' operations whose commit id is in the store
    effect,    \* the client's operation has taken effect
    phase,     \* of the client
    snap,      \* the store at the client's read version
    view,      \* what the transaction has read of each key, or Unread
    own,       \* what it read of a key that it had written, or Unread
    changed    \* both keys have been written since its read version

vars == <<db, truth, ids, effect, phase, snap, view, own, changed>>

Phases == {"Idle", "Open", "Written", "Sent", "Half", "In", "Unknown"}

TypeOK ==
    /\ db \in [Keys -> Bits]
    /\ truth \in Bits
    /\ ids \in SUBSET Clients
    /\ effect \in [Clients -> BOOLEAN]
    /\ phase \in [Clients -> Phases]
    /\ snap \in [Clients -> [Keys -> Bits]]
    /\ view \in [Clients -> [Keys -> Bits \cup {Unread}]]
    /\ own \in [Clients -> Bits \cup {Unread}]
    /\ changed \in [Clients -> BOOLEAN]

NoView == [k \in Keys |-> Unread]
NoSnap == [k \in Keys |-> 0]

Init ==
    /\ db = [k \in Keys |-> 0]
    /\ truth = 0
    /\ ids = {}
    /\ effect = [c \in Clients |-> FALSE]
    /\ phase = [c \in Clients |-> "Idle"]
    /\ snap = [c \in Clients |-> NoSnap]
    /\ view = [c \in Clients |-> NoView]
    /\ own = [c \in Clients |-> Unread]
    /\ changed = [c \in Clients |-> FALSE]

\* A transaction forgets what it was; only the operation goes on.
Reset(c, next) ==
    /\ phase' = [phase EXCEPT ![c] = next]
    /\ snap' = [snap EXCEPT ![c] = NoSnap]
    /\ view' = [view EXCEPT ![c] = NoView]
    /\ own' = [own EXCEPT ![c] = Unread]
    /\ changed' = [changed EXCEPT ![c] = FALSE]

Begin(c) ==
    /\ phase[c] = "Idle"
    /\ phase' = [phase EXCEPT ![c] = "Open"]
    /\ snap' = [snap EXCEPT ![c] = db]
    /\ UNCHANGED <<db, truth, ids, effect, view, own, changed>>

Read(c, k) ==
    /\ phase[c] = "Open"
    /\ view[c][k] = Unread
    /\ view' = [view EXCEPT ![c][k] = IF Bug = "ReadLatest" THEN db[k] ELSE snap[c][k]]
    /\ UNCHANGED <<db, truth, ids, effect, phase, snap, own, changed>>

\* What it writes waits in the buffer: one more than it has read, for both keys.
Write(c) ==
    /\ phase[c] = "Open"
    /\ \A k \in Keys : view[c][k] # Unread
    /\ phase' = [phase EXCEPT ![c] = "Written"]
    /\ UNCHANGED <<db, truth, ids, effect, snap, view, own, changed>>

\* A key that is in the buffer is read from there.
ReadOwn(c) ==
    /\ phase[c] = "Written"
    /\ own[c] = Unread
    /\ own' = [own EXCEPT ![c] = IF Bug = "ReadPastBuffer" THEN snap[c]["x"] ELSE 1 - view[c]["x"]]
    /\ UNCHANGED <<db, truth, ids, effect, phase, snap, view, changed>>

CommitSend(c) ==
    /\ phase[c] = "Written"
    /\ phase' = [phase EXCEPT ![c] = "Sent"]
    /\ UNCHANGED <<db, truth, ids, effect, snap, view, own, changed>>

\* Every operation reads and writes both keys, so it outdates all that have a read version.
Outdate(c) == [d \in Clients |-> changed[d] \/ (d # c /\ phase[d] \in {"Open", "Written", "Sent"})]

MayCommit(c) == ~changed[c] \/ Bug = "NoConflictCheck"

\* The first application of an operation is the one that counts.
Count(c) ==
    /\ truth' = IF effect[c] THEN truth ELSE 1 - truth
    /\ effect' = [effect EXCEPT ![c] = TRUE]

\* The store takes the transaction: both keys and the commit id at once.
CommitApply(c) ==
    /\ phase[c] = "Sent"
    /\ MayCommit(c)
    /\ db' = IF Bug = "SplitCommit" THEN [db EXCEPT !["x"] = 1 - view[c]["x"]] ELSE [k \in Keys |-> 1 - view[c][k]]
    /\ ids' = IF Bug = "SplitCommit" THEN ids ELSE ids \cup {c}
    /\ phase' = [phase EXCEPT ![c] = IF Bug = "SplitCommit" THEN "Half" ELSE "In"]
    /\ Count(c)
    /\ changed' = Outdate(c)
    /\ UNCHANGED <<snap, view, own>>

Done(c) ==
    /\ phase[c] = "In"
    /\ Reset(c, "Idle")
    /\ ids' = ids \ {c}
    /\ effect' = [effect EXCEPT ![c] = FALSE]
    /\ UNCHANGED <<db, truth>>

\* Nothing was written; the operation is tried again.
Refused(c) ==
    /\ phase[c] = "Sent"
    /\ Reset(c, "Idle")
    /\ UNCHANGED <<db, truth, ids, effect>>

\* The answer is lost; what has not been taken by now never will be.
Unknown(c) ==
    /\ phase[c] \in {"Sent", "In"}
    /\ Reset(c, IF Bug = "BlindRetry" THEN "Idle" ELSE "Unknown")
    /\ UNCHANGED <<db, truth, ids, effect>>

\* The client looks for its commit id before it does anything else.
LookFound(c) ==
    /\ phase[c] = "Unknown"
    /\ c \in ids
    /\ phase' = [phase EXCEPT ![c] = "Idle"]
    /\ ids' = ids \ {c}
    /\ effect' = [effect EXCEPT ![c] = FALSE]
    /\ UNCHANGED <<db, truth, snap, view, own, changed>>

LookMissed(c) ==
    /\ phase[c] = "Unknown"
    /\ c \notin ids
    /\ phase' = [phase EXCEPT ![c] = "Idle"]
    /\ UNCHANGED <<db, truth, ids, effect, snap, view, own, changed>>

\* The client dies; the next one under its name looks for what it may have done.
Crash(c) ==
    /\ phase[c] \notin {"Idle", "Unknown"}
    /\ Reset(c, "Unknown")
    /\ UNCHANGED <<db, truth, ids, effect>>

Next ==
    \/ \E c \in Clients : Begin(c)
    \/ \E c \in Clients, k \in Keys : Read(c, k)
    \/ \E c \in Clients : Write(c)
    \/ \E c \in Clients : ReadOwn(c)
    \/ \E c \in Clients : CommitSend(c)
    \/ \E c \in Clients : CommitApply(c)
    \/ \E c \in Clients : Done(c)
    \/ \E c \in Clients : Refused(c)
    \/ \E c \in Clients : Unknown(c)
    \/ \E c \in Clients : LookFound(c)
    \/ \E c \in Clients : LookMissed(c)
    \/ \E c \in Clients : Crash(c)

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
\* The store has what the operations that took effect give, one after the other and each once.
SerializableIsolation == db["x"] = truth

\* What is committed had read nothing that changed before its commit.
ConflictDetection == \A c \in Clients : phase[c] \in {"Half", "In"} => ~changed[c]

\* Both keys and the commit id are of the same commits.
AtomicCommit == db["x"] = db["y"] /\ \A c \in Clients : effect[c] <=> c \in ids

\* A transaction sees its own writes.
ReadYourWrites == \A c \in Clients : own[c] # Unread => own[c] = 1 - view[c]["x"]

\* All that a transaction reads is of its read version.
SnapshotReads == \A c \in Clients : \A k \in Keys : view[c][k] \in {Unread, snap[c][k]}

-----------------------------------------------------------------------------
Fairness ==
    \A c \in Clients :
        /\ WF_vars(Write(c)) /\ WF_vars(CommitSend(c)) /\ WF_vars(Done(c)) /\ WF_vars(Refused(c))
        /\ \A k \in Keys : WF_vars(Read(c, k))
        /\ WF_vars(LookFound(c)) /\ WF_vars(LookMissed(c))

LiveSpec == Spec /\ Fairness

\* Every transaction comes to an end that its client knows.
EventualCompletion == \A c \in Clients : phase[c] # "Idle" ~> phase[c] = "Idle"
=============================================================================
