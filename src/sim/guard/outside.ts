/**
 * What no mode serves: files, network, child processes, threads, the tool's own process, and the machine's figures. Node's
 * modules are guarded as a whole, so that a function that a later Node adds is refused too; only names known to touch nothing
 * pass. The methods at the bottom of all network and process use are guarded as well, because programs keep references to
 * functions that were made before the guard was installed.
 */
import { builtin, classPrototype, eachRule, functionKeys, globalObject, memberOf, type Rule, rules } from './gate.js';
import type { Section } from './swap.js';

interface OutsideModule {
  readonly name: string;
  readonly remedy: string;
  /** Exports that touch nothing outside: pure functions, and classes that only hold data. */
  readonly harmless: readonly string[];
}

const NETWORK = 'use platform.transport to other nodes, platform.services to peers outside';
const DISK = 'use platform.disk';
const PROCESSES = 'use a node of the scenario: a simulated process cannot start others';

/** The first major version in which loading this module says nothing; before, each loading prints that it is experimental. */
const SQLITE_SILENT_SINCE = 24;

const nodeMajor = Number.parseInt(String(memberOf(memberOf(globalObject('process'), 'versions'), 'node')), 10);

const outsideModules: readonly OutsideModule[] = [
  { name: 'fs', remedy: DISK, harmless: ['Stats', 'Dirent', '_toUnixTimestamp'] },
  { name: 'fs/promises', remedy: DISK, harmless: [] },
  {
    name: 'net',
    remedy: NETWORK,
    harmless: ['isIP', 'isIPv4', 'isIPv6', 'BlockList', 'SocketAddress', 'Socket', 'Stream', 'Server', '_normalizeArgs'],
  },
  {
    name: 'tls',
    remedy: NETWORK,
    harmless: ['getCiphers', 'convertALPNProtocols', 'checkServerIdentity', 'createSecureContext', 'SecureContext', 'TLSSocket', 'Server'],
  },
  { name: 'dgram', remedy: NETWORK, harmless: [] },
  { name: 'dns', remedy: NETWORK, harmless: [] },
  { name: 'dns/promises', remedy: NETWORK, harmless: [] },
  {
    name: 'http',
    remedy: NETWORK,
    harmless: [
      'Agent',
      'IncomingMessage',
      'OutgoingMessage',
      'ServerResponse',
      'Server',
      'validateHeaderName',
      'validateHeaderValue',
      'CloseEvent',
      'MessageEvent',
    ],
  },
  { name: 'https', remedy: NETWORK, harmless: ['Agent', 'Server'] },
  {
    name: 'http2',
    remedy: NETWORK,
    harmless: ['getDefaultSettings', 'getPackedSettings', 'getUnpackedSettings', 'Http2ServerRequest', 'Http2ServerResponse'],
  },
  ...(nodeMajor >= SQLITE_SILENT_SINCE ? [{ name: 'node:sqlite', remedy: 'use platform.database', harmless: [] }] : []),
  { name: 'child_process', remedy: PROCESSES, harmless: [] },
  { name: 'cluster', remedy: PROCESSES, harmless: [] },
  {
    name: 'worker_threads',
    remedy: 'use a node of the scenario: a simulated process has one thread',
    // MessageChannel has a rule of its own.
    harmless: [
      'MessageChannel',
      'MessagePort',
      'markAsUncloneable',
      'markAsUntransferable',
      'isMarkedAsUntransferable',
      'getEnvironmentData',
    ],
  },
];

function refusedAll(prefix: string, names: readonly string[], remedy: string): Record<string, Rule> {
  return eachRule(names, (name) => ({ kind: 'refused', api: `${prefix}${name}`, remedy }));
}

function wholeModule({ name, remedy, harmless }: OutsideModule): Section {
  return {
    name,
    locate: () => builtin(name),
    entries: (target) => {
      const names = functionKeys(target).filter((key) => !harmless.includes(key));
      return rules(name, () => target, refusedAll(`${name}.`, names, remedy)).entries(target);
    },
  };
}

function methods(moduleName: string, className: string, names: readonly string[], remedy: string): Section {
  const prefix = `${moduleName}.${className}.`;
  return rules(`${prefix}prototype`, () => classPrototype(moduleName, className), refusedAll(prefix, names, remedy));
}

