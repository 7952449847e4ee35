import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TraceEvent } from '../../src/trace.js';
import { TraceFile } from '../trace-file.js';
import { readStoredTrace } from './stored-trace.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kelpie-dst-stored-trace-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const event = (index: number): TraceEvent => ({
  index,
  at: 10 * index,
  node: 'n1',
  life: 1,
  cause: index - 1,
  body: { type: 'wal.append' },
});

async function read(path: string): Promise<readonly TraceEvent[]> {
  const events: TraceEvent[] = [];
  await readStoredTrace(path, (one) => events.push(one));
  return events;
}

test('reads what a run has written', async () => {
  const path = join(folder, 'whole.jsonl');
  const events = [0, 1, 2].map(event);
  await (await TraceFile.probe(path)).write(events);
  expect(await read(path)).toEqual(events);
});

test.each([
  [
    'empty',
    '',
    /is empty, so there is nothing to check; 'kelpie-dst run --trace FILE' writes one, and 'kelpie-dst storm --out DIR' case files/,
  ],
  ['no JSON', `${JSON.stringify(event(0))}\nnothing\n`, /is no trace: line 2 is no JSON/],
  ['another document', '{"format":"kelpie-dst-case"}\n', /is no trace: line 1 is no event: index: /],
  ['cut', `${JSON.stringify(event(0)).slice(0, -4)}\n`, /line 1 is no JSON/],
  ['out of order', [event(1), event(0)].map((one) => JSON.stringify(one)).join('\n'), /line 2 has event 0 after event 1/],
])('a file that is %s is refused', async (name, text, message) => {
  const path = join(folder, `${name}.jsonl`);
  writeFileSync(path, text);
  await expect(read(path)).rejects.toThrow(message);
});

test('a file that is not there is named, with the remedy', async () => {
  await expect(read(join(folder, 'none'))).rejects.toThrow(
    /^the trace '.*none' cannot be read: ENOENT.*; 'kelpie-dst run --trace FILE' writes one, and 'kelpie-dst storm --out DIR' case files, which are taken too$/,
  );
});
