/**
 * Rules of this house that no linter has, as functions from source files to findings. `tidy.test.ts` applies them to the
 * project, and plants a violation of each, so that a rule that has stopped seeing is noticed.
 */
import { posix } from 'node:path';

export interface SourceFile {
  /** From the root of the project, with `/`. */
  readonly path: string;
  readonly text: string;
}

/** One sentence that names the file and what to do. */
export type Finding = string;

interface Import {
  readonly specifier: string;
  /** The file it means, for a relative one. */
  readonly target: string | undefined;
  readonly typesOnly: boolean;
}

/** What a room may import of this project: files, or folders ending in `/`. Its own folder goes without saying. */
interface Room {
  readonly values: readonly string[];
  readonly types?: readonly string[];
}

const STORY = 'src/story.ts';
const CLUSTER_STORY = 'src/cluster-story.ts';
const AUDIT_STORY = 'src/audit-story.ts';
const PORTS = 'src/ports.ts';
const TRACE = 'src/trace.ts';
const RUN = 'src/run.ts';
const FRAME = 'src/frame.ts';
const DISK_TRUST = 'src/disk-trust.ts';
const SEAMS = 'src/sim/seams.ts';
const EVERYTHING: Room = { values: [''] };

/** The directions of ARCHITECTURE.md. The longest prefix of a path names its room. */
const ROOMS: Readonly<Record<string, Room>> = {
  'src/ports.ts': { values: [] },
  'src/trace.ts': { values: [], types: [PORTS] },
  'src/run.ts': { values: [], types: [PORTS] },
  'src/story.ts': { values: [], types: [PORTS, CLUSTER_STORY, AUDIT_STORY] },
  'src/cluster-story.ts': { values: [], types: [PORTS] },
  'src/audit-story.ts': { values: [], types: [PORTS] },
  'src/frame.ts': { values: [PORTS] },
  'src/disk-trust.ts': { values: [], types: [TRACE] },
  // The public surface is a list of exports and nothing else, so it may name everything.
  'src/index.ts': EVERYTHING,
  'src/kelpie/': { values: [PORTS, TRACE, STORY, FRAME] },
  'src/real/': { values: [PORTS, FRAME] },
  'src/sim/': { values: [PORTS, TRACE, RUN, FRAME] },
  'src/contract/': { values: [PORTS, FRAME] },
  'faults/': { values: [PORTS, RUN, SEAMS, 'src/sim/random.ts'] },
  'invariants/': { values: [PORTS, TRACE, RUN, STORY, DISK_TRUST] },
  'scenarios/': { values: [PORTS, TRACE, RUN, STORY, 'src/kelpie/', 'invariants/'], types: ['src/sim/'] },
  'specs/': { values: [PORTS, TRACE, RUN, STORY, DISK_TRUST] },
  'reports/': { values: [RUN, TRACE], types: [PORTS] },
  'runner/': EVERYTHING,
  'bench/': EVERYTHING,
};

/** Run in a browser too, and must be the same everywhere: no `node:`, no package but these, nothing of the host. */
const PURE_ROOMS = [
  'src/sim/',
  'src/kelpie/',
  STORY,
  CLUSTER_STORY,
  AUDIT_STORY,
  FRAME,
  DISK_TRUST,
  PORTS,
  TRACE,
  RUN,
  'faults/',
  'scenarios/',
  'invariants/',
  'specs/',
];
const PURE_PACKAGES = ['seedrandom', '@noble/hashes', 'zod'];
/** They wrap what the others may not touch. */
const PURE_EXCEPTIONS = ['src/sim/drain.ts', 'src/sim/rejections.ts', 'src/sim/guard.ts', 'src/sim/guard/'];

const isTest = (path: string): boolean => path.endsWith('.test.ts');
const isUnder = (path: string, places: readonly string[]): boolean =>
  places.some((place) => path === place || ((place === '' || place.endsWith('/')) && path.startsWith(place)));
