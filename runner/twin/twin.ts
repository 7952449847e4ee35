/**
 * Runs a case a second time where nothing is the same but the case: in another process, after other seeds, in another time zone and
 * locale, with forced garbage collection and the other way to turn the event loop. What differs then came from outside the simulation,
 * and the report says where it got in.
 */
import { type ChildProcess, fork } from 'node:child_process';
import type { Case, Run } from '../../src/run.js';
import type { TwinAnswer, TwinOrder, TwinSettings, TwinSight } from './twin-process.js';

export type TwinOutcome =
  | { readonly kind: 'equal'; readonly traceHash: string }
  /** `told` has several lines: the first event that differs, where both were told, and what was asked of the host. */
  | { readonly kind: 'differs'; readonly signature: string; readonly told: string };

type Simulated = Extract<TwinAnswer, { readonly kind: 'simulated' }>;

export interface TwinOptions {
  /** A module that exports `catalogue`. */
  readonly catalogueUrl?: URL;
  /** Ends both processes; a check under way rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Wall time for one run of a case before its process counts as hung; 120 s when absent. */
  readonly timeoutMs?: number;
}

/** What of the run that was seen must come again. */
export type Seen = Pick<Run, 'traceHash' | 'verdict'>;

/** Only a run that breaks a promise ends by being judged. One that passes does not depend on it, nor is it worth what it costs. */
const isJudged = ({ verdict }: Seen): boolean => verdict !== 'pass';

const TIMEOUT_MS = 120_000;
const HEAP_MB_MAX = 2_048;
const ZONES = ['Asia/Kathmandu', 'America/St_Johns'] as const;
const LOCALE = 'tr_TR.UTF-8';

/** The environment of the other process, in words. */
export const twinEnvironment = (): string =>
  `another process, after other seeds, TZ=${otherZone()}, LANG=${LOCALE}, forced garbage collection, fallback drain`;

const otherZone = (): string => (process.env['TZ'] === ZONES[0] ? ZONES[1] : ZONES[0]);

/** Holds the other process, so that a storm forks it once. Not for use by two checks at a time: they wait for each other. */
export class Twin {
  readonly #options: TwinOptions;
  #process: Forked | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: TwinOptions = {}) {
    this.#options = options;
  }

  /** Runs other cases first, so that what a run leaves behind in its process can show. */
  warmUp(cases: readonly Case[]): Promise<void> {
    return this.#inTurn(async () => {
      for (const run of cases) await this.#other().ask(run, 'hash', false);
    });
  }

  /** Whether the case does the same again there. Rejects when aborted, and when the process lacks the case's parts. */
  check(run: Case, seen: Seen): Promise<TwinOutcome> {
    return this.#inTurn(async () => {
      let there: Simulated;
      try {
        there = await this.#other().ask(run, 'hash', isJudged(seen));
      } catch (error) {
        if (!(error instanceof Lost)) throw error;
        this.end();
        const told = `the same case came to its end here (verdict ${seen.verdict}, trace hash ${seen.traceHash}) and not in its twin (${twinEnvironment()}): ${error.message}`;
        return { kind: 'differs', signature: 'nondeterminism: no end in the twin', told };
      }
      if (there.traceHash === seen.traceHash && there.verdict === seen.verdict) return { kind: 'equal', traceHash: there.traceHash };
      return this.#diagnose(run, seen, there);
    });
  }

  /** Ends the other process; the next check forks a new one. */
  end(): void {
    this.#process?.end();
    this.#process = undefined;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  #other(): Forked {
    this.#process ??= new Forked(true, this.#options);
    return this.#process;
  }

  async #diagnose(run: Case, seen: Seen, there: Simulated): Promise<TwinOutcome> {
    const judged = isJudged(seen);
    const opening = `the same case did something else in its twin (${twinEnvironment()}): verdict ${seen.verdict} and trace hash ${seen.traceHash} here, ${there.verdict} and ${there.traceHash} there`;
    const here = await this.#alone(run, 'trace', judged, false);
    const other = await this.#other().ask(run, 'trace', judged);
    const index = firstDifference(here.trace, other.trace);
    if (index === undefined) {
      const told =
        here.traceHash === other.traceHash
          ? 'When both ran again with every event kept, they were equal: what got in does so now and then.'
          : 'All events of the trace are equal; the order or number of the steps between them is not.';
      return { kind: 'differs', signature: 'nondeterminism: events are equal', told: `${opening}\n${told}` };
    }
    const [hereSight, thereSight] = [await this.#alone(run, index, judged, false), await this.#alone(run, index, judged, true)].map(
      ({ sight }) => sight,
    );
    const [one, two] = [here.trace[index], other.trace[index]];
    // One of the two traces has an event there, or nothing would differ.
    const told = [
      opening,
      `The first event that differs is number ${index}:`,
      `  here   ${one ?? 'none, the run had ended'}`,
      `  there  ${two ?? 'none, the run had ended'}`,
      ...sightLines('here', hereSight),
      ...sightLines('there', thereSight),
      ...ambientLines(hereSight, thereSight),
    ].join('\n');
    return { kind: 'differs', signature: `nondeterminism: ${typeOf(one ?? (two as string))} differs`, told };
  }

  /** In a process of its own, which has run nothing yet. */
  async #alone(run: Case, want: TwinOrder['want'], judged: boolean, different: boolean): Promise<Simulated> {
    const process = new Forked(different, this.#options);
    try {
      return await process.ask(run, want, judged);
    } finally {
      process.end();
    }
  }
}

