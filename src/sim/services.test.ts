import { describe, expect, test } from 'vitest';
import { type Micros, PortError, ServiceError, type ServiceRequest, type ServiceResponse, type Services } from '../ports.js';
import { inOneLife, Rig } from './disk/rig.js';
import { Network } from './network.js';
import type { Seam, SeamEvent, SeamVerdict, ServiceVerdict } from './seams.js';
import { type Peer, SimServices } from './services.js';

const SHAPE = { latencyMicrosMin: 1_000, latencyMicrosMax: 1_000, jitterMicros: 0, tailOneIn: 0, tailMicros: 0, bytesPerSecond: 0 };
const WORK_MICROS: Micros = 10_000;

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const decode = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));

/** Answers how often it has acted. */
function counter(): Peer & { acts: number } {
  return {
    acts: 0,
    latencyMicros: () => WORK_MICROS,
    handle() {
      this.acts++;
      return { status: 200, headers: { 'x-acts': String(this.acts) }, body: encode({ acts: this.acts }) };
    },
  };
}

interface World {
  readonly rig: Rig;
  readonly services: SimServices;
  readonly peer: Peer & { acts: number };
}

function worldOf(judge?: { readonly seam: Seam; answer(event: SeamEvent): SeamVerdict | undefined }, seed = 1): World {
  const rig = new Rig(judge === undefined ? { seed } : { seed, judge });
  const peer = counter();
  return { rig, peer, services: new SimServices(rig.kernel, new Network(rig.kernel, SHAPE), { peer }) };
}

const judging = (verdict: ServiceVerdict) => ({ seam: 'service' as const, answer: () => verdict });

const requestOf = (change: Partial<ServiceRequest> = {}): ServiceRequest => ({
  service: 'peer',
  operation: 'work',
  body: encode({}),
  timeoutMicros: 1_000_000,
  responseBytesMax: 10_000,
  ...change,
});

type Outcome = ServiceResponse | string;

async function outcomeOf(services: Services, request: ServiceRequest): Promise<Outcome> {
  try {
    return await services.call(request);
  } catch (error) {
    if (error instanceof ServiceError || error instanceof PortError) return error.code;
    throw error;
  }
}

/** One call under a verdict: what came of it, how long it took, and how often the peer acted in the end. */
async function under(
  verdict: ServiceVerdict,
  change: Partial<ServiceRequest> = {},
): Promise<{ outcome: Outcome; micros: Micros; acts: number; told: string[] }> {
  const { rig, services, peer } = worldOf(judging(verdict));
  const result = await inOneLife(rig, async (_disk, process) => {
    const outcome = await outcomeOf(services.connect(process), requestOf(change));
    const micros = rig.kernel.now();
    await new Promise<void>((resolve) => void rig.kernel.after(10_000_000, process, 'wait', resolve));
    return { outcome, micros };
  });
  const told = rig.told.flatMap((event) => (event.type === 'service' ? [event.outcome] : []));
  return { ...result, acts: peer.acts, told };
}

