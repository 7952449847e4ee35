import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { InstallError, installTlc, type Release, TLC_RELEASE } from './install-tlc.js';

const JAR = Buffer.from('as good as a jar');
const release: Release = { version: '9', url: '', bytes: JAR.length, sha256: createHash('sha256').update(JAR).digest('hex') };

let folder: string;
let server: Server;
let address: string;
let to: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kelpie-dst-install-'));
  server = createServer((request, response) => {
    if (request.url === '/jar') response.end(JAR);
    else if (request.url === '/endless') {
      const more = (): void => {
        while (response.write(JAR));
        response.once('drain', more);
      };
      more();
    } else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  to = join(mkdtempSync(join(folder, 'to-')), 'cache', 'tla2tools.jar');
});

test('the release is the one that the tests of others know', () => {
  expect(TLC_RELEASE).toMatchObject({ version: '1.7.4', bytes: 2_274_532 });
  expect(TLC_RELEASE.sha256).toMatch(/^936a2620[0-9a-f]{56}$/);
});

test('comes from an address, and is not fetched twice', async () => {
  expect(await installTlc({ from: `${address}/jar`, to, release })).toEqual({ path: to, version: '9', fetched: true });
  expect(readFileSync(to)).toEqual(JAR);
  expect(await installTlc({ from: `${address}/gone`, to, release })).toEqual({ path: to, version: '9', fetched: false });
});

test('comes from the address of the release when none is given', async () => {
  expect(await installTlc({ to, release: { ...release, url: `${address}/jar` } })).toMatchObject({ fetched: true });
});

test('comes from a file, and takes the place of another version', async () => {
  const file = join(folder, 'jar');
  writeFileSync(file, 'another version');
  await expect(installTlc({ from: file, to, release })).rejects.toThrow(InstallError);
  writeFileSync(file, JAR);
  await installTlc({ from: file, to, release });
  writeFileSync(to, 'another version');
  expect(await installTlc({ from: file, to, release })).toMatchObject({ fetched: true });
  expect(readFileSync(to)).toEqual(JAR);
  expect(readdirSync(join(to, '..'))).toEqual(['tla2tools.jar']);
});

test('another digest is told with both, and changes nothing', async () => {
  const file = join(folder, 'wrong');
  writeFileSync(file, 'wrong');
  await expect(installTlc({ from: file, to, release })).rejects.toThrow(
    new RegExp(
      `^${file} is not release 9 .*expected ${JAR.length} bytes with SHA-256 ${release.sha256}, got 5 bytes with [0-9a-f]{64}; nothing was installed$`,
    ),
  );
  expect(() => readFileSync(to)).toThrow();
});

test.each([
  ['an answer that is no success', '/gone', /answered 404 Not Found; fetch it on another machine and give it with --from FILE$/],
  ['what never ends', '/endless', /got \d+ bytes/],
])('%s is refused', async (_, path, message) => {
  await expect(installTlc({ from: address + path, to, release })).rejects.toThrow(message);
});

test('an address that cannot be reached, a file that is not there and a place that cannot be written are told', async () => {
  await expect(installTlc({ from: 'http://127.0.0.1:1/jar', to, release })).rejects.toThrow(/cannot be fetched: .*--from FILE$/);
  await expect(installTlc({ from: join(folder, 'none'), to, release })).rejects.toThrow(/cannot be read: ENOENT/);
  writeFileSync(join(folder, 'plain'), '');
  await expect(installTlc({ from: `${address}/jar`, to: join(folder, 'plain', 'jar'), release })).rejects.toThrow(/cannot be written/);
});
