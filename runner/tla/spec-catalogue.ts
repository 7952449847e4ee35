/** The specs of this project: modules with their configurations, read from `specs/`. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Model } from './model-checker.js';
import { packageRoot } from './package-root.js';
import { parseConfig, type TlaConfig } from './tla-config.js';

export interface SpecConfig {
  /** `KelpieWAL`, or `KelpieWAL_NoReplay`. */
  readonly name: string;
  /** What comes after the name of the module: of a bug, or of what is checked; empty for the model that must hold. */
  readonly variant: string;
  readonly parsed: TlaConfig;
  readonly model: Model;
}

export interface Spec {
  readonly module: string;
  /** Name of its folder. */
  readonly folder: string;
  /** The first sentence of its header. */
  readonly summary: string;
  readonly source: string;
  /** The model that must hold. */
  readonly good: SpecConfig;
  /** Each must be violated in the invariant that it names. */
  readonly bugs: readonly SpecConfig[];
  /** Temporal properties that must hold. */
  readonly liveness: readonly SpecConfig[];
}

/** Every spec, in order of folders. Throws when a folder breaks the rules: a module, its configuration, bugs that say what they expect. */
export function readSpecs(root: string = join(packageRoot(), 'specs')): readonly Spec[] {
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders
    .map(({ name }) => name)
    .sort()
    .map((folder) => readSpec(join(root, folder), folder))
    .filter((spec) => spec !== undefined);
}

function readSpec(path: string, folder: string): Spec | undefined {
  const files = readdirSync(path).sort();
  const modules = files.filter((file) => file.endsWith('.tla')).map((file) => file.slice(0, -'.tla'.length));
  const [module] = modules;
  if (module === undefined) return undefined;
  if (modules.length > 1)
    throw new Error(`specs/${folder} has ${modules.length} modules (${modules.join(', ')}); give each its own folder`);
  const source = readFileSync(join(path, `${module}.tla`), 'utf8');
  const configs: SpecConfig[] = [];
  for (const file of files.filter((one) => one.endsWith('.cfg'))) {
    const name = file.slice(0, -'.cfg'.length);
    if (name !== module && !name.startsWith(`${module}_`))
      throw new Error(`specs/${folder}/${file} is of no module there; name it ${module}_<Bug>.cfg`);
    const config = readFileSync(join(path, file), 'utf8');
    const model: Model = { module, source, configName: file, config };
    configs.push({ name, variant: name.slice(module.length + 1), parsed: parseConfig(config, file), model });
  }
  const good = configs.find(({ variant }) => variant === '');
  if (good === undefined) throw new Error(`specs/${folder} has no ${module}.cfg, the configuration that must hold`);
  const variants = configs.filter((config) => config !== good);
  const liveness = variants.filter(({ parsed }) => parsed.properties.length > 0);
  const bugs = variants.filter((config) => !liveness.includes(config));
  for (const { model, parsed } of bugs) {
    if (parsed.expects === undefined)
      throw new Error(`specs/${folder}/${model.configName} does not say what it violates; begin it with '\\* expects: <Invariant>'`);
  }
  return { module, folder, summary: summaryOf(source), source, good, bugs, liveness };
}

/** Header lines stand in comments of their own, one a line. */
function summaryOf(source: string): string {
  const lines = [...source.matchAll(/^\(\*(?!\*)(.*)\*\)$/gm)].map(([, text = '']) => text.trim());
  return /^(.*?)\.(?=\s|$)/.exec(lines.join(' '))?.[1] ?? '';
}
