/** The embedded store shared by several processes, some of which are killed in the middle of what they do. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Child, type Compiled, compile, startNode, startProgram } from '../contract/compiled.js';
import { type Database, transact } from '../ports.js';
import { RealClock } from './clock.js';
import { openEmbeddedDatabase } from './embedded-database.js';
import { RealRandom } from './random.js';

const clock = new RealClock();
const random = new RealRandom();
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined): string => (value === undefined ? '' : new TextDecoder().decode(value));

const ACCOUNTS = 6;
const START_BALANCE = 1_000;

let compiled: Compiled;
let directory: string;
let database: Database;
const children: Child[] = [];

beforeAll(async () => {
  compiled = await compile(['src/real/embedded-database.ts', 'src/real/clock.ts', 'src/real/random.ts']);
  directory = await mkdtemp(join(tmpdir(), 'kelpie-processes-'));
  database = openEmbeddedDatabase({ directory, clock, random });
});

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(children.map(({ ended }) => ended));
  await database.close();
  await Promise.all([compiled.remove(), rm(directory, { recursive: true })]);
});

/** Starts a process with `database`, `transact`, `bytes` and `text` at hand. */
function start(program: string, ...args: readonly string[]): Child {
  const child = startNode(programArgs(program, directory, ...args));
  children.push(child);
  return child;
}

function programArgs(program: string, ...args: readonly string[]): readonly string[] {
  const prelude = `
    import { openEmbeddedDatabase } from '${compiled.url('src/real/embedded-database.ts')}';
    import { RealClock } from '${compiled.url('src/real/clock.ts')}';
    import { RealRandom } from '${compiled.url('src/real/random.ts')}';
    import { transact } from '${compiled.url('src/ports.ts')}';
    const [directory, ...args] = process.argv.slice(1);
    const random = new RealRandom();
    const database = openEmbeddedDatabase({ directory, clock: new RealClock(), random });
    const bytes = (value) => new TextEncoder().encode(value);
    const text = (value) => (value === undefined ? '' : new TextDecoder().decode(value));
  `;
  return ['--input-type=module', '-e', prelude + program, '--', ...args];
}

