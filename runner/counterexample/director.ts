/**
 * Directs a simulated run step by step, through the seams where faults answer. Each node has a gate: requests to the database and
 * operations on its disk that may not pass wait there until they are let through, one by one or all at once. So whatever a model calls
 * a step of its own (a commit that is in the store before its caller hears of it) can be made to happen next, and nothing else.
 */
import type { Clock, Micros, NodeId } from '../../src/ports.js';
import type { PlannedFault } from '../../src/sim/fault-plan.js';
import type { DatabaseVerdict, DiskVerdict, Held, PacketVerdict, SeamEvent, World } from '../../src/sim/seams.js';
import type { KelpieEvent } from '../../src/story.js';
import type { TraceEvent, WorldEvent } from '../../src/trace.js';
import type { TlaValue } from '../tla/tla-value.js';

/** What a node does next that may pass its gate. */
export type Gate = 'open' | 'all but commits' | 'writes' | 'reads' | 'closed';

/** Body of an event of the story or of the world. */
export type Told = KelpieEvent | WorldEvent;

/** The name that an action's argument is; actions of the modules that are played have no others. */
export const named = (argument: TlaValue | undefined): string => (typeof argument === 'string' ? argument : '');

/** Whether an event is of one of these types. */
export const tells =
  (...types: readonly Told['type'][]) =>
  (body: Told): boolean =>
    types.includes(body.type);

/** The database has taken a commit. */
export const commits = (body: Told): boolean => body.type === 'database' && body.operation === 'commit' && body.outcome === 'committed';

/** The database has refused one, in words. */
export const refusal = (body: Told): string | undefined =>
  body.type === 'database' && body.operation === 'commit' && body.outcome === 'failed'
    ? `the database refuses the commit (${JSON.stringify(body['code'])})`
    : undefined;

/** The runtime did something else than the step that was to come. */
export class Departure extends Error {
  override readonly name = 'Departure';
}

export interface Wanted {
  readonly node: NodeId;
  /** Whether this event says that the step has happened. */
  readonly sees: (body: Told) => boolean;
  /** Whether it says that something else has; in words. */
  readonly departs?: (body: Told) => string | undefined;
  readonly withinMicros?: Micros;
  /** What to say when it does not come. */
  readonly otherwise?: string;
}

interface Waiting {
  readonly node: NodeId;
  readonly operation: string;
  readonly held: Held;
}

interface Reaction {
  readonly node: NodeId;
  readonly sees: (body: Told) => boolean;
  readonly act: () => void;
}

const SECOND: Micros = 1_000_000;
const POLL_MICROS: Micros = 100;
/** Until a step that does not come is given up. */
const PATIENCE_MICROS: Micros = 8 * SECOND;

/** Operations that pass a gate for reads; disks have `write` and `sync` beside them, databases `commit`. */
const READS: ReadonlySet<string> = new Set(['read-version', 'read', 'watch', 'open', 'list']);

export class Director {
  /** Everything that was told so far, packets left out. */
  readonly story: TraceEvent[] = [];
  readonly #gates = new Map<NodeId, Gate>();
  readonly #failingReads = new Map<NodeId, number>();
  readonly #nextCommit = new Map<NodeId, DatabaseVerdict>();
  #waiting: Waiting[] = [];
  #reactions: Reaction[] = [];
  /** Events before it belong to steps that are over. */
  #cursor = 0;
  readonly #silent = new Set<NodeId>();
  #parted = false;
  #ended = false;
  #asked: { readonly node: NodeId; readonly operation: string } | undefined;
  #world: World | undefined;
  #clock: Clock | undefined;

