/** The contract of every fault in the catalogue: what a draw, a shrink and a stored case may rely on. */
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { NodeId, TraceValue } from '../src/ports.js';
import { type Budget, type CrashBehaviour, DATABASE_ADDRESS, type Seam, type Seams, type World } from '../src/sim/seams.js';
import { randomOf } from '../src/sim/random.js';
import { FAMILIES, type Fault, type FaultParams } from './fault.js';
import { faults } from './index.js';

const SEEDS = 30;

const BUDGETS: readonly Budget[] = [
  budget(5, 4, 2, 20_000_000, 60_000_000),
  budget(3, 1, 1, 2_000_000, 500_000),
  budget(2, 0, 1, 60_000_000, 1),
];

function budget(nodes: number, clients: number, downMax: number, chaosMicros: number, clockSkewMicrosMax: number): Budget {
  return {
    nodes: Array.from({ length: nodes }, (_, i) => `n${i + 1}`),
    clients: Array.from({ length: clients }, (_, i) => `c${i + 1}`),
    downMax,
    lyingDisksMax: downMax,
    clockSkewMicrosMax,
    clockDriftPpmMax: 1000,
    chaosMicros,
  };
}

/** How complicated parameters are; a simpler set measures strictly less. */
function measure(value: TraceValue): number {
  if (typeof value === 'number') return Math.abs(value);
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + 1 + measure(item), 0);
  if (typeof value === 'object' && value !== null) {
    // When an episode starts makes it no more or less complicated.
    return Object.entries(value).reduce((sum, [name, item]) => sum + (name === 'startMicros' ? 0 : measure(item)), 0);
  }
  return 0;
}

const draws = (fault: Fault): { params: FaultParams; within: Budget }[] =>
  BUDGETS.filter((within) => fault.allowed?.(within) ?? true).flatMap((within) =>
    Array.from({ length: SEEDS }, (_, seed) => ({ params: fault.draw(randomOf(seed).fork(fault.id), within), within })),
  );

/** Every string of the parameters that could be a name. */
function strings(value: TraceValue): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap((item: TraceValue) => strings(item));
}

describe('the registry', () => {
  it('has every file of the folders once', () => {
    const files = FAMILIES.flatMap((family) => {
      const folder = fileURLToPath(new URL(`./${family}`, import.meta.url));
      return existsSync(folder) ? readdirSync(folder).map((file) => `${family}/${file.replace(/\.ts$/, '')}`) : [];
    });
    expect(faults.map((fault) => fault.id).sort()).toEqual(files.sort());
  });

  it('has a core of forty', () => {
    expect(faults.filter((fault) => fault.core)).toHaveLength(40);
  });
});

/** One event of every kind that a seam asks about, between the given parties. */
const events: { readonly [S in Seam]: (node: NodeId, peer: NodeId) => Seams[S][0][] } = {
  packet: (from, to) =>
    (['send', 'arrive'] as const).flatMap((phase) =>
      (['datagram', 'stream'] as const).flatMap((carrier) =>
        ['invoke', 'reply', 'heartbeat', undefined].map((topic) => ({
          seam: 'packet',
          phase,
          from,
          to,
          bytes: 100,
          carrier,
          message: 1,
          latencyMicros: 500,
          topic,
        })),
      ),
    ),
  disk: (node) =>
    (['open', 'read', 'write', 'truncate', 'sync', 'rename', 'remove', 'make-directory', 'list', 'sync-directory'] as const).map(
      (operation) => ({
        seam: 'disk',
        node,
        operation,
        path: 'wal/1',
        offset: 4096,
        length: operation === 'read' || operation === 'write' ? 512 : 0,
      }),
    ),
  database: (node) =>
    (['read-version', 'read', 'commit', 'watch'] as const).flatMap((operation) =>
      [false, true].map((readOnly) => ({
        seam: 'database',
        node,
        operation,
        readOnly,
        ...(operation === 'commit' && !readOnly ? { commit: 1 } : {}),
      })),
    ),
  service: (node) => ['model', 'tools', 'http'].map((service) => ({ seam: 'service', node, service, operation: 'call' })),
  timer: (node) => [{ seam: 'timer', node, micros: 1_000_000 }],
  step: (node) => ['message', 'timer', 'boot'].flatMap((what, i) => [{ seam: 'step', node, step: (i + 1) * 16_384, what }]),
  schedule: (node, peer) => [{ seam: 'schedule', nodes: [peer, node, ''] }],
};