describe('a call', () => {
  test('takes the way there, the work and the way back, and is told', async () => {
    const { rig, services } = worldOf();
    await inOneLife(rig, async (_disk, process) => {
      const response = await services.connect(process).call(requestOf());
      expect(decode(response.body)).toEqual({ acts: 1 });
      expect(rig.kernel.now()).toBe(WORK_MICROS + 2_000);
    });
    expect(rig.told).toContainEqual({ type: 'service', service: 'peer', operation: 'work', outcome: 'status 200' });
  });

  test('that gives up does not stop the peer', async () => {
    const { rig, services, peer } = worldOf();
    await inOneLife(rig, async (_disk, process) => {
      expect(await outcomeOf(services.connect(process), requestOf({ timeoutMicros: 5_000 }))).toBe('timeout');
      expect([rig.kernel.now(), peer.acts]).toEqual([5_000, 0]);
      await new Promise<void>((resolve) => void rig.kernel.after(1_000_000, process, 'wait', resolve));
      expect(peer.acts).toBe(1);
    });
    expect(rig.told.flatMap((event) => (event.type === 'service' ? [event.outcome] : []))).toEqual(['timeout']);
  });

  test('that was answered leaves no time-out behind', async () => {
    const { rig, services } = worldOf();
    await inOneLife(rig, async (_disk, process) => {
      await services.connect(process).call(requestOf());
      const before = rig.kernel.eventsRun;
      await new Promise<void>((resolve) => void rig.kernel.after(10_000_000, process, 'wait', resolve));
      expect(rig.kernel.eventsRun).toBe(before + 1);
    });
  });

  test('owns its bytes on both sides', async () => {
    const rig = new Rig();
    const stored = encode('stored');
    const seen: unknown[] = [];
    const peer: Peer = {
      latencyMicros: () => 1,
      handle: ({ body }) => {
        seen.push(decode(body));
        return { status: 200, headers: {}, body: stored };
      },
    };
    const services = new SimServices(rig.kernel, new Network(rig.kernel, SHAPE), { peer });
    await inOneLife(rig, async (_disk, process) => {
      const body = encode('asked');
      const calling = services.connect(process).call(requestOf({ body }));
      body.fill(0);
      (await calling).body.fill(0);
    });
    expect([seen, decode(stored)]).toEqual([['asked'], 'stored']);
  });

  test('of a process that dies is acted on and answered to nobody', async () => {
    let asked = 0;
    const { rig, services, peer } = worldOf({
      seam: 'service',
      answer: () => {
        asked++;
        return undefined;
      },
    });
    let settled = false;
    let connected: Services | undefined;
    await rig.run(
      {
        run: async (_disk, process) => {
          connected = services.connect(process);
          void connected.call(requestOf()).finally(() => (settled = true));
        },
      },
      {
        run: async (_disk, process) => {
          void connected?.call(requestOf()).finally(() => (settled = true));
          await new Promise<void>((resolve) => void rig.kernel.after(1_000_000, process, 'wait', resolve));
        },
      },
    );
    expect([peer.acts, asked, settled]).toEqual([1, 1, false]);
  });

  test('into a partition runs into its time-out, and the peer never hears of it', async () => {
    const { rig, services, peer } = worldOf({ seam: 'packet', answer: () => ({ kind: 'drop' }) });
    await inOneLife(rig, async (_disk, process) => {
      expect(await outcomeOf(services.connect(process), requestOf())).toBe('timeout');
    });
    expect(peer.acts).toBe(0);
  });

  test('whose connection gets nothing through for long is reset', async () => {
    const { rig, services } = worldOf({ seam: 'packet', answer: () => ({ kind: 'drop' }) });
    await inOneLife(rig, async (_disk, process) => {
      expect(await outcomeOf(services.connect(process), requestOf({ timeoutMicros: 3_600_000_000 }))).toBe('reset');
    });
  });

  test('to a service that is not there is refused', async () => {
    const { rig, services } = worldOf();
    await inOneLife(rig, async (_disk, process) => {
      expect(await outcomeOf(services.connect(process), requestOf({ service: 'absent' }))).toBe('refused');
    });
  });

  test('with bounds that are none is refused before anything is sent', async () => {
    const { rig, services, peer } = worldOf();
    await inOneLife(rig, async (_disk, process) => {
      for (const change of [{ timeoutMicros: 0 }, { timeoutMicros: 0.5 }, { responseBytesMax: -1 }, { responseBytesMax: Number.NaN }]) {
        expect(await outcomeOf(services.connect(process), requestOf(change))).toBe('invalid-argument');
      }
    });
    expect(peer.acts).toBe(0);
  });

  test('draws from a stream of its own, so that other nodes and earlier draws do not shift it', async () => {
    const drawn = async (before: number): Promise<unknown> => {
      const rig = new Rig();
      const greedy = (draws: number): Peer => ({
        latencyMicros: () => 1,
        handle: (_request, random) => {
          for (let i = 1; i < draws; i++) random.int(10);
          return { status: 200, headers: {}, body: encode(random.int(1_000_000)) };
        },
      });
      const services = new SimServices(rig.kernel, new Network(rig.kernel, SHAPE), { other: greedy(before), peer: greedy(1) });
      return inOneLife(rig, async (_disk, process) => {
        const connected = services.connect(process);
        await connected.call(requestOf({ service: 'other' }));
        return [decode((await connected.call(requestOf())).body), decode((await connected.call(requestOf())).body)];
      });
    };
    const once = await drawn(1);
    expect(await drawn(50)).toEqual(once);
    expect(new Set(once as number[]).size).toBe(2);
  });
});

