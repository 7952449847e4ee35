/**
 * One run: a case and its parts go in, a `Run` comes out. Set-up without faults, then chaos (workload and faults together),
 * then heal and demand convergence within a bound, then the final checks.
 */
import type { Micros, NodeId, Platform, Random } from '../ports.js';
import type { Case, Operation, Run, SpecReport, Verdict, Violation, Workload } from '../run.js';
import { toEach, type TraceEvent, type TraceListener } from '../trace.js';
import { SimCluster } from './database/cluster.js';
import { FaultPlan, type PlannedFault, type SharedWorld } from './fault-plan.js';
import type { Explorer } from './explorer.js';
import { type AmbientUse, Guard, type GuardMode } from './guard.js';
import { type Ending, Kernel } from './kernel.js';
import { Machine, type MachineOptions } from './machine.js';
import { Network } from './network.js';
import type { Process } from './process.js';
import { Audience, type JudgedInvariant, Promises, type Sight } from './promises.js';
import { randomOf } from './random.js';
import { RejectionCatcher } from './rejections.js';
import type { Budget } from './seams.js';
import { type Peer, SimServices } from './services.js';

/** What a scenario's programs are handed. */
export interface SimStage<Parts> {
  readonly workload: Workload;
  readonly knobs: Readonly<Record<string, number>>;
  readonly parts: Parts;
}

/** What a run needs of a scenario; the catalogue's contract has more. */
export interface SimScenario<Parts = unknown> {
  readonly id: string;
  readonly invariants: readonly JudgedInvariant[];
  /** By name: what one event shows, or a watch over several, begun anew for each run. */
  readonly sometimes?: Readonly<Record<string, Sight | { readonly watch: () => Sight }>>;
  readonly parts: Parts;
  readonly convergenceMicros: Micros;
  /** Ambient time, chance and I/O: refused (`strict`, the default), or time and chance served by the simulation (`adopt`). */
  readonly ambient?: GuardMode;
  readonly peers?: Readonly<Record<string, Peer>>;
  readonly variants?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  topicOf?(bytes: Uint8Array): string | undefined;
  budget(workload: Workload, chaosMicros: Micros): Budget;
  serve(platform: Platform, stage: SimStage<Parts>): Promise<void>;
  setUp?(platform: Platform, stage: SimStage<Parts>): Promise<void>;
  client(platform: Platform, stage: SimStage<Parts>, operations: readonly Operation[]): Promise<void>;
  verify?(platform: Platform, stage: SimStage<Parts>): Promise<void>;
  convergence?(): {
    observe(event: TraceEvent): void;
    pending(): readonly string[];
    role?(name: string): NodeId | undefined;
  };
}

/** Holds what a run tells against specs. It reads along and changes nothing: a run with it has the trace of one without. */
export interface RunConformance {
  /** Takes every event but packets, in order. */
  observe(event: TraceEvent): void;
  /** Where the run has left a spec, so far. */
  violations(): readonly Violation[];
  report(): Readonly<Record<string, SpecReport>>;
}

export interface SimulateOptions<Parts = unknown> {
  readonly scenario: SimScenario<Parts>;
  /** Every fault the case may name. */
  readonly faults: readonly PlannedFault[];
  /** The assembly under test instead of the scenario's own: how a known bug gets in. */
  readonly parts?: Parts;
  /** Keeps the whole trace and the schedule decisions. */
  readonly record?: boolean;
  readonly drain?: 'auto' | 'fallback';
  /** Labels of drawn faults that are to do nothing, so that what they change can be seen. */
  readonly muted?: readonly string[];
  readonly onProgress?: (events: number, simMicros: Micros, node: NodeId) => void;
  readonly conformance?: RunConformance;
  /** Chooses instead of the strategy of the case, in a search through all schedules. */
  readonly explorer?: Explorer;
  /** See every event but packets, as it happens. */
  readonly listeners?: readonly TraceListener[];
  /** Ends the run at the first event, packets aside, of which this is true. What such a run came to says nothing of the program. */
  readonly endsAt?: (event: TraceEvent) => boolean;
  /** Sees every event, packets too, before anything judges it. It is called where the event is told, so the stack is the teller's. */
  readonly recorder?: TraceListener;
  /** Is given all of the run as it begins, to keep it alive, and for nothing else. */
  readonly keeper?: (world: object) => void;
}