const GLOBAL_NETWORK = [
  'fetch',
  'WebSocket',
  'EventSource',
  'XMLHttpRequest',
  'WebTransport',
  'RTCPeerConnection',
  'BroadcastChannel',
] as const;
const GLOBAL_THREADS = ['Worker', 'SharedWorker'] as const;
const GLOBAL_FRAMES = ['requestAnimationFrame', 'cancelAnimationFrame', 'requestIdleCallback', 'cancelIdleCallback'] as const;
const GLOBAL_STORES = ['localStorage', 'sessionStorage', 'indexedDB', 'caches', 'cookieStore'] as const;

/** Simulated processes have no browser storage, as on the Node versions without it: programs that look for it find none. */
function absent(api: string): Rule {
  return { kind: 'served', api, remedy: DISK, reads: true, serve: () => undefined };
}

/** `Atomics.wait` and its asynchronous twin, for calls that would wait: asked with no time to wait, the original says which these are. */
const atomicsWait = (name: string): Rule => {
  const ask = Reflect.get(Atomics, name) as ((...args: unknown[]) => unknown) | undefined;
  return {
    kind: 'refused',
    api: `Atomics.${name}`,
    remedy: 'use platform.clock.sleep: no other thread will wake a simulated process',
    passes: (args) => {
      if (ask === undefined || (args[3] !== undefined && Number(args[3]) <= 0)) return true;
      const answer = Reflect.apply(ask, Atomics, [args[0], args[1], args[2], 0]);
      return (typeof answer === 'object' && answer !== null ? (answer as { value?: unknown }).value : answer) === 'not-equal';
    },
  };
};

const MACHINE = 'use a setting of the program: the figures of this machine differ from those of the next';
const OWN_PROCESS = 'use a return from the program, or platform.lifecycle.onStop: this is the process of the tool, not of the node';

const processRules: Record<string, Rule> = {
  ...refusedAll(
    'process.',
    ['cpuUsage', 'threadCpuUsage', 'resourceUsage', 'memoryUsage', 'constrainedMemory', 'availableMemory', 'getActiveResourcesInfo'],
    MACHINE,
  ),
  ...refusedAll('process.', ['exit', 'reallyExit', 'abort', 'kill', '_kill', 'execve', 'chdir', 'umask', 'loadEnvFile'], OWN_PROCESS),
};

/** A simulated node is a machine of its own and has the node's name. */
const hostname: Rule = { kind: 'served', api: 'os.hostname', remedy: 'use platform.node', serve: ({ ambient }) => ambient.node };

const MACHINE_FIGURES = [
  'availableParallelism',
  'cpus',
  'freemem',
  'totalmem',
  'loadavg',
  'networkInterfaces',
  'userInfo',
  'getPriority',
  'setPriority',
];

const HEAP_FIGURES = [
  'getHeapStatistics',
  'getHeapSpaceStatistics',
  'getHeapCodeStatistics',
  'getCppHeapStatistics',
  'getHeapSnapshot',
  'writeHeapSnapshot',
  'queryObjects',
];

export const outsideSections: readonly Section[] = [
  rules('globalThis', () => globalThis, {
    ...refusedAll('', GLOBAL_NETWORK, NETWORK),
    ...refusedAll('', GLOBAL_THREADS, 'use a node of the scenario'),
    ...refusedAll('', GLOBAL_FRAMES, 'use platform.clock.after'),
    ...eachRule(GLOBAL_STORES, absent),
  }),
  ...outsideModules.map(wholeModule),
  methods('net', 'Socket', ['connect'], NETWORK),
  methods('net', 'Server', ['listen'], NETWORK),
  methods('dgram', 'Socket', ['bind', 'connect', 'send'], NETWORK),
  methods('child_process', 'ChildProcess', ['spawn'], PROCESSES),
  rules('Atomics', () => globalObject('Atomics'), { wait: atomicsWait('wait'), waitAsync: atomicsWait('waitAsync') }),
  rules('process', () => globalObject('process'), processRules),
  rules('os', () => builtin('os'), { hostname, ...refusedAll('os.', MACHINE_FIGURES, MACHINE) }),
  rules('v8', () => builtin('v8'), refusedAll('v8.', HEAP_FIGURES, MACHINE)),
];
