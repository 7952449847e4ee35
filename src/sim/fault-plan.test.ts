import { describe, expect, it } from 'vitest';
import type { StoryEvent } from '../ports.js';
import type { FaultDraw } from '../run.js';
import { FaultPlan, type PlannedFault, type SharedWorld } from './fault-plan.js';
import { Kernel } from './kernel.js';
import { randomOf } from './random.js';
import type { Held, PacketEvent } from './seams.js';

const newKernel = (log: string[] = [], heard: (body: StoryEvent) => void = () => {}): Kernel =>
  new Kernel({
    random: randomOf(1),
    strategy: { kind: 'fifo' },
    quantumMicros: 1,
    limits: { events: 10_000, simMicros: 1_000_000_000, queueLength: 10_000 },
    listeners: [
      (event) => void log.push(`${event.at} ${event.body.type} ${(event.body as { action?: string }).action ?? ''}`),
      ({ body }) => heard(body),
    ],
    onCrash: (_, error) => {
      throw error;
    },
    onKill: () => {},
  });

const WORLD: SharedWorld = {
  now: () => 0,
  nodes: ['n1', 'n2'],
  role: () => undefined,
  isUp: () => true,
  kill: (node) => node === 'n1',
  stop: () => false,
  restart: () => true,
  pause: () => true,
  resume: () => true,
  reconfigure: () => true,
  clock: { jump: () => true, drift: () => true, freeze: () => true },
  disk: { rot: () => false, wipe: () => false, swap: () => false, usedBytes: () => 0, limit: () => true, crashBehaviour: () => true },
  network: { limitConnections: () => true, stray: () => true },
  database: { stallCommits: () => true },
  mayFall: (node) => node === 'n1',
};

const draw = (id: string, startMicros: number, durationMicros: number, label = `${id}#1`): FaultDraw => ({
  id,
  label,
  params: { startMicros, durationMicros },
});

const packet = (message: number): PacketEvent & { seam: 'packet' } => ({
  seam: 'packet',
  phase: 'send',
  from: 'n1',
  to: 'n2',
  bytes: 10,
  carrier: 'datagram',
  message,
  latencyMicros: 1,
});

const dropHalf: PlannedFault = {
  id: 'test/drop-half',
  seam: 'packet',
  judge: (_, __, random) => (random.chance(1, 2) ? { kind: 'drop' } : undefined),
};
const dropAll: PlannedFault = { id: 'test/drop-all', seam: 'packet', judge: () => ({ kind: 'drop' }) };
const holdAll: PlannedFault = { id: 'test/hold-all', seam: 'packet', judge: () => ({ kind: 'hold' }) };