export interface Simulated {
  readonly run: Run;
  /** Empty unless recorded. */
  readonly trace: readonly TraceEvent[];
}

/** How often convergence is looked at after healing. */
const CONVERGENCE_TICK_MICROS: Micros = 100_000;
/** The machine that sets up and reads back; faults never aim at it. */
const OBSERVER: NodeId = 'observer';

/** Runs a case. Never throws for what the program under test does: that is the verdict. Throws for a case that is none. */
export async function simulate<Parts>(run: Case, options: SimulateOptions<Parts>): Promise<Simulated> {
  const simulation = new Simulation(run, options);
  options.keeper?.(simulation);
  return simulation.run();
}

interface Mark {
  readonly name: string;
  readonly seen: Sight;
  readonly hears: readonly string[] | undefined;
  times: number;
}

type Phase = 'setup' | 'chaos' | 'heal' | 'verify' | 'end';

class Simulation<Parts> {
  readonly #case: Case;
  readonly #scenario: SimScenario<Parts>;
  readonly #options: SimulateOptions<Parts>;
  readonly #kernel: Kernel;
  readonly #network: Network;
  readonly #cluster: SimCluster;
  readonly #services: SimServices;
  readonly #plan: FaultPlan;
  readonly #guard: Guard;
  readonly #rejections: RejectionCatcher;
  readonly #machines = new Map<NodeId, Machine>();
  readonly #servers: readonly Machine[];
  readonly #budget: Budget;
  readonly #withinBudget: boolean;
  readonly #stage: SimStage<Parts>;
  readonly #promises: Promises;
  readonly #convergence: ReturnType<NonNullable<SimScenario['convergence']>> | undefined;
  readonly #trace: TraceEvent[] = [];
  readonly #marks: readonly Mark[];
  readonly #watchers: Audience<Mark>;
  readonly #counts = new Map<string, number>();
  readonly #choices: ReadonlyMap<string, number>;
  readonly #busyClients = new Set<NodeId>();
  #phase: Phase = 'setup';
  #verdict: { verdict: Verdict; reason: string } | undefined;
  #pending: readonly string[] = [];

