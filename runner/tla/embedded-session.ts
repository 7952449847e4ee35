/**
 * The embedded model checker in a thread of its own: a search that takes too long is ended from outside, and its memory has a
 * bound. One session answers calls one after the other.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type Bounds, ModelCheckError } from './model-checker.js';
import { withMemoryBound } from './wasm-memory.js';

/** Functions of the package `tla-checker` that take texts and return JSON. */
export type EngineFunction = 'check_spec_with_options' | 'explore_init' | 'explore_next' | 'explore_invariants' | 'explore_eval';

/**
 * What the thread runs. As a text, because a thread cannot load TypeScript: so it is the same from the sources, where tests run,
 * and from the build.
 */
const THREAD = `
const { parentPort, workerData } = require('node:worker_threads');
const ready = import(workerData.entry).then((engine) => ({ engine, memory: engine.initSync({ module: workerData.wasm }).memory }));
parentPort.on('message', async ({ name, args }) => {
  const { engine, memory } = await ready;
  try {
    parentPort.postMessage({ ok: true, text: engine[name](...args) });
  } catch (error) {
    parentPort.postMessage({ ok: false, text: String(error), bytes: memory.buffer.byteLength });
  }
});
`;

/** Node has it, and its types leave it out. */
declare const WebAssembly: { readonly Module: new (bytes: Uint8Array) => object };

const { resolve: pathOf } = createRequire(import.meta.url);
const modules = new Map<number, object>();

/** The engine with this bound on its memory. Threads share the code of one module, so it is compiled and optimised once. */
function compiled(megabytes: number): object {
  const module =
    modules.get(megabytes) ?? new WebAssembly.Module(withMemoryBound(readFileSync(pathOf('tla-checker/tla_checker_bg.wasm')), megabytes));
  modules.set(megabytes, module);
  return module;
}

type Reply = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly text: string; readonly bytes: number };

interface Call {
  resolve(text: string): void;
  reject(error: Error): void;
}

export class EmbeddedSession {
  readonly #bounds: Bounds;
  readonly #worker: Worker;
  readonly #deadline: NodeJS.Timeout;
  readonly #calls: Call[] = [];
  readonly #signal: AbortSignal | undefined;
  readonly #abort = (): void => this.#fail(this.#signal?.reason as Error);
  #failure: Error | undefined;

  /** The bounds on time and memory are those of the whole session. */
  constructor(bounds: Bounds, signal?: AbortSignal) {
    signal?.throwIfAborted();
    this.#bounds = bounds;
    this.#signal = signal;
    const entry = pathToFileURL(pathOf('tla-checker')).href;
    this.#worker = new Worker(THREAD, { eval: true, workerData: { entry, wasm: compiled(bounds.megabytes) }, stdout: true, stderr: true });
    this.#deadline = setTimeout(() => {
      this.#fail(new ModelCheckError('time-bound', `the embedded model checker did not finish within ${bounds.seconds} s`));
    }, bounds.seconds * 1_000);
    signal?.addEventListener('abort', this.#abort);
    this.#worker.on('message', (reply: Reply) => this.#answer(reply));
    this.#worker.on('error', (error) => this.#fail(this.#crashed(error.message)));
    this.#worker.on('exit', (code) => this.#fail(this.#crashed(`its thread ended with code ${code}`)));
  }

  /** Rejects with `ModelCheckError` when a bound is reached or the engine breaks, and when aborted; then every later call does, too. */
  call(name: EngineFunction, ...args: readonly string[]): Promise<string> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#calls.push({ resolve, reject });
      this.#worker.postMessage({ name, args });
    });
  }

  async close(): Promise<void> {
    clearTimeout(this.#deadline);
    this.#signal?.removeEventListener('abort', this.#abort);
    this.#worker.removeAllListeners('exit');
    await this.#worker.terminate();
  }

  #answer(reply: Reply): void {
    if (reply.ok) {
      this.#calls.shift()?.resolve(reply.text);
      return;
    }
    // The engine aborts alike on every inner error. Its tables double when they grow, so one that could not grow leaves a good
    // part of the memory untaken; still, nothing but the want of it breaks an engine that has taken so much.
    const exhausted = reply.bytes > (this.#bounds.megabytes * 1_048_576) / 4;
    this.#fail(
      exhausted
        ? new ModelCheckError('memory-bound', `the embedded model checker needs more than ${this.#bounds.megabytes} MB`)
        : this.#crashed(reply.text),
    );
  }

  #crashed(why: string): ModelCheckError {
    return new ModelCheckError('engine-failed', `the embedded model checker broke: ${why}`);
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    for (const { reject } of this.#calls.splice(0)) reject(error);
    void this.close();
  }
}