describe('verdicts', () => {
  for (const acted of [true, false]) {
    const acts = acted ? 1 : 0;
    for (const code of ['timeout', 'reset', 'truncated', 'too-large'] as const) {
      test(`fail ${code}, ${acted ? 'after' : 'without'} acting`, async () => {
        const result = await under({ kind: 'fail', code, acted });
        expect([result.outcome, result.acts]).toEqual([code, acts]);
        if (code === 'timeout') expect(result.micros).toBe(1_000_000);
        else expect(result.micros).toBeLessThan(100_000);
        expect(result.told).toEqual([code]);
      });
    }

    test(`status with headers, ${acted ? 'after' : 'without'} acting`, async () => {
      const result = await under({ kind: 'status', status: 429, headers: { 'retry-after': '7' }, acted });
      expect(result.outcome).toMatchObject({ status: 429, headers: { 'retry-after': '7' } });
      expect(decode((result.outcome as ServiceResponse).body)).toEqual({ error: 'status 429' });
      expect(result.acts).toBe(acts);
    });
  }

  test('refused never acts, and a fault that says otherwise is told so', async () => {
    const result = await under({ kind: 'fail', code: 'refused', acted: false });
    expect([result.outcome, result.acts]).toEqual(['refused', 0]);
    await expect(under({ kind: 'fail', code: 'refused', acted: true })).rejects.toThrow('cannot have acted');
  });

  test('delay comes on top', async () => {
    const result = await under({ kind: 'delay', micros: 500_000 });
    expect([result.micros, result.acts]).toEqual([WORK_MICROS + 502_000, 1]);
    expect((await under({ kind: 'delay', micros: 5_000_000 })).outcome).toBe('timeout');
  });

  test('answer acts and says something else', async () => {
    const { outcome, acts } = await under({ kind: 'answer', body: { type: 'text', text: 7 } });
    expect(outcome).toMatchObject({ status: 200 });
    expect(decode((outcome as ServiceResponse).body)).toEqual({ type: 'text', text: 7 });
    expect(acts).toBe(1);
  });

  test('garble leaves a body that is no JSON and no text', async () => {
    const { outcome, acts } = await under({ kind: 'garble' });
    expect(outcome).toMatchObject({ status: 200, headers: { 'x-acts': '1' } });
    expect(() => decode((outcome as ServiceResponse).body)).toThrow();
    expect(acts).toBe(1);
  });

  test('inflate is too large for a small bound, and still readable for a large one', async () => {
    expect((await under({ kind: 'inflate', bytes: 20_000 })).outcome).toBe('too-large');
    const { outcome } = await under({ kind: 'inflate', bytes: 20_000 }, { responseBytesMax: 100_000 });
    expect((outcome as ServiceResponse).body.length).toBeGreaterThan(20_000);
    expect(decode((outcome as ServiceResponse).body)).toEqual({ acts: 1 });
  });

  test('duplicate: the peer acts twice, the caller has the first answer', async () => {
    const result = await under({ kind: 'duplicate' });
    expect(decode((result.outcome as ServiceResponse).body)).toEqual({ acts: 1 });
    expect([result.acts, result.told]).toEqual([2, ['status 200', 'acted twice for n1']]);
  });
});

