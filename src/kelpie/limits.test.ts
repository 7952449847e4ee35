/** Every limit at its edge: what it allows is done, and one more is refused with the code that says so. */
import { describe, expect, test } from 'vitest';
import { lab, type LabOperation, labActor } from '../../runner/fixtures/lab.js';
import { DEFAULT_CONFIG, type KelpieConfig, kelpieConfig } from './config.js';
import type { ActorType } from './actor.js';
import { agentOptions } from './agents/agent-options.js';
import { KelpieError } from './errors.js';
import { actorRef, nodeId, operationName, requestId } from './ids.js';
import * as limits from './limits.js';
import { registryKeys } from './keys.js';
import { KelpieNode } from './node.js';
import { correctParts } from './parts.js';
import { nodeRecord } from './records.js';
import { registerNode } from './registry.js';
import type { Runtime } from './runtime.js';
import { Teller } from './tell.js';
import { type Platform, transact } from '../ports.js';

function codeOf(act: () => unknown): string {
  try {
    act();
    return 'allowed';
  } catch (error) {
    return KelpieError.from(error).code;
  }
}

/** So many bytes of text. */
const bytes = (count: number): string => 'x'.repeat(count);
/** The quotes of a JSON string. */
const QUOTES = 2;

describe('a name', () => {
  test.each<[string, number, (text: string) => unknown]>([
    ['namespace', limits.NAMESPACE_BYTES_MAX, (text) => actorRef(text, 'a')],
    ['actor id', limits.ACTOR_ID_BYTES_MAX, (text) => actorRef('a', text)],
    ['node id', limits.NODE_ID_BYTES_MAX, nodeId],
    ['operation', limits.OPERATION_BYTES_MAX, operationName],
    ['request id, also an idempotency key', limits.REQUEST_ID_BYTES_MAX, (text) => requestId(text)],
    ['request id of a client', limits.REQUEST_ID_BYTES_ROOT_MAX, (text) => requestId(text, limits.REQUEST_ID_BYTES_ROOT_MAX)],
  ])('%s has at most %i bytes', (_, most, make) => {
    expect([codeOf(() => make(bytes(most))), codeOf(() => make(bytes(most + 1))), codeOf(() => make(''))]).toEqual([
      'allowed',
      'too-large',
      'invalid-argument',
    ]);
  });
});

