import { describe, expect, test } from 'vitest';
import { doctorText } from '../commands/doctor.js';
import { examine, type Finding, type Host, thisHost } from './checks.js';

const nothing: Host = {
  nodeVersion: '18.20.0',
  environment: { XDG_CACHE_HOME: '/nowhere' },
  load: () => Promise.reject(new Error('not installed')),
  run: (program) => Promise.reject(new Error(`spawn ${program} ENOENT`)),
};
const PRINTED: Readonly<Record<string, string>> = {
  java: 'openjdk version "21.0.4" 2024-07-16\nOpenJDK Runtime Environment\n',
  git: 'git version 2.47.3\n',
  'redis-server': 'Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64\n',
  'google-chrome': 'Google Chrome 126.0.6478.126 unknown\n',
};
const everything: Host = {
  nodeVersion: '24.1.0',
  environment: { FDB_CLUSTER_FILE: import.meta.filename },
  load: async (name) => (name === 'foundationdb' ? { setAPIVersion() {}, open() {} } : {}),
  run: (program) => (PRINTED[program] === undefined ? Promise.reject(new Error('ENOENT')) : Promise.resolve(PRINTED[program])),
};

const by = (findings: readonly Finding[], id: string): Finding | undefined => findings.find((one) => one.id === id);

describe('doctor', () => {
  test('on a machine that has nothing says of each thing what is wrong and how to get it', async () => {
    const findings = await examine(nothing);
    for (const id of ['node', 'lmdb', 'java', 'tlc', 'foundationdb', 'git', 'redis', 'chromium']) {
      expect(by(findings, id)).toMatchObject({ found: false, version: '', remedy: expect.stringMatching(/./) as string });
      expect(by(findings, id)?.problem).not.toBe('');
    }
    expect(by(findings, 'node')?.problem).toBe('this is Node.js 18.20.0, and 20.19 is the oldest that works');
    const text = doctorText(findings, false);
    expect(text).toMatch(/^java +missing +for the other model checker, TLC\n +spawn java ENOENT\n +to get it: apt install/m);
    expect(text).toMatch(/^node +MISSING/m);
    expect(text).toMatch(/Needed and missing: node, lmdb\.\n$/);
  });

  test('reads the versions that programs print', async () => {
    const findings = await examine(everything);
    expect(['node', 'java', 'git', 'redis', 'chromium'].map((id) => by(findings, id)?.version)).toEqual([
      '24.1.0',
      '21.0.4',
      '2.47.3',
      '7.0.15',
      '126.0.6478.126',
    ]);
    expect(by(findings, 'foundationdb')).toMatchObject({ found: true, version: `cluster file ${import.meta.filename}` });
    expect(doctorText(findings, false)).toMatch(/^git +found +2\.47\.3; for storm --from-git/m);
  });

  test('finds what is needed here', async () => {
    for (const finding of await examine(thisHost)) {
      if (finding.required) expect(finding).toMatchObject({ found: true, problem: '', remedy: '' });
    }
  });
});
