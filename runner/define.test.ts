import { expect, test } from 'vitest';
import type { Fault } from '../faults/fault.js';
import { randomOf } from '../src/sim/random.js';
import type { PacketEvent, World } from '../src/sim/seams.js';
import { defineFault, defineInvariant, defineScenario } from './define.js';

const episode = { startMicros: 0, durationMicros: 1_000 };
const common = {
  summary: 'planted',
  needs: ['network'],
  core: false,
  draw: () => episode,
  shrink: () => [],
  check: () => undefined,
} as const;
const packet: PacketEvent = {
  seam: 'packet',
  phase: 'send',
  from: 'n1',
  to: 'n2',
  bytes: 1,
  carrier: 'datagram',
  message: 1,
  latencyMicros: 1,
};

test('a fault that judges keeps its seam and answers there', () => {
  const fault: Fault = defineFault({
    ...common,
    id: 'network/planted',
    seam: 'packet',
    judge: (event) => (event.to === 'n2' ? { kind: 'drop' } : undefined),
  });
  expect(fault.seam).toBe('packet');
  expect(fault.judge?.(packet, episode, randomOf(1), 0)).toEqual({ kind: 'drop' });
  expect(fault.judge?.({ ...packet, to: 'n3' }, episode, randomOf(1), 0)).toBeUndefined();
});

test('a fault that strikes has no seam', () => {
  const struck: string[] = [];
  const fault: Fault = defineFault({ ...common, id: 'network/planted', strike: ({ nodes }) => void struck.push(...nodes) });
  expect(fault.seam).toBeUndefined();
  fault.strike?.({ nodes: ['n1'] } as unknown as World, episode); // it asks for nothing else
  expect(struck).toEqual(['n1']);
});

test('scenarios and invariants come back as they are', () => {
  const invariant = { id: 'one', promise: 'planted', kind: 'always', start: () => ({ observe: () => undefined }) } as const;
  expect(defineInvariant(invariant)).toBe(invariant);
  const scenario = {
    id: 'planted',
    summary: 'planted',
    offers: [],
    invariants: [invariant],
    parts: { answer: 42 },
    convergenceMicros: 1,
    draw: () => ({ nodes: 0, clients: 0, operations: [] }),
    budget: () => ({ nodes: [], downMax: 0, lyingDisksMax: 0, clockSkewMicrosMax: 0, clockDriftPpmMax: 0, chaosMicros: 1 }),
    serve: () => Promise.resolve(),
    client: () => Promise.resolve(),
  };
  expect(defineScenario(scenario).parts.answer).toBe(42);
});
