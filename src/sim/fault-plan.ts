/**
 * Binds the drawn faults of a case to seams and to moments, and counts what they did. Episodes are counted from the start of
 * the chaos phase; healing ends every episode, undoes every strike and releases everything held.
 */
import type { Micros, NodeId, Random, TraceValue } from '../ports.js';
import type { FaultDraw, FaultReport } from '../run.js';
import type { Kernel } from './kernel.js';
import type { Held, Judge, Seam, SeamEvent, Seams, SeamVerdict, World } from './seams.js';

/** What the plan needs of a fault; the catalogue's contract has more. */
export interface PlannedFault {
  readonly id: string;
  readonly seam?: Seam;
  aim?(params: FaultDraw['params'], roleOf: World['role']): FaultDraw['params'];
  judge?(event: SeamEvent, params: FaultDraw['params'], random: Random, elapsedMicros: Micros): SeamVerdict | undefined;
  strike?(world: World, params: FaultDraw['params']): void | (() => void);
  /** Is handed what its last `hold` verdict holds, when it lets go of things one by one. What it keeps goes on when it heals. */
  held?(held: Held): void;
}

/** The world as strikes see it, without what is particular to one fault. */
export type SharedWorld = Omit<World, 'random' | 'after' | 'note'> & {
  /** Whether the budget leaves room for this server to go down now. */
  mayFall(node: NodeId): boolean;
};

/** From death to the next start, by a supervisor that backs off. */
const RESTART_MICROS_MIN: Micros = 50_000;
const RESTART_MICROS_MAX: Micros = 3_000_000;

interface Instance {
  readonly fault: PlannedFault;
  readonly draw: FaultDraw;
  /** Those of the draw, aimed as the episode began. */
  params: FaultDraw['params'];
  readonly random: Random;
  /** How long until what it killed is started again. */
  readonly restarts: Random;
  readonly held: Held[];
  healStrike: (() => void) | undefined;
  active: boolean;
  startedAt: Micros;
  fired: number;
}

export class FaultPlan implements Judge {
  readonly #kernel: Kernel;
  readonly #instances: readonly Instance[];
  readonly #active = new Map<Seam, Instance[]>();
  #lastHolder: Instance | undefined;
  #world: SharedWorld | undefined;
  readonly #muted: ReadonlySet<string>;
  #ended = false;

