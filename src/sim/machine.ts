/**
 * A machine: its clocks and disk outlive the processes that run on it one after another. It builds the platform of each life
 * and knows when a life is over.
 */
import type { Lifecycle, Micros, NodeId, Platform, Random, StoryEvent, Timer } from '../ports.js';
import type { SimCluster } from './database/cluster.js';
import type { Ambient } from './guard.js';
import { NodeClock } from './clock.js';
import { SimDisk } from './disk.js';
import type { Kernel } from './kernel.js';
import type { Network } from './network.js';
import type { Process } from './process.js';
import type { SimServices } from './services.js';

/** From power-on or exec to the first instruction of the program. */
const BOOT_MICROS_MIN: Micros = 1_000;
const BOOT_MICROS_MAX: Micros = 50_000;
/** A process that was asked to stop is killed after this long, as service managers do. */
const STOP_BOUND_MICROS: Micros = 60_000_000;
/** Machines have been up for different times when a run begins. */
const UPTIME_MICROS_MAX: Micros = 30 * 86_400 * 1_000_000;

export interface MachineOptions {
  readonly node: NodeId;
  readonly kernel: Kernel;
  readonly network: Network;
  readonly cluster: SimCluster;
  readonly services: SimServices;
  readonly random: Random;
  /** What each life runs; `variant` names the settings that a fault has asked for. */
  readonly program: (platform: Platform, variant: string | undefined) => Promise<void>;
  /** A site at which the program takes its rare way now, one time in so many; undefined where it does not. */
  choiceOneIn(site: string): number | undefined;
  count(name: string, amount: number): void;
  crashed(process: Process, error: unknown): void;
}

export class Machine {
  readonly node: NodeId;
  readonly clock: NodeClock;
  readonly disk: SimDisk;
  /** The life that runs now; undefined while the machine is down. */
  process: Process | undefined;
  /** Settings of the next life, and of the one that runs, by the scenario's name for them; undefined is as drawn. */
  variant: string | undefined;
  runningVariant: string | undefined;

  readonly #options: MachineOptions;
  readonly #choices = new Map<string, Random>();
  #lives = 0;
  #restartWhenDown = false;

  constructor(options: MachineOptions) {
    this.#options = options;
    this.node = options.node;
    this.clock = new NodeClock(options.random.fork('uptime').int(UPTIME_MICROS_MAX));
    this.disk = new SimDisk(options.kernel, options.node);
  }

  /** Whether a program runs on it now: not down, not booting, not paused. */
  get isUp(): boolean {
    return this.process?.booted === true && !this.process.paused;
  }

  /** Starts the next life. The machine must be down. */
  boot(reason: 'start' | 'restart'): void {
    const { kernel, program, crashed, random } = this.#options;
    const life = ++this.#lives;
    const process = kernel.newProcess(this.node, life, this.clock);
    this.process = process;
    this.runningVariant = this.variant;
    const bootMicros = random.fork(`boot/${life}`).between(BOOT_MICROS_MIN, BOOT_MICROS_MAX);
    kernel.after(bootMicros, process, 'boot', () => {
      process.booted = true;
      kernel.tell(process, { type: 'boot', reason });
      program(this.#platform(process), this.runningVariant).then(
        () => this.#exit(process),
        (error: unknown) => crashed(process, error),
      );
    });
  }

  /** Boots the next life, as soon as the one that is stopping has ended; false while one runs on. */
  restart(): boolean {
    if (this.process === undefined) this.boot('restart');
    else if (this.process.stopping) this.#restartWhenDown = true;
    else return false;
    return true;
  }

  /** Asks the process to stop; false when it is down or was asked before. */
  stop(): boolean {
    const process = this.process;
    if (process === undefined || process.stopping) return false;
    const { kernel, crashed } = this.#options;
    process.stopping = true;
    kernel.after(0, process, 'stop', () => {
      kernel.tell(process, { type: 'stop' });
      // The handler may not be there yet; then the default action of SIGTERM ends the process.
      const stopped = process.stopHandler?.() ?? Promise.resolve();
      stopped.then(
        () => this.#exit(process),
        (error: unknown) => crashed(process, error),
      );
    });
    kernel.after(STOP_BOUND_MICROS, undefined, 'stop bound', () => kernel.kill(process, 'did not stop within its bound'));
    return true;
  }

