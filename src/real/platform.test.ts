import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readFully, transact, writeFully } from '../ports.js';
import { checkNodeConfig, type NodeConfig } from './node-config.js';
import { realPlatform } from './platform.js';

const silent = { write: () => undefined };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('the real platform', () => {
  let folder: string;
  let port: number;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kelpie-platform-'));
    const probe = createServer();
    port = await new Promise((resolve) => {
      probe.listen(0, '127.0.0.1', () => resolve((probe.address() as { port: number }).port));
    });
    await new Promise((resolve) => {
      probe.close(resolve);
    });
  });
  afterEach(() => rm(folder, { recursive: true }));

  const config = (change: object = {}): NodeConfig =>
    checkNodeConfig('test', {
      node: 'n1',
      listen: { host: '127.0.0.1', port },
      dataDirectory: join(folder, 'data'),
      database: { kind: 'embedded', directory: join(folder, 'store') },
      ...change,
    });

  test('every port works, and what was stored is there when it is opened again', async () => {
    const first = await realPlatform(config(), silent);
    expect(first.node).toBe('n1');
    await transact(first.database, async (tx) => tx.set(bytes('a'), bytes('1')));
    const file = await first.disk.open('f', 'create');
    await writeFully(file, 0, bytes('kept'));
    await file.close();
    const received = new Promise<string>((resolve) => first.transport.listen((from) => resolve(from)));
    first.transport.send('n1', bytes('x'));
    expect(await received).toBe('n1');
    await expect(
      first.services.call({ service: 'none', operation: 'x', body: bytes(''), timeoutMicros: 1_000, responseBytesMax: 1 }),
    ).rejects.toMatchObject({ code: 'refused' });
    await Promise.all([first.close(), first.close()]);

    const second = await realPlatform(config(), silent);
    expect(await second.database.transaction().get(bytes('a'))).toEqual(bytes('1'));
    expect(await readFully(await second.disk.open('f', 'read'), 0, 10)).toEqual(bytes('kept'));
    await second.close();
  });

  test('what fails half-way leaves nothing open', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => {
      holder.listen(port, '127.0.0.1', resolve);
    });
    const signals = process.listenerCount('SIGTERM');
    await expect(realPlatform(config(), silent)).rejects.toMatchObject({ name: 'PortError', code: 'in-use' });
    expect(process.listenerCount('SIGTERM')).toBe(signals);
    await new Promise((resolve) => {
      holder.close(resolve);
    });
    // The store was closed, so it can be opened and the address used.
    await (await realPlatform(config(), silent)).close();
  });

  test('a data directory that is a file, a store that is damaged, a secret that is not set: errors with codes', async () => {
    await writeFile(join(folder, 'data'), '');
    await expect(realPlatform(config(), silent)).rejects.toMatchObject({ name: 'PortError', code: 'EEXIST' });
    const elsewhere = { dataDirectory: join(folder, 'other') };
    await writeFile(join(folder, 'junk'), '');
    const junk = { ...elsewhere, database: { kind: 'embedded', directory: join(folder, 'junk') } };
    await expect(realPlatform(config(junk), silent)).rejects.toMatchObject({ name: 'DatabaseError', code: 1510 });
    const secret = { services: { model: { baseUrl: 'http://x', headersFromEnvironment: { authorization: 'KELPIE_TEST_UNSET' } } } };
    await expect(realPlatform(config({ ...elsewhere, ...secret }), silent)).rejects.toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining('services.model.headersFromEnvironment.authorization'),
    });
  });

  test('FoundationDB without its package is an error that says what to install', async () => {
    const clusterFile = join(folder, 'fdb.cluster');
    await writeFile(clusterFile, 'test:test@127.0.0.1:4500');
    const opened = realPlatform(config({ database: { kind: 'foundationdb', clusterFile } }), silent);
    // Where the package is installed, connecting waits for a cluster; then there is nothing to see here.
    const outcome = await opened.then(
      (platform) => platform.close().then(() => 'opened'),
      (error: Error) => error.message,
    );
    expect(outcome === 'opened' || /npm install foundationdb|libfdb_c/.test(outcome)).toBe(true);
  });
});
