import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readSpecs } from './spec-catalogue.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kelpie-dst-specs-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A `specs/` folder with one spec of these files. */
function specsWith(name: string, files: Readonly<Record<string, string>>): string {
  const root = join(folder, name);
  mkdirSync(join(root, 'counter'), { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(root, 'counter', file), text);
  return root;
}

const MODULE = `---- MODULE KelpieCounter ----
(**************************)
(* Counts up and        *)
(* starts again.  And more. *)
(**************************)
VARIABLE x
====
`;
const GOOD = 'SPECIFICATION Spec\nCONSTANT Bug = "None"\nINVARIANT Small\n';

test('reads modules with what must hold, what must be violated, and what TLC alone checks', () => {
  const root = specsWith('whole', {
    'KelpieCounter.tla': MODULE,
    'KelpieCounter.cfg': GOOD,
    'KelpieCounter_NoReset.cfg': `\\* expects: Small\n${GOOD}`,
    'KelpieCounter_Liveness.cfg': '\\* engine: tlc\nSPECIFICATION LiveSpec\nPROPERTY Live\n',
    'mapping.ts': 'export {};\n',
  });
  mkdirSync(join(root, 'empty'));
  const [spec, ...others] = readSpecs(root);
  expect(others).toEqual([]);
  expect(spec).toMatchObject({ module: 'KelpieCounter', folder: 'counter', summary: 'Counts up and starts again', source: MODULE });
  expect(spec?.good).toMatchObject({ name: 'KelpieCounter', variant: '', model: { configName: 'KelpieCounter.cfg', config: GOOD } });
  expect(spec?.bugs).toMatchObject([{ variant: 'NoReset', parsed: { expects: 'Small' } }]);
  expect(spec?.liveness).toMatchObject([{ variant: 'Liveness', parsed: { properties: ['Live'] } }]);
});

test.each([
  [
    'two modules',
    { 'KelpieA.tla': MODULE, 'KelpieB.tla': MODULE },
    'specs/counter has 2 modules (KelpieA, KelpieB); give each its own folder',
  ],
  ['no model that must hold', { 'KelpieCounter.tla': MODULE }, 'specs/counter has no KelpieCounter.cfg, the configuration that must hold'],
  [
    'a configuration of nothing',
    { 'KelpieCounter.tla': MODULE, 'Other.cfg': GOOD },
    'specs/counter/Other.cfg is of no module there; name it KelpieCounter_<Bug>.cfg',
  ],
  [
    'a bug that does not say what it violates',
    { 'KelpieCounter.tla': MODULE, 'KelpieCounter.cfg': GOOD, 'KelpieCounter_NoReset.cfg': GOOD },
    "specs/counter/KelpieCounter_NoReset.cfg does not say what it violates; begin it with '\\* expects: <Invariant>'",
  ],
])('refuses a folder with %s', (name, files, message) => {
  expect(() => readSpecs(specsWith(name, files))).toThrow(message);
});

test('every spec of this project has a sentence about itself', () => {
  for (const { module, summary } of readSpecs()) expect(summary, module).toMatch(/^[A-Z].{20,250}$/);
});
