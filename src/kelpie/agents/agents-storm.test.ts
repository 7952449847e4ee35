import { describe, expect, test } from 'vitest';
import { rehearse, type Told } from '../../../runner/fixtures/simulated-cluster.js';
import type { Micros } from '../../ports.js';
import { KelpieClient } from '../client.js';
import { KelpieNode } from '../node.js';
import { correctParts, type KelpieParts } from '../parts.js';
import { AgentNode } from './agent-node.js';
import { type AgentResult, AgentService } from './agent-service.js';
import type { IdempotencyLog, KeyRecord } from './idempotency.js';

const SECOND: Micros = 1_000_000;
const NODES = ['n1', 'n2', 'n3'];
const AGENTS = ['a1', 'a2', 'a3'];
/** One after the other by the client of each agent, so that what must be seen is known. */
const ROUNDS = 8;
/** A broken part shows in one seed of four, and the first one of these is enough. */
const SEEDS_MAX = 40;
const TIMEOUT_MS = 60_000;

interface Findings {
  readonly broken: readonly string[];
  readonly story: readonly Told[];
  readonly operations: number;
}

/** Clients change, read and talk to agents, each their own, while nodes are killed, disks wiped, messages lost and peers fail. */
async function storm(seed: number, parts: KelpieParts = correctParts): Promise<Findings> {
  const broken: string[] = [];
  let operations = 0;
  const { story } = await rehearse({
    nodes: NODES.length,
    seed,
    micros: 1_000 * SECOND,
    serve: (platform) => {
      const agents = new AgentNode(platform, parts, {
        sweepMicros: SECOND,
        sweepPage: 2,
        takeOverMicros: 15 * SECOND,
        peerMicros: 3 * SECOND,
      });
      const config = {
        leaseMicros: 6 * SECOND,
        leaseRenewMicros: SECOND,
        leaseGraceMicros: 500_000,
        leaseSkewMicros: 300_000,
        forwardMicros: SECOND,
        idleMicros: 2 * SECOND,
      };
      return new KelpieNode(platform, { config, parts, actors: agents.actors, services: [agents] }).run();
    },
    script: async ({ platform, world, judges, story: soFar }) => {
      const { clock, random } = platform;
      const client = new KelpieClient(platform, { nodes: NODES, attemptMicros: SECOND });
      const service = new AgentService(client, clock);
      const chance = random.fork('faults');
      let over = false;
      judges.packet = () => (chance.chance(1, 60) ? { kind: 'drop' } : undefined);
      judges.service = () => {
        if (!chance.chance(1, 6)) return undefined;
        return chance.pick([
          { kind: 'fail', code: 'timeout', acted: true },
          { kind: 'fail', code: 'refused', acted: false },
          { kind: 'status', status: 429, headers: { 'retry-after': '1' }, acted: false },
          { kind: 'status', status: 503, headers: {}, acted: true },
          { kind: 'garble' },
        ] as const);
      };
      const killing = (async () => {
        while (!over) {
          await clock.sleep(chance.between(SECOND, 6 * SECOND));
          const node = chance.pick(NODES);
          world.kill(node, 'test');
          if (chance.chance(1, 4)) world.disk.wipe(node);
          await clock.sleep(chance.between(100_000, 3 * SECOND));
          world.restart(node);
        }
      })();
      /** As long as nobody knows, the same request is sent again under its key. */
      const settled = async <T>(request: () => Promise<AgentResult<T>>): Promise<AgentResult<T>> => {
        for (;;) {
          operations += 1;
          const result = await request();
          if (result.kind !== 'unknown' && (result.kind === 'ok' || !result.error.retriable)) return result;
          await clock.sleep(200_000);
        }
      };
      const use = async (agent: string): Promise<void> => {
        const own = random.fork(agent);
        let version: number | undefined;
        for (let round = 0; round < ROUNDS; round++) {
          const key = `${agent}-${round}`;
          const wrong = (what: string, seen: unknown): void =>
            void broken.push(`${agent} round ${round}: ${what}, seen ${JSON.stringify(seen)}`);
          const outcome = (result: AgentResult<{ readonly version: number }>): number | string =>
            result.kind === 'ok' ? result.result.version : result.error.code;
          const kind = version === undefined ? 'create' : own.pick(['update', 'message', 'message', 'delete'] as const);
          if (kind === 'message') {
            const text = own.pick([
              'hello',
              'use count {"name":"c"}',
              'use http_put {"key":"k","value":1}\nuse working_count {"key":"n","by":1}',
            ]);
            for (;;) {
              const sent = await settled(() => service.sendMessage(agent, text, { key, deadlineMicros: 100 * SECOND }));
              if (sent.kind === 'ok') break;
              if (sent.error.code !== 'in-progress') {
                wrong('a message to an agent that is there must be answered', sent.error.code);
                break;
              }
              await clock.sleep(SECOND);
            }
          } else {
            const act = (): Promise<AgentResult<{ readonly version: number }>> =>
              kind === 'create'
                ? service.create(agent, { name: agent, tools: [{ name: 'count' }] }, { key })
                : kind === 'update'
                  ? service.update(agent, { name: key }, { key })
                  : service.delete(agent, { key });
            const first = outcome(await settled(act));
            const expected = kind === 'create' ? 1 : kind === 'update' ? (version ?? 0) + 1 : version;
            if (first !== expected) wrong(`${kind} must answer ${expected}`, first);
            version = kind === 'delete' ? undefined : expected;
            const again = outcome(await settled(act));
            if (again !== first) wrong(`a repeated ${kind} must answer ${first}`, again);
          }
          const seen = outcome(await settled(() => service.get(agent)));
          if (seen !== (version ?? 'not-found')) wrong(`a get must see ${version ?? 'not-found'}`, seen);
          const list = await settled(() => service.list());
          const listed = list.kind === 'ok' && list.result.agents.includes(agent);
          if (listed !== (version !== undefined)) wrong(`it must ${version === undefined ? 'not ' : ''}be listed`, list);
        }
      };
      await Promise.all(AGENTS.map(use));
      over = true;
      await killing;
      judges.packet = () => undefined;
      judges.service = () => undefined;
      await clock.sleep(30 * SECOND);
      broken.push(...judge(soFar));
    },
  });
  return { broken, story, operations };
}

