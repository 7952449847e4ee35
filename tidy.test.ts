/** Applies the rules of `tidy.ts` to this project, and plants a violation of each rule to see that it is found. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { describe, expect, test } from 'vitest';
import { catalogue } from './runner/catalogue.js';
import { readSpecs } from './runner/tla/spec-catalogue.js';
import { mappings } from './specs/index.js';
import {
  ambient,
  directions,
  type Finding,
  LINES_MAX,
  lengths,
  operators,
  packages,
  parts,
  type Registered,
  type SourceFile,
  strangers,
  unjudged,
  withoutComments,
  withoutStrings,
  workplace,
} from './tidy.js';

/** Long files and their lines. They may shrink, and leave the list; they may not grow. */
const LONG_FILES: Readonly<Record<string, number>> = {};

/** Modules that invariants name before they are written. */
const UNWRITTEN_SPECS: readonly string[] = [];

/** Modules that no run is held against yet. They leave the list when they have a mapping; none comes on it. */
const UNMAPPED_SPECS: readonly string[] = [];

const UNTRACKED = new Set(['node_modules', 'dist', '.git', '.kelpie-dst', 'kelpie-dst-failures', '.stryker-tmp']);
const BYTES_MAX = 4_000_000;

function filesUnder(folder: string): SourceFile[] {
  return readdirSync(join(import.meta.dirname, folder), { withFileTypes: true }).flatMap((entry): SourceFile[] => {
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory()) return UNTRACKED.has(entry.name) || entry.name.startsWith('dist.') ? [] : filesUnder(path);
    const whole = join(import.meta.dirname, path);
    return !entry.isFile() || statSync(whole).size > BYTES_MAX ? [] : [{ path, text: readFileSync(whole, 'utf8') }];
  });
}

const project = filesUnder('');

const entries = (kind: string, all: readonly { readonly id: string }[], pathOf: (id: string) => string): Registered[] =>
  all.map(({ id }) => ({ kind, id, path: pathOf(id) }));

/** Whether a file of this folder exports a value of its contract. */
const exportsA =
  (contract: string, folder: string) =>
  (file: SourceFile): boolean =>
    posix.dirname(file.path) === folder && new RegExp(`^export const \\w+: ${contract}\\b(?!\\[)`, 'm').test(withoutComments(file.text));

const specs = readSpecs();

/** The mapping of a module stands in its folder. */
const registeredMappings: readonly Registered[] = mappings.map(({ module }) => ({
  kind: 'mapping',
  id: module,
  path: `specs/${specs.find((spec) => spec.module === module)?.folder ?? module}/mapping.ts`,
}));

/** Each catalogue: what is registered, and which files are parts of it. */
const catalogues: readonly (readonly [readonly Registered[], (file: SourceFile) => boolean])[] = [
  [entries('fault', catalogue.faults, (id) => `faults/${id}.ts`), ({ path }) => /^faults\/[^/]+\/[^/]+\.ts$/.test(path)],
  [entries('scenario', catalogue.scenarios, (id) => `scenarios/${id}.ts`), exportsA('Scenario', 'scenarios')],
  [entries('invariant', catalogue.invariants, (id) => `invariants/${id}.ts`), exportsA('Invariant', 'invariants')],
  [registeredMappings, ({ path }) => /^specs\/[^/]+\/mapping\.ts$/.test(path)],
  [entries('bug', catalogue.bugs, (id) => `scenarios/bugs/${id}.ts`), exportsA('KnownBug', 'scenarios/bugs')],
];

const NONE: readonly Finding[] = [];
const planted = (path: string, text: string): SourceFile[] => [{ path, text }];