/** How often the fault answers over many events among these addresses. */
function answers(fault: Fault, params: FaultParams, addresses: readonly NodeId[]): number {
  if (fault.seam === undefined) return 0;
  const { seam } = fault;
  const random = randomOf(7);
  let count = 0;
  for (let round = 0; round < 40; round++) {
    const elapsedMicros = Math.floor((params.durationMicros * round) / 40);
    for (const from of addresses) {
      for (const to of addresses.filter((address) => address !== from)) {
        for (const event of events[seam](from, to)) if (fault.judge?.(event, params, random, elapsedMicros) !== undefined) count++;
      }
    }
  }
  return count;
}

/** What every disk of the struck world holds: more than the least room that a fault leaves, less than the most. */
const DISK_USED_BYTES = 24_576;

/** A world that remembers what strikes did to it. Time passes when `run` is called. */
class StruckWorld implements World {
  readonly nodes: readonly NodeId[];
  readonly random = randomOf(9);
  readonly state = new Map<string, unknown>();
  changes = 0;
  #now = 0;
  #timers: { readonly at: number; readonly callback: () => void }[] = [];

  constructor(
    readonly within: Budget,
    roles?: Readonly<Record<string, NodeId>>,
  ) {
    this.nodes = within.nodes;
    const [first = ''] = within.nodes;
    this.roles = roles ?? { 'lease-holder': first, primary: first };
  }