describe('the embedded store among processes', () => {
  test('killed writers lose nothing that was acknowledged, and leave nothing half done', { timeout: 30_000 }, async () => {
    const transfers = `
      const [name] = args;
      for (let i = 0; ; i++) {
        const from = random.int(${ACCOUNTS});
        const to = random.int(${ACCOUNTS});
        await transact(database, async (tx) => {
          const balance = async (account) => Number(text(await tx.get(bytes('account/' + account))));
          tx.set(bytes('account/' + from), bytes(String((await balance(from)) - 1)));
          tx.set(bytes('account/' + to), bytes(String((await balance(to)) + 1)));
          tx.set(bytes('done/' + name + '/' + i), bytes(from + '>' + to));
        });
        console.log(i);
      }
    `;
    await transact(database, async (tx) => {
      for (let i = 0; i < ACCOUNTS; i++) tx.set(bytes(`account/${i}`), bytes(String(START_BALANCE)));
    });
    let names = 0;
    const begin = (): { readonly name: string; readonly child: Child } => {
      const name = `p${names++}`;
      return { name, child: start(transfers, name) };
    };
    const running = [begin(), begin(), begin()];
    const all = [...running];
    for (let kill = 0; kill < 8; kill++) {
      const at = random.int(running.length);
      const victim = running[at];
      await victim?.child.line('its first commit', () => true);
      await clock.sleep(random.int(150_000));
      victim?.child.kill('SIGKILL');
      running[at] = begin();
      all.push(running[at]);
    }
    for (const { child } of running) {
      await child.line('the first commit after the kills', () => true);
      child.kill('SIGKILL');
    }
    await Promise.all(all.map(({ child }) => child.ended));

    const stored = await transact(database, async (tx) => (await tx.getRange(bytes('done/'), bytes('done0'))).items);
    const done = new Map(stored.map(({ key, value }) => [text(key), text(value)]));
    const balances = Array<number>(ACCOUNTS).fill(START_BALANCE);
    for (const transfer of done.values()) {
      const [from = -1, to = -1] = transfer.split('>').map(Number);
      balances[from] = (balances[from] ?? 0) - 1;
      balances[to] = (balances[to] ?? 0) + 1;
    }
    const now = await transact(database, async (tx) => (await tx.getRange(bytes('account/'), bytes('account0'))).items);
    expect(now.map(({ value }) => Number(text(value)))).toEqual(balances);
    let acknowledged = 0;
    for (const { name, child } of all) {
      for (const line of child.lines) {
        acknowledged++;
        expect(done.has(`done/${name}/${line}`), `commit ${line} of ${name} was acknowledged`).toBe(true);
      }
    }
    expect(acknowledged).toBeGreaterThan(50);
    expect(done.size).toBeLessThanOrEqual(acknowledged + all.length);
  });

  test('a commit of one process fires the watch of another, and is read by its next transaction', async () => {
    const other = start(`
      console.log('ready');
      process.stdin.once('data', async () => {
        await transact(database, async (tx) => tx.set(bytes('watched'), bytes('changed')));
        console.log('committed');
      });
    `);
    await other.line('the start', (line) => line === 'ready');
    const tx = database.transaction();
    const watch = tx.watch(bytes('watched'));
    await tx.commit();
    other.process.stdin.write('go\n');
    await other.line('the commit', (line) => line === 'committed');
    expect(text(await database.transaction().get(bytes('watched')))).toBe('changed');
    await expect(Promise.race([watch.changed.then(() => 'fired'), clock.sleep(2_000_000).then(() => 'silent')])).resolves.toBe('fired');
  });

  test('a conflict with another process is found', async () => {
    const tx = database.transaction();
    await tx.getRange(bytes('range/'), bytes('range0'));
    const other = start(`
      await transact(database, async (tx) => tx.set(bytes('range/inserted'), bytes('1')));
      console.log('committed');
    `);
    await other.line('the commit', (line) => line === 'committed');
    tx.set(bytes('mine'), bytes('1'));
    await expect(tx.commit()).rejects.toMatchObject({ code: 1020 });
  });

  test('a process killed inside the write lock frees it, and what it wrote is gone', async () => {
    const holder = startNode([
      '--input-type=module',
      '-e',
      `
        import { writeSync } from 'node:fs';
        import { open } from 'lmdb';
        const root = open({ path: process.argv[1], noSubdir: false, pageSize: 8192, maxDbs: 3, overlappingSync: false });
        const store = root.openDB({ name: 'data', keyEncoding: 'binary', encoding: 'binary' });
        root.transactionSync(() => {
          store.putSync(Buffer.from([1, 104, 97, 108, 102]), Buffer.from('half done'));
          writeSync(1, 'inside\\n');
          for (;;);
        });
      `,
      '--',
      directory,
    ]);
    children.push(holder);
    await holder.line('the lock', (line) => line === 'inside');
    const tx = database.transaction();
    tx.set(bytes('after'), bytes('the kill'));
    const committed = tx.commit().then(() => 'committed');
    expect(await Promise.race([committed, clock.sleep(100_000).then(() => 'waiting')])).toBe('waiting');
    holder.kill('SIGKILL');
    expect(await committed).toBe('committed');
    expect(await database.transaction().get(bytes('half'))).toBeUndefined();
    expect(text(await database.transaction().get(bytes('after')))).toBe('the kill');
  });

  test('a disk that takes no more fails commits whole, ends no process, and what was acknowledged stays', { timeout: 30_000 }, async () => {
    const full = await mkdtemp(join(tmpdir(), 'kelpie-full-'));
    const program = `
      let refused = 0;
      let acknowledged = 0;
      for (let i = 0; i < 60 && refused < 3; i++) {
        const tx = database.transaction();
        tx.set(bytes('small/' + i), bytes('1'));
        tx.set(bytes('large/' + i), new Uint8Array(90_000));
        await tx.commit().then(() => acknowledged++, (error) => {
          if (![1021, 1510].includes(error.code)) throw error;
          refused++;
        });
      }
      const count = async (name) => (await database.transaction().getRange(bytes(name + '/'), bytes(name + '0'))).items.length;
      console.log(JSON.stringify({ refused, acknowledged, small: await count('small'), large: await count('large') }));
      await database.close();
    `;
    // No file may grow beyond two megabytes; with its signal ignored, the write that tries fails.
    const limited = 'trap "" XFSZ; ulimit -f 2048; exec "$0" "$@"';
    const child = startProgram('bash', ['-c', limited, process.execPath, ...programArgs(program, full)]);
    children.push(child);
    const line = await child.line('the counts', (text) => text.startsWith('{'), 20_000);
    expect(await child.ended, child.errors()).toBe(0);
    const { refused, acknowledged, small, large } = JSON.parse(line) as Record<string, number>;
    expect(refused).toBe(3);
    expect(acknowledged).toBeGreaterThan(5);
    expect([small, large]).toEqual([acknowledged, acknowledged]);
    const reopened = openEmbeddedDatabase({ directory: full, clock, random });
    expect((await reopened.transaction().getRange(bytes('large/'), bytes('large0'))).items.length).toBe(acknowledged);
    await reopened.close();
    await rm(full, { recursive: true });
  });
});
