/** The watchdog against programs that do what no program should. Runs the built worker, because a thread loads no TypeScript. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { draw } from './draw.js';
import { catalogue } from './fixtures/hostile-catalogue.js';
import type { RunCaseOptions } from './run-case.js';

const built = new URL('../dist/runner/run-case.js', import.meta.url);
const { runCase } = (await import(built.href)) as typeof import('./run-case.js');
const catalogueUrl = new URL('fixtures/hostile-catalogue.js', import.meta.url);

function caseOf(id: string) {
  const scenario = catalogue.scenarios.find((one) => one.id === id);
  if (scenario === undefined) throw new Error(`no scenario ${id}`);
  return draw(1, scenario, { faults: [], chaosMicros: 100_000 });
}
const runOf = (id: string, options: RunCaseOptions = {}) => runCase(caseOf(id), { catalogueUrl, hangTimeoutMs: 1_000, ...options });

describe('a run in a worker', () => {
  test('that ends by itself comes back whole', async () => {
    const { run, trace, completed, wallMs } = await runOf('well-behaved');
    expect(run).toMatchObject({ verdict: 'pass', scenario: 'well-behaved', seed: 1 });
    expect(run.traceHash).toMatch(/^[0-9a-f]{16}$/);
    expect({ trace, completed }).toEqual({ trace: [], completed: true });
    expect(wallMs).toBeGreaterThan(0);
  });

  test('brings its trace when asked, and the same hash as without', async () => {
    const [bare, recorded] = [await runOf('well-behaved'), await runOf('well-behaved', { record: true })];
    expect(recorded.run.traceHash).toBe(bare.run.traceHash);
    expect(recorded.trace).toHaveLength(recorded.run.traceEvents);
    expect(recorded.trace.map(({ body }) => body)).toContainEqual({ type: 'behaved', well: true });
  });

  test.each(['endless-loop', 'endless-microtasks'])('is a hang, with where it was, in an %s', async (id) => {
    const { run, completed } = await runOf(id);
    expect(completed).toBe(false);
    expect(run.verdict).toBe('hang');
    expect(run.reason).toMatch(/^no progress for 1 s of wall time in event \d+, on c1, at 0\.\d{6} s of simulated time$/);
    expect(run.simMicros).toBeGreaterThanOrEqual(2_500);
    expect(run.events).toBeGreaterThan(1);
  });

  test('is a crash when it eats the memory, and the tool lives on', async () => {
    const { run, completed } = await runOf('memory-hog', { heapMbMax: 64, hangTimeoutMs: 20_000 });
    expect(completed).toBe(false);
    expect(run.verdict).toBe('crash');
    expect(run.reason).toMatch(/^the run used more than 64 MB of memory in event \d+, on c1, at /);
    expect((await runOf('well-behaved')).run.verdict).toBe('pass');
  });

  test('is a crash when the program throws', async () => {
    const { run, completed } = await runOf('throws');
    expect(completed).toBe(true);
    expect(run.verdict).toBe('crash');
    expect(run.reason).toMatch(/^c1 crashed: TypeError: no such account\n/);
  });

  test('that waits for ever for nothing is no hung tool', async () => {
    const { run, completed } = await runOf('never-settles');
    expect(completed).toBe(true);
    expect(run.verdict).toBe('liveness');
    expect(run.pending).toEqual(['client c1 has not completed its operations']);
  });

  test('ends when the caller gives up', async () => {
    const controller = new AbortController();
    const running = runOf('endless-loop', { hangTimeoutMs: 60_000, signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 300);
    await expect(running).rejects.toThrow('enough');
    await expect(runOf('well-behaved', { signal: controller.signal })).rejects.toThrow('enough');
  });

  test('keeps what the program prints out of stdout', () => {
    const script = `
      import { runCase } from ${JSON.stringify(built.href)};
      const { run } = await runCase(${JSON.stringify(caseOf('talkative'))}, { catalogueUrl: new URL(${JSON.stringify(catalogueUrl.href)}) });
      process.stdout.write(run.verdict);`;
    const folder = mkdtempSync(join(tmpdir(), 'kelpie-dst-run-case-'));
    const file = join(folder, 'talk.mjs');
    writeFileSync(file, script);
    const { stdout, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8' });
    rmSync(folder, { recursive: true });
    expect({ stdout, stderr }).toEqual({ stdout: 'pass', stderr: 'this is not JSON\n' });
  });

  test('is refused when the catalogue lacks its scenario or its bug, or does not load', async () => {
    const run = caseOf('well-behaved');
    await expect(runCase({ ...run, scenario: 'gone' }, { catalogueUrl })).rejects.toThrow("there is no scenario 'gone'");
    await expect(runCase({ ...run, bug: 'gone' }, { catalogueUrl })).rejects.toThrow("there is no known bug 'gone'");
    const nowhere = new URL('fixtures/nowhere.js', import.meta.url);
    await expect(runCase(run, { catalogueUrl: nowhere })).rejects.toThrow(/^the catalogue file:.*nowhere\.js cannot be loaded: /);
  });
});