/** The process gave no answer: it died, or took too long. */
class Lost extends Error {}

class Forked {
  readonly #child: ChildProcess;
  readonly #options: TwinOptions;
  #asked = 0;
  #errors = '';

  constructor(different: boolean, options: TwinOptions) {
    this.#options = options;
    const settings: TwinSettings = { catalogueUrl: (options.catalogueUrl ?? new URL('../catalogue.js', import.meta.url)).href, different };
    this.#child = fork(new URL('twin-process.js', import.meta.url), [JSON.stringify(settings)], {
      // Of every twenty runs of a storm one comes here: too few to earn back what V8 takes to compile them as well as it can.
      execArgv: ['--expose-gc', `--max-old-space-size=${HEAP_MB_MAX}`, '--max-inlined-bytecode-size-cumulative=200'],
      env: different ? { ...process.env, TZ: otherZone(), LANG: LOCALE, LC_ALL: LOCALE } : process.env,
      // What programs under test print must not get into the one JSON document on stdout.
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      serialization: 'advanced',
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-ERRORS_KEPT);
    });
  }

  ask(run: Case, want: TwinOrder['want'], judged: boolean): Promise<Simulated> {
    const { signal, timeoutMs = TIMEOUT_MS } = this.#options;
    const id = ++this.#asked;
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      const settle = (then: () => void): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', aborted);
        this.#child.off('message', heard);
        this.#child.off('exit', exited);
        then();
      };
      const lost = (why: string): void => settle(() => reject(new Lost(why)));
      const aborted = (): void => settle(() => reject(signal?.reason as Error));
      const exited = (code: number | null, by: string | null): void =>
        lost(`its process ended with ${by ?? `exit code ${code}`}: ${this.#errors.trim() || 'it printed nothing'}`);
      const heard = (answer: TwinAnswer): void => {
        if (answer.id !== id) return;
        if (answer.kind === 'refused') settle(() => reject(new Error(answer.reason)));
        else settle(() => resolve(answer));
      };
      const timer = setTimeout(() => lost(`no answer within ${timeoutMs / 1_000} s of wall time`), timeoutMs);
      signal?.addEventListener('abort', aborted);
      this.#child.on('message', heard);
      this.#child.on('exit', exited);
      this.#child.send({ id, run, judged, want } satisfies TwinOrder);
    });
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }
}

/** Enough for the stack of an error. */
const ERRORS_KEPT = 4_000;

function firstDifference(one: readonly string[], two: readonly string[]): number | undefined {
  const length = Math.max(one.length, two.length);
  for (let index = 0; index < length; index++) if (one[index] !== two[index]) return index;
  return undefined;
}

const sightLines = (where: string, sight: TwinSight | undefined): string[] =>
  sight === undefined || sight.stack === '' ? [] : [`It was told ${where} at:`, sight.stack];

function ambientLines(...sights: readonly (TwinSight | undefined)[]): string[] {
  const calls = [...new Set(sights.flatMap((sight) => sight?.ambient ?? []))];
  if (calls.length === 0) return ['No call past the guard was seen before it: look for state that one run leaves to the next.'];
  return ['What was asked of the host past the guard before it, the nearest first:', ...calls];
}

/** Of an encoded event. */
function typeOf(event: string): string {
  const { body } = JSON.parse(event) as { readonly body: { readonly type: string } };
  return body.type;
}