/** What must hold of the story: each message ends once, and what may not be repeated is not done after it may have been. */
function judge(story: readonly Told[]): string[] {
  const broken: string[] = [];
  const committed = new Set<string>();
  const byCommit = new Map<string, string>();
  for (const { body } of story) {
    if (body.type === 'commit.start' && body.request !== null)
      byCommit.set(`${body.actor} ${body.commit}`, `${body.actor} ${body.request}`);
    if (body.type === 'commit.done') committed.add(byCommit.get(`${body.actor} ${body.commit}`) ?? '');
  }
  const effects = new Map<string, Set<string>>();
  const unsure = new Set<string>();
  for (const { body } of story) {
    if (body.type === 'message.end' && committed.has(`${body.actor} ${body.request}`)) {
      const message = `${body.actor} ${body.incarnation} ${body.message}`;
      effects.set(message, (effects.get(message) ?? new Set()).add(body.request ?? ''));
    }
    if (body.type === 'peer.call' && body.service === 'tools') {
      if (unsure.has(body.key)) broken.push(`tool of step ${body.key} was asked again although it may have been done`);
      unsure.add(body.key);
    }
    // What was refused was not done.
    if (body.type === 'peer.answer' && (body.outcome === 'refused' || body.outcome === 'status-429')) unsure.delete(body.key);
  }
  // What each node's last life found pending in its journal, it has gone on with.
  const owed = new Map<string, number>();
  for (const { body, node } of story) {
    if (body.type === 'wal.recover') owed.set(node, body.pending);
    if (body.type === 'wal.replay') owed.set(node, (owed.get(node) ?? 0) - 1);
  }
  for (const [node, left] of owed) if (left > 0) broken.push(`${node} has not replayed ${left} entries of its journal`);
  for (const [message, requests] of effects) if (requests.size > 1) broken.push(`message ${message} ended ${requests.size} times`);
  return broken;
}

describe('agents in a storm', () => {
  test('keep what they promise', async () => {
    const seen = new Map<string, number>();
    for (let seed = 1; seed <= 4; seed++) {
      const { broken, story } = await storm(seed);
      expect(broken, `seed ${seed}`).toEqual([]);
      for (const { body } of story) {
        const name = body.type === 'message.step' ? `step ${body.how}` : body.type === 'message.end' ? `message ${body.status}` : body.type;
        seen.set(name, (seen.get(name) ?? 0) + 1);
      }
    }
    // The situations for which the storm is there.
    for (const name of ['step resumed', 'message done', 'message failed', 'agent.delete', 'agent.key', 'wal.replay']) {
      expect(seen.get(name) ?? 0, name).toBeGreaterThan(0);
    }
  });

  test(
    'are caught where a journal is not replayed',
    async () => {
      const wal = { ...correctParts.wal, replay: () => Promise.resolve() };
      const broken: string[] = [];
      for (let seed = 1; seed <= SEEDS_MAX && broken.length === 0; seed++) {
        broken.push(...(await storm(seed, { ...correctParts, wal })).broken);
      }
      expect(broken.join()).toContain('has not replayed');
    },
    TIMEOUT_MS,
  );

  test(
    'are caught where idempotency keys are in memory only',
    async () => {
      const volatile = (): IdempotencyLog => {
        const records = new Map<string, KeyRecord>();
        return {
          find: (_, key) => Promise.resolve(records.get(key)),
          store: (_, key, record) => Promise.resolve(void records.set(key, record)),
          clearOthers: (kv) => kv.clear(),
        };
      };
      const broken: string[] = [];
      for (let seed = 1; seed <= SEEDS_MAX && broken.length === 0; seed++) {
        broken.push(...(await storm(seed, { ...correctParts, idempotency: volatile })).broken);
      }
      expect(broken.length).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );
});
