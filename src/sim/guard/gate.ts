/**
 * Who may pass to the real world. Every stand-in (a function put in the place of `setTimeout`, `fs.readFile` ...) asks here
 * first: when no guard is installed or no simulated process is running, the call goes to the original untouched; when one is,
 * the simulation serves it or refuses it. The state is one per thread, as the globals are that it stands for.
 */
import type { Random, Timer } from '../../ports.js';
import type { Entry, Section } from './swap.js';

/**
 * `adopt`: time and chance are served by the simulation, so that ordinary packages run unmodified. `strict`: they are refused,
 * so that a program shows that it uses its `Platform` only. Files, network, processes and threads are refused in both.
 */
export type GuardMode = 'strict' | 'adopt' | 'off';

/** The running process as the simulation sees it. */
export interface Ambient {
  readonly node: string;
  wallMicros(): number;
  monotonicMicros(): number;
  after(micros: number, callback: () => void): Timer;
  /**
   * One object for each life of a process. What the guard keeps for a process (timer numbers, time origin, performance marks)
   * it keeps by this object, so that a restarted process starts anew.
   */
  readonly random: Random;
}

/** A use of the real world that was refused. */
export interface AmbientUse {
  readonly node: string;
  /** What was used: `fs.readFile`, `Math.random`. */
  readonly api: string;
  /** What to do instead, as a request: `use platform.clock.sleep`. */
  readonly remedy: string;
  readonly stack: string;
}

/** Thrown where a simulated program uses the real world; the run fails also when the program swallows it. */
export class AmbientUseError extends Error {
  override readonly name = 'AmbientUseError';
  constructor(
    readonly node: string,
    readonly api: string,
    readonly remedy: string,
    message: string,
  ) {
    super(message);
  }
}

/** What the installed guard decides. */
export interface Orders {
  readonly mode: 'strict' | 'adopt';
  /** The simulated process whose code runs now, or undefined when the host's does. */
  current(): Ambient | undefined;
  refused(use: AmbientUse): void;
}

export type Callable = (this: unknown, ...args: unknown[]) => unknown;

/** One call of a stand-in by a simulated process. */
export interface Call {
  readonly ambient: Ambient;
  readonly original: Callable;
  readonly receiver: unknown;
  readonly args: readonly unknown[];
  /** Set when called with `new`; the original when it was called with `new` on the stand-in itself. */
  readonly newTarget: Callable | undefined;
}

export type Serve = (call: Call) => unknown;

interface RuleBase {
  /** How messages call it. */
  readonly api: string;
  /** What to do instead, as a request: `use platform.clock.sleep`. */
  readonly remedy: string;
  /** Calls that do not touch the real world, or that the original rejects for their arguments: they go to it in both modes. */
  passes?(args: readonly unknown[], constructs: boolean): boolean;
  /** True when reading the property is the use, not calling what it holds. */
  readonly reads?: true;
  /** Rules for functions that the function carries, such as `hrtime.bigint`. A carried function without one is refused as its carrier is. */
  readonly carries?: Readonly<Record<PropertyKey, Rule>>;
}

/** Served in adopt mode, refused in strict mode. */
interface ServedRule extends RuleBase {
  readonly kind: 'served';
  readonly serve: Serve;
}

/** Refused in both modes. */
interface RefusedRule extends RuleBase {
  readonly kind: 'refused';
}

/** Served in both modes. */
interface AllowedRule extends RuleBase {
  readonly kind: 'allowed';
  readonly serve: Serve;
}

export type Rule = ServedRule | RefusedRule | AllowedRule;

let orders: Orders | undefined;
/** How many calls are under way that may use the real world (console, the module loader). */
let passing = 0;

/** Starts guarding. Throws when a guard is installed already: two simulations in one thread would serve each other's time. */
export function takeOrders(given: Orders): void {
  if (orders !== undefined) {
    throw new Error(
      'a guard is installed in this thread already: uninstall it first, or run the other simulation in another worker thread',
    );
  }
  orders = given;
}

export function dropOrders(): void {
  orders = undefined;
}

/** The simulated process whose code runs now and must be guarded. */
function running(): Ambient | undefined {
  return orders === undefined || passing > 0 ? undefined : orders.current();
}

/** Runs the action with the real world in reach. */
export function unguarded<T>(action: () => T): T {
  passing += 1;
  try {
    return action();
  } finally {
    passing -= 1;
  }
}

const REFUSED_STACK_FRAMES_MAX = 50;

