-------------------------- MODULE KelpieAgentService --------------------------
(***************************************************************************)
(* One agent that clients create, read, update and delete, each operation  *)
(* under an idempotency key that its retries repeat.  The effect of an     *)
(* operation and its answer are one commit; a success is told after it.    *)
(*                                                                         *)
(* A client has one operation at a time, so its name stands for the key;   *)
(* and it marks what it writes with its name, so that one value tells who  *)
(* wrote last.                                                             *)
(*                                                                         *)
(* Steps and story events, for one agent and two of its clients:           *)
(*   Request     op.invoke of an operation that writes, or agent.key where *)
(*               both clients wait when it comes                           *)
(*   Activate    activate.load                                             *)
(*   Execute     agent.create, agent.update, agent.delete, in each try     *)
(*   CommitFail  rollback                                                  *)
(*   Answer, Unheard   invoke.end: the answer leaves, and may be lost;     *)
(*               op.ok says that it was heard                              *)
(*   Repeat      agent.key with a hit, request.duplicate                   *)
(*   Refuse      invoke.end with the refusal; op.fail says it was heard    *)
(*   GiveUp      op.fail for another reason; op.info, when another         *)
(*               operation needs the place of the client                   *)
(*   Get         agent.get                                                 *)
(*   Deactivate  deactivate.done, activate.drop                            *)
(*   Crash, Restart   kill and boot of the node, told by the world; and a  *)
(*               holder that another one follows before it says anything   *)
(* Hidden: Commit (commit.start says that it has not happened, commit.done *)
(*   that it has), Forget (the time of retries is over).                   *)
(***************************************************************************)
EXTENDS Naturals

CONSTANTS
    Clients,
    Bug        \* "None", or the one defect put in

None == "None"
Unread == "Unread"
Kinds == {"create", "update", "delete"}
Values == Clients \cup {None}

VARIABLES
    agent,    \* what the store has: the client that wrote last, or None
    truth,    \* what the operations that were committed leave
    answers,  \* the clients whose operation's answer is in the store
    effects,  \* how often the operation of a client took effect
    client,   \* what each client knows of its operation
    kind,     \* of each client's operation
    phase,    \* of the actor on its node
    mem,      \* what it has in memory
    busy,     \* the client whose operation it carries out
    saved,    \* that operation is committed
    seen      \* what a read gave, until the next commit

vars == <<agent, truth, answers, effects, client, kind, phase, mem, busy, saved, seen>>

TypeOK ==
    /\ agent \in Values
    /\ truth \in Values
    /\ answers \in SUBSET Clients
    /\ effects \in [Clients -> 0..2]
    /\ client \in [Clients -> {"Idle", "Waiting", "Acked"}]
    /\ kind \in [Clients -> Kinds \cup {None}]
    /\ phase \in {"Off", "On", "Down"}
    /\ mem \in Values
    /\ busy \in Values
    /\ saved \in BOOLEAN
    /\ seen \in Values \cup {Unread}

Init ==
    /\ agent = None
    /\ truth = None
    /\ answers = {}
    /\ effects = [c \in Clients |-> 0]
    /\ client = [c \in Clients |-> "Idle"]
    /\ kind = [c \in Clients |-> None]
    /\ phase = "Off"
    /\ mem = None
    /\ busy = None
    /\ saved = FALSE
    /\ seen = Unread

Request(c, k) ==
    /\ client[c] = "Idle"
    /\ client' = [client EXCEPT ![c] = "Waiting"]
    /\ kind' = [kind EXCEPT ![c] = k]
    /\ UNCHANGED <<agent, truth, answers, effects, phase, mem, busy, saved, seen>>

\* The state is read; with the defect a read that fails is taken for an agent that is not there.
Activate ==
    /\ phase = "Off"
    /\ phase' = "On"
    /\ mem' = IF Bug = "DefaultOnReadError" THEN None ELSE agent
    /\ UNCHANGED <<agent, truth, answers, effects, client, kind, busy, saved, seen>>

Waits(c) == phase = "On" /\ busy = None /\ client[c] = "Waiting"

Possible(c) == IF kind[c] = "create" THEN mem = None ELSE mem # None

Execute(c) ==
    /\ Waits(c)
    /\ c \notin answers
    /\ Possible(c)
    /\ busy' = c
    /\ mem' = IF kind[c] = "delete" THEN None ELSE c
    /\ answers' = IF Bug = "SplitIdempotency" THEN answers \cup {c} ELSE answers
    /\ UNCHANGED <<agent, truth, effects, client, kind, phase, saved, seen>>

\* The key is known: the answer is what it was.
Repeat(c) ==
    /\ Waits(c)
    /\ c \in answers
    /\ client' = [client EXCEPT ![c] = "Acked"]
    /\ UNCHANGED <<agent, truth, answers, effects, kind, phase, mem, busy, saved, seen>>

\* There is an agent already, or none.
Refuse(c) ==
    /\ Waits(c)
    /\ c \notin answers
    /\ ~Possible(c)
    /\ client' = [client EXCEPT ![c] = "Idle"]
    /\ kind' = [kind EXCEPT ![c] = None]
    /\ UNCHANGED <<agent, truth, answers, effects, phase, mem, busy, saved, seen>>