  constructor(run: Case, options: SimulateOptions<Parts>) {
    const { scenario } = options;
    if (run.scenario !== scenario.id) throw new RangeError(`the case is for scenario '${run.scenario}', not '${scenario.id}'`);
    this.#case = run;
    this.#options = options;
    this.#scenario = scenario;
    this.#choices = new Map(Object.entries(run.choices ?? {}));
    const random = randomOf(run.seed);
    this.#promises = new Promises(scenario.invariants, run.knobs);
    this.#convergence = scenario.convergence?.();
    this.#marks = Object.entries(scenario.sometimes ?? {}).map(([name, mark]) => {
      const seen: Sight = 'watch' in mark ? mark.watch() : mark;
      return { name, seen, hears: seen.hears, times: 0 };
    });
    this.#watchers = new Audience(this.#marks);
    const recorders: TraceListener[] = options.record === true ? [(event) => this.#trace.push(event)] : [];
    if (options.recorder !== undefined) recorders.push(options.recorder);
    this.#kernel = new Kernel({
      random,
      strategy: run.strategy,
      quantumMicros: run.quantumMicros,
      limits: run.limits,
      ...(options.drain === undefined ? {} : { drain: options.drain }),
      ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
      ...(options.explorer === undefined ? {} : { explorer: options.explorer }),
      ...(recorders.length === 0 ? {} : { recorder: toEach(recorders) }),
      listeners: [(event) => this.#observe(event), ...(options.listeners ?? [])],
      onCrash: (process, error) => this.#crash(process, error),
      onKill: (process) => this.#machines.get(process.node)?.died(process, 'machine'),
    });
    this.#network = new Network(this.#kernel, run.network, scenario.topicOf?.bind(scenario));
    this.#cluster = new SimCluster(this.#kernel, this.#network);
    this.#services = new SimServices(this.#kernel, this.#network, scenario.peers ?? {});
    this.#plan = new FaultPlan(this.#kernel, run.faults, options.faults, options.muted);
    this.#kernel.judge = this.#plan;
    this.#budget = scenario.budget(run.workload, run.chaosMicros);
    this.#withinBudget = run.profile !== 'beyond-budget';
    this.#stage = { workload: run.workload, knobs: run.knobs, parts: options.parts ?? scenario.parts };
    this.#servers = this.#budget.nodes.map((node) =>
      this.#machine(node, (platform, variant) => scenario.serve(platform, this.#stageOf(variant)), random.fork('machines')),
    );
    this.#guard = new Guard({
      mode: scenario.ambient ?? 'strict',
      current: () => {
        const process = this.#kernel.current;
        return process === undefined ? undefined : this.#machines.get(process.node)?.ambient(process);
      },
      refused: (use) => this.#refused(use),
    });
    this.#rejections = new RejectionCatcher((reason) => {
      const process = this.#kernel.current;
      if (process === undefined) return false;
      // What a dead life leaves behind concerns nobody.
      if (process.alive) this.#crash(process, reason);
      return true;
    });
  }

  async run(): Promise<Simulated> {
    this.#kernel.after(0, undefined, 'set up', () => this.#setUp());
    let ending: Ending;
    this.#rejections.install();
    try {
      this.#guard.install();
      try {
        ending = await this.#kernel.run();
      } finally {
        this.#guard.uninstall();
      }
    } finally {
      this.#rejections.uninstall();
    }
    return { run: this.#result(ending), trace: this.#trace };
  }

  #setUp(): void {
    this.#enter('setup');
    for (const machine of this.#servers) machine.boot('start');
    const { setUp } = this.#scenario;
    const begin = (): void => void this.#kernel.after(0, undefined, 'chaos', () => this.#chaos());
    if (setUp === undefined) begin();
    else this.#asClient(OBSERVER, 'set up', (platform) => setUp.call(this.#scenario, platform, this.#stage), begin);
    this.#kernel.after(this.#scenario.convergenceMicros, undefined, 'set-up bound', () => {
      if (this.#phase === 'setup') this.#endPending(['set-up has not completed']);
    });
  }

  #chaos(): void {
    this.#enter('chaos');
    this.#plan.begin(this.#world());
    const { clients, operations } = this.#case.workload;
    for (let client = 1; client <= clients; client++) {
      const node = `c${client}`;
      const own = operations.filter((operation) => operation.client === client);
      this.#busyClients.add(node);
      this.#asClient(
        node,
        'client',
        (platform) => this.#scenario.client(platform, this.#stage, own),
        () => this.#busyClients.delete(node),
      );
    }
    this.#kernel.after(this.#case.chaosMicros, undefined, 'heal', () => this.#heal());
  }

  #heal(): void {
    this.#enter('heal');
    this.#plan.healAll();
    for (const machine of this.#servers) {
      if (machine.process?.paused === true) this.#resume(machine);
      machine.variant = undefined;
      // Back to the drawn settings, by an orderly restart.
      if (machine.runningVariant !== undefined) machine.stop();
      machine.restart();
    }
    const bound = this.#kernel.now() + this.#scenario.convergenceMicros;
    const look = (): void => {
      if (this.#phase !== 'heal') return;
      const pending = this.#pendingNow();
      if (pending.length === 0) this.#verify(bound);
      else if (this.#kernel.now() >= bound) this.#endPending(pending);
      else this.#kernel.after(CONVERGENCE_TICK_MICROS, undefined, 'convergence', look);
    };
    look();
  }

  #verify(bound: Micros): void {
    this.#enter('verify');
    const { verify } = this.#scenario;
    const end = (): void => {
      this.#enter('end');
      this.#kernel.stop();
    };
    if (verify === undefined) return end();
    this.#asClient(OBSERVER, 'verify', (platform) => verify.call(this.#scenario, platform, this.#stage), end);
    // Reading back gets as long again as converging had, from here on.
    const verifyBound = Math.max(bound, this.#kernel.now() + this.#scenario.convergenceMicros);
    this.#kernel.after(verifyBound - this.#kernel.now(), undefined, 'verify bound', () => {
      if (this.#phase === 'verify') this.#endPending(['reading everything back after healing has not completed']);
    });
  }

  #pendingNow(): string[] {
    const clients = [...this.#busyClients].map((node) => `client ${node} has not completed its operations`);
    // One that does not end by itself is killed at its bound: that is to be seen, however little else is left to wait for.
    const stopping = this.#servers.filter(({ process }) => process?.stopping === true);
    const stops = stopping.map(({ node }) => `${node} was told to stop and has not ended`);
    return [...clients, ...stops, ...(this.#convergence?.pending() ?? [])];
  }

  /** Convergence did not come within its bound. */
  #endPending(pending: readonly string[]): void {
    this.#pending = pending;
    if (this.#withinBudget) {
      const seconds = this.#scenario.convergenceMicros / 1_000_000;
      this.#decide('liveness', `not converged within ${seconds} s of simulated time: ${pending[0] ?? ''}`);
    }
    this.#kernel.stop();
  }

  #enter(phase: Phase): void {
    this.#phase = phase;
    this.#kernel.tell(undefined, { type: 'phase', phase });
  }

  #observe(event: TraceEvent): void {
    this.#convergence?.observe(event);
    for (const mark of this.#watchers.of(event.body.type)) {
      if (mark.seen(event)) mark.times++;
    }
    this.#promises.observe(event);
    this.#options.conformance?.observe(event);
    if (this.#promises.violations.length > 0 || this.#options.endsAt?.(event) === true) this.#kernel.stop();
  }

  #asClient(node: NodeId, what: string, program: (platform: Platform) => Promise<void>, done: () => void): void {
    const machine = this.#machine(node, (platform) => program(platform).then(done), randomOf(this.#case.seed).fork(`machines/${what}`));
    machine.boot('start');
  }

  /** The stage with the knobs of a variant in place of the drawn ones. */
  #stageOf(variant: string | undefined): SimStage<Parts> {
    const knobs = variant === undefined ? undefined : this.#scenario.variants?.[variant];
    return knobs === undefined ? this.#stage : { ...this.#stage, knobs: { ...this.#stage.knobs, ...knobs } };
  }

  #machine(node: NodeId, program: MachineOptions['program'], random: Random): Machine {
    const machine = new Machine({
      node,
      kernel: this.#kernel,
      network: this.#network,
      cluster: this.#cluster,
      services: this.#services,
      random: random.fork(node),
      program,
      // Like faults, rare ways are no part of setting up, healing and reading back.
      choiceOneIn: (site) => (this.#phase === 'chaos' ? this.#choices.get(site) : undefined),
      count: (name, amount) => this.#counts.set(name, (this.#counts.get(name) ?? 0) + amount),
      crashed: (process, error) => this.#crash(process, error),
    });
    this.#machines.set(node, machine);
    return machine;
  }

  #world(): SharedWorld {
    const kernel = this.#kernel;
    const server = (node: NodeId): Machine | undefined => this.#servers.find((machine) => machine.node === node);
    const mayFell = (machine: Machine | undefined): machine is Machine => {
      if (machine?.isUp !== true) return false;
      const down = this.#servers.filter((other) => !other.isUp).length;
      return !this.#withinBudget || down < this.#budget.downMax;
    };
    const now = (): Micros => kernel.now();
    const told = (machine: Machine | undefined, change: string, micros: Micros, apply: (machine: Machine) => void): boolean => {
      if (machine === undefined) return false;
      apply(machine);
      kernel.tell(machine.process, { type: 'clock', change, micros });
      return true;
    };
    return {
      now,
      nodes: this.#budget.nodes,
      role: (name) => this.#convergence?.role?.(name),
      isUp: (node) => server(node)?.isUp === true,
      mayFall: (node) => mayFell(server(node)),
      kill: (node, reason) => {
        const machine = server(node);
        if (!mayFell(machine) || machine.process === undefined) return false;
        kernel.kill(machine.process, reason);
        return true;
      },
      stop: (node) => {
        const machine = server(node);
        return mayFell(machine) && machine.stop();
      },
      restart: (node) => server(node)?.restart() ?? false,
      pause: (node) => {
        const machine = server(node);
        if (!mayFell(machine) || machine.process === undefined) return false;
        kernel.tell(machine.process, { type: 'pause' });
        kernel.pause(machine.process);
        return true;
      },
      resume: (node) => {
        const machine = server(node);
        if (machine?.process?.paused !== true) return false;
        this.#resume(machine);
        return true;
      },
      reconfigure: (node, variant) => {
        const machine = server(node);
        if (machine === undefined || (variant !== undefined && this.#scenario.variants?.[variant] === undefined)) return false;
        machine.variant = variant;
        return true;
      },
      clock: {
        jump: (node, micros) => told(server(node), 'jump', micros, (machine) => machine.clock.jumpWall(now(), micros)),
        drift: (node, ppm) => told(server(node), 'drift', ppm, (machine) => machine.clock.setDrift(now(), ppm)),
        freeze: (node, frozen) =>
          told(server(node), frozen ? 'freeze' : 'thaw', 0, (machine) => machine.clock.setWallFrozen(now(), frozen)),
      },
      disk: {
        rot: (node, bitFlips, random) => server(node)?.disk.rot(bitFlips, random) ?? false,
        wipe: (node) => {
          const machine = server(node);
          return machine !== undefined && machine.process === undefined && machine.disk.wipe();
        },
        swap: (a, b) => {
          const one = server(a);
          const other = server(b);
          if (one === undefined || other === undefined || one === other) return false;
          if (one.process !== undefined || other.process !== undefined) return false;
          return one.disk.swap(other.disk);
        },
        usedBytes: (node) => server(node)?.disk.usedBytes() ?? 0,
        limit: (node, bytesMax) => server(node)?.disk.limit(bytesMax) ?? false,
        crashBehaviour: (node, behaviour) => server(node)?.disk.setCrashBehaviour(behaviour) ?? false,
      },
      network: {
        limitConnections: (node, max) => {
          this.#network.limitConnections(node, max);
          return true;
        },
        stray: (node) => this.#network.stray(node),
      },
      database: this.#cluster,
    };
  }

  #resume(machine: Machine): void {
    const process = machine.process;
    if (process === undefined) return;
    this.#kernel.resume(process);
    this.#kernel.tell(process, { type: 'resume' });
  }

  #crash(process: Process, error: unknown): void {
    if (!process.alive) return;
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    // Messages of the engine differ between Node versions and stacks name files of this machine: they explain, but are not hashed.
    const stack = error instanceof Error ? (error.stack ?? '') : '';
    this.#kernel.tell(process, { type: 'crash', error: error instanceof Error ? error.name : typeof error });
    this.#decide('crash', `${process.node} crashed: ${text}${stack === '' ? '' : `\n${stack}`}`);
    this.#kernel.stop();
  }

  #refused(use: AmbientUse): void {
    this.#decide('crash', `${use.node} used ${use.api}, which no simulation can repeat; ${use.remedy}\n${use.stack}`);
    this.#kernel.stop();
  }

  #decide(verdict: Verdict, reason: string): void {
    this.#verdict ??= { verdict, reason };
  }

  #result(ending: Ending): Run {
    const run = this.#case;
    if (ending.kind === 'idle') {
      this.#pending = this.#pendingNow();
      this.#decide('hang', `nothing is left that could happen, but ${this.#pending[0] ?? `the ${this.#phase} phase waits for a promise`}`);
    }
    if (ending.kind === 'limit') {
      this.#pending = this.#pendingNow();
      this.#decide(
        ending.limit === 'simMicros' ? 'unknown' : 'hang',
        `limit reached: ${ending.limit} = ${run.limits[ending.limit]} in the ${this.#phase} phase`,
      );
    }
    if (this.#promises.violations.length === 0) this.#promises.finish(this.#withinBudget && this.#phase === 'end');
    const divergences = this.#options.conformance?.violations() ?? [];
    // A broken promise is what users feel; that the run has left a spec most often says why.
    const violations = [...this.#promises.violations, ...divergences];
    const verdict: Verdict =
      this.#promises.violations.length > 0 ? 'violation' : divergences.length > 0 ? 'spec-divergence' : (this.#verdict?.verdict ?? 'pass');
    const reason = violations.length > 0 ? undefined : this.#verdict?.reason;
    const counts = [...this.#counts, ...[...this.#network.counts].map(([name, count]) => [`network.${name}`, count] as const)];
    return {
      seed: run.seed,
      scenario: run.scenario,
      case: run,
      verdict,
      withinBudget: this.#withinBudget,
      ...(reason === undefined ? {} : { reason }),
      violations,
      pending: this.#pending,
      judgements: this.#promises.judgements(),
      simMicros: this.#kernel.now(),
      events: this.#kernel.eventsRun,
      traceEvents: this.#kernel.traceEvents,
      traceHash: this.#kernel.traceHash(),
      counts: Object.fromEntries(counts.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))),
      faults: this.#plan.reports(),
      sometimes: Object.fromEntries(this.#marks.map(({ name, times }) => [name, times])),
      spec: this.#options.conformance?.report() ?? {},
      ...(this.#options.record === true ? { decisions: this.#kernel.decisions } : {}),
    };
  }
}
