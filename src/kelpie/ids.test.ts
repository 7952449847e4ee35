import { describe, expect, test } from 'vitest';
import { type KelpieConfig, kelpieConfig } from './config.js';
import { KELPIE_ERROR_CODES, KelpieError } from './errors.js';
import { actorRef, nodeId, operationName, parseActorKey, requestId } from './ids.js';
import { decodeAnswer, decodeCall, encodeAnswer, encodeCall } from './wire.js';

function codeOf(act: () => unknown): string {
  try {
    act();
    return 'none';
  } catch (error) {
    return KelpieError.from(error).code;
  }
}

describe('names', () => {
  test.each([
    ['a', 'b'],
    ['Agents-1_x.y', 'A'],
    ['n'.repeat(128), 'i'.repeat(256)],
  ])('%s:%s is an actor', (namespace, id) => {
    const actor = actorRef(namespace, id);
    expect(parseActorKey(actor.key)).toEqual(actor);
  });

  test.each([
    ['', 'b', 'invalid-argument'],
    ['a', '', 'invalid-argument'],
    ['a:b', 'c', 'invalid-argument'],
    ['a', 'b/c', 'invalid-argument'],
    ['a', 'ü', 'invalid-argument'],
    ['a', 'b c', 'invalid-argument'],
    ['n'.repeat(129), 'i', 'too-large'],
    ['n', 'i'.repeat(257), 'too-large'],
  ])('%s : %s is none, and the error says why', (namespace, id, code) => {
    expect(codeOf(() => actorRef(namespace, id))).toBe(code);
  });

  test('of other things are checked too', () => {
    expect(codeOf(() => parseActorKey('no colon'))).toBe('invalid-argument');
    expect(codeOf(() => parseActorKey(7))).toBe('invalid-argument');
    expect(codeOf(() => requestId('r'.repeat(257)))).toBe('too-large');
    expect(codeOf(() => requestId('a\u0000b'))).toBe('invalid-argument');
    expect(codeOf(() => requestId('c1-2/0.a:b'))).toBe('none');
    expect(codeOf(() => nodeId('n/1'))).toBe('invalid-argument');
    expect(codeOf(() => operationName(''))).toBe('invalid-argument');
    expect(codeOf(() => operationName('o'.repeat(257)))).toBe('too-large');
  });
});

describe('errors', () => {
  test('survive the wire with code, chain and doubt', () => {
    for (const code of KELPIE_ERROR_CODES) {
      const chain = [actorRef('a', 'b').key];
      const error = new KelpieError(code, 'what happened', { chain, unsure: true });
      const answer = decodeAnswer(JSON.parse(JSON.stringify(encodeAnswer({ ok: false, error: error.toData() }))));
      if (answer.ok) throw new Error('an error became an answer');
      const back = KelpieError.fromData(answer.error);
      expect([back.code, back.message, back.chain, back.unsure, back.retriable]).toEqual([
        code,
        'what happened',
        chain,
        true,
        error.retriable,
      ]);
    }
  });

  test('an answer that makes no sense is an error after which the call may have taken effect', () => {
    for (const body of [null, 7, {}, { ok: 'yes' }, { ok: false }, { ok: false, error: { code: 'made-up', message: '' } }]) {
      expect(decodeAnswer(body)).toMatchObject({ ok: false, error: { unsure: true } });
    }
  });
});

describe('a call on the wire', () => {
  const call = {
    actor: actorRef('a', 'b'),
    request: requestId('r'),
    operation: 'o',
    payload: { x: [1, null] },
    chain: [actorRef('c', 'd').key],
    hops: 1,
    deadlineMicros: 500,
    mayRepeat: false,
    place: true,
  };

  test('comes out as it went in, with its deadline on the receiver’s clock', () => {
    const body = JSON.parse(JSON.stringify(encodeCall(call, 400)));
    expect(decodeCall(body, true, 10_000)).toEqual({ ...call, deadlineMicros: 10_400 });
    expect(decodeCall(body, false, 10_000).mayRepeat).toBe(true);
  });

  test.each([
    ['actor', 'nobody'],
    ['request', ''],
    ['operation', 7],
    ['chain', 'a:b'],
    ['chain', ['a:b', 'a:b', 'a:b', 'a:b', 'a:b', 'a:b']],
    ['chain', [7]],
    ['hops', -1],
    ['hops', 1_000],
    ['timeoutMicros', 1.5],
    ['timeoutMicros', 10 ** 12],
  ])('with a wrong %s (%j) is refused', (field, value) => {
    const body = { ...(encodeCall(call, 400) as object), [field]: value };
    expect(codeOf(() => decodeCall(body, true, 0))).toBe('invalid-argument');
  });
});

describe('a configuration', () => {
  test('has defaults that are legal', () => {
    expect(kelpieConfig()).toMatchObject({ leaseMicros: 30_000_000, leaseRenewMicros: 10_000_000, pendingPerActor: 1_000 });
  });

  test.each<[Partial<KelpieConfig>, RegExp]>([
    [{ leaseRenewMicros: 27_000_000 }, /leaseRenewMicros must be shorter than .* = 27000000, is 27000000/],
    [{ pendingPerActor: 0 }, /pendingPerActor must be an integer from 1 to 1000, is 0/],
    [{ pendingPerActor: 1_001 }, /pendingPerActor/],
    [{ forwardMicros: 1.5 }, /forwardMicros/],
    [{ idleMicros: 3_600_000_001 }, /idleMicros/],
    [{ placement: 'anywhere' as never }, /placement must be one of affinity, /],
    [{ leaseMicro: 5 } as never, /leaseMicro: there is no such field/],
  ])('%j is refused by name', (changes, message) => {
    expect(() => kelpieConfig(changes)).toThrow(message);
  });
});