\* Effect and answer are stored together.
Commit ==
    /\ phase = "On"
    /\ busy # None
    /\ ~saved
    /\ agent' = mem
    /\ truth' = mem
    /\ answers' = answers \cup {busy}
    /\ effects' = [effects EXCEPT ![busy] = IF @ = 2 THEN 2 ELSE @ + 1]
    /\ saved' = TRUE
    /\ seen' = Unread
    /\ UNCHANGED <<client, kind, phase, mem, busy>>

CommitFail ==
    /\ phase = "On"
    /\ busy # None
    /\ ~saved
    /\ mem' = agent
    /\ busy' = None
    /\ UNCHANGED <<agent, truth, answers, effects, client, kind, phase, saved, seen>>

\* The success is told, when it is durable.
Answer ==
    /\ phase = "On"
    /\ busy # None
    /\ client[busy] = "Waiting"
    /\ saved \/ Bug = "AckBeforePersist"
    /\ client' = [client EXCEPT ![busy] = "Acked"]
    /\ busy' = IF saved THEN None ELSE busy
    /\ saved' = FALSE
    /\ UNCHANGED <<agent, truth, answers, effects, kind, phase, mem, seen>>

\* The answer is lost on its way; the client will ask again.
Unheard ==
    /\ phase = "On"
    /\ busy # None
    /\ saved
    /\ busy' = None
    /\ saved' = FALSE
    /\ UNCHANGED <<agent, truth, answers, effects, client, kind, phase, mem, seen>>

Get ==
    /\ phase = "On"
    /\ busy = None
    /\ seen = Unread
    /\ seen' = mem
    /\ UNCHANGED <<agent, truth, answers, effects, client, kind, phase, mem, busy, saved>>

\* The client goes on to its next operation, under another key.
Forget(c) ==
    /\ client[c] = "Acked"
    /\ busy # c
    /\ client' = [client EXCEPT ![c] = "Idle"]
    /\ kind' = [kind EXCEPT ![c] = None]
    /\ answers' = answers \ {c}
    /\ effects' = [effects EXCEPT ![c] = 0]
    /\ UNCHANGED <<agent, truth, phase, mem, busy, saved, seen>>

\* The client asks no more: it was told of an error, or does not know and never will.
GiveUp(c) ==
    /\ client[c] = "Waiting"
    /\ busy # c
    /\ client' = [client EXCEPT ![c] = "Idle"]
    /\ kind' = [kind EXCEPT ![c] = None]
    /\ answers' = answers \ {c}
    /\ effects' = [effects EXCEPT ![c] = 0]
    /\ UNCHANGED <<agent, truth, phase, mem, busy, saved, seen>>

\* Memory is gone; with the defect the answers were there and nowhere else.
Gone ==
    /\ mem' = None
    /\ busy' = None
    /\ saved' = FALSE
    /\ answers' = IF Bug = "VolatileIdempotency" THEN {} ELSE answers

Deactivate ==
    /\ phase = "On"
    /\ busy = None
    /\ phase' = "Off"
    /\ Gone
    /\ UNCHANGED <<agent, truth, effects, client, kind, seen>>

Crash ==
    /\ phase # "Down"
    /\ phase' = "Down"
    /\ Gone
    /\ UNCHANGED <<agent, truth, effects, client, kind, seen>>

Restart ==
    /\ phase = "Down"
    /\ phase' = "Off"
    /\ UNCHANGED <<agent, truth, answers, effects, client, kind, mem, busy, saved, seen>>

Next ==
    \/ \E c \in Clients, k \in Kinds : Request(c, k)
    \/ Activate
    \/ \E c \in Clients : Execute(c)
    \/ \E c \in Clients : Repeat(c)
    \/ \E c \in Clients : Refuse(c)
    \/ Commit
    \/ CommitFail
    \/ Answer
    \/ Unheard
    \/ Get
    \/ \E c \in Clients : Forget(c)
    \/ \E c \in Clients : GiveUp(c)
    \/ Deactivate
    \/ Crash
    \/ Restart

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
\* A success that was told is in the store.
DurableOnSuccess == \A c \in Clients : client[c] = "Acked" => c \in answers

\* A read gives what was committed last.
ReadAfterWrite == seen \in {Unread, truth}

\* However often an operation is sent, it takes effect once at most, and a repetition is not refused for what the first did.
IdempotencyGuarantee == \A c \in Clients : effects[c] <= 1 /\ (client[c] = "Idle" => effects[c] = 0)

\* What was told as done was done exactly once.
ExactlyOnceExecution == \A c \in Clients : client[c] = "Acked" => effects[c] = 1

-----------------------------------------------------------------------------
Fairness ==
    /\ WF_vars(Restart) /\ SF_vars(Activate) /\ SF_vars(Commit) /\ SF_vars(Answer)
    /\ \A c \in Clients : SF_vars(Execute(c)) /\ SF_vars(Repeat(c)) /\ SF_vars(Refuse(c))

LiveSpec == Spec /\ Fairness

\* Every operation is answered in the end.
EventualCompletion == \A c \in Clients : client[c] = "Waiting" ~> client[c] # "Waiting"
=============================================================================