describe('fault plan', () => {
  it('asks a fault only during its episode, and counts what it did', async () => {
    const kernel = newKernel();
    const plan = new FaultPlan(kernel, [draw('test/drop-all', 100, 50)], [dropAll, dropHalf]);
    const answers: [number, boolean, boolean][] = [];
    for (const at of [90, 120, 149, 151]) {
      kernel.after(at, undefined, 'ask', () => void answers.push([at, plan.active('packet'), plan.ask(packet(1)) !== undefined]));
    }
    plan.begin(WORLD);
    await kernel.run();
    expect(answers).toEqual([
      [90, false, false],
      [120, true, true],
      [149, true, true],
      [151, false, false],
    ]);
    expect(plan.reports()).toEqual([{ id: 'test/drop-all', drawn: 1, fired: 2 }]);
  });

  it('leaves the draws of a fault as they were when another fault is dropped from the case', async () => {
    const verdictsOf = async (draws: readonly FaultDraw[]): Promise<boolean[]> => {
      const kernel = newKernel();
      const plan = new FaultPlan(kernel, draws, [dropHalf, holdAll]);
      const verdicts: boolean[] = [];
      for (let i = 0; i < 100; i++) kernel.after(10 + i, undefined, 'ask', () => void verdicts.push(plan.ask(packet(i))?.kind === 'drop'));
      plan.begin(WORLD);
      await kernel.run();
      return verdicts;
    };
    const both = await verdictsOf([draw('test/drop-half', 0, 1000, 'one'), draw('test/drop-half', 2000, 1000, 'two')]);
    const alone = await verdictsOf([draw('test/drop-half', 0, 1000, 'one')]);
    expect(alone).toEqual(both);
    expect(new Set(alone).size).toBe(2);
    expect(await verdictsOf([draw('test/drop-half', 0, 1000, 'two')])).not.toEqual(alone);
  });

  it('lets the first fault of the case answer', async () => {
    const kernel = newKernel();
    const plan = new FaultPlan(kernel, [draw('test/hold-all', 5, 100), draw('test/drop-all', 0, 100)], [dropAll, holdAll]);
    const kinds: (string | undefined)[] = [];
    for (const at of [2, 50, 102]) kernel.after(at, undefined, 'ask', () => void kinds.push(plan.ask(packet(1))?.kind));
    plan.begin(WORLD);
    await kernel.run();
    expect(kinds).toEqual(['drop', 'hold', 'hold']);
  });

  it('heals: undoes strikes and releases what is held, at the end of the episode or when all is healed', async () => {
    for (const healAt of [undefined, 30]) {
      const log: string[] = [];
      const kernel = newKernel(log);
      const struck: PlannedFault = {
        id: 'test/strike',
        strike: (world) => {
          world.kill('n1', 'test');
          world.kill('n2', 'test');
          world.after(5, () => log.push(`${kernel.now()} later in the episode`));
          world.after(70, () => log.push('after it healed'));
          return () => void log.push(`${kernel.now()} healed`);
        },
      };
      const plan = new FaultPlan(kernel, [draw('test/strike', 10, 50), draw('test/hold-all', 10, 50)], [struck, holdAll]);
      kernel.after(20, undefined, 'ask', () => {
        expect(plan.ask(packet(1))?.kind).toBe('hold');
        plan.hold({ release: () => void log.push(`${kernel.now()} released`) });
      });
      if (healAt !== undefined) kernel.after(healAt, undefined, 'heal', () => plan.healAll());
      plan.begin(WORLD);
      await kernel.run();
      const end = healAt ?? 60;
      expect(log).toEqual([
        '10 fault begins',
        '10 fault begins',
        '15 later in the episode',
        `${end} fault heals`,
        `${end} healed`,
        `${end} fault heals`,
        `${end} released`,
      ]);
      // n2 was not there to be killed: only what changed the world has fired.
      expect(plan.reports().find(({ id }) => id === 'test/strike')).toEqual({ id: 'test/strike', drawn: 1, fired: 1 });
    }
  });

  describe('a fault that is handed what it holds', () => {
    const world = (healAt: number | undefined) => {
      const log: string[] = [];
      const handed: Held[] = [];
      const kernel = newKernel();
      const handing: PlannedFault = { ...holdAll, id: 'test/handing', held: (held) => void handed.push(held) };
      const plan = new FaultPlan(kernel, [draw('test/handing', 10, 50)], [handing]);
      kernel.after(20, undefined, 'ask', () => {
        for (const name of ['a', 'b']) {
          expect(plan.ask(packet(1))?.kind).toBe('hold');
          plan.hold({ release: () => void log.push(`${kernel.now()} ${name} released`) });
        }
      });
      if (healAt !== undefined) kernel.after(healAt, undefined, 'heal', () => plan.healAll());
      plan.begin(WORLD);
      return { kernel, log, handed };
    };

    it('lets go of one before it heals, and healing releases the rest and none twice', async () => {
      for (const healAt of [undefined, 40]) {
        const { kernel, log, handed } = world(healAt);
        kernel.after(30, undefined, 'let go', () => handed[0]?.release());
        await kernel.run();
        expect(handed).toHaveLength(2);
        expect(log).toEqual(['30 a released', `${healAt ?? 60} b released`]);
      }
    });

    it('may let go twice, or after it has healed, and nothing goes on again', async () => {
      const { kernel, log, handed } = world(undefined);
      for (const at of [30, 35, 70]) kernel.after(at, undefined, 'let go', () => handed[0]?.release());
      kernel.after(80, undefined, 'let go', () => handed[1]?.release());
      await kernel.run();
      expect(log).toEqual(['30 a released', '60 b released']);
    });

    it('is handed nothing that another fault holds', async () => {
      const kernel = newKernel();
      const handed: Held[] = [];
      const handing: PlannedFault = { ...holdAll, id: 'test/handing', held: (held) => void handed.push(held) };
      const plan = new FaultPlan(kernel, [draw('test/hold-all', 0, 50), draw('test/handing', 0, 50)], [holdAll, handing]);
      const released: number[] = [];
      kernel.after(20, undefined, 'ask', () => {
        expect(plan.ask(packet(1))?.kind).toBe('hold');
        plan.hold({ release: () => void released.push(kernel.now()) });
      });
      plan.begin(WORLD);
      await kernel.run();
      expect(handed).toEqual([]);
      expect(released).toEqual([50]);
    });
  });

  it('tells a fault how long its episode has lasted', async () => {
    const kernel = newKernel();
    const flapping: PlannedFault = {
      id: 'test/flapping',
      seam: 'packet',
      judge: (_, __, ___, elapsedMicros) => (elapsedMicros % 20 < 10 ? { kind: 'drop' } : undefined),
    };
    const plan = new FaultPlan(kernel, [draw('test/flapping', 100, 50)], [flapping]);
    const dropped: number[] = [];
    for (const at of [101, 109, 110, 119, 120, 129, 130]) {
      kernel.after(at, undefined, 'ask', () => void (plan.ask(packet(1)) !== undefined && dropped.push(at)));
    }
    plan.begin(WORLD);
    await kernel.run();
    expect(dropped).toEqual([101, 109, 120, 129]);
  });

  it('aims once, as the episode begins, and tells at whom', async () => {
    const told: unknown[] = [];
    const kernel = newKernel([], (body) => {
      const { action, nodes } = body as { readonly action?: string; readonly nodes?: unknown };
      if (action === 'begins') told.push(nodes);
    });
    const hunter: PlannedFault = {
      id: 'test/hunter',
      seam: 'packet',
      aim: (params, roleOf) => ({ ...params, nodes: [roleOf('leader') ?? 'nobody'] }),
      judge: (_, params) => void told.push(params['nodes']),
      strike: (_, params) => void told.push(params['nodes']),
    };
    const plan = new FaultPlan(kernel, [draw('test/hunter', 10, 100)], [hunter]);
    kernel.judge = plan;
    let leader = 'n1';
    plan.begin({ ...WORLD, role: (name) => (name === 'leader' ? leader : undefined) });
    kernel.after(5, undefined, 'change', () => (leader = 'n2'));
    kernel.after(20, undefined, 'change', () => (leader = 'n1'));
    kernel.after(30, undefined, 'ask', () => void plan.ask(packet(1)));
    await kernel.run();
    expect(told).toEqual([['n2'], ['n2'], ['n2']]);
  });

  it('lets a verdict kill only while the budget leaves room, and asks the next fault instead', async () => {
    const kernel = newKernel();
    const killer: PlannedFault = { id: 'test/killer', seam: 'step', judge: () => ({ kind: 'crash' }) };
    const delayer: PlannedFault = { id: 'test/delayer', seam: 'step', judge: () => ({ kind: 'delay', micros: 5 }) };
    const plan = new FaultPlan(kernel, [draw('test/killer', 0, 50), draw('test/delayer', 0, 50)], [killer, delayer]);
    const kinds: (string | undefined)[] = [];
    kernel.after(10, undefined, 'ask', () => {
      for (const node of ['n1', 'n2']) kinds.push(plan.ask({ seam: 'step', node, step: 1, what: 'timer' })?.kind);
    });
    plan.begin(WORLD);
    await kernel.run();
    expect(kinds).toEqual(['crash', 'delay']);
    expect(plan.reports().map(({ fired }) => fired)).toEqual([1, 1]);
  });

  it('lets a muted fault begin and heal and do nothing', async () => {
    const log: string[] = [];
    const kernel = newKernel(log);
    const plan = new FaultPlan(
      kernel,
      [draw('test/drop-all', 10, 20, 'mute'), draw('test/hold-all', 10, 20)],
      [dropAll, holdAll],
      ['mute'],
    );
    plan.begin(WORLD);
    kernel.after(15, undefined, 'ask', () => expect(plan.ask(packet(1))?.kind).toBe('hold'));
    await kernel.run();
    expect(log).toEqual(['10 fault begins', '10 fault begins', '30 fault heals', '30 fault heals']);
    expect(plan.reports()).toContainEqual({ id: 'test/drop-all', drawn: 1, fired: 0 });
  });

  it('begins nothing after it was healed', async () => {
    const kernel = newKernel();
    const plan = new FaultPlan(kernel, [draw('test/drop-all', 100, 50)], [dropAll]);
    plan.begin(WORLD);
    kernel.after(50, undefined, 'heal', () => plan.healAll());
    kernel.after(120, undefined, 'ask', () => expect(plan.active('packet')).toBe(false));
    await kernel.run();
    expect(plan.reports()).toEqual([{ id: 'test/drop-all', drawn: 1, fired: 0 }]);
  });

  it('refuses a fault that is not registered', () => {
    expect(() => new FaultPlan(newKernel(), [draw('test/none', 0, 1)], [dropAll])).toThrow("'test/none'");
  });
});
