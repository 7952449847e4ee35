import { describe, expect, test } from 'vitest';
import { lab, labActor, told } from '../../runner/fixtures/lab.js';
import { type CallResult, KelpieClient } from './client.js';
import { KelpieError } from './errors.js';

const ok = (result: unknown): unknown => ({ kind: 'ok', result });
const codeOf = (result: CallResult): string => (result.kind === 'ok' ? 'ok' : `${result.kind} ${result.error.code}`);

describe('a client', () => {
  test('goes to another node when one does not answer, under the same request id', async () => {
    const { result, story } = await lab({
      script: async ({ call, world, story: told_ }) => {
        await call('a', 'add');
        const asked = told(told_, 'client.attempt')[0]?.body.to ?? '';
        world.kill(asked, 'test');
        return [await call('a', 'add', null, { deadlineMicros: 60_000_000 }), asked];
      },
    });
    expect(result[0]).toEqual(ok(2));
    const second = told(story, 'client.invoke')[1]?.body.request;
    const attempts = told(story, 'client.attempt').filter(({ body }) => body.request === second);
    expect(attempts.length).toBeGreaterThan(1);
    expect(attempts[0]?.body.to).toBe(result[1]);
    expect(attempts[1]?.body.to).not.toBe(result[1]);
  });

  test('with many calls at a node that dies turns to the next one once, not once for each of them', async () => {
    const { result, story } = await lab({
      nodes: 2,
      script: async ({ call, world, story: told_ }) => {
        await call('a', 'add');
        world.kill(told(told_, 'client.attempt')[0]?.body.to ?? '', 'test');
        // As many as turn an even number of nodes round to where they began.
        return Promise.all(['a', 'b', 'c', 'd'].map((actor) => call(actor, 'add', null, { deadlineMicros: 60_000_000 })));
      },
    });
    expect(result).toEqual([ok(2), ok(1), ok(1), ok(1)]);
    const [first, ...later] = told(story, 'client.invoke').map(({ body }) => body.request);
    const asked = (request: string | undefined): readonly string[] =>
      told(story, 'client.attempt').flatMap(({ body }) => (body.request === request ? [body.to] : []));
    const dead = asked(first)[0];
    expect(later.map((request) => asked(request)[0])).toEqual([dead, dead, dead, dead]);
    expect(later.map((request) => asked(request)[1])).not.toContain(dead);
  });

  test('knows nothing of a call whose only answers were lost, and says so', async () => {
    const { result } = await lab({
      nodes: 1,
      script: async ({ call, judges }) => {
        await call('a', 'add');
        judges.packet = (event) => (event.to === 'c1' && event.carrier === 'datagram' ? { kind: 'drop' } : undefined);
        const lost = await call('a', 'add', null, { deadlineMicros: 5_000_000 });
        judges.packet = () => undefined;
        return [codeOf(lost), await call('a', 'get')];
      },
    });
    expect(result).toEqual(['unknown timeout', ok(2)]);
  });

  test('does not call it failed when an earlier attempt may still take effect', async () => {
    const { result } = await lab({
      nodes: 1,
      operations: {
        refuse: () => {
          throw new KelpieError('invalid-argument', 'no');
        },
      },
      script: async ({ call, judges }) => {
        await call('a', 'add');
        const sure = await call('a', 'refuse');
        let dropped = 0;
        judges.packet = (event) => (event.to === 'c1' && event.carrier === 'datagram' && dropped++ === 0 ? { kind: 'drop' } : undefined);
        return [codeOf(sure), codeOf(await call('a', 'refuse'))];
      },
    });
    expect(result).toEqual(['error invalid-argument', 'unknown invalid-argument']);
  });

  test('gives up at its deadline, with no node up', async () => {
    const { result } = await lab({
      nodes: 1,
      script: async ({ call, world, platform }) => {
        world.kill('n1', 'test');
        const begun = platform.clock.monotonicMicros();
        const answer = await call('a', 'add', null, { deadlineMicros: 3_000_000 });
        return { code: codeOf(answer), micros: platform.clock.monotonicMicros() - begun };
      },
    });
    expect(result.code).toMatch(/timeout$/);
    expect(result.micros).toBeGreaterThanOrEqual(3_000_000);
    expect(result.micros).toBeLessThan(3_100_000);
  });

  test('refuses what can never be sent', async () => {
    const { result } = await lab({
      nodes: 1,
      script: async ({ client, platform }) => {
        const tries: (() => unknown)[] = [
          () => client.invoke(labActor('a'), '', null),
          () => client.invoke(labActor('a'), 'put', 'x'.repeat(1_000_001)),
          () => client.invoke(labActor('a'), 'put', (() => 1) as never),
          () => client.invoke(labActor('a'), 'put', null, { requestId: 'r'.repeat(201) }),
          () => client.invoke(labActor('a'), 'put', null, { deadlineMicros: 0 }),
          () => new KelpieClient(platform, { nodes: [] }),
          () => new KelpieClient(platform, { nodes: ['n 1'] }),
          () => new KelpieClient(platform, { nodes: ['n1'], attemptMicros: -1 }),
        ];
        const codes: string[] = [];
        for (const act of tries) {
          codes.push(
            await Promise.resolve()
              .then(act)
              .then(
                () => 'accepted',
                (error: unknown) => KelpieError.from(error).code,
              ),
          );
        }
        return codes;
      },
    });
    expect(result).toEqual([
      'invalid-argument',
      'too-large',
      'invalid-argument',
      'too-large',
      'invalid-argument',
      'invalid-argument',
      'invalid-argument',
      'invalid-argument',
    ]);
  });
});
