import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigError, checkNodeConfig, readNodeConfig } from './node-config.js';

const good = {
  node: 'n1',
  listen: { host: '127.0.0.1', port: 7101 },
  peers: { n2: { host: '127.0.0.1', port: 7102 } },
  dataDirectory: 'data',
  database: { kind: 'embedded', directory: 'store' },
};

function problems(value: unknown): readonly string[] {
  try {
    checkNodeConfig('node.json', value);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n');
  }
  return expect.fail('expected a ConfigError');
}

describe('the configuration of a node', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kelpie-config-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('has defaults', () => {
    const { peers: _, ...least } = good;
    expect(checkNodeConfig('node.json', least)).toEqual({
      ...least,
      peers: {},
      services: {},
      kelpie: {},
      agents: {},
      log: { level: 'info' },
      stopMicrosMax: 60_000_000,
    });
  });

  test('paths are taken from the folder of the file', async () => {
    const file = join(folder, 'paths.json');
    await writeFile(file, JSON.stringify({ ...good, actors: ['./own.js'] }));
    const config = await readNodeConfig(file);
    expect(config.dataDirectory).toBe(join(folder, 'data'));
    expect(config.database).toEqual({ kind: 'embedded', directory: join(folder, 'store') });
    expect(config.actors).toEqual([join(folder, 'own.js')]);
    await writeFile(file, JSON.stringify({ ...good, database: { kind: 'foundationdb', clusterFile: 'fdb.cluster' } }));
    expect((await readNodeConfig(file)).database).toEqual({ kind: 'foundationdb', clusterFile: join(folder, 'fdb.cluster') });
  });

  const wrong: readonly (readonly [string, unknown, readonly RegExp[]])[] = [
    [
      'a field of the wrong type',
      { ...good, listen: { host: 'h', port: '7101' } },
      [/^node\.json: listen\.port: .*expected number.*seen "7101"$/],
    ],
    ['a number out of range', { ...good, listen: { host: 'h', port: 70_000 } }, [/listen\.port: .*65535.*seen 70000$/]],
    ['a field that is missing', { ...good, node: undefined }, [/^node\.json: node: .*expected string/]],
    ['a field that does not exist', { ...good, lisen: {} }, [/Unrecognized key: "lisen"/]],
    ['a field deep inside that does not exist', { ...good, database: { ...good.database, path: 'x' } }, [/database: .*"path"/]],
    ['a kind that does not exist', { ...good, database: { kind: 'sqlite' } }, [/database\.kind: .*seen "sqlite"$/]],
    ['this node among its peers', { ...good, peers: { n1: good.listen } }, [/^node\.json: peers: expected other nodes only/]],
    ['a name of a node that is none', { ...good, node: '' }, [/^node\.json: node: expected a node name.*seen ""$/]],
    [
      'a service without a URL',
      { ...good, services: { model: { baseUrl: 'ftp://x' } } },
      [/services\.model\.baseUrl: expected an http.*seen "ftp:\/\/x"$/],
    ],
    ['a level of logs that does not exist', { ...good, log: { level: 'loud' } }, [/log\.level: .*"info".*seen "loud"$/]],
    ['several at once', { ...good, node: 7, stopMicrosMax: 0 }, [/^node\.json: node: /, /^node\.json: stopMicrosMax: /]],
    ['no object at all', [], [/^node\.json: .*expected object/]],
  ];
  for (const [title, value, expected] of wrong) {
    test(`refuses ${title}, naming file, field, expected and seen`, () => {
      const lines = problems(value);
      expect(lines.length).toBe(expected.length);
      for (const [i, line] of lines.entries()) expect(line).toMatch(expected[i] ?? /never/);
    });
  }

  test('a header’s value is never part of a message', () => {
    const message = problems({ ...good, services: { model: { baseUrl: 'x', headers: { authorization: 'secret' } } } }).join('\n');
    expect(message).not.toContain('secret');
  });

  test('a file that cannot be read, or is no JSON, is told with its name', async () => {
    const missing = join(folder, 'missing.json');
    await expect(readNodeConfig(missing)).rejects.toMatchObject({
      name: 'ConfigError',
      message: expect.stringContaining(`${missing}: cannot be read`),
    });
    const broken = join(folder, 'broken.json');
    await writeFile(broken, '{ "node": ');
    await expect(readNodeConfig(broken)).rejects.toMatchObject({
      name: 'ConfigError',
      message: expect.stringContaining(`${broken}: expected JSON`),
    });
  });
});
