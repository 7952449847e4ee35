------------------------------ MODULE KelpieWAL ------------------------------
(***************************************************************************)
(* The write-ahead log of one node, seen by two operations: append under   *)
(* an idempotency key, make durable, acknowledge, apply, mark complete,    *)
(* with a crash between any two of them, and replay at start, beside which *)
(* new operations are taken already.                                       *)
(*                                                                         *)
(* A key stands for one operation and its retries; after clean-up it is    *)
(* used for the next one.  Ids do not grow for ever: clean-up of an entry  *)
(* moves the ids above it down, only their order counts.  An entry that is *)
(* not durable when the node crashes survives or is torn off, from the end *)
(* of the log; a mark that is not durable is lost, unless the operating    *)
(* system has written it by then.                                          *)
(*                                                                         *)
(* Steps and story events, for the log of one node and two of its keys:    *)
(*   Sync          wal.append: the log is durable up to the entry          *)
(*   Replay        wal.replay: at start, a pending entry is taken up       *)
(*   MarkDurable   wal.end                                                 *)
(*   Cleanup       wal.cleanup, when it drops the entry                    *)
(*   Crash, Restart  the node is killed; wal.recover                       *)
(* Hidden: all others.                                                     *)
(***************************************************************************)
EXTENDS Naturals, Sequences, FiniteSets

CONSTANTS
    Keys,    \* idempotency keys
    Bug      \* "None", or the one defect put in

VARIABLES
    phase,     \* of the node
    log,       \* the entries in the order they were written
    effect,    \* how often the operation of a key has taken effect
    finished,  \* a durable mark has ended the operation of the key
    client     \* what the caller of the key knows

vars == <<phase, log, effect, finished, client>>

MaxEntries == 3
Statuses == {"Buffered", "Pending", "Completing", "Complete", "Failing", "Failed"}

\* live: taken up in this life of the node. applied: the store has seen the id.
Entries == [id : 1..MaxEntries, key : Keys, status : Statuses, live : BOOLEAN, applied : BOOLEAN]

TypeOK ==
    /\ phase \in {"Running", "Down", "Recovering"}
    /\ Len(log) <= MaxEntries
    /\ \A i \in DOMAIN log : log[i] \in Entries
    /\ effect \in [Keys -> 0..2]
    /\ finished \in [Keys -> BOOLEAN]
    /\ client \in [Keys -> {"Idle", "Waiting", "Retrying", "Acked"}]

Init ==
    /\ phase = "Running"
    /\ log = <<>>
    /\ effect = [k \in Keys |-> 0]
    /\ finished = [k \in Keys |-> FALSE]
    /\ client = [k \in Keys |-> "Idle"]

Durable(e) == e.status # "Buffered"
Has(k) == \E i \in DOMAIN log : log[i].key = k
HasDurable(k) == \E i \in DOMAIN log : log[i].key = k /\ Durable(log[i])
ToReplay(e) == e.status = "Pending" /\ ~e.live

\* Ids go on where the log ends; the defect counts from 1 again in every life.
NextId == 1 + (IF Bug = "ReusedId" THEN Cardinality({i \in DOMAIN log : log[i].live}) ELSE Len(log))

\* Status and effect are looked up by id, so an id that comes twice mixes up two entries.
Appended(k) ==
    LET id == NextId
        known == \E i \in DOMAIN log : log[i].id = id /\ log[i].applied
        older == [i \in DOMAIN log |-> IF log[i].id = id THEN [log[i] EXCEPT !.status = "Buffered"] ELSE log[i]]
    IN  Append(older, [id |-> id, key |-> k, status |-> "Buffered", live |-> TRUE, applied |-> known])

\* Look-up and append are one step; with the defect, a second request has looked before the first appended.
AppendEntry(k) ==
    /\ phase # "Down"
    /\ client[k] \in {"Idle", "Waiting", "Retrying"}
    /\ ~Has(k) \/ (client[k] = "Retrying" /\ Bug = "DuplicateIdempotency")
    /\ Len(log) < MaxEntries
    /\ log' = Appended(k)
    /\ client' = [client EXCEPT ![k] = "Waiting"]
    /\ UNCHANGED <<phase, effect, finished>>

\* The caller asks again, because no answer came.
Retry(k) ==
    /\ phase # "Down"
    /\ client[k] = "Waiting"
    /\ client' = [client EXCEPT ![k] = "Retrying"]
    /\ UNCHANGED <<phase, log, effect, finished>>

\* The key is in the log; an entry that nobody has taken up in this life is taken up now.
Dedup(k) ==
    /\ phase # "Down"
    /\ client[k] = "Retrying"
    /\ Has(k)
    /\ client' = [client EXCEPT ![k] = "Waiting"]
    /\ log' = [i \in DOMAIN log |-> IF log[i].key = k /\ ToReplay(log[i]) THEN [log[i] EXCEPT !.live = TRUE] ELSE log[i]]
    /\ UNCHANGED <<phase, effect, finished>>

