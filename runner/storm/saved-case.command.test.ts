/** Saved cases that cannot run, as `replay` and `shrink` are handed them: named, refused, and nothing is left behind. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Case, FaultDraw } from '../../src/run.js';
import { catalogue, find } from '../catalogue.js';
import { draw } from '../draw.js';
import type { CaseFile } from './case-file.js';

const bin = join(import.meta.dirname, '..', '..', 'dist', 'runner', 'cli.js');
const drawn = draw(7, find('scenario', catalogue.scenarios, 'kelpie-cluster'), { faults: catalogue.faults, only: ['disk/read-fail'] });

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kelpie-dst-saved-case-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The case with something else in each of its faults. */
const withFaults = (change: (fault: FaultDraw) => Partial<FaultDraw>): Case => ({
  ...drawn,
  faults: drawn.faults.map((fault) => ({ ...fault, ...change(fault) })),
});

describe.each(['replay', 'shrink'])('%s ends with 2 and says what is wrong in a case', (command) => {
  test.each<readonly [string, Case, string]>([
    [
      'with a magnitude out of range',
      withFaults(({ params }) => ({ params: { ...params, rate: { numerator: 3, denominator: 2 } } })),
      'fault \'disk/read-fail#1\' cannot be as the case has it: rate must be a rate {numerator, denominator} of integers with 0 <= numerator <= denominator, 1 <= denominator, not {"numerator":3,"denominator":2}',
    ],
    [
      'with a fault that there is not',
      withFaults(({ label }) => ({ id: 'disk/read-fial', label: label.replace('read-fail', 'read-fial') })),
      "there is no fault 'disk/read-fial'; did you mean 'disk/read-fail'",
    ],
    [
      'with a fault that its scenario has no use for',
      { ...drawn, scenario: 'zombie-owner', knobs: {}, choices: {} },
      "fault 'disk/read-fail' needs disk, which scenario 'zombie-owner' does not have; 'kelpie-dst list scenarios --json' says what each one offers",
    ],
    [
      'with a knob that there is not',
      { ...drawn, knobs: { ...drawn.knobs, leaseMicro: 1 } },
      "the case turns 'leaseMicro', which is no knob of scenario 'kelpie-cluster'; did you mean 'leaseMicros'?",
    ],
    [
      'with a knob out of range',
      { ...drawn, knobs: { ...drawn.knobs, hops: 99 } },
      'the case has knob hops = 99, which must be an integer from 1 to 3',
    ],
    [
      'with a site that there is not',
      { ...drawn, choices: { 'commit/wai': 4 } },
      "the case takes a rare way at 'commit/wai', which is no site of scenario 'kelpie-cluster'; did you mean 'commit/wait'?",
    ],
  ])('%s', (_, run, says) => {
    const saved: CaseFile = {
      format: 'kelpie-dst-case',
      version: 1,
      case: run,
      expected: { verdict: 'violation', invariant: 'conservation', signature: 'conservation', traceHash: '0'.repeat(16) },
      reproduce: 'npx kelpie-dst replay saved.json',
    };
    writeFileSync(join(folder, 'saved.json'), JSON.stringify(saved));
    const { status, stdout, stderr } = spawnSync(process.execPath, [bin, command, 'saved.json'], { cwd: folder, encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(`kelpie-dst: 'saved.json' cannot run: ${says}`);
    expect(stderr).toContain(
      "Put it right in the file; if another version of kelpie-dst saved it, find the failure again with 'kelpie-dst storm --out DIR'",
    );
    // A message, not the insides of the tool.
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(readdirSync(folder)).toEqual(['saved.json']);
  });
});
