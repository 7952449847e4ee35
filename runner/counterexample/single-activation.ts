/** Plays counterexamples of KelpieSingleActivation: three nodes, one actor, and a client at each node. */
import { KelpieNode } from '../../src/kelpie/node.js';
import { databaseErrorCode, type Micros, type NodeId, type Platform } from '../../src/ports.js';
import { Caller, directedActors } from './directed-actor.js';
import { commits, Departure, type Director, named, refusal, tells, type Told } from './director.js';
import type { Direction, Play, TakenStep } from './direction.js';
import { nodeNames } from './stage.js';

const SECOND: Micros = 1_000_000;
const NODES = nodeNames(3);
const LEASE_MICROS: Micros = 2 * SECOND;

/**
 * Leases are short, so that a transaction can wait at the seam for one to run out: the database forgets it after five seconds. They
 * are renewed late, so that nothing is on its way but what a step is about.
 */
const CONFIG = {
  leaseMicros: LEASE_MICROS,
  leaseRenewMicros: 1_600_000,
  leaseGraceMicros: 200_000,
  leaseSkewMicros: 100_000,
  forwardMicros: 200_000,
  nodeListMicros: 0,
  suspectMicros: 0,
} as const;

/** A node that claims may have to wait for a lease to run out. */
const CLAIM_MICROS: Micros = 3 * LEASE_MICROS;

/** A claim that may be made. */
const mayClaim = (body: Told): boolean => body.type === 'claim.read' && ['new', 'again', 'stale-life', 'takeover'].includes(body.decision);

class SingleActivationPlay implements Play {
  readonly #director: Director;
  readonly #callers: ReadonlyMap<NodeId, Caller>;
  /** Nodes at which a call waits for the actor. */
  readonly #called = new Set<NodeId>();
  #holder: NodeId = 'nobody';
  /** The holder could not activate the actor, and nobody has claimed it since. */
  #holderFailed = false;

  constructor(director: Director, callers: ReadonlyMap<NodeId, Caller>) {
    this.#director = director;
    this.#callers = callers;
    // Else a call would be served by the node that holds the actor, instead of making its own node claim it.
    director.part();
  }

