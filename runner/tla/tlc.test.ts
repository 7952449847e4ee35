/** TLC itself where it is installed, and stand-ins for a Java that is missing, too old, or never ends. */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checksSmallModels, COUNTER, smallModel } from '../fixtures/small-models.js';
import { DEFAULT_BOUNDS, type Model, type ModelCheckErrorCode } from './model-checker.js';
import { findTlc, installedJar, tlcChecker, type TlcPlace, tlcVersion } from './tlc.js';

const installed = await findTlc()
  .then(async (place) => ({ place, version: await tlcVersion(place), why: '' }))
  .catch((error: unknown) => ({ place: undefined, version: '', why: String(error) }));
if (installed.place === undefined) console.warn(`TLC is not tried: ${installed.why}`);

const model = (body: string, config: string): Model => smallModel(body, config, 'M_Bug.cfg');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'kelpie-dst-tlc-test-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const ENTRY = 'PK\u0003\u0004 tlc2/TLC.class';

/** A `java` that does this instead, with a jar that looks like one. */
function standIn(name: string, script: string): TlcPlace {
  const home = join(folder, name);
  mkdirSync(home);
  const java = join(home, 'java');
  const jar = join(home, 'tla2tools.jar');
  writeFileSync(java, `#!/bin/sh\n${script}\n`);
  writeFileSync(jar, ENTRY);
  chmodSync(java, 0o755);
  return { java, jar };
}

const ANY = model(COUNTER, 'INVARIANT Natural\n');

describe('finding TLC', () => {
  test('a flag comes before the environment, and that before the installed one', async () => {
    const [first, second] = [join(folder, 'first.jar'), join(folder, 'second.jar')];
    for (const path of [first, second]) writeFileSync(path, ENTRY);
    const environment = { TLA2TOOLS_JAR: second, XDG_CACHE_HOME: folder, JAVA_HOME: '/opt/java' };
    expect(await findTlc({ jar: first, environment })).toEqual({ jar: first, java: '/opt/java/bin/java' });
    expect(await findTlc({ environment })).toMatchObject({ jar: second });
    mkdirSync(join(folder, 'kelpie-dst'));
    writeFileSync(installedJar(environment), ENTRY);
    expect(await findTlc({ environment: { XDG_CACHE_HOME: folder } })).toEqual({ jar: installedJar(environment), java: 'java' });
  });

  test('a jar that is not there, and a file that is none, are told with the remedy', async () => {
    const none = join(folder, 'none.jar');
    await expect(findTlc({ jar: none })).rejects.toMatchObject({
      code: 'jar-missing',
      environment: true,
      message: `there is no TLC at ${none}; 'kelpie-dst spec install-tlc' installs it; '--tlc-jar FILE' or TLA2TOOLS_JAR name one that is elsewhere`,
    });
    const junk = join(folder, 'junk.jar');
    writeFileSync(junk, 'junk');
    await expect(findTlc({ jar: junk })).rejects.toMatchObject({
      code: 'jar-invalid',
      message: expect.stringContaining('is not tla2tools.jar') as string,
    });
    await expect(findTlc({ jar: folder })).rejects.toMatchObject({ code: 'jar-invalid' });
  });
});

