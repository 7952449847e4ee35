/** The files of the runtime whose slips cost most: what a mutation tester is let loose on, by the name of their subject. */
import { UsageError } from '../usage-error.js';

const CRITICAL: Readonly<Record<string, readonly string[]>> = {
  wal: ['src/kelpie/wal/segment.ts', 'src/kelpie/wal/segments.ts', 'src/kelpie/wal/wal.ts'],
  commit: ['src/kelpie/commit.ts', 'src/kelpie/execution.ts'],
  lease: ['src/kelpie/lease.ts', 'src/kelpie/leases.ts'],
  registry: ['src/kelpie/registry.ts'],
  dispatcher: ['src/kelpie/dispatcher.ts'],
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