  /** What stands at the seams of the world for this director, in the form in which faults do. */
  readonly faults: readonly PlannedFault[] = [
    { id: 'director/world', strike: (world) => void (this.#world = world) },
    { id: 'director/packet', seam: 'packet', judge: (event) => this.#judgePacket(event) },
    ...(['database', 'disk'] as const).map(
      (seam): PlannedFault => ({
        id: `director/${seam}`,
        seam,
        judge: (event) => this.#judge(event),
        held: (held) => {
          if (this.#asked !== undefined) this.#waiting.push({ ...this.#asked, held });
        },
      }),
    ),
  ];

  /** The world, from the moment on that the run's faults begin. */
  get world(): World {
    if (this.#world === undefined) throw new Error('the director was asked for the world before it was handed over');
    return this.#world;
  }

  /** The script begins: it waits by this clock, and what was told before is not part of it. */
  begin(clock: Clock): void {
    this.#clock = clock;
    this.#cursor = this.story.length;
  }

  /** The script is over: what comes now is not part of it. */
  end(): void {
    this.letGo();
    this.#ended = true;
  }

  observe(event: TraceEvent): void {
    if (this.#ended) return;
    this.story.push(event);
    const body = event.body as Told;
    const reactions = this.#reactions.filter(({ node, sees }) => node === event.node && sees(body));
    this.#reactions = this.#reactions.filter((reaction) => !reactions.includes(reaction));
    for (const { act } of reactions) act();
  }

  /** From now on; what waits and may pass goes on. */
  gate(node: NodeId, gate: Gate): void {
    this.#gates.set(node, gate);
    const passing = this.#waiting.filter((one) => one.node === node && passes(gate, one.operation));
    this.#waiting = this.#waiting.filter((one) => !passing.includes(one));
    for (const { held } of passing) held.release();
  }

  /** Every gate is open, no read fails, and nodes hear one another again. */
  letGo(): void {
    this.#reactions = [];
    this.#failingReads.clear();
    this.#nextCommit.clear();
    this.#silent.clear();
    this.#parted = false;
    for (const node of this.#gates.keys()) this.gate(node, 'open');
  }

  /** Nodes do not reach one another; clients reach every node. */
  part(): void {
    this.#parted = true;
  }

  /** Nothing that this client or node sends or is sent arrives. */
  silence(node: NodeId): void {
    this.#silent.add(node);
  }

  /** Reads of the node fail with this code of the database; undefined: no more. */
  failReads(node: NodeId, code: number | undefined): void {
    if (code === undefined) this.#failingReads.delete(node);
    else this.#failingReads.set(node, code);
  }

  /** What becomes of the node's next commit, instead of waiting at its gate. */
  answerNextCommit(node: NodeId, verdict: DatabaseVerdict): void {
    this.#nextCommit.set(node, verdict);
  }

  /** Acts at once when this is told the next time, before anything else can happen. */
  once(node: NodeId, sees: (body: Told) => boolean, act: () => void): void {
    this.#reactions.push({ node, sees, act });
  }

  waits(node: NodeId, operation: string): boolean {
    return this.#waiting.some((one) => one.node === node && one.operation === operation);
  }

  /** Lets the oldest such operation through; false when none waits. */
  release(node: NodeId, operation: string): boolean {
    const found = this.#waiting.find((one) => one.node === node && one.operation === operation);
    if (found === undefined) return false;
    this.#waiting = this.#waiting.filter((one) => one !== found);
    found.held.release();
    return true;
  }

  /** Resolves when such an operation waits at the gate. Rejects with Departure when none comes, or when something else `departs`. */
  async untilWaits(node: NodeId, operation: string, departs?: () => string | undefined): Promise<void> {
    await this.untilTrue(`${node} asks for no ${operation}`, () => {
      if (this.waits(node, operation)) return true;
      const why = departs?.();
      if (why !== undefined) throw new Departure(why);
      return false;
    });
  }

  /** Resolves when it holds. Rejects with Departure, in these words, when that takes too long. */
  untilTrue(otherwise: string, holds: () => boolean): Promise<void> {
    return this.#poll(otherwise, PATIENCE_MICROS, holds);
  }

  /** Resolves with what tells that the step has happened, which may be before. Rejects with Departure when it does not. */
  async until({ node, sees, departs, withinMicros = PATIENCE_MICROS, otherwise = `${node} does not get that far` }: Wanted): Promise<Told> {
    let found: TraceEvent | undefined;
    let at = this.#cursor;
    await this.#poll(otherwise, withinMicros, () => {
      for (; at < this.story.length; at++) {
        const event = this.story[at];
        if (event?.node !== node) continue;
        const body = event.body as Told;
        const why = departs?.(body);
        if (why !== undefined) throw new Departure(why);
        if (!sees(body)) continue;
        found = event;
        this.#cursor = at + 1;
        return true;
      }
      return false;
    });
    if (found === undefined) throw new Error('a condition held without an event');
    return found.body as Told;
  }

  /** Whether the node has told this since the last step that was waited for. */
  hasTold(node: NodeId, sees: (body: Told) => boolean): boolean {
    return this.story.slice(this.#cursor).some((event) => event.node === node && sees(event.body as Told));
  }

  async sleep(micros: Micros): Promise<void> {
    await this.#mustHaveClock().sleep(micros);
  }

  async #poll(what: string, withinMicros: Micros, holds: () => boolean): Promise<void> {
    const clock = this.#mustHaveClock();
    const deadline = clock.monotonicMicros() + withinMicros;
    while (!holds()) {
      if (clock.monotonicMicros() >= deadline) throw new Departure(`${what} within ${withinMicros / SECOND} s`);
      await clock.sleep(POLL_MICROS);
    }
  }

  #mustHaveClock(): Clock {
    if (this.#clock === undefined) throw new Error('the director waits before it has begun');
    return this.#clock;
  }

  #judgePacket(event: SeamEvent): PacketVerdict | undefined {
    if (event.seam !== 'packet' || event.carrier !== 'datagram') return undefined;
    if (this.#silent.has(event.from) || this.#silent.has(event.to)) return { kind: 'drop' };
    if (!this.#parted) return undefined;
    const { nodes } = this.world;
    return nodes.includes(event.from) && nodes.includes(event.to) ? { kind: 'drop' } : undefined;
  }

  #judge(event: SeamEvent): (DatabaseVerdict & DiskVerdict) | undefined;
  #judge(event: SeamEvent): DatabaseVerdict | DiskVerdict | undefined {
    if (event.seam !== 'database' && event.seam !== 'disk') return undefined;
    const { node, operation } = event;
    if (event.seam === 'database') {
      // A commit of nothing changes nothing.
      if (event.readOnly) return undefined;
      const code = this.#failingReads.get(node);
      if (code !== undefined && event.operation === 'read') return { kind: 'fail', code, applied: false };
      const verdict = this.#nextCommit.get(node);
      if (verdict !== undefined && event.operation === 'commit') {
        this.#nextCommit.delete(node);
        return verdict;
      }
    }
    if (passes(this.#gates.get(node) ?? 'open', operation)) return undefined;
    this.#asked = { node, operation };
    return { kind: 'hold' };
  }
}

function passes(gate: Gate, operation: string): boolean {
  switch (gate) {
    case 'open':
      return true;
    case 'all but commits':
      return operation !== 'commit';
    case 'reads':
      return READS.has(operation);
    // Everything but what makes it last.
    case 'writes':
      return operation !== 'sync' && operation !== 'sync-directory' && operation !== 'commit';
    case 'closed':
      return false;
  }
}
