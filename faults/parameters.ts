/**
 * How the parameters of a fault are drawn, made simpler and checked. A fault names its fields (`rate`, `nodes`, `micros`); each
 * field knows its own draw, shrink and check, and draws from a stream of its own name, so that a new field shifts no other.
 */
import type { NodeId, Random, TraceValue } from '../src/ports.js';
import type { Episode } from '../src/run.js';
import { type Budget, DATABASE_ADDRESS } from '../src/sim/seams.js';
import type { Fault, FaultParams, RoleOf } from './fault.js';

/** One named parameter. Every value that `shrink` gives is strictly simpler: smaller, or with fewer members. */
export interface Field<T extends TraceValue> {
  draw(random: Random, budget: Budget): T;
  /** Simpler values, simplest first. */
  shrink(value: T): Iterable<T>;
  /** What the value should have been (`an integer from 1 to 9`), or undefined when it is right. */
  check(value: TraceValue | undefined): string | undefined;
}

/** In `numerator` of `denominator` cases; integers, so that every machine decides alike. */
export type Rate = { readonly numerator: number; readonly denominator: number };

type Drawn<F> = Episode & { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

/** Bounds of an episode's length. */
export interface EpisodeRange {
  readonly shortestMicros: number;
  /** Longest part of the chaos phase it may take. */
  readonly longest: Rate;
  /** A bound that the budget sets on top, in microseconds. */
  atMost?(budget: Budget): number;
}

/** From moments to half of the chaos phase, each order of magnitude as likely as the next. A shorter one would mostly meet no work. */
export const ANY_EPISODE: EpisodeRange = { shortestMicros: 300_000, longest: { numerator: 1, denominator: 2 } };
/** Long enough for time-outs and leases to run out while it lasts. */
export const LONG_EPISODE: EpisodeRange = { shortestMicros: 2_000_000, longest: { numerator: 2, denominator: 3 } };

/** Most of the chaos phase, and whole phases of less than half a minute: for what goes bad and stays so, and is met seldom. */
export const LASTING_EPISODE: EpisodeRange = { shortestMicros: 25_000_000, longest: { numerator: 9, denominator: 10 } };

/** Below this nothing is won by a shorter episode. */
const EPISODE_MICROS_SHRUNK = 1_000;
const RATE_DENOMINATOR = 1_000;
const RATE_DENOMINATOR_MAX = 1_000_000;
/** Most members of a list in a stored case. */
const MEMBERS_MAX = 10_000;
const NO_ROOM = 'a fault was drawn that the budget has no room for: ask its `allowed` first';

/** Draw, shrink and check of a fault with these fields, on top of its episode. */
export function parameters<F extends Readonly<Record<string, Field<TraceValue>>>>(
  fields: F,
  range: EpisodeRange = ANY_EPISODE,
): Pick<Fault<Drawn<F> & FaultParams>, 'draw' | 'shrink' | 'check'> {
  type Params = Drawn<F> & FaultParams;
  const named = Object.entries(fields);
  return {
    draw(random, budget) {
      const drawn: Record<string, TraceValue> = { ...drawEpisode(random.fork('episode'), budget, range) };
      for (const [name, field] of named) drawn[name] = field.draw(random.fork(name), budget);
      // The record was filled from the very fields that Params is derived from.
      return drawn as unknown as Params;
    },
    *shrink(params) {
      for (const episode of shrinkEpisode(params)) yield { ...params, ...episode };
      for (const [name, field] of named) {
        for (const value of field.shrink(params[name] ?? null)) yield { ...params, [name]: value };
      }
    },
    check(params) {
      const wrong = checkEpisode(params);
      if (wrong !== undefined) return wrong;
      for (const [name, field] of named) {
        const wanted = field.check(params[name]);
        if (wanted !== undefined) return `${name} must be ${wanted}, not ${shown(params[name])}`;
      }
      const known = new Set(['startMicros', 'durationMicros', ...Object.keys(fields)]);
      const unknown = Object.keys(params).find((name) => !known.has(name));
      return unknown === undefined ? undefined : `${unknown} is no parameter; there are ${[...known].join(', ')}`;
    },
  };
}

/** True in `rate` of the cases. */
export const happens = ({ numerator, denominator }: Rate, random: Random): boolean => random.chance(numerator, denominator);

/** Whether something that happens on a server is hit: it is one of the chosen, and chance says so. */
export const hits = (
  event: { readonly node: NodeId },
  params: { readonly nodes: readonly NodeId[]; readonly rate: Rate },
  random: Random,
): boolean => params.nodes.includes(event.node) && happens(params.rate, random);

/** An integer whose order of magnitude is uniform: 1 ms is as likely as 1 s. */
function drawMagnitude(random: Random, min: number, max: number): number {
  let octaves = 0;
  while (Math.max(1, min) * 2 ** (octaves + 1) <= max) octaves++;
  const low = Math.max(1, min) * 2 ** random.between(0, octaves);
  return random.between(Math.max(min, Math.min(low, max)), Math.min(low * 2, max));
}

/** How often it happens, per mille, between the two (both inclusive). */
export function rate(perMilleMin: number, perMilleMax: number): Field<Rate> {
  return {
    draw: (random) => ({ numerator: drawMagnitude(random, perMilleMin, perMilleMax), denominator: RATE_DENOMINATOR }),
    *shrink(value) {
      for (const numerator of smaller(value.numerator, 1)) yield { ...value, numerator };
    },
    check(value) {
      const wanted = 'a rate {numerator, denominator} of integers with 0 <= numerator <= denominator, 1 <= denominator';
      if (!isRecord(value)) return wanted;
      const { numerator, denominator } = value;
      const right = isInteger(denominator, 1, RATE_DENOMINATOR_MAX) && isInteger(numerator, 0, denominator);
      return right ? undefined : wanted;
    },
  };
}

/** A positive amount (micros, bytes, copies), drawn by order of magnitude. 0 is legal in a file and does nothing. */
export function amount(min: number, max: number): Field<number> {
  return {
    draw: (random) => drawMagnitude(random, min, max),
    shrink: (value) => smaller(value, min),
    check: (value) => (isInteger(value, 0, max) ? undefined : `an integer from 0 to ${max}`),
  };
}

/** A level of something (bytes a second, a period): drawn by order of magnitude, and none is simpler than another. */
export function level(min: number, max: number): Field<number> {
  return {
    draw: (random) => drawMagnitude(random, min, max),
    shrink: () => [],
    check: (value) => (isInteger(value, min, max) ? undefined : `an integer from ${min} to ${max}`),
  };
}

/** A positive amount up to what the budget allows for, at most `limit`. A fault whose budget may allow nothing says so in `allowed`. */
export function allowedAmount(limit: number, allowed: (budget: Budget) => number): Field<number> {
  return {
    draw(random, budget) {
      const most = Math.min(limit, allowed(budget));
      if (most < 1) throw new RangeError(NO_ROOM);
      return drawMagnitude(random, 1, most);
    },
    shrink: (value) => smaller(value, 1),
    check: (value) => (isInteger(value, 0, limit) ? undefined : `an integer from 0 to ${limit}`),
  };
}

/** The same in either direction. */
export function signedAmount(limit: number, allowed: (budget: Budget) => number): Field<number> {
  const size = allowedAmount(limit, allowed);
  return {
    draw: (random, budget) => size.draw(random, budget) * (random.chance(1, 2) ? 1 : -1),
    *shrink(value) {
      for (const next of smaller(Math.abs(value), 1)) yield value < 0 ? -next : next;
    },
    check: (value) => (isInteger(value, -limit, limit) ? undefined : `an integer from ${-limit} to ${limit}`),
  };
}

/** One of a few; shrinking leaves it, for none is simpler than another. */
export function choice<T extends string | number | boolean>(...values: readonly T[]): Field<T> {
  return {
    draw: (random) => random.pick(values),
    shrink: () => [],
    check: (value) => (values.some((one) => one === value) ? undefined : `one of ${values.join(', ')}`),
  };
}

/** The roles that faults aim at, as scenarios that have them know them. */
export const ROLES = ['lease-holder', 'primary'] as const;

/** Whom a fault hits: the drawn ones, or whoever holds a role when its episode begins. */
export const AIM = choice('nodes', ...ROLES);

/** `Fault.aim` of faults with fields `nodes` and `aim`. A cluster has more to do when it loses just the node that leads. */
export function aimed<Params extends { readonly nodes: readonly NodeId[]; readonly aim: string }>(params: Params, roleOf: RoleOf): Params {
  const holder = params.aim === 'nodes' ? undefined : roleOf(params.aim);
  return holder === undefined ? params : { ...params, nodes: [holder] };
}

/** Servers: at least `least`, at most what `most` reads from the budget. A fault whose budget may have no room says so in `allowed`. */
export function servers(
  most: (budget: Budget) => number = (budget) => budget.nodes.length,
  least = 1,
  among: (budget: Budget) => readonly NodeId[] = (budget) => budget.nodes,
): Field<readonly NodeId[]> {
  return names((random, budget) => {
    const all = among(budget);
    const bound = Math.min(most(budget), all.length);
    if (bound < least) throw new RangeError(NO_ROOM);
    return inOrder(all, random.shuffle(all).slice(0, random.between(least, bound)));
  }, least);
}

/** Servers that a fault of a peer shows to: what is wrong with the peer most often shows to all that call it. */
export function callers(): Field<readonly NodeId[]> {
  const some = servers();
  return { ...some, draw: (random, budget) => (random.chance(3, 4) ? budget.nodes : some.draw(random, budget)) };
}

/** Servers whose disks may lie, as far as they also may go down at once where the fault needs that. */
export const liars = (most: (budget: Budget) => number = lying, least = 1): Field<readonly NodeId[]> =>
  servers(
    (budget) => Math.min(lying(budget), most(budget)),
    least,
    (budget) => budget.lyingDisks ?? budget.nodes,
  );

/** As many servers as may be down at once. */
export const downable = (budget: Budget): number => budget.downMax;
/** As many servers as may have a disk that lies. */
const lying = (budget: Budget): number => budget.lyingDisksMax;
/** A single server. */
export const single = (): number => 1;

/** Anything with an address: servers, clients, the database. Mostly a few of them, sometimes all. */
export function addresses(): Field<readonly NodeId[]> {
  return names((random, budget) => {
    const all = everyone(budget);
    if (random.chance(1, 4)) return all;
    return inOrder(all, random.shuffle(all).slice(0, random.between(1, all.length)));
  });
}

/** Everything with an address in a scenario, in a fixed order. */
export const everyone = (budget: Budget): readonly NodeId[] => [...budget.nodes, DATABASE_ADDRESS, ...(budget.clients ?? [])];

/** Whether a message starts or ends at one of these. */
export const touches = (packet: { readonly from: NodeId; readonly to: NodeId }, among: readonly NodeId[]): boolean =>
  among.includes(packet.from) || among.includes(packet.to);

/** A list of names, made simpler by leaving members out. */
export function names(draw: (random: Random, budget: Budget) => readonly NodeId[], least = 1): Field<readonly NodeId[]> {
  return { draw, shrink: (value) => fewer(value, least), check: (value) => checkNames(value, least) };
}

/** What a list of names should have been, or undefined. */
export function checkNames(value: TraceValue | undefined, least: number): string | undefined {
  const right =
    Array.isArray(value) &&
    value.length >= least &&
    value.length <= MEMBERS_MAX &&
    value.every((name) => typeof name === 'string' && name !== '') &&
    new Set(value).size === value.length;
  return right ? undefined : `a list of at least ${least} different node names`;
}

/** The list without some of its members: first one alone, then the halves, then all but one. */
export function* fewer<T>(list: readonly T[], least: number): Iterable<readonly T[]> {
  const sizes = new Set([least, Math.ceil(list.length / 2)]);
  for (const size of sizes) if (size >= least && size < list.length) yield list.slice(0, size);
  const half = Math.floor(list.length / 2);
  if (half >= least && half > 0 && half < list.length) yield list.slice(half, half * 2);
  if (list.length - 1 < least || list.length <= 2) return;
  for (let i = 0; i < list.length; i++) yield [...list.slice(0, i), ...list.slice(i + 1)];
}

/** Smaller integers down to `least`: the least, then half of the way, then a quarter, so that the way down is short. */
function* smaller(value: number, least: number): Iterable<number> {
  if (value <= least) return;
  const seen = new Set<number>();
  for (const next of [least, least + Math.floor((value - least) / 2), value - Math.ceil((value - least) / 4)]) {
    if (next < value && !seen.has(next)) yield next;
    seen.add(next);
  }
}

function isInteger(value: TraceValue | undefined, min: number, max: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max;
}

/** The chosen ones in the order of the whole list, so that equal choices read alike. */
export const inOrder = <T>(all: readonly T[], chosen: readonly T[]): readonly T[] => all.filter((item) => chosen.includes(item));

function drawEpisode(random: Random, budget: Budget, range: EpisodeRange): Episode {
  const part = Math.floor((budget.chaosMicros * range.longest.numerator) / range.longest.denominator);
  const longest = Math.max(1, Math.min(part, range.atMost?.(budget) ?? part));
  const durationMicros = drawMagnitude(random, Math.min(range.shortestMicros, longest), longest);
  return { startMicros: random.between(0, budget.chaosMicros - durationMicros), durationMicros };
}

/** The first half and the second half; a whole episode that matters often matters only in one. */
function* shrinkEpisode({ startMicros, durationMicros }: Episode): Iterable<Episode> {
  if (durationMicros <= EPISODE_MICROS_SHRUNK) return;
  const half = Math.floor(durationMicros / 2);
  yield { startMicros, durationMicros: half };
  yield { startMicros: startMicros + (durationMicros - half), durationMicros: half };
}

function checkEpisode(params: FaultParams): string | undefined {
  for (const name of ['startMicros', 'durationMicros'] as const) {
    if (!isInteger(params[name], 0, Number.MAX_SAFE_INTEGER)) return `${name} must be an integer from 0, not ${shown(params[name])}`;
  }
  return undefined;
}

const isRecord = (value: TraceValue | undefined): value is { readonly [key: string]: TraceValue } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const shown = (value: TraceValue | undefined): string => (value === undefined ? 'absent' : JSON.stringify(value).slice(0, 80));
