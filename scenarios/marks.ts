/** Situations worth reaching, by name: what one event shows, and what takes several. */
import type { NodeId } from '../src/ports.js';
import type { KelpieEvent } from '../src/story.js';
import type { TraceEvent, WorldEvent } from '../src/trace.js';
import type { Mark } from './scenario.js';

type Told = KelpieEvent | WorldEvent;
type Of<Type extends Told['type']> = Extract<Told, { readonly type: Type }>;

/** Marks the kind of an event, when it also has what is asked for. */
export const seen = <Type extends Told['type']>(type: Type, also: (body: Of<Type>) => boolean = () => true): Mark =>
  Object.assign((event: TraceEvent): boolean => event.body.type === type && also(event.body as Of<Type>), { hears: [type] });

/** A watch over several events: `step` is called with each and answers true where the situation is there. */
const watch = (begin: () => (body: Told, event: TraceEvent) => boolean): Mark => ({
  watch() {
    const step = begin();
    // What other programs tell has other types, which no step asks for.
    return (event) => step(event.body as Told, event);
  },
});

/** Two nodes read one actor as free to take, each before the other has taken it. */
const claimedAtOnce = watch(() => {
  const open = new Map<string, Map<string, NodeId>>();
  return (body, { node }) => {
    if (body.type === 'claim.read' && (body.decision === 'new' || body.decision === 'takeover')) {
      const claims = open.get(body.actor) ?? new Map<string, NodeId>();
      open.set(body.actor, claims.set(body.claim, node));
      return new Set(claims.values()).size > 1;
    }
    if (body.type === 'claim.commit' || body.type === 'claim.lost') open.get(body.actor)?.delete(body.claim);
    return false;
  };
});

/** A lease is judged as expired while the process of its holder is paused. */
const expiredInPause = watch(() => {
  const paused = new Set<NodeId>();
  return (body, { node }) => {
    if (body.type === 'pause') paused.add(node);
    if (body.type === 'resume' || body.type === 'kill' || body.type === 'boot') paused.delete(node);
    return body.type === 'lease.judge-expired' && paused.has(body.holder);
  };
});

/** The first event happens, and on any node the second one afterwards. */
const then = (first: (body: Told) => boolean, second: (body: Told) => boolean): Mark =>
  watch(() => {
    let begun = false;
    return (body) => {
      const completes = begun && second(body);
      begun ||= first(body);
      return completes;
    };
  });

/** A call is accepted while the actor's activation on that node is ending. */
const acceptedWhileEnding = watch(() => {
  const ending = new Set<string>();
  return (body, { node }) => {
    if (body.type === 'deactivate.start') ending.add(`${node} ${body.actor}`);
    if (body.type === 'deactivate.done' || body.type === 'activate.drop') ending.delete(`${node} ${body.actor}`);
    if (body.type === 'kill') for (const one of [...ending]) if (one.startsWith(`${node} `)) ending.delete(one);
    return body.type === 'request.accept' && ending.has(`${node} ${body.actor}`);
  };
});

/** An actor is taken over by another node before its last holder has said anything about losing it. */
const takenFromBeliever = watch(() => {
  const believes = new Map<string, NodeId>();
  return (body, { node }) => {
    if (body.type === 'claim.commit') {
      const last = believes.get(body.actor);
      believes.set(body.actor, node);
      return last !== undefined && last !== node;
    }
    if (body.type === 'lease.lost' || body.type === 'lease.expire-local' || body.type === 'claim.release') {
      if (believes.get(body.actor) === node) believes.delete(body.actor);
    }
    if (body.type === 'kill' || body.type === 'boot') for (const [actor, holder] of believes) if (holder === node) believes.delete(actor);
    return false;
  };
});

/** A key is found by another node than the one that stored it, or after that one has died. */
const keyFoundAfterDeath = watch(() => {
  const stored = new Map<string, NodeId>();
  const dead = new Set<string>();
  return (body, { node }) => {
    if (body.type === 'agent.key' && body.how === 'miss') stored.set(body.key, node);
    if (body.type === 'kill') for (const [key, by] of stored) if (by === node) dead.add(key);
    return body.type === 'agent.key' && body.how === 'hit' && dead.has(body.key);
  };
});

/** A damaged checkpoint is passed over, and an older one is whole. */
const olderCheckpoint = watch(() => {
  const damaged = new Map<NodeId, number>();
  return (body, { node }) => {
    if (body.type === 'checkpoint.damaged') damaged.set(node, body.sequence);
    return body.type === 'checkpoint.restore' && body.sequence < (damaged.get(node) ?? 0);
  };
});

