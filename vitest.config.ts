import { defineConfig } from 'vitest/config';

/** Tests of the command as it is built: they read what a user would see, and alone need `dist/`. */
const COMMAND_TESTS = ['runner/**/*.command.test.ts'];

export default defineConfig({
  test: {
    // Processes, not threads: the guard replaces globals, and a test of it must not reach into another file's test.
    pool: 'forks',
    reporters: ['default', './closing-line.ts'],
    projects: [
      {
        extends: true,
        test: { name: 'parts', include: ['**/*.test.ts'], exclude: ['**/node_modules/**', 'dist/**', ...COMMAND_TESTS] },
      },
      {
        extends: true,
        test: { name: 'command', include: COMMAND_TESTS, globalSetup: './build-once.ts', testTimeout: 180_000 },
      },
    ],
  },
});