\* The log is made durable up to an entry of the key.
Sync(k) ==
    /\ phase # "Down"
    /\ \E i \in DOMAIN log :
        /\ log[i].key = k
        /\ ~Durable(log[i])
        /\ log' = [j \in DOMAIN log |-> IF j <= i /\ ~Durable(log[j]) THEN [log[j] EXCEPT !.status = "Pending"] ELSE log[j]]
    /\ UNCHANGED <<phase, effect, finished, client>>

\* The batch could not be written: it is cut off again, and the callers are told.
AppendFail(k) ==
    /\ phase # "Down"
    /\ log # <<>>
    /\ log[Len(log)].key = k
    /\ ~Durable(log[Len(log)])
    /\ log' = SubSeq(log, 1, Len(log) - 1)
    /\ UNCHANGED <<phase, effect, finished, client>>

\* The caller is told that its operation will happen.
Ack(k) ==
    /\ phase # "Down"
    /\ client[k] = "Waiting"
    /\ HasDurable(k) \/ (Has(k) /\ Bug = "AckBeforeSync")
    /\ client' = [client EXCEPT ![k] = "Acked"]
    /\ UNCHANGED <<phase, log, effect, finished>>

\* The store takes an operation once per id.
AppliedAt(i) == [j \in DOMAIN log |-> IF log[j].id = log[i].id THEN [log[j] EXCEPT !.applied = TRUE] ELSE log[j]]
Counted(i) == [effect EXCEPT ![log[i].key] = IF log[i].applied \/ @ = 2 THEN @ ELSE @ + 1]

Apply(k) ==
    /\ phase # "Down"
    /\ \E i \in DOMAIN log :
        /\ log[i].key = k
        /\ log[i].live
        /\ log[i].status = "Pending" \/ (log[i].status = "Buffered" /\ Bug = "ApplyBeforeSync")
        /\ ~log[i].applied
        /\ log' = AppliedAt(i)
        /\ effect' = Counted(i)
    /\ UNCHANGED <<phase, finished, client>>

Complete(k) ==
    /\ phase # "Down"
    /\ \E i \in DOMAIN log :
        /\ log[i].key = k
        /\ log[i].live
        /\ log[i].status = "Pending"
        /\ log[i].applied \/ Bug = "PrematureComplete"
        /\ log' = [log EXCEPT ![i].status = "Completing"]
    /\ UNCHANGED <<phase, effect, finished, client>>

\* The operation cannot be done; it is marked so that nobody tries again.
Fail(k) ==
    /\ phase # "Down"
    /\ \E i \in DOMAIN log :
        /\ log[i].key = k
        /\ log[i].live
        /\ log[i].status = "Pending"
        /\ ~log[i].applied
        /\ log' = [log EXCEPT ![i].status = "Failing"]
    /\ UNCHANGED <<phase, effect, finished, client>>

MarkDurable(k) ==
    /\ phase # "Down"
    /\ \E i \in DOMAIN log :
        /\ log[i].key = k
        /\ log[i].status \in {"Completing", "Failing"}
        /\ log' = [log EXCEPT ![i].status = IF @ = "Completing" THEN "Complete" ELSE "Failed"]
    /\ finished' = [finished EXCEPT ![k] = TRUE]
    /\ UNCHANGED <<phase, effect, client>>

\* The time of retries is over: the entry goes, the key is free for another operation.
Cleanup(k) ==
    /\ phase # "Down"
    /\ \E i \in DOMAIN log :
        /\ log[i].key = k
        /\ log[i].status \in {"Complete", "Failed"}
        /\ log' = [j \in 1..(Len(log) - 1) |->
                    LET e == IF j < i THEN log[j] ELSE log[j + 1]
                    IN  IF e.id > log[i].id THEN [e EXCEPT !.id = @ - 1] ELSE e]
    /\ effect' = [effect EXCEPT ![k] = 0]
    /\ finished' = [finished EXCEPT ![k] = FALSE]
    /\ client' = [client EXCEPT ![k] = "Idle"]
    /\ UNCHANGED phase

Crash ==
    /\ phase # "Down"
    /\ phase' = "Down"
    /\ log' = [i \in DOMAIN log |->
                [log[i] EXCEPT !.live = FALSE, !.status = IF @ \in {"Completing", "Failing"} THEN "Pending" ELSE @]]
    /\ client' = [k \in Keys |-> IF client[k] = "Retrying" THEN "Waiting" ELSE client[k]]
    /\ UNCHANGED <<effect, finished>>

