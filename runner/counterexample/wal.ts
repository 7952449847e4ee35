/** Plays counterexamples of KelpieWAL: one node with its log, whose syncs and commits are let through one by one, and a client. */
import type { Micros, NodeId, Platform } from '../../src/ports.js';
import type { TlaState } from '../tla/tla-value.js';
import { LogCaller, RECOVERED, serveLog } from './directed-log.js';
import { commits, Departure, type Director, named, type Told } from './director.js';
import type { Direction, Play, TakenStep } from './direction.js';
import { nodeNames } from './stage.js';

const SECOND: Micros = 1_000_000;
const [NODE] = nodeNames(1) as readonly [NodeId];
/** The keys of the model, and one of an operation that comes when all is over. */
const AFTERWARDS = 'k3';
const KEYS = ['k1', 'k2', AFTERWARDS] as const;

interface Entry {
  readonly key: string;
  readonly status: string;
}

/** Entries of a key that are on the disk. */
const durable = (state: TlaState, key: string): number =>
  (state['log'] as unknown as readonly Entry[]).filter((entry) => entry.key === key && entry.status !== 'Buffered').length;

class WalPlay implements Play {
  readonly #director: Director;
  readonly #caller: LogCaller;
  #before: TlaState = { log: [] };
  /** Requests that are on their way with one that came before them. */
  readonly #together = new Map<string, number>();
  #hasSegment = false;

  constructor(director: Director, caller: LogCaller) {
    this.#director = director;
    this.#caller = caller;
    director.gate(NODE, 'writes');
  }

  async take(step: TakenStep, ahead: readonly TakenStep[]): Promise<string> {
    const did = await this.#take(step, ahead);
    this.#before = step.state;
    return did;
  }

  async #take({ action, state }: TakenStep, ahead: readonly TakenStep[]): Promise<string> {
    const director = this.#director;
    const key = named(action.args[0]);
    switch (action.name) {
      case 'AppendEntry': {
        const together = this.#together.get(key) ?? 0;
        if (together > 0) {
          this.#together.set(key, together - 1);
          return 'it came in the same moment as the first';
        }
        const begun = takenUntil(ahead, 'Sync', 'Crash');
        const again = begun.filter((one) => one.name === 'AppendEntry' && one.args[0] === key).length;
        const fails = takenUntil(ahead, 'Crash').some((one) => one.name === 'Fail' && one.args[0] === key);
        this.#together.set(key, again);
        director.gate(NODE, 'writes');
        this.#caller.execute(key, { times: 1 + again, fails });
        // The log writes one batch at a time, so what is written before must be synced first.
        const synced = director.release(NODE, 'sync');
        await this.#untilWritten(key);
        const before = synced ? 'what was written before is synced, ' : '';
        return `a request under ${key} comes, ${before}and its entry is written; the sync of the disk is held`;
      }
      case 'Retry':
        return `the caller of ${key} asks again`;
      case 'Ack': {
        await director.until({
          node: NODE,
          sees: (body) => body.type === 'wal.append' && body.key === key,
          departs: () => (director.waits(NODE, 'sync') ? `${NODE} acknowledges nothing before the disk has synced` : undefined),
        });
        return `${NODE} acknowledges it`;
      }
      case 'Sync': {
        const entries = durable(state, key) - durable(this.#before, key);
        for (let entry = 1; entry <= entries; entry++) {
          // Two entries that came together may be in two batches.
          const how = entry === 1 ? '' : ' a second time';
          await director.untilWaits(NODE, 'sync', () =>
            entry > 1 && director.waits(NODE, 'commit') ? `${NODE} has logged ${key} once` : undefined,
          );
          director.release(NODE, 'sync');
          await director.until({ node: NODE, sees: (body) => body.type === 'wal.append' && body.key === key }).catch(() => {
            throw new Departure(`${NODE} does not log ${key}${how}`);
          });
        }
        return 'the sync is let through';
      }
      case 'Apply': {
        // A transaction that has read what another one wrote since is refused, and comes again.
        const otherwise = director.waits(NODE, 'sync')
          ? `${NODE} applies nothing while the sync of its log is held`
          : `${NODE} asks for no commit`;
        for (let told: Told | undefined; told === undefined || !commits(told); ) {
          await director.untilTrue(otherwise, () => director.waits(NODE, 'commit'));
          director.release(NODE, 'commit');
          told = await director.until({ node: NODE, sees: (body) => body.type === 'database' && body.operation === 'commit' });
        }
        return 'its effect in the database is let through';
      }
      case 'Complete':
      case 'Fail': {
        await director.untilWaits(NODE, 'sync', () =>
          director.waits(NODE, 'commit') ? `${NODE} waits for the effect of ${key} before it marks its entry` : undefined,
        );
        return `${NODE} writes the mark; the sync of the disk is held`;
      }
      case 'MarkDurable': {
        director.release(NODE, 'sync');
        await director.until({ node: NODE, sees: (body) => body.type === 'wal.end' && body.key === key });
        return 'the sync is let through';
      }
      case 'Crash': {
        const torn = takenUntil(ahead, 'Restart').some(({ name }) => name === 'Tear');
        this.#kill(torn ? 'lose' : 'keep');
        return `${NODE} is killed; what it has not synced is ${torn ? 'lost' : 'on the disk all the same'}`;
      }
      case 'Tear':
        return 'the entry was lost with the crash';
      case 'Restart': {
        director.gate(NODE, 'all but commits');
        director.world.restart(NODE);
        await director.until({ node: NODE, sees: (body) => body.type === 'wal.recover' });
        return `${NODE} starts again and reads its log`;
      }
      case 'Replay': {
        await director.until({ node: NODE, sees: (body) => body.type === 'wal.replay' && body.key === key });
        return `${NODE} takes up what was pending; its effect is held`;
      }
      case 'Recovered': {
        director.gate(NODE, 'open');
        await director.until({
          node: NODE,
          sees: (body) => (body.type as string) === RECOVERED,
          departs: (body) => (body.type === 'wal.replay' ? `${NODE} takes up ${body.key} first` : undefined),
        });
        return `${NODE} says that replay is over`;
      }
      default:
        throw new Error(`no direction for ${action.label}`);
    }
  }

