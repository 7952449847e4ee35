/**
 * A node as a member of its cluster: it joins, sends heartbeats, notices who has gone, and where it is primary it fails such members
 * and frees their actors. Everything is decided in the database; memory holds a copy of the view and counts heartbeats. Safety of
 * actors rests on leases and fences alone, so a wrong suspicion costs time and nothing else.
 */
import type { Micros, NodeId, Timer } from '../../ports.js';
import { chooses } from '../choices.js';
import { KelpieError } from '../errors.js';
import type { Json } from '../json.js';
import type { NodeAccess, NodeService } from '../node.js';
import { pauseMicros } from '../retry.js';
import type { Rpc } from '../rpc.js';
import type { Runtime } from '../runtime.js';
import {
  admitMember,
  becomeActive,
  beginLeaving,
  endLeaving,
  failMember,
  foundCluster,
  resumeMembership,
  standingOf,
  stepDown,
} from './changes.js';
import { Detector } from './detector.js';
import { endFailover } from './failover.js';
import { currentView, EMPTY_VIEW, isCurrent, isPrimary, isVoter, type Member, type View } from './members.js';
import { type Accusation, decodeAck, decodeHeartbeat, decodeJoin, encodeView, HEARTBEAT, HEARTBEAT_ACK, JOIN, LEAVE } from './messages.js';
import { CLUSTER_STATE } from './messages.js';

export interface MembershipOptions {
  /** Nodes to ask to be let in, besides those that the view names. */
  readonly seeds?: readonly NodeId[];
}

/** Rounds of heartbeats after which the view is read again although nobody has told of a newer one. */
const REFRESH_ROUNDS = 5;

export class Membership implements NodeService {
  readonly name = 'membership';
  readonly #seeds: readonly NodeId[];
  readonly #detector = new Detector();
  /** Who was accused to this node of being gone, and in which round. */
  readonly #accused = new Map<NodeId, { readonly life: number; readonly round: number }>();
  readonly #wakers = new Set<() => void>();
  #access: NodeAccess | undefined;
  #rpc: Rpc | undefined;
  #view: View = EMPTY_VIEW;
  /** The members of the view. */
  #members: ReadonlyMap<NodeId, Member> = new Map();
  /** The last failure that trying again does not mend. */
  #blocked: string | undefined;
  #stale = true;
  #roundsSinceRead = 0;
  #roundsVacant = 0;
  /** The term in which this node is primary, as far as it knows. */
  #ledTerm: number | undefined;
  #over = false;
  #stopped = false;
  #changes = 0;
  #duties: Promise<void> | undefined;
  #failovers: Promise<void> | undefined;
  #running: Promise<void> | undefined;

  constructor({ seeds = [] }: MembershipOptions = {}) {
    this.#seeds = seeds;
  }

  /** The view as this node last read it. */
  get view(): View {
    return this.#view;
  }

