/** The contract of every fault in the catalogue: what a draw, a shrink and a stored case may rely on. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { TraceValue } from '../src/ports.js';
import { type Budget, DATABASE_ADDRESS } from '../src/sim/seams.js';
import { randomOf } from '../src/sim/random.js';
import { FAMILIES, type Fault, type FaultParams } from './fault.js';
import { faults } from './index.js';

const SEEDS = 200;

const BUDGETS: readonly Budget[] = [budget(5, 4, 2, 20_000_000), budget(3, 1, 1, 2_000_000), budget(2, 0, 1, 60_000_000)];

function budget(nodes: number, clients: number, downMax: number, chaosMicros: number): Budget {
  return {
    nodes: Array.from({ length: nodes }, (_, i) => `n${i + 1}`),
    clients: Array.from({ length: clients }, (_, i) => `c${i + 1}`),
    downMax,
    lyingDisksMax: 1,
    clockSkewMicrosMax: 500_000,
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
  it('has no id twice', () => {
    expect(new Set(faults.map((fault) => fault.id)).size).toBe(faults.length);
  });
});

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