const codeOf = (files: readonly SourceFile[]): SourceFile[] => files.filter(({ path }) => path.endsWith('.ts'));
/** What is shipped: not the tests, which may look into every room. */
const shipped = (files: readonly SourceFile[]): SourceFile[] => codeOf(files).filter(({ path }) => !isTest(path));

/** Imports go in the allowed directions only. */
export function directions(files: readonly SourceFile[]): Finding[] {
  const findings: Finding[] = [];
  for (const file of shipped(files)) {
    const prefix = roomOf(file.path);
    const room = prefix === undefined ? undefined : ROOMS[prefix];
    if (prefix === undefined || room === undefined) {
      if (file.path.includes('/')) findings.push(`${file.path} is in no room; give its folder a row in ROOMS of tidy.ts`);
      continue;
    }
    for (const { specifier, target, typesOnly } of importsOf(file)) {
      if (target === undefined || isUnder(target, [prefix])) continue;
      if (isTest(target)) findings.push(`${file.path} imports the test ${target}`);
      else if (target.startsWith('src/contract/')) findings.push(`${file.path} imports ${target}, which is for tests`);
      else if (target.startsWith('runner/') && !isUnder(file.path, ['src/index.ts', 'bench/'])) {
        findings.push(`${file.path} imports ${target}; nobody imports the runner`);
      } else if (!isUnder(target, room.values) && !(typesOnly && isUnder(target, room.types ?? []))) {
        findings.push(
          `${file.path} imports '${specifier}'; ${prefix} may import ${[...room.values, ...(room.types ?? []).map((types) => `types of ${types}`)].join(', ') || 'nothing of ours'}`,
        );
      }
    }
  }
  return findings;
}

/** Parts of one catalogue do not know each other. `catalogues` are the files of their registered parts. */
export function strangers(files: readonly SourceFile[], catalogues: readonly (readonly string[])[]): Finding[] {
  const findings: Finding[] = [];
  for (const catalogue of catalogues) {
    const members = new Set(catalogue);
    for (const file of codeOf(files)) {
      if (!members.has(file.path)) continue;
      for (const { target } of importsOf(file)) {
        if (target !== undefined && members.has(target))
          findings.push(`${file.path} imports ${target}; parts of a catalogue are strangers to each other`);
      }
    }
  }
  return findings;
}

