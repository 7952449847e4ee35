/**
 * `MessageChannel` for simulated processes. Programs use it as a way to schedule ("run this after the current work"), and the
 * platform's delivers when the machine's event loop comes round; this one delivers each message as an event of the simulation.
 */
import type { Ambient, Rule } from './gate.js';
import { builtin, rules } from './gate.js';
import type { Section } from './swap.js';

/** As many messages as may wait at a port that nobody has started. */
const PORT_QUEUE_MAX = 100_000;

type Listener = (value: unknown) => void;
type EventHandler = (event: Event) => void;

/** A port with the methods of the Web's `MessagePort` and those that Node adds. */
class SimulatedPort extends EventTarget {
  readonly #ambient: Ambient;
  readonly #waiting: unknown[] = [];
  readonly #listeners = new Map<string, Map<Listener, EventHandler>>();
  #peer: SimulatedPort | undefined;
  #started = false;
  #closed = false;
  #onmessage: Listener | null = null;

  constructor(ambient: Ambient) {
    super();
    this.#ambient = ambient;
  }

  /** A pair of ports, each other's peers. */
  static pair(ambient: Ambient): readonly [SimulatedPort, SimulatedPort] {
    const one = new SimulatedPort(ambient);
    const two = new SimulatedPort(ambient);
    one.#peer = two;
    two.#peer = one;
    return [one, two];
  }

  postMessage(message: unknown, transfer?: unknown): void {
    const list = Array.isArray(transfer) ? transfer : (transfer as { transfer?: unknown[] } | undefined)?.transfer;
    // Cloned before anything else, so that what cannot be cloned is the sender's error also on a closed port.
    const copy: unknown = structuredClone(message, list === undefined ? undefined : { transfer: list as ArrayBuffer[] });
    const peer = this.#peer;
    if (!this.#closed && peer !== undefined) peer.#arrive(copy);
  }

  #arrive(message: unknown): void {
    if (this.#closed) return;
    if (this.#waiting.length >= PORT_QUEUE_MAX) {
      throw new RangeError(
        `a MessagePort of node ${this.#ambient.node} has ${PORT_QUEUE_MAX} messages waiting, the most it may: nobody reads it`,
      );
    }
    this.#waiting.push(message);
    if (this.#started) this.#deliverLater();
  }

  #deliverLater(): void {
    this.#ambient.after(0, () => {
      if (this.#closed || this.#waiting.length === 0) return;
      const event = new MessageEvent('message', { data: this.#waiting.shift() });
      this.dispatchEvent(event);
    });
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    for (let count = this.#waiting.length; count > 0; count--) this.#deliverLater();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ambient.after(0, () => this.dispatchEvent(new Event('close')));
    this.#peer?.close();
  }

  get onmessage(): Listener | null {
    return this.#onmessage;
  }

  set onmessage(listener: Listener | null) {
    if (this.#onmessage !== null) this.removeEventListener('message', this.#onmessage);
    this.#onmessage = typeof listener === 'function' ? listener : null;
    if (this.#onmessage === null) return;
    this.addEventListener('message', this.#onmessage);
    this.start();
  }

  /** Node's way to listen: the listener is given the message itself, and listening starts the port. */
  on(type: string, listener: Listener): this {
    return this.#listen(type, listener, false);
  }

  once(type: string, listener: Listener): this {
    return this.#listen(type, listener, true);
  }

  off(type: string, listener: Listener): this {
    const wrapped = this.#listeners.get(type)?.get(listener);
    if (wrapped !== undefined) this.removeEventListener(type, wrapped);
    this.#listeners.get(type)?.delete(listener);
    return this;
  }

  addListener(type: string, listener: Listener): this {
    return this.on(type, listener);
  }

  removeListener(type: string, listener: Listener): this {
    return this.off(type, listener);
  }

  #listen(type: string, listener: Listener, once: boolean): this {
    const byListener = this.#listeners.get(type) ?? new Map<Listener, EventHandler>();
    this.#listeners.set(type, byListener);
    if (byListener.has(listener)) return this;
    const wrapped = (event: Event): void => {
      if (once) this.off(type, listener);
      listener.call(this, event instanceof MessageEvent ? (event.data as unknown) : event);
    };
    byListener.set(listener, wrapped);
    this.addEventListener(type, wrapped);
    if (type === 'message') this.start();
    return this;
  }

  /** Whether a port holds its process open has no meaning in a simulation. */
  ref(): void {}

  unref(): void {}
}

class SimulatedChannel {
  readonly port1: SimulatedPort;
  readonly port2: SimulatedPort;
  constructor(ambient: Ambient) {
    [this.port1, this.port2] = SimulatedPort.pair(ambient);
  }
}

const messageChannel: Rule = {
  kind: 'served',
  api: 'MessageChannel',
  remedy: 'use platform.clock.after(0, ...)',
  // The platform's own complaint about a call without `new`.
  passes: (_args, constructs) => !constructs,
  serve: ({ ambient }) => new SimulatedChannel(ambient),
};

export const channelSections: readonly Section[] = [
  rules('globalThis', () => globalThis, { MessageChannel: messageChannel }),
  rules('worker_threads', () => builtin('worker_threads'), { MessageChannel: messageChannel }),
];