describe('a setting', () => {
  const MOST: Partial<Record<keyof KelpieConfig, number>> = {
    capacity: limits.NODE_CAPACITY_MAX,
    leaseMicros: limits.LEASE_MICROS,
    invocationMicros: limits.INVOCATION_MICROS_MAX,
    idleMicros: limits.IDLE_MICROS_MAX,
    pendingPerActor: limits.PENDING_PER_ACTOR_MAX,
    mailbox: limits.MAILBOX_MAX,
    forwardMicros: limits.RPC_MICROS_MAX,
    hops: limits.HOPS_MAX,
    callDepth: limits.CALL_DEPTH_MAX,
    callsInFlight: limits.CALLS_IN_FLIGHT_MAX,
    storeMicros: limits.TRANSACTION_MICROS_MAX,
    outcomeKeptMicros: limits.OUTCOME_KEPT_MICROS,
    heartbeatMicros: limits.HEARTBEAT_MICROS,
    heartbeatsMissedSuspect: limits.HEARTBEATS_MISSED_SUSPECT,
    heartbeatsMissedFailed: limits.HEARTBEATS_MISSED_FAILED,
    joinTries: limits.JOIN_TRIES_MAX,
    migrationCooldownMicros: limits.MIGRATION_COOLDOWN_MICROS,
    migrationStepMicros: limits.RPC_MICROS_MAX,
  };

  test.each(Object.entries(MOST))('%s is at most %i', (name, most) => {
    expect(codeOf(() => kelpieConfig({ [name]: most }))).toBe('allowed');
    expect(() => kelpieConfig({ [name]: most + 1 })).toThrow(
      new RegExp(`config\\.${name} must be an integer from .* to ${most}, is ${most + 1}`),
    );
  });

  const numbers = Object.keys(DEFAULT_CONFIG).filter((name) => name !== 'placement');
  test.each(numbers)('%s is a whole number', (name) => {
    for (const wrong of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '5', null]) {
      expect(() => kelpieConfig({ [name]: wrong }), String(wrong)).toThrow(new RegExp(`config\\.${name} must be an integer`));
    }
  });

  test.each<[string, Partial<KelpieConfig>, RegExp]>([
    ['a renewal longer than its lease', { leaseMicros: 5_000_000, leaseRenewMicros: 6_000_000 }, /leaseRenewMicros must be shorter/],
    ['a grace as long as its lease', { leaseMicros: 5_000_000, leaseGraceMicros: 5_000_000, leaseRenewMicros: 100 }, /must be shorter/],
    ['failure before suspicion', { heartbeatsMissedSuspect: 3, heartbeatsMissedFailed: 3 }, /must be more than heartbeatsMissedSuspect/],
  ])('%s is refused', (_, changes, message) => {
    expect(codeOf(() => kelpieConfig(changes))).toBe('invalid-argument');
    expect(() => kelpieConfig(changes)).toThrow(message);
  });

  test('of agents is checked alike', () => {
    for (const name of Object.keys(agentOptions())) {
      for (const wrong of [-1, 1.5, 1e15]) {
        expect(() => agentOptions({ [name]: wrong }), name).toThrow(new RegExp(`agents\\.${name} must be an integer`));
      }
    }
    expect(codeOf(() => agentOptions({ keptMicros: limits.OUTCOME_KEPT_MICROS, journalKeptMicros: limits.WAL_KEPT_MICROS }))).toBe(
      'allowed',
    );
    expect(() => agentOptions({ journalKeptMicros: limits.WAL_KEPT_MICROS + 1 })).toThrow(/journalKeptMicros/);
    expect(() => agentOptions({ journalBytesMax: 5_000 })).toThrow(/must be at least journalSegmentBytes/);
    expect(() => agentOptions({ peerMicros: 60_000_000 })).toThrow(/takeOverMicros must be at least peerMicros \* peerTries/);
    expect(() => agentOptions({ sweepMicro: 5 } as never)).toThrow(/there is no such field/);
  });

  test('of a type of actors: an idle time of at most an hour, and one type for a namespace', async () => {
    const typed = (platform: Platform, ...types: readonly Omit<ActorType, 'create'>[]): string => {
      try {
        const actors = types.map((type) => ({ ...type, create: () => ({}) as never }));
        return `accepted ${new KelpieNode(platform, { parts: correctParts, actors }).phase}`;
      } catch (error) {
        const { code, message } = KelpieError.from(error);
        return `${code}: ${message}`;
      }
    };
    const { result } = await lab({
      nodes: 1,
      script: ({ platform }) =>
        Promise.resolve([
          typed(platform, { namespace: 'a', idleMicros: limits.IDLE_MICROS_MAX }),
          typed(platform, { namespace: 'a', idleMicros: limits.IDLE_MICROS_MAX + 1 }),
          typed(platform, { namespace: 'a', idleMicros: 0 }),
          typed(platform, { namespace: 'a' }, { namespace: 'a' }),
          typed(platform, { namespace: 'a:b' }),
        ]),
    });
    expect(result).toEqual([
      'accepted new',
      expect.stringMatching(/^invalid-argument: idleMicros of namespace a must be an integer from 1 to 3600000000/),
      expect.stringMatching(/^invalid-argument: idleMicros/),
      expect.stringMatching(/^invalid-argument: namespace a has two types of actors/),
      expect.stringMatching(/^invalid-argument: namespace must be one or more of/),
    ]);
  });
});

