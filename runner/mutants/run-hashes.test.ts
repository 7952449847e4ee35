import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { RunHashes } from './run-hashes.js';

const folder = mkdtempSync(join(tmpdir(), 'hashes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('one process reads what another has told, and nothing of an earlier storm', () => {
  const dryRun = new RunHashes(folder);
  dryRun.keep(['aa', 'bb']);
  const worker = new RunHashes(folder);
  expect([worker.kept(0), worker.kept(1)]).toEqual(['aa', 'bb']);
  expect(() => worker.kept(2)).toThrow('run 2 has no hash without mutants: 2 were kept');
  worker.tell('17', 3);
  expect(new RunHashes(folder).taken('17')).toBe(3);
  expect(() => new RunHashes(folder).taken('18')).toThrow('differing-18.json');
  dryRun.keep(['cc']);
  expect(new RunHashes(folder).kept(0)).toBe('cc');
  expect(() => new RunHashes(folder).taken('17')).toThrow('differing-17.json');
});
