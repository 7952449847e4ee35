/**
 * Compiled copies of parts of this project, for tests that need processes of their own: the oldest Node in use here runs no
 * TypeScript. A copy lies below the project's folder, so that it finds the project's dependencies, and is removed after the test.
 */
import { execFile, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const project = join(import.meta.dirname, '..', '..');
const COMPILE_MILLIS_MAX = 60_000;

export interface Compiled {
  /** The URL of a compiled module, given by its source's path from the project's folder: `src/real/clock.ts`. */
  url(source: string): string;
  /** The path of a compiled module. */
  path(source: string): string;
  remove(): Promise<void>;
}

/** Compiles these sources and all that they import. Type errors are not its business; a syntax error is. */
export async function compile(sources: readonly string[]): Promise<Compiled> {
  const folder = join(project, '.kelpie-dst');
  await mkdir(folder, { recursive: true });
  const outDir = await mkdtemp(join(folder, 'compiled-'));
  const options = ['--ignoreConfig', '--noCheck', '--outDir', outDir, '--rootDir', project, '--module', 'nodenext', '--target', 'es2023'];
  await promisify(execFile)(join(project, 'node_modules', '.bin', 'tsc'), [...options, ...sources], {
    cwd: project,
    timeout: COMPILE_MILLIS_MAX,
  });
  const path = (source: string): string => join(outDir, source.replace(/\.ts$/, '.js'));
  return { path, url: (source) => `file://${path(source)}`, remove: () => rm(outDir, { recursive: true }) };
}

export interface Child {
  readonly process: ChildProcessWithoutNullStreams;
  /** Lines of its output so far. */
  readonly lines: readonly string[];
  /** All of its error output so far. */
  errors(): string;
  /** Resolves with the first line that fits, also an earlier one; rejects when the process ends without it or the time is over. */
  line(what: string, fits: (line: string) => boolean, millisMax?: number): Promise<string>;
  /** Resolves when it has ended, with its exit code, or the name of the signal. */
  readonly ended: Promise<number | string>;
  kill(signal: NodeJS.Signals): void;
}

/** Starts a process of Node and reads its lines. */
export const startNode = (args: readonly string[]): Child => startProgram(process.execPath, args);

/** Starts a program and reads its lines. */
export function startProgram(program: string, args: readonly string[]): Child {
  const child = spawn(program, args, { cwd: project });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  let [rest, errors, over] = ['', '', false];
  const wake = (): void => {
    for (const look of waiting) look();
  };
  child.stdout.on('data', (data: Buffer) => {
    const parts = `${rest}${data.toString('utf8')}`.split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
    wake();
  });
  child.stderr.on('data', (data: Buffer) => {
    errors += data.toString('utf8');
  });
  // Writing to a process that was killed is no error of the test.
  child.stdin.on('error', () => undefined);
  const ended = new Promise<number | string>((resolve) => {
    child.on('close', (code, signal) => {
      over = true;
      resolve(code ?? signal ?? 'unknown');
      wake();
    });
  });
  return {
    process: child,
    lines,
    ended,
    errors: () => errors,
    kill: (signal) => void child.kill(signal),
    line: (what, fits, millisMax = 10_000) =>
      new Promise((resolve, reject) => {
        const finish = (settle: () => void): void => {
          waiting.delete(look);
          clearTimeout(timer);
          settle();
        };
        const look = (): void => {
          const found = lines.find(fits);
          if (found !== undefined) finish(() => resolve(found));
          else if (over) finish(() => reject(new Error(`the process ended before ${what}; it wrote:\n${lines.join('\n')}\n${errors}`)));
        };
        const timer = setTimeout(
          () =>
            finish(() =>
              reject(new Error(`${what} did not come within ${millisMax} ms; the process wrote:\n${lines.join('\n')}\n${errors}`)),
            ),
          millisMax,
        );
        waiting.add(look);
        look();
      }),
  };
}