  /**
   * Throws RangeError for a drawn fault that the registry does not have.
   * @param muted labels of faults that begin and heal as drawn but do nothing: what a run would be without them, event for event.
   */
  constructor(kernel: Kernel, draws: readonly FaultDraw[], registry: readonly PlannedFault[], muted: readonly string[] = []) {
    this.#kernel = kernel;
    this.#muted = new Set(muted);
    const byId = new Map(registry.map((fault) => [fault.id, fault]));
    this.#instances = draws.map((draw) => {
      const fault = byId.get(draw.id);
      if (fault === undefined) throw new RangeError(`the case has a fault '${draw.id}' that is not registered`);
      const random = kernel.random(`fault/${draw.label}/judge`);
      const restarts = kernel.random(`fault/${draw.label}/restarts`);
      return { fault, draw, params: draw.params, random, restarts, held: [], healStrike: undefined, active: false, startedAt: 0, fired: 0 };
    });
  }

  /** Schedules every episode from now on. */
  begin(world: SharedWorld): void {
    this.#world = world;
    for (const instance of this.#instances) {
      const { startMicros, durationMicros } = instance.draw.params;
      this.#kernel.after(startMicros, undefined, 'fault begins', () => {
        this.#start(instance, world);
        this.#kernel.after(durationMicros, undefined, 'fault heals', () => this.#heal(instance));
      });
    }
  }

  /** Heals all that is active. Episodes that have not begun never will. */
  healAll(): void {
    this.#ended = true;
    for (const instance of this.#instances) this.#heal(instance);
  }

  reports(): FaultReport[] {
    const byId = new Map<string, { drawn: number; fired: number }>();
    for (const { fault, fired } of this.#instances) {
      const report = byId.get(fault.id) ?? { drawn: 0, fired: 0 };
      byId.set(fault.id, { drawn: report.drawn + 1, fired: report.fired + fired });
    }
    return [...byId].map(([id, report]) => ({ id, ...report }));
  }

  active(seam: Seam): boolean {
    return this.#active.has(seam);
  }

  ask<S extends Seam>(event: Seams[S][0] & { readonly seam: S }): Seams[S][1] | undefined {
    const instances = this.#active.get(event.seam);
    if (instances === undefined) return undefined;
    const now = this.#kernel.now();
    for (const instance of instances) {
      const verdict = instance.fault.judge?.(event, instance.params, instance.random, now - instance.startedAt);
      if (verdict !== undefined && this.#mayAnswer(event, verdict)) {
        instance.fired++;
        this.#lastHolder = instance;
        if (verdict.kind === 'crash' && 'node' in event) this.#superviseRestart(instance, event.node);
        return verdict; // the fault answers at the seam it names
      }
    }
    return undefined;
  }

  hold(held: Held): void {
    if (this.#lastHolder === undefined) throw new Error('hold without a verdict that holds');
    const { fault, held: kept } = this.#lastHolder;
    if (fault.held === undefined) {
      kept.push(held);
      return;
    }
    let released = false;
    const once: Held = {
      release: () => {
        if (!released) held.release();
        released = true;
      },
    };
    kept.push(once);
    fault.held(once);
  }

  /** A verdict that kills is void where too many servers are down already, and on clients, which are never killed. */
  #mayAnswer(event: SeamEvent, verdict: SeamVerdict): boolean {
    return verdict.kind !== 'crash' || !('node' in event) || (this.#world?.mayFall(event.node) ?? true);
  }

  /** What died by a verdict is started again after a while, as a supervisor would; else the first such death would use up the budget. */
  #superviseRestart(instance: Instance, node: NodeId): void {
    const micros = instance.restarts.between(RESTART_MICROS_MIN, RESTART_MICROS_MAX);
    this.#kernel.after(micros, undefined, 'supervisor', () => void this.#world?.restart(node));
  }

  #start(instance: Instance, shared: SharedWorld): void {
    if (this.#ended) return;
    const { fault, draw } = instance;
    instance.active = true;
    instance.startedAt = this.#kernel.now();
    instance.params = fault.aim?.(draw.params, (name) => shared.role(name)) ?? draw.params;
    const { nodes } = instance.params;
    const aimed = instance.params === draw.params || nodes === undefined ? {} : { nodes };
    this.#kernel.tell(undefined, { type: 'fault', fault: fault.id, label: draw.label, action: 'begins', ...aimed });
    if (this.#muted.has(draw.label)) return;
    if (fault.seam !== undefined) {
      const instances = [...(this.#active.get(fault.seam) ?? []), instance];
      // In the order of the case, whatever began first: so a case reads top to bottom.
      instances.sort((a, b) => this.#instances.indexOf(a) - this.#instances.indexOf(b));
      this.#active.set(fault.seam, instances);
    }
    if (fault.strike !== undefined) instance.healStrike = fault.strike(this.#worldFor(instance, shared), instance.params) ?? undefined;
  }

  #heal(instance: Instance): void {
    if (!instance.active) return;
    instance.active = false;
    const { fault, draw } = instance;
    this.#kernel.tell(undefined, { type: 'fault', fault: fault.id, label: draw.label, action: 'heals' });
    if (fault.seam !== undefined) {
      const rest = (this.#active.get(fault.seam) ?? []).filter((other) => other !== instance);
      if (rest.length === 0) this.#active.delete(fault.seam);
      else this.#active.set(fault.seam, rest);
    }
    instance.healStrike?.();
    for (const held of instance.held.splice(0)) held.release();
  }

  #worldFor(instance: Instance, shared: SharedWorld): World {
    const kernel = this.#kernel;
    const { fault, draw } = instance;
    // Undoing what a strike did is no new firing.
    const fired = (done: boolean): boolean => {
      if (done && instance.active) instance.fired++;
      return done;
    };
    return {
      nodes: shared.nodes,
      random: kernel.random(`fault/${draw.label}/strike`),
      now: () => shared.now(),
      role: (name) => shared.role(name),
      isUp: (node) => shared.isUp(node),
      kill: (node, reason) => fired(shared.kill(node, reason)),
      stop: (node) => fired(shared.stop(node)),
      restart: (node) => shared.restart(node),
      pause: (node) => fired(shared.pause(node)),
      resume: (node) => shared.resume(node),
      // Nothing changes before the next boot.
      reconfigure: (node, variant) => shared.reconfigure(node, variant),
      clock: {
        jump: (node, micros) => fired(shared.clock.jump(node, micros)),
        drift: (node, partsPerMillion) => fired(shared.clock.drift(node, partsPerMillion)),
        freeze: (node, frozen) => fired(shared.clock.freeze(node, frozen)),
      },
      disk: {
        rot: (node, bitFlips, random) => fired(shared.disk.rot(node, bitFlips, random)),
        wipe: (node) => fired(shared.disk.wipe(node)),
        swap: (a, b) => fired(shared.disk.swap(a, b)),
        usedBytes: (node) => shared.disk.usedBytes(node),
        limit: (node, bytesMax) => fired(shared.disk.limit(node, bytesMax)),
        // Nothing happens before a crash does.
        crashBehaviour: (node, behaviour) => shared.disk.crashBehaviour(node, behaviour),
      },
      network: {
        limitConnections: (node, max) => fired(shared.network.limitConnections(node, max)),
        stray: (node) => fired(shared.network.stray(node)),
      },
      database: { stallCommits: (node, stalled) => fired(shared.database.stallCommits(node, stalled)) },
      after: (micros: Micros, callback: () => void) => {
        kernel.after(micros, undefined, 'fault goes on', () => {
          if (instance.active) callback();
        });
      },
      note: (action: string, detail?: Readonly<Record<string, TraceValue>>) =>
        kernel.tell(undefined, { ...detail, type: 'fault', fault: fault.id, label: draw.label, action }),
    };
  }
}