  async take({ action }: TakenStep, ahead: readonly TakenStep[]): Promise<string> {
    const director = this.#director;
    const node = named(action.args[0]);
    switch (action.name) {
      case 'ClaimRead': {
        this.#call(node, ahead);
        director.gate(node, 'reads');
        await director.until({ node, sees: mayClaim, withinMicros: CLAIM_MICROS });
        await director.untilWaits(node, 'commit');
        return `a call reaches ${node}, which reads placement and lease; its next commit is held`;
      }
      case 'ClaimCommit': {
        const next = ahead.find((step) => step.action.args[0] === node)?.action.name;
        director.gate(node, 'closed');
        if (next === 'ActivateFail') {
          director.failReads(node, databaseErrorCode.ioError);
          director.once(node, tells('activate.fail'), () => {
            director.failReads(node, undefined);
            director.gate(node, 'closed');
            // Where nobody else takes the actor, its caller would call again, and it would come up after all.
            if (!ahead.some((step) => step.action.name === 'ClaimRead')) director.silence(callerOf(node));
          });
        }
        director.release(node, 'commit');
        await director.until({ node, sees: commits, departs: refusal });
        this.#holder = node;
        this.#holderFailed = false;
        return `the claim of ${node} is let through`;
      }
      case 'Activate': {
        director.gate(node, 'reads');
        await director.until({
          node,
          sees: tells('activate.done'),
          departs: (body) => (body.type === 'activate.fail' ? `${node} fails to activate the actor (${body.code})` : undefined),
        });
        // The call that made it claim runs now; its commit is held.
        if (writes(node, ahead)) await director.untilWaits(node, 'commit');
        return `${node} is let load the actor, and serves it; its commits are held`;
      }
      case 'ActivateFail': {
        director.gate(node, 'reads');
        await director.until({ node, sees: tells('activate.fail') });
        this.#holderFailed = node === this.#holder;
        return `what ${node} reads of the actor fails`;
      }
      case 'StopServing': {
        this.#watch(ahead);
        await director.until({ node, sees: tells('lease.expire-local', 'deactivate.start', 'activate.drop') });
        return `renewals of ${node} are held until it stops by its own clock`;
      }
      case 'LeaseEnds': {
        this.#watch(ahead);
        const expires = ahead.find((step) => step.action.name === 'LeaseExpires');
        // A holder that serves on renews, too: that nobody can take its lease for expired then is what is tried.
        if (expires === undefined || !this.#serves(expires)) return `no renewal of ${this.#holder} is let through any more`;
        director.gate(this.#holder, 'open');
        return `time passes, while ${this.#holder} serves and renews its lease`;
      }
      case 'LeaseExpires': {
        const challenger = this.#watch(ahead);
        const otherwise = `${challenger} does not take the lease of ${this.#holder} for expired`;
        const sees = (body: Told): boolean => body.type === 'lease.judge-expired';
        await director.until({ node: challenger, sees, withinMicros: CLAIM_MICROS, otherwise });
        return `${challenger} takes the lease of ${this.#holder} for expired`;
      }
      case 'WriteApply': {
        if (!director.release(node, 'commit')) throw new Departure(`${node} has no commit under way`);
        await director.until({ node, sees: commits, departs: refusal });
        return `the commit of ${node} that was held is let through`;
      }
      case 'WriteDone': {
        await director.until({ node, sees: tells('commit.done') });
        return `${node} hears of its commit`;
      }
      case 'WriteFenced': {
        director.gate(node, 'open');
        await director.until({ node, sees: tells('commit.fenced') });
        return `${node} tries to commit`;
      }
      case 'Renew': {
        director.gate(node, 'open');
        await director.until({ node, sees: tells('lease.renew') });
        return `the renewal of ${node} is let through`;
      }
      case 'Release': {
        director.gate(node, 'open');
        const body = await director.until({ node, sees: tells('claim.release', 'claim.release-void') });
        const found = body.type === 'claim.release' ? 'takes effect' : 'finds another claim and changes nothing';
        return `the release of ${node} is let through: it ${found}`;
      }
      case 'ClaimLost': {
        director.gate(node, 'open');
        await director.until({ node, sees: tells('claim.lost') });
        return `the claim of ${node} ends without the actor`;
      }
      case 'Pause':
        director.world.pause(node);
        return `the process of ${node} is stopped`;
      case 'Resume':
        director.world.resume(node);
        return `the process of ${node} goes on`;
      case 'Crash':
        director.world.kill(node, 'counterexample');
        this.#called.delete(node);
        return `${node} is killed`;
      case 'Restart':
        director.gate(node, 'open');
        director.world.restart(node);
        await director.until({ node, sees: tells('node.register') });
        return `${node} starts again`;
      default:
        throw new Error(`no direction for ${action.label}`);
    }
  }

  async witness(): Promise<void> {
    const director = this.#director;
    // While nodes cannot hear one another, whoever still thinks that it holds the actor serves it.
    if (!this.#holderFailed) {
      for (const node of NODES) if (director.world.isUp(node) && this.#called.has(node)) this.#callers.get(node)?.look();
    }
    await director.sleep(SECOND / 20);
    if (this.#holderFailed) {
      // What is not given back is renewed, and renewed again.
      director.gate(this.#holder, 'open');
      await director.sleep(2 * LEASE_MICROS);
    }
    director.letGo();
    // Whoever thinks it holds the actor serves it, then everybody once every lease of before has run out.
    for (const pass of [0, 2 * LEASE_MICROS]) {
      await director.sleep(pass);
      for (const node of NODES) {
        if (!director.world.isUp(node)) continue;
        this.#callers.get(node)?.play(['SetState', 'PutKv']);
        this.#callers.get(node)?.look();
        await director.sleep(SECOND / 2);
      }
    }
    const deadline = director.world.now() + 30 * SECOND;
    while (director.world.now() < deadline && [...this.#callers.values()].some(({ idle }) => !idle)) await director.sleep(SECOND / 10);
  }

  end(): void {
    for (const caller of this.#callers.values()) caller.end();
  }

  /** A call comes to the node, unless one waits there; one that writes, when a write of the node is to come. */
  #call(node: NodeId, ahead: readonly TakenStep[]): void {
    if (this.#called.has(node)) return;
    this.#called.add(node);
    if (writes(node, ahead)) this.#callers.get(node)?.play(['SetState', 'PutKv']);
    else this.#callers.get(node)?.look();
  }

  /** Whether the holder is active in the model after this step. */
  #serves({ state }: TakenStep): boolean {
    return (state['phase'] as Readonly<Record<string, string>>)[this.#holder] === 'Active';
  }

  /** The node that is to find the lease expired begins to look at it: the one that claims next, else any but the holder. */
  #watch(ahead: readonly TakenStep[]): NodeId {
    const claims = ahead.find(({ action }) => action.name === 'ClaimRead')?.action.args[0];
    const challenger = claims === undefined ? (NODES.find((node) => node !== this.#holder) ?? this.#holder) : named(claims);
    this.#director.gate(challenger, 'reads');
    this.#call(challenger, ahead);
    return challenger;
  }
}

/** The client that calls at this node; the script is the first one. */
const callerOf = (node: NodeId): NodeId => `c${NODES.indexOf(node) + 2}`;

const writes = (node: NodeId, ahead: readonly TakenStep[]): boolean =>
  ahead.some(({ action }) => action.name.startsWith('Write') && action.args[0] === node);

export const singleActivationDirection: Direction = {
  module: 'KelpieSingleActivation',
  nodes: NODES.length,
  actions: [
    'ClaimRead',
    'ClaimCommit',
    'ClaimLost',
    'Activate',
    'ActivateFail',
    'Renew',
    'WriteApply',
    'WriteDone',
    'WriteFenced',
    'StopServing',
    'Release',
    'Pause',
    'Resume',
    'Crash',
    'Restart',
    'LeaseEnds',
    'LeaseExpires',
  ],
  serve: (platform: Platform, parts) => new KelpieNode(platform, { config: CONFIG, parts, actors: directedActors }).run(),
  begin() {
    const callers = new Map(NODES.map((node) => [node, new Caller(node)]));
    return {
      clients: [...callers.values()].map((caller) => (platform: Platform) => caller.run(platform)),
      play: (director) => new SingleActivationPlay(director, callers),
    };
  },
};
