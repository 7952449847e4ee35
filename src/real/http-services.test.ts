import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { type PeerAnswer, type PeerRequest, servicesContract } from '../contract/services-contract.js';
import { RealClock } from './clock.js';
import { HttpServices } from './http-services.js';

const clock = new RealClock();

async function peer(script: (request: PeerRequest) => PeerAnswer): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => void answer(request, response, script));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/base/`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, script: (request: PeerRequest) => PeerAnswer): Promise<void> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  const operation = decodeURIComponent((request.url ?? '').replace('/base/', ''));
  const reply = script({ operation, headers, body: Buffer.concat(parts) });
  switch (reply.do) {
    case 'answer':
      response.writeHead(reply.status, reply.headers).end(reply.body);
      break;
    case 'hang':
      break;
    case 'reset':
      request.socket.resetAndDestroy();
      break;
    case 'truncate':
      response.writeHead(200, { 'content-length': reply.body.length });
      response.write(reply.body.subarray(0, reply.body.length / 2), () => request.socket.destroy());
      break;
  }
}

/** An address where nothing listens: that of a server which has closed. */
const nowhere = await peer(() => ({ do: 'hang' })).then(async ({ url, close }) => {
  await close();
  return url;
});

servicesContract('HTTP', {
  make: async (script) => {
    const { url, close } = await peer(script);
    const services = new HttpServices({
      clock,
      services: new Map([
        ['peer', { baseUrl: url }],
        ['absent', { baseUrl: nowhere }],
      ]),
    });
    return { services, clock, run: (body) => body(), close };
  },
});

describe('HTTP services', () => {
  const request = { service: 'peer', operation: 'work', body: new Uint8Array(3), timeoutMicros: 2_000_000, responseBytesMax: 1_000 };

  async function asked(
    operation: string,
    headers: Record<string, string> = {},
  ): Promise<{ readonly url: string; readonly headers: IncomingMessage['headers'] }> {
    let seen: { url: string; headers: IncomingMessage['headers'] } | undefined;
    const server = createServer((message, response) => {
      seen = { url: message.url ?? '', headers: message.headers };
      response.end();
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
    try {
      const service = { baseUrl, headers: { authorization: 'Bearer configured', 'x-both': 'configured' } };
      await new HttpServices({ clock, services: new Map([['peer', service]]) }).call({ ...request, operation, headers });
    } finally {
      server.closeAllConnections();
      server.close();
    }
    if (seen === undefined) throw new Error('the request did not arrive');
    return seen;
  }

  test('the operation is a path below the base URL, each part escaped', async () => {
    expect((await asked('chat/completions')).url).toBe('/v1/chat/completions');
    expect((await asked('a b/c?d#e')).url).toBe('/v1/a%20b/c%3Fd%23e');
    await expect(asked('../admin')).rejects.toMatchObject({ code: 'invalid-argument' });
  });

  test('headers of the configuration go with every call, those of the call win', async () => {
    const { headers } = await asked('work', { 'x-both': 'call' });
    expect([headers['authorization'], headers['x-both']]).toEqual(['Bearer configured', 'call']);
  });

  test('a redirect is an answer', async () => {
    const { url, close } = await peer(() => ({ do: 'answer', status: 302, headers: { location: nowhere }, body: new Uint8Array(0) }));
    const services = new HttpServices({ clock, services: new Map([['peer', { baseUrl: url }]]) });
    const response = await services.call(request);
    expect([response.status, response.headers['location']]).toEqual([302, nowhere]);
    await close();
  });

  test('a body that never ends is cut at its bound, one that stops in between is timeout', async () => {
    const server = createServer((message, response) => {
      response.writeHead(200);
      const part = Buffer.alloc(100);
      if (message.url?.endsWith('stops') === true) response.write(part);
      else {
        const timer = setInterval(() => response.write(part), 1);
        response.on('close', () => clearInterval(timer));
      }
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const services = new HttpServices({ clock, services: new Map([['peer', { baseUrl }]]) });
    await expect(services.call(request)).rejects.toMatchObject({ name: 'ServiceError', code: 'too-large' });
    await expect(services.call({ ...request, operation: 'stops', timeoutMicros: 100_000 })).rejects.toMatchObject({ code: 'timeout' });
    server.closeAllConnections();
    server.close();
  });

  test('a service without a URL, a name that does not resolve, too many calls at once: refused', async () => {
    const { url, close } = await peer(() => ({ do: 'hang' }));
    const services = new HttpServices({
      clock,
      callsInFlightMax: 1,
      services: new Map([
        ['peer', { baseUrl: url }],
        ['unresolved', { baseUrl: 'http://name.invalid/' }],
        ['blocked', { baseUrl: 'http://127.0.0.1:1/' }],
      ]),
    });
    for (const service of ['none', 'unresolved', 'blocked']) {
      await expect(services.call({ ...request, service })).rejects.toMatchObject({ code: 'refused' });
    }
    const first = services.call({ ...request, timeoutMicros: 200_000 });
    await expect(services.call(request)).rejects.toMatchObject({ code: 'refused' });
    await expect(first).rejects.toMatchObject({ code: 'timeout' });
    await close();
  });

  test('times and bounds that are none are refused before anything is sent', async () => {
    const services = new HttpServices({ clock, services: new Map() });
    for (const change of [{ timeoutMicros: 0 }, { timeoutMicros: 1.5 }, { responseBytesMax: -1 }]) {
      await expect(services.call({ ...request, ...change })).rejects.toMatchObject({ name: 'PortError', code: 'invalid-argument' });
    }
  });
});