  /** Sets what is not normal, or forgets it. */
  #set(what: string, value: unknown): boolean {
    this.changes++;
    if (value === undefined || value === false || value === 0) this.state.delete(what);
    else this.state.set(what, value);
    return true;
  }
  #down(): number {
    return this.nodes.filter((node) => !this.isUp(node)).length;
  }
  now = (): number => this.#now;
  /** Who holds which role. */
  readonly roles: Record<string, NodeId>;
  role = (name: string): NodeId | undefined => this.roles[name];
  isUp = (node: NodeId): boolean => !this.state.has(`${node} down`) && !this.state.has(`${node} paused`);
  kill = (node: NodeId): boolean => this.isUp(node) && this.#down() < this.within.downMax && this.#set(`${node} down`, true);
  stop = (node: NodeId): boolean => this.kill(node);
  restart = (node: NodeId): boolean => this.state.has(`${node} down`) && this.#set(`${node} down`, false);
  reconfigure = (node: NodeId, variant: string | undefined): boolean => this.#set(`${node} variant`, variant);
  pause = (node: NodeId): boolean => this.isUp(node) && this.#down() < this.within.downMax && this.#set(`${node} paused`, true);
  resume = (node: NodeId): boolean => this.state.has(`${node} paused`) && this.#set(`${node} paused`, false);
  clock = {
    jump: (node: NodeId, micros: number): boolean =>
      this.#set(`${node} wall`, ((this.state.get(`${node} wall`) as number | undefined) ?? 0) + micros),
    drift: (node: NodeId, ppm: number): boolean => this.#set(`${node} drift`, ppm),
    freeze: (node: NodeId, frozen: boolean): boolean => {
      // While it stands still the clock falls behind by the time that passes.
      const since = this.state.get(`${node} frozen`) as number | undefined;
      this.#set(`${node} frozen`, frozen ? this.#now + 1 : undefined);
      return frozen || since === undefined || this.clock.jump(node, -(this.#now + 1 - since));
    },
  };
  disk = {
    rot: (): boolean => this.#set('rot', false),
    wipe: (node: NodeId): boolean => !this.isUp(node) && this.#set('wiped', false),
    swap: (a: NodeId, b: NodeId): boolean => !this.isUp(a) && !this.isUp(b) && this.#set('swapped', false),
    usedBytes: (): number => DISK_USED_BYTES,
    limit: (node: NodeId, bytesMax: number | undefined): boolean => this.#set(`${node} disk limit`, bytesMax),
    crashBehaviour: (node: NodeId, behaviour: CrashBehaviour | undefined): boolean => this.#set(`${node} crash behaviour`, behaviour),
  };
  network = {
    limitConnections: (node: NodeId, max: number | undefined): boolean => this.#set(`${node} connections`, max),
    stray: (node: NodeId): boolean => this.#set(`${node} stray`, undefined),
  };
  database = { stallCommits: (node: NodeId, stalled: boolean): boolean => this.#set(`${node} commits stuck`, stalled) };
  after = (micros: number, callback: () => void): void => void this.#timers.push({ at: this.#now + micros, callback });
  note = (): void => {};

  /** Lets the time of an episode pass. */
  run(until: number): void {
    for (let steps = 0; steps < 100_000; steps++) {
      const next = this.#timers.reduce<{ at: number; callback: () => void } | undefined>(
        (a, b) => (a !== undefined && a.at <= b.at ? a : b),
        undefined,
      );
      if (next === undefined || next.at >= until) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#now = next.at;
      next.callback();
    }
    this.#now = until;
  }
}

/** Parameters at which a fault does nothing, for those that have such. */
const HARMLESS: Readonly<Record<string, TraceValue>> = {
  rate: { numerator: 0, denominator: 1000 },
  micros: 0,
  windowMicros: 0,
  copies: 0,
  bitFlips: 0,
  pages: 0,
  bytes: 0,
};

describe.each(faults.map((fault) => [fault.id, fault] as const))('%s', (id, fault) => {
  it('is named by its path, in a known family', () => {
    expect(existsSync(fileURLToPath(new URL(`./${id}.ts`, import.meta.url)))).toBe(true);
    expect(FAMILIES).toContain(id.split('/')[0]);
    expect(fault.summary).toMatch(/^[^\n]{10,100}[^.\n]$/);
    expect(fault.needs.length).toBeGreaterThan(0);
  });

  it('judges at a seam, or strikes', () => {
    expect(fault.judge !== undefined || fault.strike !== undefined).toBe(true);
    expect(fault.judge !== undefined).toBe(fault.seam !== undefined);
  });

  it('draws inside the budget what passes its own check', () => {
    for (const { params, within } of draws(fault)) {
      expect(fault.check(params)).toBeUndefined();
      expect(params.startMicros).toBeGreaterThanOrEqual(0);
      expect(params.durationMicros).toBeGreaterThan(0);
      expect(params.startMicros + params.durationMicros).toBeLessThanOrEqual(within.chaosMicros);
      const known = new Set([...within.nodes, ...(within.clients ?? []), DATABASE_ADDRESS]);
      for (const name of strings(params)) if (/^[nc]\d+$/.test(name)) expect(known).toContain(name);
    }
  });

  it('brings along what the catalogue has, within the budget and its own episode', () => {
    for (const { params, within } of draws(fault)) {
      for (const companion of fault.brings?.(params, randomOf(3), within) ?? []) {
        const other = faults.find((one) => one.id === companion.id);
        expect(other?.check(companion.params)).toBeUndefined();
        expect(companion.params.startMicros).toBeGreaterThanOrEqual(params.startMicros);
        expect(companion.params.startMicros + companion.params.durationMicros).toBeLessThanOrEqual(
          params.startMicros + params.durationMicros,
        );
        const nodes = strings(companion.params).filter((name) => /^[nc]\d+$/.test(name));
        expect(nodes.length).toBeLessThanOrEqual(within.downMax);
      }
    }
  });

  it('draws the same from the same stream, and not always the same', () => {
    const [first] = BUDGETS;
    if (first === undefined) throw new Error('no budget');
    const once = Array.from({ length: 20 }, (_, seed) => JSON.stringify(fault.draw(randomOf(seed), first)));
    const again = Array.from({ length: 20 }, (_, seed) => JSON.stringify(fault.draw(randomOf(seed), first)));
    expect(again).toEqual(once);
    expect(new Set(once).size).toBeGreaterThan(10);
  });

  it('survives being stored', () => {
    for (const { params } of draws(fault)) expect(JSON.parse(JSON.stringify(params))).toEqual(params);
  });

  it('shrinks to strictly simpler parameters that pass the check, and ends', () => {
    for (const { params } of draws(fault).slice(0, 20)) {
      let at = params;
      for (let steps = 0; ; steps++) {
        expect(steps).toBeLessThan(200);
        const simpler = [...fault.shrink(at)];
        for (const next of simpler) {
          expect(measure(next)).toBeLessThan(measure(at));
          expect(fault.check(next)).toBeUndefined();
          expect(next.startMicros + next.durationMicros).toBeLessThanOrEqual(at.startMicros + at.durationMicros);
        }
        // The last one is the smallest step, so this is the longest way down there is.
        const next = simpler.at(-1);
        if (next === undefined) break;
        at = next;
      }
    }
  });

  it('fires on what it aims at, in some draw', () => {
    let fired = 0;
    for (const { params, within } of draws(fault)) {
      fired += answers(fault, params, [...within.nodes, DATABASE_ADDRESS, ...(within.clients ?? [])]);
      if (fault.judge === undefined) {
        const world = new StruckWorld(within);
        fault.strike?.(world, params);
        world.run(params.durationMicros);
        fired += world.changes;
      }
      if (fired > 0) return;
    }
    expect(fired).toBeGreaterThan(0);
  });

  it('never answers for bystanders', () => {
    // Whom `schedule/reverse` puts last is nobody's choice.
    if (id === 'schedule/reverse') return;
    for (const { params } of draws(fault).slice(0, 10)) expect(answers(fault, params, ['bystander', 'passer-by'])).toBe(0);
  });

  it('does nothing with a magnitude of zero', () => {
    for (const { params } of draws(fault).slice(0, 10)) {
      for (const [name, zero] of Object.entries(HARMLESS)) {
        if (!(name in params)) continue;
        const harmless = { ...params, [name]: zero };
        if (name === 'rate' || fault.judge !== undefined) expect(fault.check(harmless)).toBeUndefined();
        if (fault.judge !== undefined) expect(answers(fault, harmless, ['n1', 'n2', 'c1', DATABASE_ADDRESS]), name).toBe(0);
      }
    }
  });

  it('undoes its strike when it heals, at the end or early', () => {
    for (const { params, within } of draws(fault)) {
      for (const healAt of [params.durationMicros, Math.floor(params.durationMicros / 3)]) {
        const world = new StruckWorld(within);
        const heal = fault.strike?.(world, params);
        world.run(healAt);
        heal?.();
        expect([...world.state]).toEqual([]);
      }
    }
  });

  it('refuses a wrong or missing parameter in a sentence that names it', () => {
    const [sample] = draws(fault);
    if (sample === undefined) throw new Error(`no budget of this test allows ${id}`);
    for (const name of Object.keys(sample.params)) {
      for (const wrong of [null, -1.5, 'nonsense!', [[]], {}]) {
        expect(fault.check({ ...sample.params, [name]: wrong }), `${name} = ${JSON.stringify(wrong)}`).toMatch(
          new RegExp(`^${name} must be .+, not `),
        );
      }
      const { [name]: _, ...missing } = sample.params;
      expect(fault.check(missing as FaultParams)).toMatch(new RegExp(`^${name} must be .+, not absent$`));
    }
    expect(fault.check({ ...sample.params, surplus: 1 })).toMatch(/^surplus is no parameter; there are startMicros, /);
  });
});

/** A drawn set of parameters of this fault, with some of them as given, struck at the world of the first budget. */
function struck(id: string, change: Readonly<Record<string, TraceValue>>, world: StruckWorld): () => void {
  const fault = faults.find((one) => one.id === id);
  if (fault === undefined) throw new Error(`no fault ${id}`);
  const params: FaultParams = { ...fault.draw(randomOf(1), world.within), ...change };
  expect(fault.check(params)).toBeUndefined();
  const aimed = fault.aim?.(params, world.role) ?? params;
  return fault.strike?.(world, aimed) ?? (() => {});
}

describe('a full disk', () => {
  it('has a little more room than what it holds when the fault begins', () => {
    for (const spareBytes of [512, 4_096, 16_384]) {
      const world = new StruckWorld(budget(3, 1, 1, 20_000_000, 1));
      const heal = struck('disk/full', { nodes: ['n1', 'n3'], spareBytes }, world);
      expect([...world.state]).toEqual([
        ['n1 disk limit', DISK_USED_BYTES + spareBytes],
        ['n3 disk limit', DISK_USED_BYTES + spareBytes],
      ]);
      heal();
      expect([...world.state]).toEqual([]);
    }
  });
});

describe('a fault that aims at a role', () => {
  const ROLES_HELD = { 'lease-holder': 'n4', primary: 'n5' };
  const within = budget(5, 1, 1, 20_000_000, 1);

  it.each([
    ...(['crash/kill', 'crash/graceful-stop', 'schedule/pause'] as const).flatMap((id) => {
      const effect = id === 'schedule/pause' ? 'paused' : 'down';
      return [
        [id, { aim: 'lease-holder', nodes: ['n1'] }, `n4 ${effect}`],
        [id, { aim: 'primary', nodes: ['n1'] }, `n5 ${effect}`],
        [id, { aim: 'nodes', nodes: ['n1'] }, `n1 ${effect}`],
      ] as const;
    }),
    ['cluster/lease-expiry-in-pause', { role: 'lease-holder' }, 'n4 paused'],
    ['cluster/lease-expiry-in-pause', { role: 'primary' }, 'n5 paused'],
    ['database/stuck-commits', { aim: 'lease-holder', nodes: ['n1'] }, 'n4 commits stuck'],
    ['database/stuck-commits', { aim: 'nodes', nodes: ['n1'] }, 'n1 commits stuck'],
  ] as const)('%s with %j strikes who holds it', (id, change, expected) => {
    const world = new StruckWorld(within, ROLES_HELD);
    const heal = struck(id, change, world);
    expect([...world.state.keys()]).toEqual([expected]);
    heal();
    expect([...world.state]).toEqual([]);
  });

  it('kills the drawn nodes where nobody holds it, and lets nobody sleep', () => {
    const killed = new StruckWorld(within, {});
    struck('crash/kill', { aim: 'primary', nodes: ['n2'] }, killed);
    expect([...killed.state.keys()]).toEqual(['n2 down']);
    const awake = new StruckWorld(within, {});
    struck('cluster/lease-expiry-in-pause', { role: 'primary' }, awake);
    expect([...awake.state]).toEqual([]);
  });

  it.each([
    ['cluster/lease-expiry-in-pause', { role: 'lease-holder', lateMicros: 5_000 }, ['n4 paused'], ['n5 paused']],
    // Where nobody has that role, somebody has the other one.
    ['cluster/lease-expiry-in-pause', { role: 'primary', lateMicros: 5_000 }, ['n4 paused'], ['n5 paused']],
    ['database/stuck-commits', { aim: 'lease-holder', lateMicros: 5_000 }, ['n4 commits stuck'], []],
  ] as const)('%s with %j lets go a moment after another has taken over', (id, change, before, after) => {
    const world = new StruckWorld(within, { 'lease-holder': 'n4' });
    const heal = struck(id, change, world);
    world.run(3_000_000);
    expect([...world.state.keys()]).toEqual(before);
    world.roles['lease-holder'] = 'n5';
    world.run(3_050_000);
    expect([...world.state.keys()]).toEqual(after);
    heal();
    expect([...world.state]).toEqual([]);
  });

  it.each(['network/isolate', 'network/clog-in', 'network/clog-out'])('%s judges the packets of who holds it', (id) => {
    const fault = faults.find((one) => one.id === id);
    if (fault?.aim === undefined) throw new Error(`${id} aims at nobody`);
    const params: FaultParams = { ...fault.draw(randomOf(1), within), aim: 'primary', nodes: ['n1'] };
    expect(fault.check(params)).toBeUndefined();
    const held = fault.aim(params, (name) => ROLES_HELD[name as 'primary']);
    expect([answers(fault, held, ['n1', 'n2']), answers(fault, held, ['n2', 'n5']) > 0]).toEqual([0, true]);
    const nobody = fault.aim(params, () => undefined);
    expect([answers(fault, nobody, ['n1', 'n2']) > 0, answers(fault, nobody, ['n2', 'n5'])]).toEqual([true, 0]);
  });

  it('draws each role in some seed', () => {
    for (const [id, name, values] of [
      ...faults.filter(({ aim }) => aim !== undefined).map((fault) => [fault.id, 'aim', ['lease-holder', 'nodes', 'primary']] as const),
      ['cluster/lease-expiry-in-pause', 'role', ['lease-holder', 'primary']],
      ['database/stuck-commits', 'aim', ['lease-holder', 'nodes', 'primary']],
    ] as const) {
      const fault = faults.find((one) => one.id === id);
      const drawn = new Set(Array.from({ length: 50 }, (_, seed) => fault?.draw(randomOf(seed), within)[name]));
      expect([...drawn].map(String).sort()).toEqual(values);
    }
  });
});
