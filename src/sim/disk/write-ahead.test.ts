/** The disk as a program meets it: a small log that is killed at any moment, written rightly and wrongly. */
import { describe, expect, test } from 'vitest';
import { type Disk, readFully, writeFully } from '../../ports.js';
import { randomOf } from '../random.js';
import { Rig } from './rig.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** A log in the making: records of a length, a number and a check, appended and synced, moved to a new segment now and then. */
const RECORD_BYTES = 700;
const SEGMENT_RECORDS = 5;

const record = (number: number): Uint8Array => {
  const bytes = new Uint8Array(RECORD_BYTES).fill((number * 31) & 0xff);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
};

interface LogRules {
  readonly syncFile: boolean;
  readonly syncDirectory: boolean;
}

async function writeLog(disk: Disk, rules: LogRules, acknowledged: (number: number) => void): Promise<void> {
  for (let number = 1; ; number++) {
    const path = `segment-${Math.floor((number - 1) / SEGMENT_RECORDS)}`;
    const within = (number - 1) % SEGMENT_RECORDS;
    const file = await disk.open(path, 'write');
    await writeFully(file, within * RECORD_BYTES, record(number));
    if (rules.syncFile) await file.sync();
    if (within === 0 && rules.syncDirectory) await disk.syncDirectory('.');
    await file.close();
    acknowledged(number);
  }
}

/** Numbers of the whole records in front, across segments. */
async function readLog(disk: Disk): Promise<number> {
  let last = 0;
  for (;;) {
    const path = `segment-${Math.floor(last / SEGMENT_RECORDS)}`;
    if (!(await disk.list('.')).includes(path)) return last;
    const file = await disk.open(path, 'read');
    const bytes = await readFully(file, (last % SEGMENT_RECORDS) * RECORD_BYTES, RECORD_BYTES);
    await file.close();
    if (hex(bytes) !== hex(record(last + 1))) return last;
    last++;
  }
}

/** How many of these crashes at random moments lose a record that was acknowledged. */
async function lossesOf(rules: LogRules, seeds: number): Promise<number> {
  let losses = 0;
  for (let seed = 0; seed < seeds; seed++) {
    const rig = new Rig({ seed, disk: { latency: { sync: [50, 200], 'sync-directory': [50, 200] } } });
    let acknowledged = 0;
    let survived = 0;
    await rig.run(
      {
        run: (disk, process) => {
          rig.kernel.after(randomOf(seed).fork('kill').between(1, 6_000), undefined, 'kill', () => rig.kernel.kill(process, 'test'));
          return writeLog(disk, rules, (number) => {
            acknowledged = number;
          });
        },
      },
      {
        run: async (disk) => {
          survived = await readLog(disk);
        },
      },
    );
    if (survived < acknowledged) losses++;
  }
  return losses;
}

describe('a small write-ahead log', () => {
  test('loses no acknowledged record in 3,000 kills when it syncs file and directory', { timeout: 30_000 }, async () => {
    expect(await lossesOf({ syncFile: true, syncDirectory: true }, 3_000)).toBe(0);
  });

  test('is caught when it leaves out either sync', async () => {
    expect(await lossesOf({ syncFile: false, syncDirectory: true }, 50)).toBeGreaterThan(10);
    expect(await lossesOf({ syncFile: true, syncDirectory: false }, 50)).toBeGreaterThan(10);
  });
});
