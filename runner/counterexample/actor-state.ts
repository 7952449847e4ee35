/** Plays counterexamples of KelpieActorState: one actor on one node, whose invocation goes from turn to turn; a second node to depose it. */
import { KelpieNode } from '../../src/kelpie/node.js';
import { databaseErrorCode, type Micros, type NodeId, type Platform } from '../../src/ports.js';
import { Caller, directedActors, type Turn, TURNS } from './directed-actor.js';
import { commits, type Director, refusal, tells, type Told } from './director.js';
import type { Direction, Play, TakenStep } from './direction.js';
import { nodeNames } from './stage.js';

const SECOND: Micros = 1_000_000;
const [NODE, OTHER] = nodeNames(2) as readonly [NodeId, NodeId];
const LEASE_MICROS: Micros = 4 * SECOND;
const IDLE_MICROS: Micros = 1 * SECOND;

const CONFIG = {
  leaseMicros: LEASE_MICROS,
  leaseRenewMicros: SECOND,
  leaseGraceMicros: 200_000,
  leaseSkewMicros: 100_000,
  idleMicros: IDLE_MICROS,
  nodeListMicros: 0,
} as const;

/** Ends an invocation, in the model and so in the actor. */
const ENDS: ReadonlySet<string> = new Set(['Fail', 'CommitSend', 'InvokeEnd', 'Drop', 'Crash']);

class ActorStatePlay implements Play {
  readonly #director: Director;
  readonly #caller: Caller;
  readonly #other: Caller;

  constructor(director: Director, caller: Caller, other: Caller) {
    this.#director = director;
    this.#caller = caller;
    this.#other = other;
  }

  async take(step: TakenStep, ahead: readonly TakenStep[]): Promise<string> {
    const { action } = step;
    const director = this.#director;
    switch (action.name) {
      case 'Activate': {
        const turns = nextInvocation(ahead);
        if (turns === undefined) this.#caller.look();
        else this.#play(turns);
        await this.#until('activate.load');
        return `a call reaches ${NODE}, which claims and loads the actor`;
      }
      case 'InvokeStart':
        // The first one is what the actor was activated for.
        if (this.#caller.idle) this.#play(nextInvocation([step, ...ahead]) ?? []);
        await this.#until('invoke.start');
        return 'the call is served; it waits for its first turn';
      case 'SetState':
        await this.#turn();
        return 'it changes the state in memory';
      case 'PutKv':
        await this.#turn();
        await this.#until('kv.write');
        return 'it writes a key';
      case 'Fail':
        await this.#turn();
        return 'it throws';
      case 'InvokeEnd':
        director.gate(NODE, 'reads');
        await this.#until('invoke.end');
        return 'it ends without a change';
      case 'CommitSend': {
        const lost = ahead.findIndex((later) => later.action.name === 'CommitUnknown');
        const applied = ahead.findIndex((later) => later.action.name === 'CommitApply');
        if (lost >= 0) {
          const verdict = { kind: 'fail', code: databaseErrorCode.commitUnknownResult, applied: applied >= 0 && applied < lost } as const;
          director.answerNextCommit(NODE, verdict);
        }
        director.gate(NODE, 'reads');
        await this.#until('commit.start');
        if (lost < 0) await director.untilWaits(NODE, 'commit');
        return lost < 0 ? 'it ends, and its commit is held on its way' : 'it ends, and the answer to its commit will be lost';
      }
      case 'CommitApply':
        director.gate(NODE, 'closed');
        director.release(NODE, 'commit');
        await director.until({ node: NODE, sees: commits, departs: refusal });
        return 'the commit is let through';
      case 'CommitDone':
        await this.#until('commit.done');
        return `${NODE} hears that it is in`;
      case 'CommitUnknown':
        director.gate(NODE, 'open');
        // A runtime that takes it for a failure tells no more than that it undoes the invocation.
        await director.untilTrue(`${NODE} hears of it`, () =>
          director.hasTold(NODE, tells('commit.unknown', 'commit.conflict', 'rollback')),
        );
        return `${NODE} hears nothing of it`;
      case 'CommitFailed':
        director.gate(NODE, 'open');
        await director.until({ node: NODE, sees: tells('commit.conflict', 'commit.fenced') });
        return 'the commit is refused';
      case 'ResolvedApplied':
      case 'ResolvedLost':
        director.gate(NODE, 'open');
        await this.#until('commit.resolved');
        return `${NODE} reads back what became of it`;
      case 'Rollback':
        await director.until({
          node: NODE,
          sees: tells('rollback'),
          departs: (body) => (body.type === 'commit.resolved' && body.applied ? `${NODE} finds out that the commit is in` : undefined),
        });
        return `${NODE} undoes it in memory`;
      case 'DeactivateStart':
        director.gate(NODE, 'open');
        await this.#until('deactivate.start');
        return 'no call comes until the actor is deactivated';
      case 'DeactivateDone':
        director.gate(NODE, 'open');
        await this.#until('deactivate.done');
        return 'its deactivation ends';
      case 'Crash':
        director.world.kill(NODE, 'counterexample');
        return `${NODE} is killed`;
      case 'Restart':
        director.gate(NODE, 'open');
        director.world.restart(NODE);
        await this.#until('node.register');
        return `${NODE} starts again`;
      default:
        throw new Error(`no direction for ${action.label}`);
    }
  }

  async witness(): Promise<void> {
    const director = this.#director;
    director.letGo();
    await director.sleep(SECOND / 10);
    // In memory, from the store by the same activation, and by another one on another node.
    this.#caller.look();
    await this.#answered();
    await director.sleep(2 * IDLE_MICROS);
    this.#other.look();
    await this.#answered();
    this.#other.play(['SetState', 'PutKv']);
    this.#other.look();
    await this.#answered();
  }

  end(): void {
    this.#caller.end();
    this.#other.end();
  }

  /** A call comes, and waits where it is served. */
  #play(turns: readonly Turn[]): void {
    this.#director.once(NODE, tells('invoke.start'), () => this.#director.gate(NODE, 'closed'));
    this.#caller.play(turns);
  }

