/** The files of the runtime whose slips cost most: what a mutation tester is let loose on, by the name of their subject. */
import { UsageError } from '../usage-error.js';

const CRITICAL: Readonly<Record<string, readonly string[]>> = {
  wal: ['src/kelpie/wal/segment.ts', 'src/kelpie/wal/segments.ts', 'src/kelpie/wal/wal.ts'],
  commit: ['src/kelpie/commit.ts', 'src/kelpie/execution.ts'],
  lease: ['src/kelpie/lease.ts', 'src/kelpie/leases.ts'],
  registry: ['src/kelpie/registry.ts'],
  dispatcher: ['src/kelpie/dispatcher.ts', 'src/kelpie/routes.ts'],
};

export const SUBJECTS = Object.keys(CRITICAL);

/** The files of these subjects, of all of them when none is named. Throws UsageError for a subject that there is not. */
export function criticalFiles(subjects: readonly string[] = SUBJECTS): readonly string[] {
  return [
    ...new Set(
      subjects.flatMap((subject) => {
        const files = CRITICAL[subject];
        if (files === undefined) throw new UsageError(`'${subject}' is none of the mutated parts; they are ${SUBJECTS.join(', ')}`);
        return files;
      }),
    ),
  ];
}

const WAL_TESTS = ['src/kelpie/wal/'];
const COMMIT_TESTS = ['commit', 'execution', 'kv', 'limits', 'corrupted', 'sealed', 'node'].map((name) => `src/kelpie/${name}.test.ts`);
const LEASE_TESTS = ['lease', 'leases', 'limits', 'registry', 'placement', 'dispatcher', 'node'].map(
  (name) => `src/kelpie/${name}.test.ts`,
);
const DISPATCHER_TESTS = ['dispatcher', 'rpc', 'client', 'placement', 'node'].map((name) => `src/kelpie/${name}.test.ts`);

/** The tests of each file: those that stand by it and are about what it does. Those of parts that only use it are not asked. */
const TESTS: Readonly<Record<string, readonly string[]>> = {
  'src/kelpie/wal/segment.ts': WAL_TESTS,
  'src/kelpie/wal/segments.ts': WAL_TESTS,
  'src/kelpie/wal/wal.ts': WAL_TESTS,
  'src/kelpie/commit.ts': COMMIT_TESTS,
  'src/kelpie/execution.ts': COMMIT_TESTS,
  'src/kelpie/lease.ts': LEASE_TESTS,
  'src/kelpie/leases.ts': LEASE_TESTS,
  'src/kelpie/registry.ts': LEASE_TESTS,
  'src/kelpie/dispatcher.ts': DISPATCHER_TESTS,
  'src/kelpie/routes.ts': ['src/kelpie/routes.test.ts'],
};

/** Throws UsageError for a file that is not mutated. */
export function testsOf(file: string): readonly string[] {
  const tests = TESTS[file];
  if (tests === undefined) throw new UsageError(`${file} is not mutated, and no tests are known to be its own`);
  return tests;
}
