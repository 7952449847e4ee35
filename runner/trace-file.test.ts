import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { encodeEvent, type TraceEvent } from '../src/trace.js';
import { TraceFile } from './trace-file.js';
import { UsageError } from './usage-error.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kelpie-dst-trace-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const events = (count: number): TraceEvent[] =>
  Array.from({ length: count }, (_, index) => ({ index, at: index * 10, node: 'n1', life: 1, cause: index - 1, body: { type: 'step' } }));

test('looking whether a file can be written leaves everything as it was', async () => {
  writeFileSync(join(folder, 'there.jsonl'), 'old');
  await TraceFile.probe(join(folder, 'there.jsonl'));
  await TraceFile.probe(join(folder, 'new.jsonl'));
  expect(readdirSync(folder)).toEqual(['there.jsonl']);
  expect(readFileSync(join(folder, 'there.jsonl'), 'utf8')).toBe('old');
});

test('every event is one canonical line, also over many pieces', async () => {
  const trace = events(25_000);
  const file = await TraceFile.probe(join(folder, 'trace.jsonl'));
  await file.write(trace);
  expect(readFileSync(file.path, 'utf8')).toBe(trace.map((event) => `${encodeEvent(event)}\n`).join(''));
  await file.write([]);
  expect(readFileSync(file.path, 'utf8')).toBe('');
  expect(readdirSync(folder)).toEqual(['trace.jsonl']);
});

test('a folder in its place, a missing folder and a file in place of a folder are refused', async () => {
  mkdirSync(join(folder, 'taken'));
  writeFileSync(join(folder, 'file'), '');
  for (const path of ['taken', 'missing/trace.jsonl', 'file/trace.jsonl']) {
    await expect(TraceFile.probe(join(folder, path))).rejects.toThrow(UsageError);
    await expect(TraceFile.probe(join(folder, path))).rejects.toThrow(`the trace cannot be written to '${join(folder, path)}'`);
  }
  expect(readdirSync(folder).sort()).toEqual(['file', 'taken']);
});

// Permissions do not bind root.
test.skipIf(process.getuid?.() === 0)('a folder that may not be written is refused', async () => {
  mkdirSync(join(folder, 'sealed'));
  chmodSync(join(folder, 'sealed'), 0o500);
  await expect(TraceFile.probe(join(folder, 'sealed', 'trace.jsonl'))).rejects.toThrow('EACCES');
});