  /** The next turn is taken when the read before it is let through, and over when the one after it waits. */
  async #turn(): Promise<void> {
    const director = this.#director;
    director.gate(NODE, 'reads');
    director.once(
      NODE,
      (body) => body.type === 'kv.read' && body.key.startsWith('turn/'),
      () => director.gate(NODE, 'closed'),
    );
    await director.until({ node: NODE, sees: (body) => body.type === 'kv.read' && body.key.startsWith('turn/') });
  }

  async #until(what: Told['type']): Promise<void> {
    await this.#director.until({ node: NODE, sees: tells(what) });
  }

  async #answered(): Promise<void> {
    const director = this.#director;
    const deadline = director.world.now() + 20 * SECOND;
    while (director.world.now() < deadline && !(this.#caller.idle && this.#other.idle)) await director.sleep(SECOND / 100);
  }
}

/** What the invocation that begins next does, turn by turn; undefined when none begins. One that the counterexample leaves open fails. */
function nextInvocation(ahead: readonly TakenStep[]): readonly Turn[] | undefined {
  const begin = ahead.findIndex(({ action }) => action.name === 'InvokeStart');
  if (begin < 0) return undefined;
  const rest = ahead.slice(begin + 1).map(({ action }) => action.name);
  const end = rest.findIndex((name) => ENDS.has(name));
  const turns = rest.slice(0, end < 0 ? undefined : end).filter((name): name is Turn => (TURNS as readonly string[]).includes(name));
  return end < 0 || rest[end] === 'Fail' ? [...turns, 'Fail'] : turns;
}

export const actorStateDirection: Direction = {
  module: 'KelpieActorState',
  nodes: 2,
  actions: [
    'Activate',
    'InvokeStart',
    'SetState',
    'PutKv',
    'Fail',
    'InvokeEnd',
    'CommitSend',
    'CommitApply',
    'CommitDone',
    'CommitUnknown',
    'CommitFailed',
    'ResolvedApplied',
    'ResolvedLost',
    'Rollback',
    'DeactivateStart',
    'DeactivateDone',
    'Crash',
    'Restart',
  ],
  serve: (platform: Platform, parts) => new KelpieNode(platform, { config: CONFIG, parts, actors: directedActors }).run(),
  begin() {
    const [caller, other] = [new Caller(NODE), new Caller(OTHER)];
    return {
      clients: [caller, other].map((one) => (platform: Platform) => one.run(platform)),
      play: (director) => new ActorStatePlay(director, caller, other),
    };
  },
};
