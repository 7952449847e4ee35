/** Prints the count of tests as the last line, alone and plain, for tools that read it: `12 passed, 0 failed, 3 skipped`. */
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    // After the summary of the other reporters, whatever their order.
    process.once('exit', () => console.log(closingLine(modules, unhandled.length)));
  }
}

/** The part of a test module that counts. */
export interface CountedModule {
  errors(): readonly unknown[];
  readonly children: {
    allTests(): Iterable<{ result(): { readonly state: string } }>;
    allSuites(): Iterable<{ errors(): readonly unknown[] }>;
  };
}

/** A file that does not load, a hook that throws and an error outside of any test each count as one failure: none of them may look clean. */
export function closingLine(modules: readonly CountedModule[], unhandled: number): string {
  let passed = 0;
  let skipped = 0;
  let failed = unhandled;
  for (const module of modules) {
    failed += module.errors().length;
    for (const suite of module.children.allSuites()) failed += suite.errors().length;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') passed++;
      else if (state === 'skipped') skipped++;
      // `pending` too: a test that was begun and never ended.
      else failed++;
    }
  }
  return `${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`;
}