  /** The kernel tells that a life is over. */
  died(process: Process, how: 'process' | 'machine'): void {
    if (this.process !== process) return;
    this.process = undefined;
    this.disk.crash(how);
    if (!this.#restartWhenDown) return;
    this.#restartWhenDown = false;
    this.boot('restart');
  }

  /** Time and chance of the running process, for code that does not ask its platform. */
  ambient(process: Process): Ambient {
    const { kernel, random } = this.#options;
    process.ambient ??= {
      node: this.node,
      wallMicros: () => this.clock.wallMicros(kernel.now()),
      monotonicMicros: () => this.clock.monotonicMicros(kernel.now()),
      after: (micros, callback) => this.#after(process, micros, callback),
      random: random.fork(`ambient/${process.life}`),
    };
    return process.ambient;
  }

  #exit(process: Process): void {
    if (!process.alive) return;
    this.#options.kernel.tell(process, { type: 'exit' });
    process.alive = false;
    this.died(process, 'process');
  }

  #after(process: Process, micros: Micros, callback: () => void): Timer {
    const { kernel } = this.#options;
    const deadline = this.clock.monotonicMicros(kernel.now()) + micros;
    let wait = this.clock.trueMicrosFor(micros);
    let early = false;
    if (kernel.judge.active('timer')) {
      const verdict = kernel.judge.ask({ seam: 'timer', node: this.node, micros });
      if (verdict?.kind === 'late') wait += verdict.micros;
      if (verdict?.kind === 'early') {
        // Time goes on however early it is: who waits for what is left must not do so for ever at one moment.
        wait = Math.max(Math.min(wait, 1), wait - verdict.micros);
        early = true;
      }
    }
    let timer: Timer;
    const fire = (): void => {
      const missing = deadline - this.clock.monotonicMicros(kernel.now());
      // The clock was slowed down since the timer was set: the deadline has not come yet.
      if (missing > 0 && !early) timer = kernel.timer(this.clock.trueMicrosFor(missing), process, fire);
      else callback();
    };
    timer = kernel.timer(wait, process, fire);
    return { cancel: () => timer.cancel() };
  }

  #platform(process: Process): Platform {
    const { kernel, network, cluster, services, random, count } = this.#options;
    const lifecycle: Lifecycle = {
      onStop: (handler) => {
        process.stopHandler = handler;
      },
    };
    return {
      node: this.node,
      clock: {
        wallMicros: () => this.clock.wallMicros(kernel.now()),
        monotonicMicros: () => this.clock.monotonicMicros(kernel.now()),
        sleep: (micros) => new Promise<void>((resolve) => void this.#after(process, micros, resolve)),
        after: (micros, callback) => this.#after(process, micros, callback),
      },
      random: random.fork(`program/${process.life}`),
      transport: network.attach(process),
      disk: this.disk.attach(process),
      database: cluster.connect(process),
      services: services.connect(process),
      tracer: {
        emit: (event: StoryEvent) => kernel.trace(process, event),
        count: (name, amount = 1) => {
          if (process.alive) count(name, amount);
        },
      },
      choices: { choose: (site) => this.#choose(process, site) },
      lifecycle,
    };
  }

  #choose(process: Process, site: string): boolean {
    const { kernel, random, count, choiceOneIn } = this.#options;
    const oneIn = choiceOneIn(site);
    if (oneIn === undefined || !process.alive) return false;
    let own = this.#choices.get(site);
    if (own === undefined) {
      own = random.fork(`choice/${site}`);
      this.#choices.set(site, own);
    }
    if (!own.chance(1, oneIn)) return false;
    count(`choice.${site}`, 1);
    kernel.tell(process, { type: 'choice', site });
    return true;
  }
}
