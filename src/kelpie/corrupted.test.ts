/** Whatever is stored of an actor and does not parse any more: the caller is told `corrupted` with its name, and it is left as it is. */
import { describe, expect, test } from 'vitest';
import { lab, labActor } from '../../runner/fixtures/lab.js';
import { transact } from '../ports.js';
import { utf8 } from './json.js';
import { ActorKeys, join, registryKeys } from './keys.js';

const SECOND = 1_000_000;
const { key } = labActor('a');
const keys = new ActorKeys(key);

/** What is damaged: its key, the operation that must report it, and the words that name it. */
const STORED: Readonly<Record<string, readonly [at: Uint8Array, operation: string, named: RegExp]>> = {
  'the state': [keys.state, 'add', /state of lab:a/],
  'a chunk of a long state': [join(keys.stateChunks, Uint8Array.of(0, 1)), 'add', /state of lab:a/],
  'the head': [keys.head, 'add', /head of lab:a/],
  'a value': [keys.kvKey('short'), 'read-short', /key short of lab:a/],
  'a chunk of a long value': [join(keys.kvChunksOf('long'), Uint8Array.of(0, 0)), 'read-long', /key long of lab:a/],
  'a value whose reader looks away': [keys.kvKey('short'), 'look-away', /key short of lab:a/],
  'a value in a list': [keys.kvKey('short'), 'entries', /key short of lab:a/],
  'the placement': [registryKeys.placement(key), 'add', /placement of lab:a/],
  'the lease': [keys.lease, 'add', /lease of lab:a/],
};

describe('a stored record that does not parse', () => {
  test.each(Object.entries(STORED))('%s: reported with its name, and left as it is', async (_, [at, operation, named]) => {
    const { result } = await lab({
      nodes: 1,
      idleMicros: SECOND,
      operations: {
        fill: async (ctx) => {
          ctx.state.list = ['x'.repeat(250_000)];
          await ctx.kv.set('short', 1);
          await ctx.kv.set('long', 'x'.repeat(250_000));
          return null;
        },
        'read-short': async (ctx) => (await ctx.kv.get('short')) ?? null,
        'look-away': async (ctx) => {
          await ctx.kv.get('short').catch(() => {});
          await ctx.kv.set('other', 1);
          return null;
        },
        'read-long': async (ctx) => (await ctx.kv.get('long')) ?? null,
        entries: async (ctx) => (await ctx.kv.range('', 'z')).length,
      },
      script: async ({ call, sleep, platform }) => {
        const { database } = platform;
        const filled = await call('a', 'fill');
        await sleep(3 * SECOND);
        const damaged = utf8('damaged');
        await transact(database, async (transaction) => transaction.set(at, damaged));
        const answer = await call('a', operation, null, { deadlineMicros: 10 * SECOND });
        // Deactivation writes nothing over it either.
        await sleep(3 * SECOND);
        const other = await call('b', 'add');
        return { filled: filled.kind, answer, left: await transact(database, (transaction) => transaction.get(at)), damaged, other };
      },
    });
    expect(result.filled).toBe('ok');
    expect(result.answer).toMatchObject({ kind: 'error', error: { code: 'corrupted', message: expect.stringMatching(named) } });
    expect(result.left).toEqual(result.damaged);
    expect(result.other, 'an actor beside it').toEqual({ kind: 'ok', result: 1 });
  });
});
