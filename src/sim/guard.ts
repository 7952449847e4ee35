/**
 * Keeps a simulated program inside its simulation. While code under test runs, ambient time and chance are served by the
 * simulation (`adopt`) or refused (`strict`), and real files, network, processes and threads are refused; the host's own code
 * goes on untouched. Everything is put back exactly by `uninstall`.
 *
 * What is caught: every use through a global, an import (named or default, of modules loaded earlier too) or a `require`d module
 * object. What is not: a function that a module took out of its module object before the guard was installed
 * (`const { readFile } = require('fs')`), a subclass of `Date` made before, native addons, Node's experimental modules, and what
 * depends on garbage collection. Nor is what a module keeps from one run to the next (a pool of random bytes, a cache): the same
 * seed run twice shows that.
 *
 * A module that code under test imports while it runs is loaded by the real loader. On Node 20 it answers at no simulated moment,
 * so import before the run; later versions load at once.
 */
import { chanceSections } from './guard/chance.js';
import { channelSections } from './guard/channel.js';
import { clockSections } from './guard/clocks.js';
import { consoleSection } from './guard/console.js';
import { dateSections } from './guard/dates.js';
import {
  type Ambient,
  type AmbientUse,
  dropOrders,
  globalObject,
  type GuardMode,
  memberOf,
  syncImports,
  takeOrders,
} from './guard/gate.js';
import { localeSections } from './guard/locale.js';
import { outsideSections } from './guard/outside.js';
import { poolSections } from './guard/pool.js';
import { Swap } from './guard/swap.js';
import { timerSections } from './guard/timers.js';

export { type Ambient, type AmbientUse, AmbientUseError, type GuardMode } from './guard/gate.js';

/** One for the thread: what stands in for the originals is made once, because a storm installs a guard for every run. */
let swap: Swap | undefined;

function prepared(): Swap {
  if (swap === undefined) {
    // Node makes its output streams when they are asked for first, from the file functions that it finds then: let it find the real ones.
    for (const name of ['stdout', 'stderr']) memberOf(globalObject('process'), name);
    swap = new Swap([
      ...dateSections,
      ...localeSections,
      ...timerSections,
      ...clockSections,
      ...chanceSections,
      ...poolSections,
      ...channelSections,
      ...outsideSections,
      consoleSection,
    ]);
  }
  return swap;
}

export interface GuardOptions {
  readonly mode: GuardMode;
  /** The simulated process whose code runs now; undefined while the host's own code runs, which is never guarded. */
  current(): Ambient | undefined;
  /** Called for each refusal before the error is thrown, so that the run fails also when the program swallows the error. */
  refused(use: AmbientUse): void;
}

/** Guards one simulation. Only one guard is installed in a thread at a time; with mode `off` it does nothing. */
export class Guard {
  readonly #options: GuardOptions;
  #installed = false;

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  /** Throws when a guard is installed in this thread already, or when the host froze what must be swapped; then nothing has changed. */
  install(): void {
    const { mode } = this.#options;
    if (mode === 'off') return;
    takeOrders({ mode, current: () => this.#options.current(), refused: (use) => this.#options.refused(use) });
    try {
      prepared().put();
    } catch (error) {
      dropOrders();
      throw error;
    }
    this.#installed = true;
    syncImports();
  }

  /** Puts everything back. Does nothing when this guard is not installed, so that it may stand in a `finally`. */
  uninstall(): void {
    if (!this.#installed) return;
    this.#installed = false;
    dropOrders();
    try {
      prepared().putBack();
    } finally {
      syncImports();
    }
  }
}