/** Both ends of a migration are known to its story: the target dies before it has started what was moved to it. */
const targetDiesAfterMove = watch(() => {
  const moved = new Map<string, NodeId>();
  return (body, { node }) => {
    if (body.type === 'migrate.move') moved.set(body.migration, body.to);
    if (body.type === 'migrate.start') moved.delete(body.migration);
    return body.type === 'kill' && [...moved.values()].includes(node);
  };
});

export const registryMarks = {
  'two nodes claimed one actor at once': claimedAtOnce,
  'claim lost to another node': seen('claim.lost', ({ why }) => why === 'existing'),
  'claim whose answer was lost, found applied': seen('claim.commit', ({ version }) => version < 0),
  'actor claimed again by the life that held it': seen('claim.read', ({ decision }) => decision === 'again'),
  'actor claimed by a later life of its node': seen('claim.read', ({ decision }) => decision === 'stale-life'),
  'claim refused for capacity': seen('claim.lost', ({ why }) => why === 'no-capacity'),
  'claim sent elsewhere by placement': seen('claim.read', ({ decision }) => decision === 'elsewhere'),
  'release that found another holder': seen('claim.release-void'),
  'placement of an earlier life swept away': seen('node.sweep'),
} satisfies Readonly<Record<string, Mark>>;

export const leaseMarks = {
  'actor taken over from a holder that was gone': seen('claim.read', ({ decision }) => decision === 'takeover'),
  'lease expired while its holder was paused': expiredInPause,
  'actor taken over from a holder that still believed': takenFromBeliever,
  'lease given up in time by its holder': seen('lease.expire-local'),
  'lease found lost by its holder': seen('lease.lost'),
  'lease renewed after it was judged as expired': then(
    (body) => body.type === 'lease.judge-expired',
    (body) => body.type === 'lease.renew',
  ),
  'commit of a deposed holder refused': seen('commit.fenced'),
} satisfies Readonly<Record<string, Mark>>;

export const commitMarks = {
  'commit conflicted': seen('commit.conflict'),
  'commit with an unknown result': seen('commit.unknown'),
  'unknown commit found applied': seen('commit.resolved', ({ applied }) => applied),
  'unknown commit found not applied': seen('commit.resolved', ({ applied }) => !applied),
  'invocation tried again': seen('invoke.start', ({ tries }) => tries > 1),
  'writes rolled back': seen('rollback'),
} satisfies Readonly<Record<string, Mark>>;

export const activationMarks = {
  'activation failed': seen('activate.fail'),
  'activation dropped': seen('activate.drop'),
  'actor deactivated for idleness': seen('deactivate.start', ({ reason }) => reason === 'idle'),
  'actor deactivated by a shutdown': seen('deactivate.start', ({ reason }) => reason === 'shutdown'),
  'what a deactivation changed was dropped': seen('deactivate.done', ({ outcome }) => outcome === 'failed'),
  'call accepted while its actor was ending': acceptedWhileEnding,
} satisfies Readonly<Record<string, Mark>>;

export const callMarks = {
  'call forwarded': seen('forward'),
  'call forwarded more than once': seen('forward', ({ hops }) => hops > 1),
  'forward that was not answered': seen('forward.fail', ({ why }) => why === 'timeout'),
  'forward to a node that was not the owner': seen('forward.fail', ({ why }) => why === 'not-owner'),
  'repeated request answered from its record': seen('request.duplicate', ({ how }) => how === 'stored'),
  'repeated request joined to the one under way': seen('request.duplicate', ({ how }) => how === 'joined'),
  'call back into the chain rejected': seen('call.reject'),
  'client left without knowing': seen('client.answer', ({ outcome }) => outcome === 'unknown'),
} satisfies Readonly<Record<string, Mark>>;

export const loadMarks = {
  'call refused as overloaded': seen('request.refuse', ({ code }) => code === 'overloaded'),
  'call accepted as the last that may wait': seen('request.accept', ({ pending, limit }) => pending === limit),
  'client told that it was too much': seen('client.answer', ({ code }) => code === 'overloaded'),
} satisfies Readonly<Record<string, Mark>>;

export const stopMarks = {
  'call refused by a node that shuts down': seen('request.refuse', ({ code }) => code === 'shutting-down'),
  'node stopped with calls under way': seen('node.stop', ({ pending }) => pending > 0),
  'calls abandoned at the bound of a shutdown': seen('node.leave', ({ abandoned }) => abandoned > 0),
} satisfies Readonly<Record<string, Mark>>;