describe('this project', () => {
  test('imports in the allowed directions', () => expect(directions(project)).toEqual(NONE));
  test('keeps the parts of a catalogue strangers to each other', () => {
    expect(
      strangers(
        project,
        catalogues.map(([registered]) => registered.map(({ path }) => path)),
      ),
    ).toEqual(NONE);
  });
  test('imports only pure packages in the pure rooms', () => expect(packages(project)).toEqual(NONE));
  test('takes time, chance and language from nowhere but ports', () => expect(ambient(project)).toEqual(NONE));
  test('has each part in the file of its id, and every part registered', () => {
    expect(catalogues.flatMap(([registered, isPart]) => parts(project, registered, isPart))).toEqual(NONE);
  });
  test('maps its story to every spec', () => {
    const mapped = new Set(mappings.map(({ module }) => module));
    expect(specs.filter(({ module }) => !mapped.has(module)).map(({ module }) => module)).toEqual(UNMAPPED_SPECS);
  });
  test('has no promise that no scenario makes, and none that is not registered', () => {
    const made = new Set(catalogue.scenarios.flatMap(({ invariants }) => invariants));
    expect(catalogue.invariants.filter((invariant) => !made.has(invariant)).map(({ id }) => id)).toEqual(NONE);
    expect([...made].filter((invariant) => !catalogue.invariants.includes(invariant)).map(({ id }) => id)).toEqual(NONE);
  });
  test('names in its invariants only operators that a spec defines and checks', () => {
    expect(operators(project, catalogue.invariants, UNWRITTEN_SPECS)).toEqual(NONE);
  });
  test('judges runs by every invariant that a spec checks', () => expect(unjudged(project, catalogue.invariants)).toEqual(NONE));
  test('has no file that is long and still grows', () => expect(lengths(project, LONG_FILES)).toEqual(NONE));
  test('names nothing of the place it was written at', () => expect(workplace(project)).toEqual(NONE));
});