  listen(rpc: Rpc): void {
    this.#rpc = rpc;
    rpc.handle(HEARTBEAT, (body, { from }) => this.#heard(from, body));
    rpc.handle(HEARTBEAT_ACK, (body, { from }) => this.#acknowledged(from, body));
    rpc.handle(JOIN, (body, { from }) => this.#asked(from, body));
    rpc.handle(LEAVE, () => {
      this.#stale = true;
      return undefined;
    });
    rpc.handle(CLUSTER_STATE, () => encodeView(this.#view));
  }

  start(access: NodeAccess): void {
    this.#access = access;
    this.#running = this.#run(access);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake();
    const access = this.#access;
    if (access === undefined) return;
    await Promise.all([this.#running, this.#duties, this.#failovers]);
    await this.#attempt(access.runtime, () => beginLeaving(access.runtime, this.#changeName(access.runtime)));
    for (const { node } of this.#others(access.runtime)) this.#rpc?.notify(node, LEAVE, { life: access.runtime.life });
  }

  async leave(): Promise<void> {
    const access = this.#access;
    if (access !== undefined) await this.#attempt(access.runtime, () => endLeaving(access.runtime, this.#changeName(access.runtime)));
  }

  /** Joins and takes part, one life after the other, until it is told to stop. */
  async #run(access: NodeAccess): Promise<void> {
    const { runtime } = access;
    while (!this.#stopped) {
      const joined = await this.#join(access);
      if (joined === 'stopped') return;
      if (joined === 'gave-up') return access.requestStop();
      if (joined === 'member') await this.#takePart(runtime);
      if (this.#stopped) return;
      if (!(await runtime.parts.afterOwnFailure(access))) await this.#pause(runtime, runtime.config.heartbeatMicros);
    }
  }

  async #join({ runtime, rpc }: NodeAccess): Promise<'member' | 'over' | 'stopped' | 'gave-up'> {
    const { platform, teller, config, parts } = runtime;
    let tries = 0;
    let failures = 0;
    let how: 'founded' | 'accepted' | 'resumed' = 'accepted';
    let seed: NodeId | null = null;
    this.#over = false;
    while (!this.#stopped) {
      const step = await this.#attempt(runtime, async () => {
        const { node, life } = runtime;
        this.#adopt(runtime, await currentView(runtime));
        const standing = standingOf(this.#view, node, life);
        const change = this.#changeName(runtime);
        switch (standing) {
          case 'member':
          case 'over':
            return standing;
          case 'joining':
            await becomeActive(runtime, change);
            return 'again';
          case 'earlier-life':
            if (await resumeMembership(runtime, change)) how = 'resumed';
            return 'again';
          case 'alone':
            if (await foundCluster(runtime, change)) how = 'founded';
            return 'again';
          case 'outside':
            seed = (await parts.askSeeds(runtime, rpc, this.#seedsToAsk(runtime), () => this.#stopped)) ?? null;
            return seed === null ? 'refused' : 'again';
        }
      });
      switch (step) {
        case 'member':
          teller.tell({ type: 'member.join', nodeLife: runtime.life, how, seed, tries });
          return 'member';
        case 'over':
          return 'over';
        case 'again':
          failures = 0;
          break;
        case 'refused':
          tries += 1;
          if (tries >= config.joinTries) {
            teller.tell({ type: 'member.join-fail', nodeLife: runtime.life, tries });
            return 'gave-up';
          }
          await this.#pause(runtime, pauseMicros(tries, platform.random));
          break;
        case undefined:
          failures += 1;
          await this.#pause(runtime, pauseMicros(failures, platform.random));
      }
    }
    return 'stopped';
  }

  /** Members that may let it in, then the seeds. */
  #seedsToAsk({ node }: Runtime): readonly NodeId[] {
    const members = this.#view.members.filter(({ state }) => state === 'active').map((member) => member.node);
    return [...new Set([...members, ...this.#seeds])].filter((seed) => seed !== node);
  }

  /** Rounds of heartbeats until this life is over. Heartbeats never wait for the database. */
  async #takePart(runtime: Runtime): Promise<void> {
    this.#stale = true;
    while (!this.#stopped && !this.#over) {
      this.#beat(runtime);
      this.#duties ??= this.#perform(runtime).finally(() => {
        this.#duties = undefined;
      });
      await this.#pause(runtime, runtime.config.heartbeatMicros);
    }
    await Promise.all([this.#duties, this.#failovers]);
  }

  /** One round: a heartbeat to every other member, and a look at who has missed how many. */
  #beat(runtime: Runtime): void {
    const { teller, life } = runtime;
    const { heartbeatsMissedSuspect, heartbeatsMissedFailed } = runtime.config;
    const sequence = this.#detector.next();
    const others = this.#others(runtime);
    const gone: Accusation[] = [];
    for (const member of others) {
      const missed = this.#detector.missed(member);
      if (missed >= heartbeatsMissedFailed) gone.push({ node: member.node, life: member.life });
      const suspected = missed >= heartbeatsMissedSuspect;
      if (suspected) this.#access?.nodes.suspect(member.node);
      if (!this.#detector.suspect(member, suspected)) continue;
      const about = { member: member.node, nodeLife: member.life };
      teller.tell(suspected ? { type: 'heartbeat.suspect', ...about, missed } : { type: 'heartbeat.trust', ...about });
    }
    const { version, primary } = this.#view.cluster;
    for (const { node } of others) {
      // Accusations are for the primary, who decides.
      this.#rpc?.notify(node, HEARTBEAT, { sequence, life, version, gone: node === primary ? gone.map((at) => ({ ...at })) : [] });
    }
    this.#roundsSinceRead += 1;
  }

  #others({ node }: Runtime): readonly Member[] {
    return this.#view.members.filter((member) => member.node !== node && isCurrent(member));
  }

  /** What a round brings to be done in the database. What fails is done again in a later round. */
  async #perform(runtime: Runtime): Promise<void> {
    await this.#attempt(runtime, async () => {
      if (this.#stale || this.#roundsSinceRead >= REFRESH_ROUNDS) await this.#refresh(runtime);
      if (this.#over || this.#stopped) return;
      if (isPrimary(this.#view, runtime.node, runtime.life)) await this.#performAsPrimary(runtime);
      else await this.#standForElection(runtime);
    });
  }

  async #refresh(runtime: Runtime): Promise<void> {
    this.#adopt(runtime, await currentView(runtime));
    if (standingOf(this.#view, runtime.node, runtime.life) !== 'over') return;
    this.#over = true;
    this.#wake();
  }

  #adopt(runtime: Runtime, view: View): void {
    this.#stale = false;
    this.#roundsSinceRead = 0;
    const { version } = this.#view.cluster;
    this.#view = view;
    this.#members = new Map(view.members.map((member) => [member.node, member]));
    this.#detector.watch(view, runtime.node);
    const led = this.#ledTerm;
    const leads = isPrimary(view, runtime.node, runtime.life);
    this.#ledTerm = leads ? view.cluster.term : undefined;
    if (led !== undefined && led !== this.#ledTerm) {
      runtime.teller.tell({ type: 'primary.stepdown', term: led, why: 'deposed', version: -1 });
    }
    if (leads && (led !== view.cluster.term || version !== view.cluster.version)) {
      runtime.teller.tell({
        type: 'primary.view',
        term: view.cluster.term,
        viewVersion: view.cluster.version,
        members: view.members.map(({ node, life, state }) => ({ node, nodeLife: life, state })),
        failovers: view.failovers.map(({ node }) => node),
      });
    }
  }

  /** Whether enough members answer, this one counted. */
  #hasMajority(runtime: Runtime, answers: (member: Member) => boolean): boolean {
    const voters = this.#view.members.filter(isVoter);
    const reached = voters.filter((member) => member.node === runtime.node || answers(member));
    return runtime.parts.hasMajority(reached.length, voters.length);
  }

  async #performAsPrimary(runtime: Runtime): Promise<void> {
    const { heartbeatsMissedFailed } = runtime.config;
    const { term } = this.#view.cluster;
    this.#roundsVacant = 0;
    // A member that has just joined may not have answered yet: that alone deposes nobody.
    if (!this.#hasMajority(runtime, (member) => this.#detector.missed(member) < heartbeatsMissedFailed)) {
      await stepDown(runtime, this.#changeName(runtime), term);
      // It has told so itself. Where its answer was lost, the next reading of the view tells.
      this.#ledTerm = undefined;
      return this.#refresh(runtime);
    }
    for (const member of this.#others(runtime)) {
      if (!this.#isGone(runtime, member)) continue;
      await failMember(runtime, this.#changeName(runtime), term, member);
      this.#stale = true;
    }
    if (this.#stale) await this.#refresh(runtime);
    if (this.#view.failovers.length > 0) {
      this.#failovers ??= this.#freeActors(runtime, term).finally(() => {
        this.#failovers = undefined;
      });
    }
  }

  /** It has missed too many heartbeats of this node; or as many as make it suspect, and another member accuses it. */
  #isGone(runtime: Runtime, member: Member): boolean {
    const { heartbeatsMissedSuspect, heartbeatsMissedFailed } = runtime.config;
    const missed = this.#detector.missed(member);
    if (missed >= heartbeatsMissedFailed) return true;
    const accused = this.#accused.get(member.node);
    const fresh = accused?.life === member.life && this.#detector.sequence - accused.round <= heartbeatsMissedFailed;
    return fresh && missed >= heartbeatsMissedSuspect;
  }

  /** One pass over the queue. The next round begins the next one. */
  async #freeActors(runtime: Runtime, term: number): Promise<void> {
    for (const failover of this.#view.failovers) {
      if (this.#stopped || this.#over) return;
      await this.#attempt(runtime, async () => {
        const { waiting } = await runtime.parts.failOver(runtime, term, failover);
        if (waiting > 0) return;
        await endFailover(runtime, this.#changeName(runtime), term, failover);
        this.#stale = true;
      });
    }
  }

  /** Members stand in order of their names, each a round after those before it that it can reach, so that one is elected at once. */
  async #standForElection(runtime: Runtime): Promise<void> {
    const { heartbeatsMissedSuspect } = runtime.config;
    const { node, life } = runtime;
    if (!this.#isVacant(runtime) || this.#members.get(node)?.state !== 'active') {
      this.#roundsVacant = 0;
      return;
    }
    const reaches = (member: Member): boolean => this.#detector.reaches(member, heartbeatsMissedSuspect);
    const before = this.#view.members.filter((member) => member.state === 'active' && member.node < node && reaches(member)).length;
    this.#roundsVacant += 1;
    if (this.#roundsVacant <= before || !this.#hasMajority(runtime, reaches)) return;
    const { term } = this.#view.cluster;
    const elected = await runtime.parts.electPrimary(runtime, this.#changeName(runtime), { term, reaches });
    await this.#refresh(runtime);
    if (elected !== undefined && isPrimary(this.#view, node, life)) await this.#performAsPrimary(runtime);
  }

  /** There is no primary, or none that answers. */
  #isVacant({ config }: Runtime): boolean {
    const { primary, primaryLife } = this.#view.cluster;
    const member = this.#members.get(primary);
    if (member?.life !== primaryLife || member.state !== 'active') return true;
    return this.#detector.missed(member) >= config.heartbeatsMissedFailed;
  }

  #heard(from: NodeId, body: unknown): undefined {
    const heartbeat = decodeHeartbeat(body);
    const runtime = this.#access?.runtime;
    if (heartbeat === undefined || runtime === undefined || this.#stopped) return undefined;
    const { sequence, life, version, gone } = heartbeat;
    const member = this.#members.get(from);
    const over = member !== undefined && (life < member.life || (life === member.life && !isCurrent(member)));
    if (over) {
      runtime.teller.tell({ type: 'heartbeat.late', member: from, nodeLife: life });
      void this.#attempt(runtime, () => runtime.parts.hearLate(runtime, this.#changeName(runtime), { node: from, life }));
    } else {
      for (const { node, life: goneLife } of gone) {
        if (this.#members.get(node)?.life === goneLife) this.#accused.set(node, { life: goneLife, round: this.#detector.sequence });
      }
    }
    if (version > this.#view.cluster.version) this.#stale = true;
    const acknowledgement = { sequence, life: runtime.life, version: this.#view.cluster.version, to: life };
    const acknowledge = (): void => void this.#rpc?.notify(from, HEARTBEAT_ACK, acknowledgement);
    if (chooses(runtime.platform, 'heartbeat/late-answer')) runtime.platform.clock.after(runtime.config.heartbeatMicros, acknowledge);
    else acknowledge();
    return undefined;
  }

  #acknowledged(from: NodeId, body: unknown): undefined {
    const ack = decodeAck(body);
    // An answer to a heartbeat of an earlier life says nothing of the ones of this life.
    if (ack === undefined || ack.to !== this.#access?.runtime.life) return undefined;
    this.#detector.acknowledge(from, ack.life, ack.sequence);
    if (ack.version > this.#view.cluster.version) this.#stale = true;
    return undefined;
  }

  async #asked(from: NodeId, body: unknown): Promise<Json> {
    const life = decodeJoin(body);
    const runtime = this.#access?.runtime;
    if (life === undefined || runtime === undefined || this.#stopped) return { accepted: false, why: 'not-member' };
    const admission = (await this.#attempt(runtime, () => admitMember(runtime, this.#changeName(runtime), from, life))) ?? 'unavailable';
    if (admission === 'accepted') this.#stale = true;
    return { accepted: admission === 'accepted', why: admission };
  }

  #changeName({ node, life }: Runtime): string {
    this.#changes += 1;
    return `${node}.${life}.${this.#changes}`;
  }

  /** Resolves after this long, or as soon as the node stops or its life is over. */
  #pause({ platform }: Runtime, micros: Micros): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        timer.cancel();
        this.#wakers.delete(wake);
        resolve();
      };
      const timer: Timer = platform.clock.after(micros, wake);
      this.#wakers.add(wake);
    });
  }

  #wake(): void {
    for (const wake of [...this.#wakers]) wake();
  }

  /** The result, undefined for a failure in the database: whoever asks tries again. One that time does not mend is told of, once. */
  async #attempt<T>({ teller }: Runtime, task: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await task();
      this.#blocked = undefined;
      return result;
    } catch (error) {
      if (!(error instanceof KelpieError)) throw error;
      if (!error.retriable && error.message !== this.#blocked) {
        this.#blocked = error.message;
        teller.tell({ type: 'member.blocked', code: error.code, reason: error.message });
      }
      return undefined;
    }
  }
}
