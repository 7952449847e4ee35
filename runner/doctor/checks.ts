/** What `doctor` looks at: each thing that this machine may have, what it is for, and how to get it. */
import { execFile } from 'node:child_process';
import { inPlaceDrain } from '../../src/sim/drain.js';
import { findClusterFile, loadFdbModule } from '../../src/real/fdb-module.js';
import { embeddedChecker } from '../tla/embedded.js';
import { findTlc, tlcVersion } from '../tla/tlc.js';

export interface Finding {
  readonly id: string;
  readonly found: boolean;
  /** Version, or where it is; empty when there is none to tell. */
  readonly version: string;
  /** Kelpie-dst does not work without it. */
  readonly required: boolean;
  /** What it is for. */
  readonly purpose: string;
  /** One command or sentence that gets it; empty when it is there. */
  readonly remedy: string;
  /** What was wrong, in a sentence; empty when it is there. */
  readonly problem: string;
}

/** Asks this machine; a test hands over another one. */
export interface Host {
  readonly nodeVersion: string;
  /** Resolves to what a program prints, on both channels. Rejects when it cannot be started or fails. */
  run(program: string, args: readonly string[]): Promise<string>;
  load(name: string): Promise<unknown>;
  readonly environment: NodeJS.ProcessEnv;
}

const RUN_MS_MAX = 20_000;

export const thisHost: Host = {
  nodeVersion: process.versions.node,
  environment: process.env,
  load: (name) => import(name),
  run: (program, args) =>
    new Promise((resolve, reject) => {
      execFile(program, args, { timeout: RUN_MS_MAX }, (error, stdout, stderr) => {
        if (error === null) resolve(`${stdout}${stderr}`);
        else reject(error);
      });
    }),
};

interface Check {
  readonly id: string;
  readonly required: boolean;
  readonly purpose: string;
  readonly remedy: string;
  /** Resolves to the version; rejects with what is wrong. */
  look(host: Host): Promise<string>;
}

const NODE_MIN: readonly [major: number, minor: number] = [20, 19];

/** The first version in what a program prints. */
const versionIn = (text: string): string => /\d+(?:\.\d+)+(?:[-+_.]\w+)*/.exec(text)?.[0] ?? text.trim().split('\n')[0] ?? '';

const CHROMIUMS = ['chromium', 'chromium-browser', 'google-chrome'];

async function firstOf(host: Host, programs: readonly string[]): Promise<string> {
  for (const program of programs) {
    const printed = await host.run(program, ['--version']).catch(() => undefined);
    if (printed !== undefined) return versionIn(printed);
  }
  throw new Error(`none of ${programs.join(', ')} can be started`);
}

const CHECKS: readonly Check[] = [
  {
    id: 'node',
    required: true,
    purpose: 'everything',
    remedy: `install Node.js ${NODE_MIN.join('.')} or newer`,
    look: async ({ nodeVersion }) => {
      const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
      if (major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])) return nodeVersion;
      throw new Error(`this is Node.js ${nodeVersion}, and ${NODE_MIN.join('.')} is the oldest that works`);
    },
  },
  {
    id: 'drain',
    required: false,
    purpose: 'draining microtasks in place, five times as fast as by macrotasks; runs are the same either way',
    remedy: 'nothing to do: runs are slower, and the same',
    look: async () => {
      // It proves itself in a macrotask only.
      const drain = await new Promise((resolve) => setImmediate(() => resolve(inPlaceDrain())));
      if (drain === undefined) throw new Error('this Node.js does not drain microtasks on demand');
      return 'in place';
    },
  },
  {
    id: 'lmdb',
    required: true,
    purpose: 'the embedded store of real nodes (kelpie-node)',
    remedy: 'npm ci',
    look: async ({ load }) => {
      await load('lmdb');
      return 'loads';
    },
  },
  {
    id: 'embedded checker',
    required: true,
    purpose: 'model checking without Java (spec check), and the graphs that runs are checked against',
    remedy: 'npm ci',
    look: async () => {
      const { distinctStates } = await embeddedChecker.check(SMALLEST);
      return `explores a model of ${distinctStates} states`;
    },
  },
  {
    id: 'java',
    required: false,
    purpose: 'the other model checker, TLC',
    remedy: 'apt install default-jre-headless (Debian), or set JAVA_HOME',
    look: async ({ run, environment }) => {
      const home = environment['JAVA_HOME'];
      return versionIn(await run(home === undefined || home === '' ? 'java' : `${home}/bin/java`, ['-version']));
    },
  },
  {
    id: 'tlc',
    required: false,
    purpose: 'spec check --engine tlc and both, liveness properties, spec trace by TLC',
    remedy: 'npx kelpie-dst spec install-tlc',
    look: async ({ environment }) => {
      const place = await findTlc({ environment });
      return `${await tlcVersion(place)} (${place.jar})`;
    },
  },
  {
    id: 'foundationdb',
    required: false,
    purpose: 'real nodes on FoundationDB instead of the embedded store',
    remedy: 'install foundationdb-clients from the releases of FoundationDB, then npm install foundationdb@2',
    look: async ({ load, environment }) => {
      await loadFdbModule(load);
      return `cluster file ${findClusterFile(undefined, environment)}`;
    },
  },
  {
    id: 'git',
    required: false,
    purpose: 'storm --from-git: the commit as first seed',
    remedy: 'apt install git (Debian)',
    look: async ({ run }) => versionIn(await run('git', ['--version'])),
  },
  {
    id: 'redis',
    required: false,
    purpose: 'storm --queue: one storm on many machines; the server runs on one of them',
    remedy: 'apt install redis-server (Debian)',
    look: async ({ run }) => versionIn(await run('redis-server', ['--version'])),
  },
  {
    id: 'chromium',
    required: false,
    purpose: 'tests of report pages, which a coming version writes; nothing in this one',
    remedy: 'apt install chromium (Debian)',
    look: (host) => firstOf(host, CHROMIUMS),
  },
];

const SMALLEST = {
  module: 'Smallest',
  source: "---- MODULE Smallest ----\nVARIABLE x\nInit == x = TRUE\nNext == x' = ~x\n====\n",
  configName: 'Smallest.cfg',
  config: 'INIT Init\nNEXT Next\n',
};

/** Looks at all of it; never rejects. */
export function examine(host: Host): Promise<readonly Finding[]> {
  return Promise.all(
    CHECKS.map(async ({ id, required, purpose, remedy, look }): Promise<Finding> => {
      try {
        return { id, found: true, version: await look(host), required, purpose, remedy: '', problem: '' };
      } catch (error) {
        const [problem = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
        return { id, found: false, version: '', required, purpose, remedy, problem };
      }
    }),
  );
}