describe('a planted violation is found:', () => {
  test.each([
    ['src/ports.ts', "import { canonical } from './trace.js';"],
    ['src/run.ts', "import { PortError } from './ports.js';"],
    ['src/kelpie/node.ts', "import type { Kernel } from '../sim/kernel.js';"],
    ['src/kelpie/node.ts', "import {\n  type Run,\n} from '../run.js';"],
    ['src/kelpie/node.ts', "export * from '../run.js';"],
    ['src/kelpie/node.ts', "export { EXIT } from '../run.js';"],
    ['src/kelpie/node.ts', "type Late = import('../run.js').Run;"],
    ['src/kelpie/node.ts', "const late = await import('../run.js');"],
    ['src/kelpie/node.ts', "import '../run.js';"],
    ['src/sim/kernel.ts', "import { loss } from '../../faults/network/loss.js';"],
    ['src/real/tcp.ts', "import { Kernel } from '../sim/kernel.js';"],
    ['faults/network/loss.ts', "import { Kernel } from '../../src/sim/kernel.js';"],
    ['invariants/conservation.ts', "import { ActorNode } from '../src/kelpie/node.js';"],
    ['scenarios/bank.ts', "import { loss } from '../faults/network/loss.js';"],
    ['scenarios/bank.ts', "import { simulate } from '../src/sim/simulate.js';"],
    ['reports/terminal.ts', "import { PortError } from '../src/ports.js';"],
    ['reports/terminal.ts', "import { draw } from '../runner/draw.js';"],
    ['src/index.ts', "export * from './frame.test.js';"],
    ['runner/run-case.ts', "import { contract } from '../src/contract/disk-contract.js';"],
    ['plugins/new-room.ts', 'export const lost = 1;'],
  ])('a wrong direction in %s: %s', (path, text) => expect(directions(planted(path, text))).toHaveLength(1));

  test.each([
    ['src/run.ts', "import type { Micros } from './ports.js';"],
    ['src/kelpie/node.ts', "import { frame } from '../frame.js'; // not import { x } from '../sim/kernel.js'"],
    ['src/kelpie/node.ts', 'const text = "import x from \'../sim/kernel.js\'";'],
    ['scenarios/bank.ts', "import type { Budget } from '../src/sim/seams.js';"],
    ['reports/terminal.ts', "import { type Micros, type NodeId } from '../src/ports.js';"],
    ['src/index.ts', "export { draw } from '../runner/draw.js';"],
    ['src/sim/kernel.test.ts', "import { loss } from '../../faults/network/loss.js';"],
  ])('but not a right one in %s: %s', (path, text) => expect(directions(planted(path, text))).toEqual(NONE));

  test('parts that know each other', () => {
    const files = [...planted('faults/network/loss.ts', "import { delay } from './delay.js';"), ...planted('faults/network/delay.ts', '')];
    const members = files.map(({ path }) => path);
    expect(strangers(files, [members])).toEqual([
      'faults/network/loss.ts imports faults/network/delay.ts; parts of a catalogue are strangers to each other',
    ]);
  });

  test.each([
    ['src/kelpie/node.ts', "import { readFileSync } from 'node:fs';"],
    ['src/sim/kernel.ts', "import { hostname } from 'os';"],
    ['faults/disk/full.ts', "import type { Buffer } from 'node:buffer';"],
    ['invariants/one.ts', "import { z } from 'zod-like';"],
    ['scenarios/bank.ts', 'const part = await import(name);'],
  ])('a package of the host in %s: %s', (path, text) => expect(packages(planted(path, text))).toHaveLength(1));

  test('but not a pure package, a test, an exception, or another room', () => {
    const right: readonly SourceFile[] = [
      ...planted('src/sim/random.ts', "import alea from 'seedrandom/lib/alea.js';"),
      ...planted('src/kelpie/id.ts', "import { sha256 } from '@noble/hashes/sha2.js';"),
      ...planted('src/sim/kernel.test.ts', "import { test } from 'vitest';"),
      ...planted('src/sim/guard.ts', "import timers from 'node:timers';"),
      ...planted('src/real/files.ts', "import { open } from 'node:fs/promises';"),
    ];
    expect(packages(right)).toEqual(NONE);
  });

  test.each(['globalThis.Date.now()', 'names.sort((a, b) => a.localeCompare(b))', 'count.toLocaleString()', 'new Intl.Collator()'])(
    'a way around the ban on the ambient: %s',
    (text) => expect(ambient(planted('src/kelpie/node.ts', text))).toHaveLength(1),
  );

  test('but not in words', () => {
    expect(ambient(planted('src/kelpie/node.ts', "// globalThis is not used\nthrow new Error('no globalThis here');"))).toEqual(NONE);
  });

  test('the linter disabled for a line', () => {
    expect(ambient(planted('src/kelpie/node.ts', '// oxlint-disable-next-line\nDate.now();'))).toHaveLength(1);
  });

  test('a part in the wrong file, one that is not registered, one that is registered twice', () => {
    const files = [...planted('faults/disk/full.ts', ''), ...planted('faults/disk/lost.ts', ''), ...planted('faults/fault.ts', '')];
    const full = { kind: 'fault', id: 'disk/full', path: 'faults/disk/full.ts' };
    const moved = { kind: 'fault', id: 'disk/slow', path: 'faults/disk/slow.ts' };
    const isPart = ({ path }: SourceFile): boolean => path.startsWith('faults/disk/');
    expect(parts(files, [full, moved, full], isPart)).toEqual([
      "fault 'disk/slow' does not stand in faults/disk/slow.ts, as its id says",
      "fault 'disk/full' is registered twice",
      'faults/disk/lost.ts is a part that is not registered; nothing will ever run it',
    ]);
  });

  test('an operator that no spec has, or that its configuration does not check', () => {
    const files = [
      ...planted('specs/wal/WAL.tla', '---- MODULE WAL ----\nDurability == TRUE\nUnchecked == TRUE\n===='),
      ...planted('specs/wal/WAL.cfg', 'SPECIFICATION Spec\nINVARIANTS\n  TypeOK\n  Durability\n'),
    ];
    const named = ['WAL!Durability', 'WAL!Unchecked', 'WAL!Missing', 'None!Durability'].map((spec) => ({ id: spec, spec }));
    expect(operators(files, [...named, { id: 'without a spec' }])).toEqual([
      "invariant 'WAL!Unchecked' names WAL!Unchecked, which WAL.cfg does not check",
      "invariant 'WAL!Missing' names WAL!Missing, and WAL.tla defines no Missing",
      "invariant 'None!Durability' names None!Durability, and no None.tla is in specs/",
    ]);
    expect(operators(files, [{ id: 'early', spec: 'Later!Soon' }], ['Later'])).toEqual(NONE);
    expect(operators(files, [], ['WAL'])).toEqual(['WAL.tla is written; take it off the list of unwritten modules']);
  });

  test('an invariant of a spec that no promise judges', () => {
    const files = [
      ...planted('specs/wal/WAL.cfg', 'SPECIFICATION Spec\nINVARIANTS\n  TypeOK\n  Durability\n  Monotonicity\nPROPERTY\n  Liveness\n'),
      ...planted('specs/wal/WAL_Bug.cfg', 'INVARIANT Elsewhere\n'),
    ];
    expect(unjudged(files, [{ spec: 'WAL!Durability' }, {}])).toEqual([
      'specs/wal/WAL.cfg checks Monotonicity, and no file in invariants/ judges runs by WAL!Monotonicity',
    ]);
  });

  test('a file that has become long, one on record that grew, and one that is on record for nothing', () => {
    const long = (path: string, lines: number): SourceFile => ({ path, text: 'x\n'.repeat(lines) });
    const files = [
      long('src/a.ts', LINES_MAX + 1),
      long('src/b.ts', 601),
      long('src/c.ts', 10),
      long('src/d.ts', 600),
      long('docs/e.md', 9_000),
    ];
    expect(lengths(files, { 'src/b.ts': 600, 'src/c.ts': 600, 'src/d.ts': 600 })).toEqual([
      `src/a.ts has ${LINES_MAX + 1} lines, more than ${LINES_MAX}; make two files of it where it has two subjects`,
      'src/b.ts has 601 lines, more than 600; make two files of it where it has two subjects',
      'src/c.ts is no longer long; take it off the record',
    ]);
  });

  // Put together here, so that this file does not hold what it looks for.
  const joined = (...pieces: readonly string[]): string => pieces.join('');
  test.each([
    [joined('see ', '/home', '/someone/kelpie'), 'a path of one machine'],
    [joined('cd /work', '/main'), 'a path of one machine'],
    [joined('"resolved": "https:', '//mirror.example/yargs.tgz"'), 'mirror.example'],
    [joined('registry=https:', '//mirror.example/npm/'), 'mirror.example'],
    [joined('//mirror.example/:_auth', 'Token=abc'), 'credential'],
  ])('what belongs to one workplace: %s', (text, why) => expect(workplace(planted('notes.md', text)).join()).toContain(why));

  test('but not the public registry, or a path inside the project', () => {
    expect(workplace(planted('package-lock.json', '"resolved": "https://registry.npmjs.org/yargs.tgz"'))).toEqual(NONE);
    expect(workplace(planted('notes.md', 'src/work/main.ts, ~/home/x and a/root/b'))).toEqual(NONE);
  });

  test('text in comments and strings is no code', () => {
    expect(withoutComments("a // b\n/* c */ 'd // e'").trim()).toBe("a  \n  'd // e'");
    expect(withoutStrings(`a 'b' "c" // d\n\`\${e}\``)).toBe('a      \n`${e}`');
  });
});

