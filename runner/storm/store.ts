/**
 * What a storm leaves in its folder: the plan, a line of JSON for every finished batch, and at the end the reports. A storm that is
 * killed has lost no more than the batches that were running, and goes on from there.
 */
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs';
import { mkdir, readFile, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { VISITS_SCHEMA, type Visits } from '../conformance/visits.js';
import { UsageError } from '../usage-error.js';
import { areOf, PLAN_SCHEMA, type Plan, settingThatDiffers } from './plan.js';
import { SEED_RESULT_SCHEMA, type SeedResult } from './seed-result.js';

const VERSION = 2;
const HEADER = z.strictObject({ format: z.literal('kelpie-dst-storm'), version: z.literal(VERSION), plan: PLAN_SCHEMA });
export const BATCH_SCHEMA = z.strictObject({ results: z.array(SEED_RESULT_SCHEMA), visits: z.array(VISITS_SCHEMA) });

/** A finished batch: its results, and what it was the first to visit of the specs. */
export type StoredBatch = z.infer<typeof BATCH_SCHEMA>;

export class Store {
  readonly folder: string;
  #descriptor: number | undefined;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Begins in an empty or new folder. Throws UsageError when a storm is in it already, or it cannot be written. */
  static async begin(folder: string, plan: Plan): Promise<Store> {
    const store = new Store(folder);
    if (await exists(store.path('storm.json'))) {
      throw new UsageError(`--out: '${folder}' has the results of a storm; --resume goes on with it, or name another folder`);
    }
    try {
      await mkdir(folder, { recursive: true });
      store.#descriptor = openSync(store.path('results.jsonl'), 'w');
      // Last, because a folder with it counts as a storm.
      await writeFileAtomic(store.path('storm.json'), `${JSON.stringify({ format: 'kelpie-dst-storm', version: VERSION, plan })}\n`);
    } catch (error) {
      throw new UsageError(`--out: '${folder}' cannot be written: ${(error as Error).message}; name a folder that may be`);
    }
    return store;
  }

  /** Goes on where a storm ended; `onBatch` takes each batch that is there. Throws UsageError when it is another storm, or broken. */
  static async resume(folder: string, plan: Plan, onBatch: (batch: StoredBatch) => void): Promise<Store> {
    const store = new Store(folder);
    if (!(await exists(store.path('storm.json')))) {
      throw new UsageError(`--resume: there is no storm in '${folder}'; leave --resume out to begin one`);
    }
    const stored = await readHeader(folder);
    const other = settingThatDiffers(stored, plan);
    if (other !== undefined) {
      throw new UsageError(
        `--resume: the storm in '${folder}' has ${other.name} ${other.there}, and this command ${other.here}; ask for the same`,
      );
    }
    const whole = await readBatches(folder, plan, onBatch);
    // The storm was killed while it wrote its last line.
    await truncate(store.path('results.jsonl'), whole);
    store.#descriptor = openSync(store.path('results.jsonl'), 'a');
    return store;
  }

  /** The plan of the storm in a folder. Throws UsageError when there is none. */
  static async planIn(folder: string): Promise<Plan> {
    if (!(await exists(join(folder, 'storm.json')))) {
      throw new UsageError(`there is no storm in '${folder}'; 'kelpie-dst storm --out ${folder}' makes one`);
    }
    return readHeader(folder);
  }

  /** Reads a storm and leaves it as it is. Throws UsageError when there is none, or it is broken. */
  static async read(folder: string, onBatch: (batch: StoredBatch) => void): Promise<void> {
    await readBatches(folder, await Store.planIn(folder), onBatch);
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** One line, handed to the system before this returns. */
  append(results: readonly SeedResult[], visits: readonly Visits[]): void {
    if (this.#descriptor === undefined) throw new Error('the store is closed');
    const line = Buffer.from(`${JSON.stringify({ results, visits })}\n`);
    // One call may write less than all.
    for (let at = 0; at < line.length; ) at += writeSync(this.#descriptor, line, at);
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

async function readHeader(folder: string): Promise<Plan> {
  const path = join(folder, 'storm.json');
  const parsed = HEADER.safeParse(parseJson(await readFile(path, 'utf8')));
  if (!parsed.success)
    throw new UsageError(`'${path}' is no header of a storm of this version of kelpie-dst; begin again in another folder`);
  return parsed.data.plan;
}

/** Resolves to how many bytes there are of whole lines: a storm that is killed may leave half of one. */
async function readBatches(folder: string, plan: Plan, onBatch: (batch: StoredBatch) => void): Promise<number> {
  const path = join(folder, 'results.jsonl');
  const { size } = await stat(path);
  let whole = 0;
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    number++;
    const end = whole + Buffer.byteLength(line) + 1;
    if (end > size) break;
    const parsed = BATCH_SCHEMA.safeParse(parseJson(line));
    if (!parsed.success) throw new UsageError(`line ${number} of '${path}' is broken; remove it, and its runs are done again by --resume`);
    if (!areOf(plan, parsed.data.results)) {
      throw new UsageError(`line ${number} of '${path}' has a run that this storm does not; begin again in another folder`);
    }
    onBatch(parsed.data);
    whole = end;
  }
  return whole;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What is no JSON matches no schema.
    return undefined;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
