/**
 * Three nodes at a time: one walk for a cluster of three, several that overlap for a larger one, where the others are the model's rest.
 * A change of the view is told when its author hears that it is committed, which may be after others have gone on from it, or never.
 * So each change says what was before it: where that has not been told, it has happened by then, and what is told late was told for.
 */
import type { Micros } from '../../src/ports.js';
import type { KelpieEvent } from '../../src/story.js';
import type { TraceEvent } from '../../src/trace.js';
import type { Mapping, Observation, Step, Walks } from '../mapping.js';
import { anyOrder, at, ENDS, isEnd, look, step, told } from '../projection.js';

const HEARS = [
  ...ENDS,
  'phase',
  'boot',
  'client.invoke',
  'op.invoke',
  'node.register',
  'member.state',
  'member.deposed',
  'primary.view',
  'primary.elect',
  'primary.stepdown',
] as const;
type Heard = (typeof HEARS)[number];

const PLACES = ['n1', 'n2', 'n3'] as const;
type Place = (typeof PLACES)[number];
type MemberState = 'left' | 'joining' | 'active' | 'leaving' | 'failed';
type StateEvent = Extract<KelpieEvent, { readonly type: 'member.state' }>;

/** How a member comes from one state to another, as few changes as may be. */
const PATHS: Readonly<Record<MemberState, Readonly<Record<MemberState, readonly MemberState[]>>>> = {
  left: { left: [], joining: ['joining'], active: ['joining', 'active'], leaving: ['joining', 'leaving'], failed: ['joining', 'failed'] },
  joining: { left: ['leaving', 'left'], joining: [], active: ['active'], leaving: ['leaving'], failed: ['failed'] },
  active: { left: ['leaving', 'left'], joining: ['joining'], active: [], leaving: ['leaving'], failed: ['failed'] },
  leaving: { left: ['left'], joining: ['joining'], active: ['joining', 'active'], leaving: [], failed: ['failed'] },
  failed: {
    left: ['joining', 'leaving', 'left'],
    joining: ['joining'],
    active: ['joining', 'active'],
    leaving: ['joining', 'leaving'],
    failed: [],
  },
};

/** Of a node that is no member. */
const ENDED: ReadonlySet<MemberState> = new Set<MemberState>(['left', 'failed']);

const oneOf = (key: string, steps: readonly Step[]): Observation => ({ key, steps });
const crash = (place: Place): Observation => ({
  key: `Crash ${place}`,
  steps: [{ action: 'Crash', args: [place] }],
  still: (state) => at(state, 'part', place) !== 'Yes',
});
/** A life that was let in and had not taken part yet has nothing to end. */
const deposed = (place: Place): Observation => ({
  key: `Deposed ${place}`,
  steps: [{ action: 'Deposed', args: [place] }],
  still: (state) => at(state, 'state', place) === 'failed' && at(state, 'part', place) !== 'Yes',
});
const isWide = (wide: boolean): Observation =>
  look(wide ? 'others are members too' : 'a cluster of three', (state) => state['wide'] === wide);
/** It has cleared its claim without hearing so, or another was elected. */
const deposedPrimary = (place: Place): Observation => ({
  key: `${place} finds that it is no primary`,
  steps: [{ action: 'StepDown', args: [place] }],
  still: (state) => at(state, 'belief', place) === 'No',
});
const noPrimary = (place: Place): Observation => look(`${place} is no primary`, (state) => at(state, 'belief', place) === 'No');
const minority = (place: Place): Observation => look(`${place} stands for a minority`, ({ mandate }) => mandate === false);
/** Where the belief of one of them cannot be seen, or others were elected since, it is enough to know that no term has two. */
const inOneTerm = (a?: Place, b?: Place): Observation =>
  a === undefined || b === undefined
    ? look('two were elected in one term', () => false)
    : look(`${a} and ${b} were elected in one term`, (state) => at(state, 'belief', a) === 'Newest' && at(state, 'belief', b) === 'Newest');