describe("the linter's ban on ambient time and chance", () => {
  const bin = join(dirname(createRequire(import.meta.url).resolve('oxlint/package.json')), 'bin', 'oxlint');
  const lint = (path: string, text: string): string => {
    const folder = mkdtempSync(join(tmpdir(), 'kelpie-dst-tidy-'));
    try {
      copyFileSync(join(import.meta.dirname, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
      mkdirSync(join(folder, posix.dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), text);
      return spawnSync(process.execPath, [bin, '--format', 'unix'], { cwd: folder, encoding: 'utf8' }).stdout;
    } finally {
      rmSync(folder, { recursive: true });
    }
  };

  test.each([
    'Date.now()',
    'new Date()',
    'Math.random()',
    'performance.now()',
    'setTimeout(() => {}, 1)',
    'queueMicrotask(() => {})',
    'process.hrtime()',
    'crypto.randomUUID()',
  ])('finds %s in every pure room', (text) => {
    for (const room of ['src/sim', 'src/kelpie', 'faults/network', 'scenarios', 'invariants']) {
      expect(lint(`${room}/planted.ts`, `export const planted = ${text};\n`)).toContain('no-restricted');
    }
  });

  test('leaves tests, the guard and the other rooms alone', () => {
    for (const path of ['src/sim/kernel.test.ts', 'src/sim/guard.ts', 'src/real/clock.ts', 'runner/seed.ts']) {
      expect(lint(path, 'export const planted = Date.now();\n')).not.toContain('no-restricted');
    }
  });
});