describe('a Java that', () => {
  const check = (place: TlcPlace, seconds = 20) => tlcChecker(place).check(ANY, { bounds: { ...DEFAULT_BOUNDS, seconds } });

  test('is missing', async () => {
    await expect(check({ jar: 'any', java: join(folder, 'no-java') })).rejects.toMatchObject({
      code: 'java-missing',
      environment: true,
      message: expect.stringMatching(/no-java' cannot be started \(ENOENT\); install a Java runtime/) as string,
    });
  });

  test('is too old', async () => {
    const text =
      'Error: LinkageError occurred while loading main class tlc2.TLC\\n\\tjava.lang.UnsupportedClassVersionError: tlc2/TLC has been compiled by a more recent version of the Java Runtime (class file version 55.0), this version of the Java Runtime only recognizes class file versions up to 52.0';
    await expect(check(standIn('old', `printf '${text}' >&2; exit 1`))).rejects.toMatchObject({
      code: 'java-too-old',
      message: expect.stringMatching(/needs Java 11 and '.*' is Java 8; install a newer one or set JAVA_HOME/) as string,
    });
  });

  test('does not find TLC in the jar', async () => {
    const place = standIn('empty', "echo 'Error: Could not find or load main class tlc2.TLC' >&2; exit 1");
    await expect(check(place)).rejects.toMatchObject({ code: 'jar-invalid' });
  });

  test('says nothing', async () => {
    await expect(check(standIn('mute', 'exit 3'))).rejects.toMatchObject({
      code: 'engine-failed',
      message: 'TLC did not start: it printed nothing',
    });
  });

  // The first releases of 2.15 say it so; later ones tell the inner message alone, as an error.
  test('tells of an exception is told by what stands in that', async () => {
    const told = `@!@!@STARTMSG 1000:1 @!@!@
TLC threw an unexpected exception.
: @!@!@STARTMSG 2169:0 @!@!@
The second argument of %% is 0
@!@!@ENDMSG 2169 @!@!@
@!@!@ENDMSG 1000 @!@!@`;
    await expect(check(standIn('nested', `printf '${told}\\n'`))).rejects.toMatchObject({
      code: 'evaluation',
      message: 'M.tla with M_Bug.cfg: The second argument of % is 0',
    });
  });

  test('is told of deadlocks by a flag, for the first releases of 2.15 do not know the keyword', async () => {
    const place = standIn('flags', `{ echo "$@"; cat M.cfg; } >${join(folder, 'asked')}; exit 3`);
    const asked = async (config: string): Promise<string> => {
      await expect(tlcChecker(place).check(model(COUNTER, config), { traceless: true })).rejects.toMatchObject({ code: 'engine-failed' });
      return readFileSync(join(folder, 'asked'), 'utf8');
    };
    const without = await asked('CHECK_DEADLOCK FALSE\nINVARIANT Natural\n');
    expect(without).toMatch(/ -deadlock [^]*INVARIANT Natural/);
    expect(without).not.toContain('CHECK_DEADLOCK');
    expect(await asked('INVARIANT Natural\n')).not.toContain('-deadlock');
  });

  test('never ends is killed at the bound', async () => {
    const begun = performance.now();
    await expect(check(standIn('slow', 'exec sleep 60'), 0.5)).rejects.toMatchObject({
      code: 'time-bound',
      message: 'TLC did not finish M_Bug.cfg within 0.5 s and was killed',
    });
    expect(performance.now() - begun).toBeLessThan(10_000);
  });

  test('is killed when the user gives up, and leaves no folder behind', async () => {
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('kelpie-dst-tlc-') && !name.startsWith('kelpie-dst-tlc-test-'));
    const controller = new AbortController();
    const reason = new Error('enough');
    const pending = tlcChecker(standIn('endless', 'exec sleep 60')).check(ANY, { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 1_000);
    await expect(pending).rejects.toBe(reason);
    const after = readdirSync(tmpdir()).filter((name) => name.startsWith('kelpie-dst-tlc-') && !name.startsWith('kelpie-dst-tlc-test-'));
    expect(after.filter((name) => !before.includes(name))).toEqual([]);
  });
});

const { place } = installed;
/** Java takes its time to start where the machine is busy. */
const TLC_TIMEOUT_MS = 60_000;

describe.skipIf(place === undefined)(`TLC ${installed.version}`, { timeout: TLC_TIMEOUT_MS }, () => {
  const tlc = tlcChecker(place ?? { jar: '', java: '' });

  checksSmallModels(tlc);

  test('a deadlock, and a temporal property that fails', async () => {
    const stuck = "Init == x = 0\nStep == x < 1 /\\ x' = 1\nNext ==\n    \\/ Step\n\nLive == <>(x = 1)";
    expect(await tlc.check(model(stuck, ''))).toMatchObject({ verdict: 'deadlock', depth: 2 });
    const result = await tlc.check(model(stuck, 'CHECK_DEADLOCK FALSE\nPROPERTY Live\n'));
    expect(result).toMatchObject({ verdict: 'liveness', trace: [{ state: { x: 0 } }] });
  });

  test('the graph is that of the embedded engine', async () => {
    const graph = await tlc.graph(ANY);
    expect(graph.states.map(({ x }) => x)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(graph.initial).toEqual([0]);
    expect(graph.steps).toBe(5 + 4 + 1);
    await expect(tlc.graph(model(COUNTER, 'INVARIANT Small\n'))).rejects.toMatchObject({ code: 'violated' });
  });

  const refused: readonly (readonly [string, string, string, ModelCheckErrorCode, RegExp])[] = [
    ['a module that is not TLA+', "Init == x = 0\nNext == x' = (1 +", '', 'parse', /^M\.tla:6:1: Encountered/],
    ['a name that is not defined', "Init == x = 0\nNext == x' = Foo(x)", '', 'parse', /^M\.tla:5:14: Unknown operator: `Foo'\.$/],
    ['an invariant that is not there', COUNTER, 'INVARIANT Nope\n', 'config', /^M_Bug\.cfg: .*Nope/],
    ['a constant without a value', `CONSTANT N\n${COUNTER}`, '', 'config', /^M_Bug\.cfg: .*N is not assigned a value/],
    [
      'an expression without a value',
      "Init == x = 0\nNext == x' = 1 % x",
      '',
      'evaluation',
      /^M\.tla with M_Bug\.cfg: The second argument of %/,
    ],
  ];
  test.each(refused)('no verdict: %s', async (_, body, config, code, message) => {
    await expect(tlc.check(model(body, config))).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
  });

  test('no verdict: more states than the bound', async () => {
    await expect(tlc.check(ANY, { bounds: { ...DEFAULT_BOUNDS, states: 5 } })).rejects.toMatchObject({ code: 'states-bound' });
  });
});