describe('standard peers', () => {
  async function talk<T>(
    body: (
      call: (service: string, operation: string, fields: unknown, headers?: Record<string, string>) => Promise<[number, unknown]>,
    ) => Promise<T>,
  ): Promise<T> {
    const { rig, services } = worldOf();
    return inOneLife(rig, async (_disk, process) => {
      const connected = services.connect(process);
      return body(async (service, operation, fields, headers = {}) => {
        const payload = typeof fields === 'string' ? new TextEncoder().encode(fields) : encode(fields);
        const { status, body: answered } = await connected.call(
          requestOf({ service, operation, body: payload, headers, timeoutMicros: 60_000_000 }),
        );
        return [status, decode(answered)];
      });
    });
  }

  test('the model follows the script of the latest user message, tool by tool, then answers with text', async () => {
    await talk(async (call) => {
      const tools = [{ name: 'echo' }, { name: 'add' }];
      const ask = async (...messages: unknown[]): Promise<unknown> => (await call('model', 'complete', { messages, tools }))[1];
      const user = { role: 'user', content: 'please\nuse echo {"a":1}\nuse add {"a":1,"b":2}' };
      const result = (content: string): unknown => ({ role: 'tool', content });
      expect(await ask(user)).toEqual({ type: 'tool-call', id: 'call-0-0', name: 'echo', arguments: { a: 1 } });
      const second = { type: 'tool-call', id: 'call-0-1', name: 'add', arguments: { a: 1, b: 2 } };
      expect(await ask(user, { role: 'assistant', content: '' }, result('one'))).toEqual(second);
      expect(await ask(user, result('one'), result('3'))).toEqual({ type: 'text', text: 'The last of 2 results: 3' });
      expect(await ask(user, result('one'), { role: 'user', content: 'hello' })).toEqual({ type: 'text', text: 'You said: hello' });
      expect(await ask({ role: 'user', content: 'use rocket {}' })).toEqual({ type: 'text', text: 'I have no tool rocket.' });
      expect(await ask()).toEqual({ type: 'text', text: 'You said: ' });
    });
  });

  test('what is no JSON object is 400', async () => {
    await talk(async (call) => {
      for (const [service, operation] of [
        ['model', 'complete'],
        ['tools', 'call'],
        ['http', 'put'],
      ] as const) {
        for (const fields of ['', 'no json', '[]', '3', 'null']) expect((await call(service, operation, fields))[0]).toBe(400);
      }
      expect((await call('model', 'complete', { messages: 'none' }))[0]).toBe(400);
      expect((await call('http', 'put', { key: 3 }))[0]).toBe(400);
    });
  });

  test('the tool server lists its tools and calls them; a tool that fails says so in its result', async () => {
    await talk(async (call) => {
      const [, listed] = await call('tools', 'list', {});
      const names = (listed as { tools: { name: string }[] }).tools.map(({ name }) => name);
      expect(names).toEqual(['echo', 'add', 'count', 'fail']);
      const tool = async (name: string, args: unknown): Promise<unknown> => (await call('tools', 'call', { name, arguments: args }))[1];
      expect(await tool('echo', { a: [1] })).toEqual({ content: { a: [1] }, isError: false });
      expect(await tool('add', { a: 2, b: 3 })).toEqual({ content: 5, isError: false });
      expect(await tool('add', { a: 2, b: 0.5 })).toMatchObject({ isError: true });
      expect(await tool('count', { name: 'x' })).toEqual({ content: 1, isError: false });
      expect(await tool('count', { name: 'x' })).toEqual({ content: 2, isError: false });
      expect(await tool('count', { name: 'y' })).toEqual({ content: 1, isError: false });
      expect(await tool('fail', {})).toMatchObject({ isError: true });
      expect(await tool('rocket', {})).toMatchObject({ isError: true });
      expect((await call('tools', 'drop', {}))[0]).toBe(404);
    });
  });

  test('the HTTP peer keeps a resource, and does a change with an idempotency key once', async () => {
    await talk(async (call) => {
      expect(await call('http', 'echo', { any: 1 })).toEqual([200, { any: 1 }]);
      expect((await call('http', 'get', { key: 'k' }))[0]).toBe(404);
      expect(await call('http', 'put', { key: 'k', value: [1] })).toEqual([201, { key: 'k', value: [1] }]);
      expect(await call('http', 'put', { key: 'k', value: 2 })).toEqual([200, { key: 'k', value: 2 }]);
      expect(await call('http', 'get', { key: 'k' })).toEqual([200, { key: 'k', value: 2 }]);
      const once = { 'idempotency-key': 'i' };
      expect((await call('http', 'delete', { key: 'k' }, once))[0]).toBe(200);
      expect((await call('http', 'delete', { key: 'k' }, once))[0]).toBe(200);
      expect((await call('http', 'delete', { key: 'j' }, once))[0]).toBe(422);
      expect((await call('http', 'delete', { key: 'k' }))[0]).toBe(404);
      expect((await call('http', 'patch', { key: 'k' }))[0]).toBe(404);
    });
  });

  test('each run has fresh ones', async () => {
    for (let run = 0; run < 2; run++) {
      await talk(async (call) => expect((await call('http', 'put', { key: 'k', value: 1 }))[0]).toBe(201));
    }
  });
});
