/** The specs of this project: modules with their configurations, read from `specs/`. */
import { readdir, readFile } from 'node:fs/promises';
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
  readonly source: string;
  /** The model that must hold. */
  readonly good: SpecConfig;
  /** Each must be violated in the invariant that it names. */
  readonly bugs: readonly SpecConfig[];
  /** Temporal properties that must hold. */
  readonly liveness: readonly SpecConfig[];
}

/** Every spec, in order of folders. Throws when a folder breaks the rules: a module, its configuration, bugs that say what they expect. */
export async function readSpecs(root: string = join(packageRoot(), 'specs')): Promise<readonly Spec[]> {
  const folders = (await readdir(root, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const specs = await Promise.all(folders.sort().map((folder) => readSpec(join(root, folder), folder)));
  return specs.filter((spec) => spec !== undefined);
}

async function readSpec(path: string, folder: string): Promise<Spec | undefined> {
  const files = (await readdir(path)).sort();
  const modules = files.filter((file) => file.endsWith('.tla')).map((file) => file.slice(0, -'.tla'.length));
  const [module] = modules;
  if (module === undefined) return undefined;
  if (modules.length > 1)
    throw new Error(`specs/${folder} has ${modules.length} modules (${modules.join(', ')}); give each its own folder`);
  const source = await readFile(join(path, `${module}.tla`), 'utf8');
  const configs: SpecConfig[] = [];
  for (const file of files.filter((one) => one.endsWith('.cfg'))) {
    const name = file.slice(0, -'.cfg'.length);
    if (name !== module && !name.startsWith(`${module}_`))
      throw new Error(`specs/${folder}/${file} is of no module there; name it ${module}_<Bug>.cfg`);
    const config = await readFile(join(path, file), 'utf8');
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
  return { module, folder, source, good, bugs, liveness };
}
