import { expect, test } from 'vitest';
import { type CheckRow, checkSpecs, compared, specsNamed } from './check-all.js';
import type { Spec, SpecConfig } from './spec-catalogue.js';
import { parseConfig } from './tla-config.js';

const SOURCE = `---- MODULE KelpieCounter ----
EXTENDS Naturals
VARIABLE x
Init == x = 0
Up == x < 3 /\\ x' = x + 1
Reset == x = 3 /\\ x' = 0
Next ==
    \\/ Up
    \\/ Reset

Spec == Init /\\ [][Next]_x
Small == x < 3
Natural == x >= 0
====
`;

function config(variant: string, text: string): SpecConfig {
  const name = `KelpieCounter${variant === '' ? '' : `_${variant}`}`;
  const model = { module: 'KelpieCounter', source: SOURCE, configName: `${name}.cfg`, config: `SPECIFICATION Spec\n${text}` };
  return { name, variant, parsed: parseConfig(text, `${name}.cfg`), model };
}

const spec: Spec = {
  module: 'KelpieCounter',
  folder: 'counter',
  summary: 'Counts',
  source: SOURCE,
  good: config('', 'INVARIANT Natural\n'),
  bugs: [config('High', '\\* expects: Small\nINVARIANTS Natural Small\n'), config('Harmless', '\\* expects: Natural\nINVARIANT Natural\n')],
  liveness: [config('Liveness', '\\* engine: tlc\nPROPERTY Live\n')],
};

test('every configuration has its row, in order, and says whether it did what it should', async () => {
  const told: string[] = [];
  const rows = await checkSpecs([spec], 'embedded', { parallel: 3, onRow: ({ config: name }) => told.push(name) });
  expect(rows.map(({ config: name }) => name)).toEqual(told);
  expect(rows).toMatchObject([
    { config: 'KelpieCounter.cfg', expected: 'holds', verdict: 'holds', ok: true, invariant: null, distinctStates: 4, depth: 4, note: '' },
    {
      config: 'KelpieCounter_High.cfg',
      expected: 'violated',
      expectedInvariant: 'Small',
      verdict: 'violated',
      ok: true,
      invariant: 'Small',
      depth: 4,
    },
    { config: 'KelpieCounter_Harmless.cfg', verdict: 'holds', ok: false, note: 'Natural must be violated, but it holds' },
    { config: 'KelpieCounter_Liveness.cfg', verdict: 'skipped', ok: true, note: 'checked by tlc alone' },
  ]);
});

test('a model that fails, and one that cannot be checked, say why', async () => {
  const broken: Spec = {
    ...spec,
    good: config('', 'INVARIANT Small\n'),
    bugs: [config('None', '\\* expects: Nope\nINVARIANT Nope\n')],
    liveness: [],
  };
  expect(await checkSpecs([broken], 'embedded')).toMatchObject([
    { verdict: 'violated', ok: false, invariant: 'Small', note: 'it must hold, but Small fails after Up' },
    { verdict: 'error', ok: false, note: expect.stringContaining('Nope') as string },
  ]);
});

test('a jar that is not there ends it before anything is checked', async () => {
  const onRow = (): never => {
    throw new Error('nothing was to be checked');
  };
  await expect(checkSpecs([spec], 'both', { tlc: { jar: '/no/such.jar' }, onRow })).rejects.toMatchObject({ code: 'jar-missing' });
});

test('engines that disagree are marked, each in what it says', () => {
  const row: CheckRow = {
    module: 'M',
    config: 'M.cfg',
    engine: 'embedded',
    expected: 'holds',
    expectedInvariant: null,
    verdict: 'holds',
    ok: true,
    invariant: null,
    distinctStates: 4,
    depth: 4,
    seconds: 0,
    note: '',
  };
  const other: CheckRow = { ...row, engine: 'tlc' };
  expect(compared([row, other])).toEqual([row, other]);
  const note = 'the engines disagree: distinctStates 4 (embedded), 5 (tlc)';
  expect(compared([row, { ...other, distinctStates: 5 }])).toMatchObject([
    { ok: false, note },
    { ok: false, note },
  ]); // prettier-ignore
  const violated = { verdict: 'violated', invariant: 'A', depth: 3 } as const;
  // A search that stops early has seen whatever came first.
  expect(
    compared([
      { ...row, ...violated },
      { ...other, ...violated, distinctStates: 9 },
    ]),
  ).toMatchObject([{ ok: true }, { ok: true }]); // prettier-ignore
  expect(
    compared([
      { ...row, ...violated },
      { ...other, ...violated, depth: 4 },
    ])[0]?.note,
  ).toBe('the engines disagree: depth 3 (embedded), 4 (tlc)');
  const skipped: CheckRow = { ...row, verdict: 'skipped' };
  expect(compared([skipped, other])).toEqual([skipped, other]);
});

test('specs are found by module, folder and short name', () => {
  for (const name of ['KelpieCounter', 'counter', 'Counter']) expect(specsNamed([name], [spec]).specs).toEqual([spec]);
  expect(specsNamed(['none'], [spec])).toEqual({ specs: [], unknown: ['none'] });
  expect(specsNamed([]).specs.length).toBeGreaterThanOrEqual(11);
});