export const memberMarks = {
  'member suspected': seen('heartbeat.suspect'),
  'suspected member trusted again': seen('heartbeat.trust'),
  'late heartbeat of a life that was failed': seen('heartbeat.late'),
  'member failed': seen('member.state', ({ to }) => to === 'failed'),
  'node deposed while it ran': seen('member.deposed'),
  'actor of a failed member freed': seen('failover.actor'),
  'failover brought to its end': seen('failover.done'),
  'membership resumed by a later life': seen('member.join', ({ how }) => how === 'resumed'),
  'member left in order': seen('member.state', ({ to }) => to === 'left'),
  'node let in by a member': seen('member.join', ({ how }) => how === 'accepted'),
  'primary elected again': seen('primary.elect', ({ term }) => term > 1),
  'primary without a majority stepped down': seen('primary.stepdown', ({ why }) => why === 'no-majority'),
  'quorum lost and regained': then(
    (body) => body.type === 'primary.stepdown' && body.why === 'no-majority',
    (body) => body.type === 'primary.elect',
  ),
} satisfies Readonly<Record<string, Mark>>;

export const migrationMarks = {
  'actor moved': seen('migrate.move'),
  'move whose answer was lost, found applied': seen('migrate.move', ({ version }) => version < 0),
  'migration refused by its target': seen('migrate.abort', ({ step }) => step === 'prepare'),
  'migration aborted after its actor was stopped': seen('migrate.abort', ({ step }) => step === 'transfer'),
  'migration aborted after the transfer': seen('migrate.abort', ({ step }) => step === 'move'),
  'target died between move and start': targetDiesAfterMove,
} satisfies Readonly<Record<string, Mark>>;
export const walMarks = {
  'replay with two pending': seen('wal.recover', ({ pending }) => pending > 1),
  'torn end of the log cut': seen('wal.recover', ({ cutBytes }) => cutBytes > 0),
  'log of several segments recovered': seen('wal.recover', ({ segments }) => segments > 1),
  'operation replayed': seen('wal.replay'),
  'segment cleaned up': seen('wal.cleanup'),
  'pending operation carried to a newer segment': seen('wal.cleanup', ({ carried }) => carried > 0),
} satisfies Readonly<Record<string, Mark>>;

export const checkpointMarks = {
  'checkpoint restored': seen('checkpoint.restore'),
  'checkpoint damaged': seen('checkpoint.damaged'),
  'checkpoint damaged and an older one taken': olderCheckpoint,
} satisfies Readonly<Record<string, Mark>>;

export const agentMarks = {
  'idempotency key found': seen('agent.key', ({ how }) => how === 'hit'),
  'idempotency key found after its node had died': keyFoundAfterDeath,
  'idempotency key used for another request': seen('agent.key', ({ how }) => how === 'mismatch'),
  'idempotency key of a message under way': seen('agent.key', ({ how }) => how === 'in-progress'),
  'agent made again after it was deleted': then(
    (body) => body.type === 'agent.delete',
    (body) => body.type === 'agent.create',
  ),
  'agent looked for in vain': seen('agent.get', ({ incarnation }) => incarnation === null),
} satisfies Readonly<Record<string, Mark>>;

export const loopMarks = {
  'step of a message handed out again': seen('message.step', ({ how }) => how === 'resumed'),
  'message failed': seen('message.end', ({ status }) => status === 'failed'),
  'message ended at its last iteration': seen('message.end', ({ code }) => code === 'iterations'),
  'peer asked again': seen('peer.call', ({ attempt }) => attempt > 1),
  'peer that did not answer': seen('peer.answer', ({ outcome }) => outcome === 'timeout'),
  'tool called': seen('message.step', ({ kind }) => kind === 'tool'),
  'agent paused': seen('message.step', ({ kind }) => kind === 'pause'),
  'agent asked another one': seen('message.step', ({ kind }) => kind === 'ask'),
  'message taken over by another node': seen('drive.takeover'),
} satisfies Readonly<Record<string, Mark>>;

/** What becomes of agents where everything else goes on around them. */
export const agentLifeMarks = {
  'agent created': seen('agent.create'),
  'agent changed': seen('agent.update'),
  'agent deleted': seen('agent.delete'),
  'message answered': seen('message.end', ({ status }) => status === 'done'),
  'step given back by a node that stops': seen('message.release'),
  'agent refused to ask one that waits for it': seen('invoke.end', ({ outcome }) => outcome === 'reentrant'),
  'journal found damaged, and gone on without': seen('journal.unusable'),
} satisfies Readonly<Record<string, Mark>>;