\* The last entry did not reach the disk.
Tear ==
    /\ phase = "Down"
    /\ log # <<>>
    /\ ~Durable(log[Len(log)])
    /\ log' = SubSeq(log, 1, Len(log) - 1)
    /\ UNCHANGED <<phase, effect, finished, client>>

\* What is read back is durable.
Restart ==
    /\ phase = "Down"
    /\ phase' = "Recovering"
    /\ log' = [i \in DOMAIN log |-> IF Durable(log[i]) THEN log[i] ELSE [log[i] EXCEPT !.status = "Pending"]]
    /\ UNCHANGED <<effect, finished, client>>

\* Pending entries are taken up in order, each when all before it have ended.
Replay(k) ==
    /\ phase = "Recovering"
    /\ \E i \in DOMAIN log :
        /\ log[i].key = k
        /\ ToReplay(log[i])
        /\ \A j \in 1..(i - 1) : log[j].status # "Pending"
        /\ log' = [log EXCEPT ![i].live = TRUE]
    /\ UNCHANGED <<phase, effect, finished, client>>

\* The operation cannot be done for now; replay will begin again.
PutBack(k) ==
    /\ phase = "Recovering"
    /\ \E i \in DOMAIN log :
        /\ log[i].key = k
        /\ log[i].status = "Pending"
        /\ log[i].live
        /\ log' = [log EXCEPT ![i].live = FALSE]
    /\ UNCHANGED <<phase, effect, finished, client>>

\* Replay is over.
Recovered ==
    /\ phase = "Recovering"
    /\ \/ \A i \in DOMAIN log : ~ToReplay(log[i])
       \/ Bug = "NoReplay"
       \/ Bug = "PartialRecovery" /\ log # <<>> /\ log[1].live
    /\ phase' = "Running"
    /\ UNCHANGED <<log, effect, finished, client>>

Next ==
    \/ \E k \in Keys : AppendEntry(k)
    \/ \E k \in Keys : Retry(k)
    \/ \E k \in Keys : Dedup(k)
    \/ \E k \in Keys : Sync(k)
    \/ \E k \in Keys : AppendFail(k)
    \/ \E k \in Keys : Ack(k)
    \/ \E k \in Keys : Apply(k)
    \/ \E k \in Keys : Complete(k)
    \/ \E k \in Keys : Fail(k)
    \/ \E k \in Keys : MarkDurable(k)
    \/ \E k \in Keys : Cleanup(k)
    \/ Crash
    \/ Tear
    \/ Restart
    \/ \E k \in Keys : Replay(k)
    \/ \E k \in Keys : PutBack(k)
    \/ Recovered

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
\* What was acknowledged is on the disk.
Durability == \A k \in Keys : client[k] = "Acked" => HasDurable(k)

\* However often a key is sent, its operation takes effect once.
Idempotency == \A k \in Keys : effect[k] <= 1

\* No effect is seen of an operation that a crash could still undo.
AtomicVisibility == \A k \in Keys : effect[k] > 0 => HasDurable(k)

\* When replay is over, every pending entry that was found has been taken up.
RecoveryCompleteness == phase = "Running" => \A i \in DOMAIN log : ~ToReplay(log[i])

\* A mark tells the truth: complete is what took effect, failed is what did not.
StatusConsistency ==
    \A i \in DOMAIN log :
        /\ log[i].status \in {"Completing", "Complete"} => effect[log[i].key] > 0
        /\ log[i].status \in {"Failing", "Failed"} => effect[log[i].key] = 0

\* What a durable mark has ended never becomes pending again.
NoZombieComplete == \A i \in DOMAIN log : finished[log[i].key] => log[i].status \in {"Complete", "Failed"}

\* Ids grow along the log.
Monotonicity == \A i, j \in DOMAIN log : i < j => log[i].id < log[j].id

-----------------------------------------------------------------------------
\* The node starts again and works; callers ask again until they are told.
Fairness ==
    /\ WF_vars(Restart) /\ SF_vars(Recovered)
    /\ \A k \in Keys :
        /\ SF_vars(Replay(k)) /\ SF_vars(Sync(k)) /\ SF_vars(Dedup(k)) /\ SF_vars(Ack(k)) /\ SF_vars(Complete(k))
        /\ SF_vars(Apply(k)) /\ SF_vars(client[k] = "Waiting" /\ AppendEntry(k)) /\ SF_vars(MarkDurable(k))

LiveSpec == Spec /\ Fairness

\* Every crash is recovered from.
EventualRecovery == phase = "Down" ~> phase = "Running"

\* Every acknowledged operation ends: it takes effect or is given up.
EventualCompletion ==
    \A k \in Keys : client[k] = "Acked" ~> (client[k] = "Idle" \/ \E i \in DOMAIN log : log[i].key = k /\ log[i].status \in {"Complete", "Failed"})
=============================================================================
