import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lab, type LabContext } from '../../runner/fixtures/lab.js';
import type { Json } from './json.js';
import { compareUtf8 } from './kv.js';

const KEYS = ['a', 'a/1', 'a/2', 'a/2/x', 'a/3', 'b', 'b/\u{1f600}', 'b/\uffee', 'c'] as const;

type Step =
  | { readonly kind: 'set'; readonly key: string; readonly value: number }
  | { readonly kind: 'delete' | 'get' | 'has'; readonly key: string }
  | { readonly kind: 'clear' }
  | { readonly kind: 'list'; readonly prefix: string; readonly limit: number; readonly reverse: boolean }
  | { readonly kind: 'range'; readonly begin: string; readonly end: string; readonly limit: number; readonly reverse: boolean };

const key = fc.constantFrom(...KEYS);
const options = { limit: fc.nat(4), reverse: fc.boolean() };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('set' as const), key, value: fc.nat(99) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('delete' as const, 'get' as const, 'has' as const), key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('list' as const), prefix: fc.constantFrom('', 'a', 'a/', 'a/2', 'b/', 'z'), ...options }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('range' as const), begin: key, end: key, ...options }) },
);

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** What each step gives on a plain map. */
function onModel(model: Map<string, number>, one: Step): Json {
  const sorted = [...model.keys()].sort(byBytes);
  const cut = (keys: string[], { limit, reverse }: { limit: number; reverse: boolean }): string[] => {
    const ordered = reverse ? keys.reverse() : keys;
    return limit === 0 ? ordered : ordered.slice(0, limit);
  };
  switch (one.kind) {
    case 'set':
      model.set(one.key, one.value);
      return null;
    case 'delete':
      model.delete(one.key);
      return null;
    case 'clear':
      model.clear();
      return null;
    case 'get':
      return model.get(one.key) ?? null;
    case 'has':
      return model.has(one.key);
    case 'list':
      return cut(
        sorted.filter((name) => name.startsWith(one.prefix)),
        one,
      );
    case 'range': {
      if (byBytes(one.begin, one.end) > 0) return 'refused';
      const inside = sorted.filter((name) => byBytes(one.begin, name) <= 0 && byBytes(name, one.end) < 0);
      return cut(inside, one).map((name) => ({ key: name, value: model.get(name) ?? null }));
    }
  }
}

async function onActor({ kv }: LabContext, one: Step): Promise<Json> {
  switch (one.kind) {
    case 'set':
      await kv.set(one.key, one.value);
      return null;
    case 'delete':
      await kv.delete(one.key);
      return null;
    case 'clear':
      await kv.clear();
      return null;
    case 'get':
      return (await kv.get(one.key)) ?? null;
    case 'has':
      return kv.has(one.key);
    case 'list':
      return kv.list(one.prefix, { reverse: one.reverse, ...(one.limit === 0 ? {} : { limit: one.limit }) });
    case 'range': {
      if (byBytes(one.begin, one.end) > 0) return 'refused';
      const entries = await kv.range(one.begin, one.end, { reverse: one.reverse, ...(one.limit === 0 ? {} : { limit: one.limit }) });
      return entries.map(({ key: name, value }) => ({ key: name, value }));
    }
  }
}

describe('the key-value space', () => {
  test('is one ordered map over buffer and store, whatever an invocation does', async () => {
    const rounds = fc.sample(
      fc.array(fc.record({ steps: fc.array(step, { maxLength: 25 }), fails: fc.boolean() }), { minLength: 20, maxLength: 20 }),
      {
        numRuns: 10,
        seed: 7,
      },
    );
    for (const round of rounds) {
      const { result } = await lab({
        nodes: 1,
        operations: {
          steps: async (ctx, { steps, fails }: { steps: Step[]; fails: boolean }) => {
            const results: Json[] = [];
            for (const one of steps) results.push(await onActor(ctx, one));
            if (fails) throw new Error(JSON.stringify(results));
            return results;
          },
        },
        script: async ({ call }) => {
          const results: Json[] = [];
          for (const { steps, fails } of round) {
            const answer = await call('a', 'steps', { steps, fails });
            results.push(answer.kind === 'ok' ? answer.result : (JSON.parse(answer.error.message) as Json));
          }
          return results;
        },
      });
      const model = new Map<string, number>();
      const expected = round.map(({ steps, fails }) => {
        const own = new Map(model);
        const results = steps.map((one) => onModel(own, one));
        if (fails) return results;
        model.clear();
        for (const [name, value] of own) model.set(name, value);
        return results;
      });
      expect(result).toEqual(expected);
    }
  });

  test('orders texts by their bytes', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', 'z', '\u007f', '\u0080', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}'),
      maxLength: 6,
    });
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareUtf8(a, b))).toBe(Math.sign(byBytes(a, b)));
      }),
    );
  });

  test('refuses keys, prefixes, limits and values that are none', async () => {
    const wrong: Readonly<Record<string, (ctx: LabContext) => Promise<unknown>>> = {
      'an empty key': ({ kv }) => kv.get(''),
      'half a character': ({ kv }) => kv.set('\ud800', 1),
      'no text': ({ kv }) => kv.delete(7 as never),
      'a function': ({ kv }) => kv.set('k', (() => 1) as never),
      'a cycle': ({ kv }) => {
        const cycle: unknown[] = [];
        cycle.push(cycle);
        return kv.set('k', cycle as never);
      },
      'a limit of zero': ({ kv }) => kv.list('', { limit: 0 }),
      'a limit over the bound': ({ kv }) => kv.list('', { limit: 10_001 }),
      'a range that runs backwards': ({ kv }) => kv.range('b', 'a'),
      'a prefix that is no text': ({ kv }) => kv.list(null as never),
    };
    const { result } = await lab({
      nodes: 1,
      operations: {
        wrong: async (ctx) => {
          const codes: Json[] = [];
          for (const act of Object.values(wrong))
            codes.push(
              await act(ctx).then(
                () => 'accepted',
                (error: { code: string }) => error.code,
              ),
            );
          return codes;
        },
      },
      script: ({ call }) => call('a', 'wrong'),
    });
    expect(result).toEqual({ kind: 'ok', result: Object.keys(wrong).map(() => 'invalid-argument') });
  });

  test('does nothing for an invocation that is over', async () => {
    let kept: LabContext | undefined;
    const { result } = await lab({
      nodes: 1,
      operations: {
        keep: (ctx) => {
          kept = ctx;
          return null;
        },
        late: async () => {
          if (kept === undefined) throw new Error('nothing was kept');
          const { kv } = kept;
          const tries = [() => kv.get('k'), () => kv.set('k', 1), () => kv.list(''), () => kv.clear(), async () => kept?.state];
          const codes: Json[] = [];
          for (const act of tries) {
            codes.push(
              await act().then(
                () => 'accepted',
                (error: { code: string }) => error.code,
              ),
            );
          }
          return codes;
        },
      },
      script: async ({ call }) => {
        await call('a', 'keep');
        return call('b', 'late');
      },
    });
    expect(result).toEqual({ kind: 'ok', result: Array.from({ length: 5 }, () => 'actor-deactivated') });
  });
});