describe('what an invocation does', () => {
  /** Each with the most that is allowed, and with one more. */
  const EDGES: Readonly<Record<string, readonly [act: LabOperation, code: string]>> = {
    'key at its longest': [(ctx) => ctx.kv.set(bytes(limits.KV_KEY_BYTES_MAX), 1).then(() => null), 'ok'],
    'key too long': [(ctx) => ctx.kv.set(bytes(limits.KV_KEY_BYTES_MAX + 1), 1).then(() => null), 'too-large'],
    'value at its longest': [(ctx) => ctx.kv.set('k', bytes(limits.KV_VALUE_BYTES_MAX - QUOTES)).then(() => null), 'ok'],
    'value too long': [(ctx) => ctx.kv.set('k', bytes(limits.KV_VALUE_BYTES_MAX - QUOTES + 1)).then(() => null), 'too-large'],
    'answer at its longest': [() => bytes(limits.MESSAGE_BYTES_MAX - QUOTES), 'ok'],
    'answer too long': [() => bytes(limits.MESSAGE_BYTES_MAX - QUOTES + 1), 'too-large'],
    'state that fits into a transaction': [(ctx) => void (ctx.state.list = [bytes(limits.STATE_BYTES_MAX - 20_000)]), 'ok'],
    'state too long': [(ctx) => void (ctx.state.list = [bytes(limits.STATE_BYTES_MAX)]), 'too-large'],
    'keys too many': [
      async (ctx) => {
        for (let i = 0; i < limits.TRANSACTION_KEYS_MAX; i++) await ctx.kv.set(`many/${i}`, i);
        return null;
      },
      'too-large',
    ],
    'bytes too many': [
      async (ctx) => {
        for (let i = 0; i < limits.TRANSACTION_BYTES_MAX / limits.KV_VALUE_BYTES_MAX + 1; i++) await ctx.kv.set(`big/${i}`, bytes(990_000));
        return null;
      },
      'too-large',
    ],
  };

  test('is refused beyond each limit, and undone', async () => {
    const operations = Object.fromEntries(Object.entries(EDGES).map(([name, [act]]) => [name, act]));
    const { result } = await lab({
      nodes: 1,
      operations: { ...operations, left: async (ctx) => [...(await ctx.kv.list('many/')), ...(await ctx.kv.list('big/'))] },
      script: async ({ call }) => {
        const codes: Record<string, string> = {};
        for (const name of Object.keys(EDGES)) {
          const answer = await call('a', name, null, { deadlineMicros: 60_000_000 });
          codes[name] = answer.kind === 'ok' ? 'ok' : answer.error.code;
        }
        return { codes, left: await call('a', 'left') };
      },
    });
    expect(result.codes).toEqual(Object.fromEntries(Object.entries(EDGES).map(([name, [, code]]) => [name, code])));
    expect(result.left).toEqual({ kind: 'ok', result: [] });
  });

  test('a payload over its limit never leaves the client', async () => {
    const { result } = await lab({
      nodes: 1,
      script: async ({ call, client }) => {
        const sent = await call('a', 'get', bytes(limits.MESSAGE_BYTES_MAX - QUOTES));
        const refused = await call('a', 'get', bytes(limits.MESSAGE_BYTES_MAX - QUOTES + 1)).then(
          () => 'sent',
          (error: unknown) => KelpieError.from(error).code,
        );
        const late = await client.invoke(labActor('a'), 'get', null, { deadlineMicros: limits.OUTCOME_KEPT_MICROS + 1 }).then(
          () => 'sent',
          (error: unknown) => KelpieError.from(error).code,
        );
        return [sent.kind, refused, late];
      },
    });
    expect(result).toEqual(['ok', 'too-large', 'invalid-argument']);
  });

  test('as many calls wait for one actor as may, at the limit that no setting exceeds', async () => {
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const { result } = await lab({
      nodes: 1,
      operations: { wait: () => gate.then(() => null) },
      script: async ({ call }) => {
        const calls = Array.from({ length: limits.PENDING_PER_ACTOR_MAX + 1 }, () =>
          call('a', 'wait', null, { deadlineMicros: 1_500_000 }),
        );
        const first = await Promise.race(calls);
        open();
        const codes = (await Promise.all(calls)).map((answer) => (answer.kind === 'ok' ? 'ok' : answer.error.code));
        return { first: first.kind === 'ok' ? 'ok' : first.error.code, refused: codes.filter((code) => code !== 'ok') };
      },
    });
    expect(result.first).toBe('overloaded');
    expect(result.refused).toEqual(['overloaded']);
  });
});

test('a cluster has as many nodes as it may, and no more; one that is known already comes back', async () => {
  const { result } = await lab({
    nodes: 1,
    script: async ({ platform }) => {
      const { database } = platform;
      const named = (node: string): Uint8Array => nodeRecord.encode({ node, life: 1, boot: 'b', status: 'left', capacity: 1, count: 0 });
      // The node of the lab is one of them.
      const others = Array.from({ length: limits.NODES_MAX - 1 }, (_, i) => `other${i}`);
      await transact(database, async (transaction) => {
        for (const node of others) transaction.set(registryKeys.node(node), named(node));
      });
      const register = (node: string): Promise<unknown> => {
        const runtime = { platform, config: kelpieConfig(), parts: correctParts, node, teller: new Teller(platform.tracer) };
        return registerNode(runtime as Runtime, 'boot').catch((error: unknown) => KelpieError.from(error).code);
      };
      const full = [await register('new'), await register('other7')];
      await transact(database, async (transaction) => transaction.clear(registryKeys.node('other8')));
      return [...full, await register('new')];
    },
  });
  expect(result).toEqual(['overloaded', 2, 1]);
});