/** The pure rooms import no `node:` module and no package that is not known to be pure, and no name that only exists at run time. */
export function packages(files: readonly SourceFile[]): Finding[] {
  const findings: Finding[] = [];
  for (const file of pure(files)) {
    for (const { specifier, target } of importsOf(file)) {
      if (target !== undefined) continue;
      if (PURE_PACKAGES.some((name) => specifier === name || specifier.startsWith(`${name}/`))) continue;
      findings.push(`${file.path} imports '${specifier}'; the pure rooms import ${PURE_PACKAGES.join(', ')} and nothing of the host`);
    }
    if (/\bimport\s*\(\s*(?!['"])/.test(withoutComments(file.text))) {
      findings.push(`${file.path} imports a name that is computed at run time, which no check can follow`);
    }
  }
  return findings;
}

/** Ways around the linter's ban on ambient time and chance, and calls whose answer depends on the machine's language. */
export function ambient(files: readonly SourceFile[]): Finding[] {
  const findings: Finding[] = [];
  for (const file of pure(files)) {
    const code = withoutStrings(file.text);
    const [used] = /\bglobalThis\b|\.localeCompare\b|\.toLocale\w+\b|\bIntl\b/.exec(code) ?? [];
    if (used !== undefined) findings.push(`${file.path} uses ${used}, which is not the same on every machine; take it from a port`);
    if (/\boxlint-disable\b/.test(file.text))
      findings.push(`${file.path} switches the linter off, and so its ban on ambient time and chance`);
  }
  return findings;
}

export interface Registered {
  /** `fault`, `scenario` ... */
  readonly kind: string;
  readonly id: string;
  /** The one file it may stand in. */
  readonly path: string;
}

/** Every part stands in the file of its id, and every file of a part is registered. `holds` tells the files of parts by path and text. */
export function parts(files: readonly SourceFile[], registered: readonly Registered[], isPart: (file: SourceFile) => boolean): Finding[] {
  const paths = new Set(files.map(({ path }) => path));
  const known = new Set(registered.map(({ path }) => path));
  const twice = registered.filter(({ kind, id }, index) => registered.findIndex((one) => one.kind === kind && one.id === id) !== index);
  return [
    ...registered
      .filter(({ path }) => !paths.has(path))
      .map(({ kind, id, path }) => `${kind} '${id}' does not stand in ${path}, as its id says`),
    ...twice.map(({ kind, id }) => `${kind} '${id}' is registered twice`),
    ...shipped(files)
      .filter((file) => isPart(file) && !known.has(file.path))
      .map(({ path }) => `${path} is a part that is not registered; nothing will ever run it`),
  ];
}

/**
 * Every `Module!Operator` that an invariant names is defined in the module, and checked by the module's own configuration.
 * `unwritten` are modules that are named before they are written.
 */
export function operators(
  files: readonly SourceFile[],
  named: readonly { readonly id: string; readonly spec?: string }[],
  unwritten: readonly string[] = [],
): Finding[] {
  const findings: Finding[] = [];
  const textOf = (name: string): string | undefined =>
    files.find(({ path }) => path.startsWith('specs/') && posix.basename(path) === name)?.text;
  for (const module of unwritten) {
    if (textOf(`${module}.tla`) !== undefined) findings.push(`${module}.tla is written; take it off the list of unwritten modules`);
  }
  for (const { id, spec } of named) {
    if (spec === undefined) continue;
    const [module = '', operator = ''] = spec.split('!');
    if (unwritten.includes(module)) continue;
    const text = textOf(`${module}.tla`);
    if (text === undefined) findings.push(`invariant '${id}' names ${spec}, and no ${module}.tla is in specs/`);
    else if (!new RegExp(`^${operator}\\s*==`, 'm').test(text)) {
      findings.push(`invariant '${id}' names ${spec}, and ${module}.tla defines no ${operator}`);
    } else if (!checkedBy(textOf(`${module}.cfg`) ?? '').has(operator)) {
      findings.push(`invariant '${id}' names ${spec}, which ${module}.cfg does not check`);
    }
  }
  return findings;
}

/**
 * Every invariant that a spec's good configuration checks is judged in runs too: some promise names it. `TypeOK` is about the model
 * alone. The configurations of bugs and of liveness have an underscore in their names.
 */
export function unjudged(files: readonly SourceFile[], named: readonly { readonly spec?: string }[]): Finding[] {
  const judged = new Set(named.map(({ spec }) => spec));
  const findings: Finding[] = [];
  for (const { path, text } of files) {
    const module = /^specs\/[^/]+\/([A-Za-z]+)\.cfg$/.exec(path)?.[1];
    if (module === undefined) continue;
    for (const operator of checkedBy(text, /^INVARIANTS?$/)) {
      if (operator === 'TypeOK' || judged.has(`${module}!${operator}`)) continue;
      findings.push(`${path} checks ${operator}, and no file in invariants/ judges runs by ${module}!${operator}`);
    }
  }
  return findings;
}

/** The names under INVARIANT(S) and PROPERTY or PROPERTIES in a configuration of TLC, or under the sections asked for. */
function checkedBy(configuration: string, sections = /^(?:INVARIANTS?|PROPERTY|PROPERTIES)$/): ReadonlySet<string> {
  const names = new Set<string>();
  let checked = false;
  for (const word of configuration
    .replaceAll(/\\\*.*/g, '')
    .trim()
    .split(/\s+/)) {
    if (/^[A-Z_]{4,}$/.test(word)) checked = sections.test(word);
    else if (checked) names.add(word);
  }
  return names;
}

/** Longest file that needs no reason. A test may be twice as long, for it goes through many small subjects. */
export const LINES_MAX = 500;
const boundOf = (path: string): number => (isTest(path) ? 2 * LINES_MAX : LINES_MAX);

/** Files over the limit are on record, and only shrink. */
export function lengths(files: readonly SourceFile[], recorded: Readonly<Record<string, number>>): Finding[] {
  const findings: Finding[] = [];
  const counted = new Map(codeOf(files).map(({ path, text }) => [path, text.split('\n').length - 1]));
  for (const [path, lines] of counted) {
    const bound = recorded[path] ?? boundOf(path);
    if (lines > bound) findings.push(`${path} has ${lines} lines, more than ${bound}; make two files of it where it has two subjects`);
  }
  for (const path of Object.keys(recorded)) {
    if ((counted.get(path) ?? 0) <= boundOf(path)) findings.push(`${path} is no longer long; take it off the record`);
  }
  return findings;
}

/** Nothing of the machine or network that a change was made on gets into the project. */
export function workplace(files: readonly SourceFile[]): Finding[] {
  const findings: Finding[] = [];
  for (const { path, text } of files) {
    const [machinePath] = /(?<![\w.~-])\/(?:work|root|home\/[\w.-]+|Users\/[\w.-]+)\/[\w.-]+/.exec(text) ?? [];
    if (machinePath !== undefined) findings.push(`${path} names ${machinePath}, a path of one machine`);
    for (const [, host] of text.matchAll(/(?:"resolved":\s*"|registry\s*=\s*)https?:\/\/([^/"\s]+)/g)) {
      if (host !== 'registry.npmjs.org') findings.push(`${path} names the package registry ${host}, which others cannot reach`);
    }
    if (/_auth(?:Token)?\s*=/.test(text)) findings.push(`${path} holds a credential of a package registry`);
  }
  return findings;
}

const pure = (files: readonly SourceFile[]): SourceFile[] =>
  shipped(files).filter(({ path }) => isUnder(path, PURE_ROOMS) && !isUnder(path, PURE_EXCEPTIONS));

function roomOf(path: string): string | undefined {
  const rooms = Object.keys(ROOMS).filter((prefix) => isUnder(path, [prefix]));
  return rooms.sort((a, b) => b.length - a.length)[0];
}

/** Every import and re-export of a file, also of types and at run time. */
function importsOf({ path, text }: SourceFile): Import[] {
  const bare = withoutComments(text);
  const found: Import[] = [];
  const add = (specifier: string, typesOnly: boolean): void => {
    const target = specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts') : undefined;
    found.push({ specifier, target, typesOnly });
  };
  for (const [, keyword, clause = '', specifier = ''] of bare.matchAll(/^\s*(import|export)\b([^'"`;]*?)\bfrom\s*['"]([^'"]+)['"]/gm)) {
    add(specifier, (keyword !== undefined && /^\s+type\b/.test(clause)) || /^\s*\{(?:\s*type\s[^,}]+,?)+\s*\}\s*$/.test(clause));
  }
  for (const [, specifier = ''] of bare.matchAll(/^\s*import\s*['"]([^'"]+)['"]/gm)) add(specifier, false);
  for (const [, specifier = ''] of bare.matchAll(/\bimport\s*\(\s*['"]([^'"]+)['"]/g)) add(specifier, false);
  return found;
}

/** The text with comments blanked out; what looks like one inside a string stays. */
export const withoutComments = (text: string): string => text.replace(TOKENS, (token) => (token.startsWith('/') ? ' ' : token));

/** The text with comments and plain strings blanked out. Templates stay, for code may be inside them. */
export const withoutStrings = (text: string): string => text.replace(TOKENS, (token) => (token.startsWith('`') ? token : ' '));

const TOKENS = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g;
