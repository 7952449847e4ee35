/** What every `Services` must do with a peer whose behaviour the test scripts. */
import { describe, expect, test } from 'vitest';
import { type Clock, ServiceError, type ServiceErrorCode, type ServiceRequest, type Services } from '../ports.js';

/** What the scripted peer does with a request. */
export type PeerAnswer =
  | { readonly do: 'answer'; readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body: Uint8Array }
  /** Takes the request and never answers. */
  | { readonly do: 'hang' }
  /** Drops the connection without an answer. */
  | { readonly do: 'reset' }
  /** Announces `body`, sends a part of it and drops the connection. */
  | { readonly do: 'truncate'; readonly body: Uint8Array };

export interface PeerRequest {
  readonly operation: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface ServicesUnderTest {
  readonly services: Services;
  readonly clock: Clock;
  run<T>(body: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface ServicesContractOptions {
  /** Services where `peer` is answered by the script and nothing listens at `absent`. */
  make(script: (request: PeerRequest) => PeerAnswer): Promise<ServicesUnderTest>;
}

const SECOND = 1_000_000;
const utf8 = new TextEncoder();
const text = new TextDecoder();

export function servicesContract(name: string, options: ServicesContractOptions): void {
  const promise = (
    title: string,
    script: (request: PeerRequest) => PeerAnswer,
    body: (call: (change?: Partial<ServiceRequest>) => ReturnType<Services['call']>, clock: Clock) => Promise<void>,
  ): void => {
    test(title, async () => {
      const under = await options.make(script);
      const call = (change: Partial<ServiceRequest> = {}) =>
        under.services.call({
          service: 'peer',
          operation: 'work',
          body: utf8.encode('question'),
          timeoutMicros: 5 * SECOND,
          responseBytesMax: 1_000_000,
          ...change,
        });
      try {
        await under.run(() => body(call, under.clock));
      } finally {
        await under.close();
      }
    });
  };

  const fails = async (expected: ServiceErrorCode, answer: Promise<unknown>): Promise<void> => {
    try {
      await answer;
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      expect(error.code, error.message).toBe(expected);
      return;
    }
    expect.fail(`expected ServiceError ${expected}, but nothing failed`);
  };

  describe(`${name} keeps the Services contract`, () => {
    promise(
      'the peer gets operation, headers and body, the program its status, headers and body',
      ({ operation, headers, body }) => ({
        do: 'answer',
        status: 200,
        headers: { 'x-peer': 'yes' },
        body: utf8.encode(`${operation}|${headers['x-key'] ?? ''}|${text.decode(body)}`),
      }),
      async (call) => {
        const response = await call({ headers: { 'x-key': 'k1' } });
        expect(response.status).toBe(200);
        expect(response.headers['x-peer']).toBe('yes');
        expect(text.decode(response.body)).toBe('work|k1|question');
      },
    );

    promise(
      'bytes pass unchanged, also none',
      ({ body }) => ({ do: 'answer', status: 200, body }),
      async (call) => {
        const all = Uint8Array.from({ length: 70_000 }, (_, i) => i & 0xff);
        expect(new Uint8Array((await call({ body: all })).body)).toEqual(all);
        expect((await call({ body: new Uint8Array(0) })).body.length).toBe(0);
      },
    );

    for (const status of [201, 404, 422, 429, 500, 503]) {
      promise(
        `status ${status} is an answer, not an error`,
        () => ({ do: 'answer', status, body: utf8.encode('why') }),
        async (call) => {
          const response = await call();
          expect([response.status, text.decode(response.body)]).toEqual([status, 'why']);
        },
      );
    }

    promise(
      'a peer that never answers is timeout, not earlier than asked',
      () => ({ do: 'hang' }),
      async (call, clock) => {
        const start = clock.monotonicMicros();
        await fails('timeout', call({ timeoutMicros: SECOND / 5 }));
        expect(clock.monotonicMicros() - start).toBeGreaterThanOrEqual(SECOND / 5);
      },
    );

    promise(
      'a peer that drops the connection is reset',
      () => ({ do: 'reset' }),
      async (call) => fails('reset', call()),
    );

    promise(
      'a body that ends early is truncated',
      () => ({ do: 'truncate', body: new Uint8Array(10_000) }),
      async (call) => fails('truncated', call()),
    );

    promise(
      'a body above the bound is too-large, one at the bound is not',
      () => ({ do: 'answer', status: 200, body: new Uint8Array(1_000) }),
      async (call) => {
        expect((await call({ responseBytesMax: 1_000 })).body.length).toBe(1_000);
        await fails('too-large', call({ responseBytesMax: 999 }));
      },
    );

    promise(
      'a service where nothing listens is refused',
      () => ({ do: 'hang' }),
      async (call) => fails('refused', call({ service: 'absent' })),
    );

    promise(
      'calls run side by side',
      ({ operation }) => ({ do: 'answer', status: 200, body: utf8.encode(operation) }),
      async (call) => {
        const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => call({ operation: `work-${i}` })));
        expect(answers.map(({ body }) => text.decode(body))).toEqual(Array.from({ length: 20 }, (_, i) => `work-${i}`));
      },
    );
  });
}