function refuse(ambient: Ambient, mode: 'strict' | 'adopt', rule: Rule, stand: Callable): AmbientUseError {
  const where = rule.kind === 'served' ? `in strict mode (adopt mode would serve it)` : `in ${mode} mode`;
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = REFUSED_STACK_FRAMES_MAX;
  const error = new AmbientUseError(
    ambient.node,
    rule.api,
    rule.remedy,
    `${rule.api} of the real world was used by node ${ambient.node}, whose run must depend on its seed alone; refused ${where}; ${rule.remedy}`,
  );
  Error.captureStackTrace?.(error, stand);
  Error.stackTraceLimit = limit;
  orders?.refused({ node: ambient.node, api: rule.api, remedy: rule.remedy, stack: error.stack ?? error.message });
  return error;
}

/**
 * Parts of Node that call the public functions for purposes of their own: the module loader reads files, the handler of
 * uncaught exceptions sets an immediate, undici goes on with the host's requests. Other parts call them on behalf of the program
 * (`util.promisify(fs.readFile)`, a stream over a file) and pass nothing.
 */
const NODES_OWN = /^node:internal\/(?:modules\/|source_map\/|deps\/|process\/execution$)/;

/** True when such a part called the stand-in. Costs a stack trace, so it is asked only where the answer is a refusal otherwise. */
function calledByNode(stand: Callable): boolean {
  if (Error.captureStackTrace === undefined) return false;
  const prepare = Reflect.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
  const limit = Error.stackTraceLimit;
  const seen: { stack?: unknown } = {};
  try {
    Error.prepareStackTrace = (_error, sites) => sites;
    Error.stackTraceLimit = 1;
    Error.captureStackTrace(seen, stand);
    // V8 formats the stack when it is read first, so this read must come before the hook is put back.
    const sites = seen.stack as readonly NodeJS.CallSite[] | undefined;
    return NODES_OWN.test(sites?.[0]?.getFileName() ?? '');
  } finally {
    Error.stackTraceLimit = limit;
    if (prepare === undefined) Reflect.deleteProperty(Error, 'prepareStackTrace');
    else Reflect.defineProperty(Error, 'prepareStackTrace', prepare);
  }
}

/** Calls or constructs the original. */
export function through(original: Callable, receiver: unknown, args: readonly unknown[], newTarget: Callable | undefined): unknown {
  return newTarget === undefined ? Reflect.apply(original, receiver, args) : Reflect.construct(original, args, newTarget);
}

function decide(
  rule: Rule,
  stand: Callable,
  original: Callable,
  receiver: unknown,
  args: readonly unknown[],
  newTarget: Callable | undefined,
): unknown {
  const ambient = running();
  const target = newTarget === stand ? original : newTarget;
  if (ambient === undefined || orders === undefined || rule.passes?.(args, newTarget !== undefined) === true) {
    return through(original, receiver, args, target);
  }
  if (rule.kind === 'allowed' || (rule.kind === 'served' && orders.mode === 'adopt')) {
    return rule.serve({ ambient, original, receiver, args, newTarget: target });
  }
  if (calledByNode(stand)) return unguarded(() => through(original, receiver, args, target));
  throw refuse(ambient, orders.mode, rule, stand);
}

/** One stand-in for each original, so that `timers.setTimeout === globalThis.setTimeout` stays as true as it was. */
const stands = new WeakMap<Callable, Callable>();
const isStand = new WeakSet<Callable>();

/** What a function has besides its code; never copied to a stand-in, which has its own. */
const OWN_OF_FUNCTIONS: ReadonlySet<PropertyKey> = new Set(['prototype', 'arguments', 'caller']);

/** The function that stands in for `original` under the rule: same name, same length, same prototype, same properties. */
export function standIn(original: Callable, rule: Rule): Callable {
  if (isStand.has(original)) return original;
  const known = stands.get(original);
  if (known !== undefined) return known;
  const prototype = Reflect.getOwnPropertyDescriptor(original, 'prototype');
  let stand: Callable;
  if (prototype === undefined) {
    // A method has no prototype and cannot be called with `new`, as the original.
    stand = {
      method(this: unknown, ...args: unknown[]): unknown {
        return decide(rule, stand, original, this, args, undefined);
      },
    }.method;
  } else {
    stand = function (this: unknown, ...args: unknown[]): unknown {
      return decide(rule, stand, original, this, args, new.target);
    };
    Reflect.defineProperty(stand, 'prototype', { value: prototype.value, writable: prototype.writable ?? false });
  }
  stands.set(original, stand);
  isStand.add(stand);
  Object.setPrototypeOf(stand, Object.getPrototypeOf(original));
  for (const key of Reflect.ownKeys(original)) {
    if (OWN_OF_FUNCTIONS.has(key)) continue;
    const descriptor = Reflect.getOwnPropertyDescriptor(original, key);
    if (descriptor !== undefined) Reflect.defineProperty(stand, key, carried(original, key, descriptor, rule));
  }
  return stand;
}