/** A change that nobody has told of. */
const untold = (place: Place, from: MemberState, to: MemberState): Observation => {
  const key = `untold ${place} ${from} ${to}`;
  switch (to) {
    case 'joining':
      if (from !== 'left' && from !== 'failed') return oneOf(key, [{ action: 'Resume', args: [place] }]);
      return oneOf(key, [
        ...PLACES.map((by) => ({ action: 'Accept', args: [by, place] })),
        { action: 'AcceptedByRest', args: [place] },
        { action: 'Found', args: [place] },
      ]);
    case 'active':
      // Who has founded the cluster is active by that.
      return { key, steps: [{ action: 'Activate', args: [place] }], still: (state) => at(state, 'state', place) === 'active' };
    case 'leaving':
      return oneOf(key, [{ action: 'BeginLeave', args: [place] }]);
    case 'left':
      return oneOf(key, [{ action: 'EndLeave', args: [place] }]);
    case 'failed':
      return oneOf(key, [...PLACES.map((by) => ({ action: 'FailMember', args: [by, place] })), { action: 'FailedByRest', args: [place] }]);
  }
};
const untoldElection: Observation = oneOf('untold election', [
  ...PLACES.map((place) => ({ action: 'Elect', args: [place] })),
  { action: 'ElectRest' },
]);

/** Three nodes, and what was told of their cluster. */
class Trio {
  readonly #see: (observation: Observation) => void;
  readonly #leave: (why: string) => void;
  readonly #places: ReadonlyMap<string, Place>;
  /** The rest of a larger cluster may do what no place can have done. */
  readonly #isWide: boolean;
  readonly #states = new Map<string, MemberState>();
  /** How many changes there were, which one was the last of each member, and with which one it was active no more. */
  #changes = 0;
  readonly #changedAt = new Map<string, number>();
  readonly #activeUntil = new Map<string, number>();
  /** Of the last change of a member that is in the walk. */
  readonly #versions = new Map<string, number>();
  /** A life that takes the place of an earlier one, or founds the cluster, goes over two changes at once. */
  readonly #halves = new Map<string, { readonly step: 'Resume' | 'Found'; readonly from: MemberState }>();
  /** Of the last change of a member that was told. */
  readonly #lives = new Map<string, number>();
  /** The last change of a member that others have shown before it was told: by a view, or by a life that finds itself failed. */
  readonly #shown = new Map<string, { readonly nodeLife: number; readonly to: MemberState }>();
  /** Who was elected in which term, of those that were told. */
  readonly #chosen = new Map<number, string>();
  #term = 0;
  /** Of the election of that term; infinite while nobody has told it. */
  #termVersion = Number.POSITIVE_INFINITY;
  #primary = '';

  constructor(places: ReadonlyMap<string, Place>, wide: boolean, see: (observation: Observation) => void, leave: (why: string) => void) {
    this.#places = places;
    this.#isWide = wide;
    see(isWide(wide));
    this.#see = see;
    this.#leave = leave;
  }

  observe(event: TraceEvent): void {
    const body = told<Heard>(event);
    const place = this.#places.get(event.node);
    if (isEnd(body)) {
      if (place !== undefined) this.#see(crash(place));
      return;
    }
    switch (body.type) {
      case 'member.state':
        return this.#changed(body);
      case 'member.deposed':
        if (place === undefined) return;
        this.#reach(event.node, 'failed');
        this.#shown.set(event.node, { nodeLife: body.nodeLife, to: 'failed' });
        return this.#see(deposed(place));
      case 'primary.view':
        // The answer to its election was lost, and it reads that it was elected.
        this.#elected(event.node, body.term, true);
        for (const { node, nodeLife, state } of body.members) this.#viewed(node, nodeLife, state);
        return;
      case 'primary.elect':
        this.#elected(event.node, body.term, body.reached * 2 > body.voters);
        if (body.term === this.#term) this.#termVersion = body.version;
        return;
      case 'primary.stepdown':
        return this.#steppedDown(event.node, body.term, body.why);
      default:
    }
  }

  #state(node: string): MemberState {
    return this.#states.get(node) ?? 'left';
  }