  async witness(): Promise<void> {
    const director = this.#director;
    const { world } = director;
    if (world.isUp(NODE)) {
      // What the log says is on the disk gets there; what it has not said may be lost in a crash.
      // Replay that has more to do goes on meanwhile, before new work.
      director.gate(NODE, 'all but commits');
      await director.sleep(2 * SECOND);
      this.#caller.execute(AFTERWARDS);
      this.#caller.look();
      await this.#answered(SECOND);
      this.#kill('lose');
    }
    director.letGo();
    world.restart(NODE);
    await director.until({ node: NODE, sees: (body) => body.type === 'wal.recover' });
    await director.sleep(SECOND);
    this.#caller.look();
    await this.#answered();
    for (const key of KEYS) this.#caller.execute(key);
    await this.#answered();
    this.#caller.look();
    await this.#answered();
  }

  end(): void {
    this.#caller.end();
  }

  #kill(unsynced: 'lose' | 'keep'): void {
    const { world } = this.#director;
    world.disk.crashBehaviour(NODE, unsynced);
    world.kill(NODE, 'counterexample');
    world.disk.crashBehaviour(NODE, undefined);
  }

  /** The entry is written when its sync waits, or when the log does not care and tells of it. A first segment of the log is made before. */
  async #untilWritten(key: string): Promise<void> {
    const director = this.#director;
    if (!this.#hasSegment) {
      // Its header is synced, then its name.
      await director.untilTrue(`${NODE} begins no segment`, () => {
        director.release(NODE, 'sync');
        return director.waits(NODE, 'sync-directory');
      });
      director.release(NODE, 'sync-directory');
      this.#hasSegment = true;
    }
    const from = director.story.length;
    await director.untilTrue(`${NODE} writes no entry under ${key}`, () => {
      const acknowledged = director.story.slice(from).some(({ body }) => (body as Told).type === 'wal.append');
      return acknowledged || director.waits(NODE, 'sync');
    });
  }

  async #answered(withinMicros: Micros = 20 * SECOND): Promise<void> {
    const director = this.#director;
    const deadline = director.world.now() + withinMicros;
    while (director.world.now() < deadline && !this.#caller.idle) await director.sleep(SECOND / 100);
  }
}

/** The actions before the first of these. */
function takenUntil(ahead: readonly TakenStep[], ...names: readonly string[]): readonly TakenStep['action'][] {
  const end = ahead.findIndex(({ action }) => names.includes(action.name));
  return ahead.slice(0, end < 0 ? undefined : end).map(({ action }) => action);
}

export const walDirection: Direction = {
  module: 'KelpieWAL',
  nodes: 1,
  actions: [
    'AppendEntry',
    'Retry',
    'Ack',
    'Sync',
    'Apply',
    'Complete',
    'Fail',
    'MarkDurable',
    'Crash',
    'Tear',
    'Restart',
    'Replay',
    'Recovered',
  ],
  serve: (platform: Platform, parts) => serveLog(platform, parts.wal),
  begin() {
    const caller = new LogCaller(NODE);
    return { clients: [(platform) => caller.run(platform)], play: (director) => new WalPlay(director, caller) };
  },
};