function carried(original: Callable, key: PropertyKey, descriptor: PropertyDescriptor, rule: Rule): PropertyDescriptor {
  const own = rule.carries?.[key] ?? (rule.kind === 'refused' ? { ...rule, api: `${rule.api}.${String(key)}` } : undefined);
  if (own === undefined) return descriptor;
  const value: unknown = descriptor.get === undefined ? descriptor.value : Reflect.apply(descriptor.get, original, []);
  if (typeof value !== 'function') return descriptor;
  return { value: standIn(value as Callable, own), writable: true, enumerable: descriptor.enumerable ?? false, configurable: true };
}

/** Swaps a property under a rule. */
export function ruled(target: object, key: PropertyKey, rule: Rule): Entry {
  return {
    key,
    replace(original): PropertyDescriptor | undefined {
      if (original.get === undefined) {
        if (rule.reads === true)
          return { get: standIn(() => original.value as unknown, rule), enumerable: original.enumerable ?? false, configurable: true };
        return typeof original.value === 'function' ? { ...original, value: standIn(original.value as Callable, rule) } : undefined;
      }
      const { get, set, enumerable = false, configurable = false } = original;
      if (rule.reads === true) return { ...original, get: standIn(get, rule) };
      const value: unknown = Reflect.apply(get, target, []);
      if (typeof value !== 'function') return undefined;
      const stand = standIn(value as Callable, rule);
      return {
        get: () => stand,
        // What a simulated process assigns lasts until the property is put back; what the host assigns is the host's affair.
        set: (given: unknown) => {
          if (set !== undefined && running() === undefined) Reflect.apply(set, target, [given]);
          else Reflect.defineProperty(target, key, { value: given, writable: true, enumerable, configurable });
        },
        enumerable,
        configurable,
      };
    },
  };
}

/** A section from rules by name. Names that the platform does not have are passed over. */
export function rules(name: string, locate: () => object | undefined, byKey: Readonly<Record<PropertyKey, Rule>>): Section {
  return {
    name,
    locate,
    entries: (target) => Reflect.ownKeys(byKey).flatMap((key) => (byKey[key] === undefined ? [] : [ruled(target, key, byKey[key])])),
  };
}

/** The names of everything an object holds that is or yields a function, for modules that are guarded as a whole. */
export function functionKeys(target: object): string[] {
  return Object.getOwnPropertyNames(target).filter((key) => {
    const descriptor = Reflect.getOwnPropertyDescriptor(target, key);
    return (
      descriptor !== undefined &&
      (typeof descriptor.value === 'function' || (descriptor.get !== undefined && descriptor.configurable === true))
    );
  });
}

/** A built-in module of Node, or undefined where there is none (a browser, an older Node). */
export function builtin(name: string): object | undefined {
  const host = globalObject('process');
  const get = memberOf(host, 'getBuiltinModule');
  return typeof get === 'function' ? asObject(Reflect.apply(get as Callable, host, [name])) : undefined;
}

/** Makes named imports of Node's built-in modules follow their module objects. */
export function syncImports(): void {
  const sync = memberOf(builtin('module'), 'syncBuiltinESMExports');
  if (typeof sync === 'function') Reflect.apply(sync as Callable, undefined, []);
}

/** A value of the global object, without claiming that the platform has it. */
export function globalValue(name: string): unknown {
  return Reflect.get(globalThis, name);
}

/** An object found at a global name, such as `crypto`. */
export function globalObject(name: string): object | undefined {
  return asObject(globalValue(name));
}

/** The prototype of a class that a built-in module exports. */
export function classPrototype(moduleName: string, className: string): object | undefined {
  return asObject(memberOf(memberOf(builtin(moduleName), className), 'prototype'));
}

/** What a value holds under a name; undefined when it is no object. */
export function memberOf(value: unknown, name: string): unknown {
  const found = asObject(value);
  return found === undefined ? undefined : Reflect.get(found, name);
}

/** What an object inherits from; undefined for no object. */
export function prototypeOf(value: unknown): object | undefined {
  const found = asObject(value);
  return found === undefined ? undefined : asObject(Object.getPrototypeOf(found));
}

/** The value when it can have properties. */
export function asObject(value: unknown): object | undefined {
  return typeof value === 'function' || (typeof value === 'object' && value !== null) ? value : undefined;
}

/** The same kind of rule for many names. */
export function eachRule(names: readonly string[], rule: (name: string) => Rule): Record<string, Rule> {
  return Object.fromEntries(names.map((name) => [name, rule(name)]));
}
