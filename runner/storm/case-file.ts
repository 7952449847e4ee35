/** A failure that is kept: the case as data, what came of it, and how to see it again. */
import { readFile } from 'node:fs/promises';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { type Case, PROFILES, VERDICTS } from '../../src/run.js';
import { canonical, type TraceEvent } from '../../src/trace.js';
import type { Expected } from '../case-verdict.js';
import { UsageError } from '../usage-error.js';
import { SEED_SCHEMA } from './plan.js';

const FORMAT = 'kelpie-dst-case';
const VERSION = 1;

export interface CaseFile {
  readonly format: typeof FORMAT;
  readonly version: typeof VERSION;
  readonly case: Case;
  readonly expected: Expected;
  readonly reproduce: string;
  /** What the run told, see `logOf`; absent where it was not recorded. */
  readonly log?: readonly string[];
}

const MICROS = z.int().min(0);
const COUNT = z.int().min(0);

const STRATEGY = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('fifo') }),
  z.strictObject({ kind: z.literal('random') }),
  z.strictObject({ kind: z.literal('pct'), depth: z.int().min(1), horizon: z.int().min(1) }),
  z.strictObject({ kind: z.literal('pos') }),
  z.strictObject({ kind: z.literal('replay'), decisions: z.array(COUNT) }),
]);

const OPERATION = z.object({ client: COUNT, atMicros: MICROS, kind: z.string() }).catchall(z.json());

const CASE = z.strictObject({
  version: z.literal(1),
  seed: SEED_SCHEMA,
  scenario: z.string(),
  profile: z.enum(PROFILES),
  bug: z.string().optional(),
  strategy: STRATEGY,
  quantumMicros: z.int().min(1),
  faults: z.array(
    z.strictObject({
      id: z.string(),
      label: z.string(),
      params: z.object({ startMicros: MICROS, durationMicros: MICROS }).catchall(z.json()),
    }),
  ),
  network: z.strictObject({
    latencyMicrosMin: MICROS,
    latencyMicrosMax: MICROS,
    jitterMicros: MICROS,
    tailOneIn: COUNT,
    tailMicros: MICROS,
    bytesPerSecond: COUNT,
    connectionsMax: COUNT.optional(),
  }),
  workload: z.object({ nodes: COUNT, clients: COUNT, operations: z.array(OPERATION) }).catchall(z.json()),
  knobs: z.record(z.string(), z.number()),
  choices: z.record(z.string(), z.int().min(1)).optional(),
  chaosMicros: z.int().min(1),
  limits: z.strictObject({ events: z.int().min(1), simMicros: z.int().min(1), queueLength: z.int().min(1) }),
});

const CASE_FILE = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  case: CASE,
  expected: z.strictObject({
    verdict: z.enum(VERDICTS),
    invariant: z.string().nullable(),
    signature: z.string(),
    traceHash: z.union([z.literal(''), z.string().regex(/^[0-9a-f]{16}$/)]),
  }),
  reproduce: z.string(),
  log: z.array(z.string()).optional(),
});

/** Longer ones say where a run differs at their end at most. */
const LOG_LINES_MAX = 5_000;

/** Each event but packets on a line, in order, so that a later run can be held against it. */
export const logOf = (trace: readonly TraceEvent[]): readonly string[] =>
  trace
    .filter(({ body }) => body.type !== 'send' && body.type !== 'deliver')
    .slice(0, LOG_LINES_MAX)
    .map(({ at, node, life, body }) => `${at} ${node} ${life} ${canonical(body)}`);

/** Writes the file whole or not at all. */
export async function writeCaseFile(path: string, saved: Omit<CaseFile, 'format' | 'version'>): Promise<void> {
  const file: CaseFile = { format: FORMAT, version: VERSION, ...saved };
  await writeFileAtomic(path, `${JSON.stringify(file, undefined, 2)}\n`);
}

/** Reads a saved case. Throws UsageError, naming the field, for a file that is missing, broken or something else. */
export async function readCaseFile(path: string): Promise<CaseFile> {
  const wrong = (why: string): UsageError =>
    new UsageError(`'${path}' ${why}; 'kelpie-dst storm --out DIR' writes case files to DIR/failures`);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw wrong(`cannot be read: ${(error as Error).message}`);
  }
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw wrong(`is no JSON: ${(error as Error).message}`);
  }
  const { format, version } = z.object({ format: z.unknown(), version: z.unknown() }).partial().catch({}).parse(data);
  if (format !== FORMAT) throw wrong(`is no case file: its format is ${JSON.stringify(format) ?? 'not stated'}, not "${FORMAT}"`);
  if (version !== VERSION)
    throw wrong(`is of version ${JSON.stringify(version) ?? 'not stated'}, and this kelpie-dst reads version ${VERSION}`);
  const parsed = CASE_FILE.safeParse(data);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw wrong(`is broken at ${issue?.path.join('.') ?? 'its top'}: ${issue?.message ?? 'unknown'}`);
  }
  // The schema says the same as the type; JSON has no `undefined`, which is all that tells them apart.
  return parsed.data as CaseFile;
}