  #set(node: string, to: MemberState): void {
    const from = this.#state(node);
    if (to === from) return;
    this.#changes++;
    if (from === 'active') this.#activeUntil.set(node, this.#changes);
    this.#changedAt.set(node, this.#changes);
    this.#states.set(node, to);
  }

  /** What was not told of the member has happened by now. */
  #reach(node: string, to: MemberState): void {
    const place = this.#places.get(node);
    let from = this.#state(node);
    for (const next of PATHS[from][to]) {
      if (place !== undefined) {
        const gone = this.#isWide ? undefined : this.#tellerGone(node, next);
        if (gone !== undefined) this.#leave(gone);
        this.#see(untold(place, from, next));
      }
      from = next;
    }
    this.#set(node, to);
  }

  /** Whoever made this change has never told, and cannot make it any more: the walk has gone past it. What it was, in words. */
  #tellerGone(node: string, to: MemberState): string | undefined {
    // It died before it told, or never heard whether the store took it.
    if (to === 'failed') return this.#primary === '' && this.#term > 0 ? 'a failure that its primary never told' : undefined;
    if (to !== 'joining') return undefined;
    const others = [...this.#places.keys()].filter((other) => other !== node);
    if (others.some((other) => this.#state(other) === 'active') || others.every((other) => ENDED.has(this.#state(other)))) return undefined;
    const since = this.#changedAt.get(node) ?? 0;
    const wasThere = others.some((other) => (this.#activeUntil.get(other) ?? 0) > since);
    return wasThere ? 'a member that was let in by one who never told' : undefined;
  }

  /** Of what a view shows, only that a life has become active, or was failed, is sure not to be behind what was told of that life. */
  #viewed(node: string, nodeLife: number, state: MemberState): void {
    if (this.#lives.get(node) !== nodeLife) return;
    const known = this.#state(node);
    const isNews = state === 'active' ? known === 'joining' : state === 'failed' && !ENDED.has(known);
    if (!isNews) return;
    this.#reach(node, state);
    this.#shown.set(node, { nodeLife, to: state });
  }

  #changed(body: StateEvent): void {
    const { member, from, to, by, version, nodeLife } = body;
    const last = this.#versions.get(member) ?? 0;
    // Later changes of the member were told before, and this one with them.
    const life = this.#lives.get(member) ?? 0;
    if (version >= 0 ? version < last : nodeLife < life || (nodeLife === life && this.#state(member) === to)) return;
    if (version > last) this.#versions.set(member, version);
    this.#lives.set(member, nodeLife);
    // A life becomes active once and is failed once, and it was told for; by a primary who was deposed when that came to the store it was not.
    const shown = this.#shown.get(member);
    const inTime = body.term >= this.#term || version < this.#termVersion;
    if (shown?.to === to && shown.nodeLife === nodeLife && (to === 'active' || inTime)) return;
    if (by !== member) {
      this.#reach(member, from);
      const chosen = this.#chosen.get(body.term);
      // Told late, when another one was elected after it: in the walk it happens now, by whom it may.
      const isLate = body.term < this.#term && version < this.#termVersion && (chosen ?? by) === by;
      if (to === 'failed' && isLate) return this.#reach(member, 'failed');
      this.#set(member, to);
      if (to === 'joining') return this.#accepted(by, member);
      if (chosen === undefined) this.#elected(by, body.term, true);
      return this.#failed(by, member);
    }
    const half = this.#halves.get(member);
    this.#halves.delete(member);
    if (to === 'failed') {
      this.#halves.set(member, { step: 'Resume', from });
    } else if (to === 'joining' && half?.step !== 'Resume') {
      this.#halves.set(member, { step: 'Found', from });
    } else if (half === undefined) {
      this.#reach(member, from);
      this.#own(member, to === 'active' ? 'Activate' : to === 'leaving' ? 'BeginLeave' : 'EndLeave', to);
    } else {
      this.#reach(member, half.from);
      if (half.step === 'Found') for (const node of this.#places.keys()) if (node !== member) this.#end(node);
      // A life that was let in and never took part is followed by another one: nothing has changed.
      if (half.step === 'Found' || half.from !== 'joining') this.#own(member, half.step, to);
    }
  }

  /** Nobody is a member when a cluster is founded. */
  #end(node: string): void {
    const state = this.#state(node);
    if (state === 'leaving') this.#reach(node, 'left');
    else if (state !== 'left') this.#reach(node, 'failed');
  }

  /** The member has changed its own state. */
  #own(member: string, action: string, to: MemberState): void {
    const place = this.#places.get(member);
    this.#set(member, to);
    if (action !== 'Activate' && action !== 'Found' && this.#primary === member) this.#primary = '';
    if (place !== undefined) this.#see(step(action, place));
  }

  #accepted(by: string, member: string): void {
    const place = this.#places.get(member);
    if (place === undefined) return;
    const host = this.#places.get(by);
    if (host !== undefined) this.#reach(by, 'active');
    this.#see(host === undefined ? step('AcceptedByRest', place) : step('Accept', host, place));
  }

  #failed(by: string, member: string): void {
    const place = this.#places.get(member);
    if (this.#primary === member) this.#primary = '';
    if (place === undefined) return;
    const primary = this.#places.get(by);
    if (primary === undefined) return this.#see(step('FailedByRest', place));
    this.#see(step('FailMember', primary, place));
  }

  #elected(node: string, term: number, majority: boolean): void {
    const chosen = this.#chosen.get(term);
    if (chosen !== undefined && chosen !== node) return this.#electedToo(node, chosen, term);
    this.#chosen.set(term, node);
    // One that is told late was told for by a later one.
    if (term <= this.#term) return;
    for (let missed = this.#term + 1; missed < term; missed++) this.#see(untoldElection);
    this.#term = term;
    this.#termVersion = Number.POSITIVE_INFINITY;
    this.#primary = node;
    const place = this.#places.get(node);
    if (place === undefined) return this.#see(step('ElectRest'));
    this.#reach(node, 'active');
    this.#see(step('Elect', place));
    if (!majority) this.#see(minority(place));
  }

  /** The term is another one's already: the store lets nobody do that. */
  #electedToo(node: string, chosen: string, term: number): void {
    const place = this.#places.get(node);
    if (term < this.#term || place === undefined) return this.#see(inOneTerm());
    this.#see(step('Elect', place));
    this.#see(inOneTerm(this.#places.get(chosen), place));
  }

  #steppedDown(node: string, term: number, why: 'no-majority' | 'leaving' | 'deposed'): void {
    const place = this.#places.get(node);
    if (place === undefined || why === 'leaving') return;
    if (why === 'deposed') return this.#see(deposedPrimary(place));
    if (term < this.#term) return this.#see(noPrimary(place));
    this.#see(this.#primary === node ? step('StepDown', place) : noPrimary(place));
    if (this.#primary === node) this.#primary = '';
  }
}

class Clusters {
  readonly #walks: Walks;
  readonly #nodes = new Set<string>();
  /** What was told before the nodes of the cluster were known. */
  readonly #before: TraceEvent[] = [];
  readonly #names: string[] = [];
  #trios: readonly Trio[] | undefined;

  constructor(walks: Walks) {
    this.#walks = walks;
  }

  observe(event: TraceEvent): void {
    const body = told<Heard>(event);
    const { node } = event;
    if (this.#trios === undefined) {
      if (body.type === 'boot') this.#nodes.add(node);
      // Clients and observers run beside the cluster.
      else if (body.type === 'client.invoke' || body.type === 'op.invoke') this.#nodes.delete(node);
    } else if (body.type === 'node.register' && !this.#nodes.has(node)) {
      this.#nodes.add(node);
      for (const name of this.#names) this.#walks.leave(name, 'a node that has come late');
    }
    if (this.#trios !== undefined) {
      for (const trio of this.#trios) trio.observe(event);
    } else if (body.type === 'phase' && body.phase !== 'setup') this.#begin(event.at);
    else if (isEnd(body) || body.type.startsWith('member.') || body.type.startsWith('primary.')) this.#before.push(event);
  }

  #begin(atMicros: Micros): void {
    const nodes = [...this.#nodes].sort();
    this.#trios = triosOf(nodes).map((trio) => {
      const name = trio.join(' ');
      this.#names.push(name);
      // The same few nodes found most clusters: who has which place depends on the run, so that over many runs everybody is everywhere.
      const order = anyOrder(PLACES, `${name} ${atMicros}`);
      const places = new Map(trio.map((node, i) => [node, order[i] ?? 'n1']));
      const made = new Trio(
        places,
        nodes.length > PLACES.length,
        (observation) => this.#walks.see(name, observation),
        (why) => this.#walks.leave(name, why),
      );
      for (const event of this.#before) made.observe(event);
      return made;
    });
    this.#before.length = 0;
  }
}

/** All of a cluster of three; in a larger one each node with the two after it. */
const triosOf = (nodes: readonly string[]): readonly (readonly string[])[] =>
  nodes.length <= PLACES.length
    ? [nodes]
    : nodes.map((_, first) => PLACES.map((_place, i) => nodes[(first + i) % nodes.length] ?? '').sort());

export const mapping: Mapping = {
  module: 'KelpieClusterMembership',
  hidden: ['Stand', 'Withdraw', 'Resign', 'Refresh', 'Fade', 'RestVacates', 'Cut', 'Heal'],
  hears: HEARS,
  start: (walks) => new Clusters(walks),
};
