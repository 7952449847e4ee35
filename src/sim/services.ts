/**
 * Simulated peers outside the cluster, behind the Services port. A request travels to its peer over the network, the peer acts,
 * and the answer travels back; a caller that gave up or died does not stop a peer from acting. Peers outlive processes.
 */
import {
  type Bytes,
  type Micros,
  PortError,
  type Random,
  ServiceError,
  type ServiceErrorCode,
  type ServiceRequest,
  type ServiceResponse,
  type Services,
} from '../ports.js';
import type { Host, Incarnation, StreamLink } from './host.js';
import { defaultPeers } from './peers.js';
import { type ServiceVerdict, serviceAddress } from './seams.js';

/** What a peer sees of a request. */
export type PeerRequest = Pick<ServiceRequest, 'operation' | 'body'> & Required<Pick<ServiceRequest, 'headers'>>;

/** A peer outside of the cluster. What it answers depends on the request, its own state and the random stream alone. */
export interface Peer {
  handle(request: PeerRequest, random: Random): ServiceResponse;
  /** How long it works on a request before it has acted. */
  latencyMicros(random: Random): Micros;
}

/** Bytes of a message beside its body: request line and headers. */
const HEAD_BYTES = 300;

/** What comes back to the caller. */
type Answer = ServiceResponse | ServiceErrorCode;

/** What a verdict makes of a request. */
interface Course {
  /** How often the peer acts. */
  readonly acts: 0 | 1 | 2;
  readonly delayMicros: Micros;
  /** What is sent back, given what the peer answered if it acted; undefined: nothing. */
  answer(peerAnswer: ServiceResponse | undefined, random: Random): Answer | undefined;
}

export class SimServices {
  readonly #host: Host;
  readonly #link: StreamLink;
  readonly #peers: ReadonlyMap<string, Peer>;
  /** Calls so far by service and node: each call has a random stream of its own. */
  readonly #calls = new Map<string, number>();

  /** `peers` join the standard ones (`model`, `tools`, `http`) or take their places. */
  constructor(host: Host, link: StreamLink, peers: Readonly<Record<string, Peer>>) {
    this.#host = host;
    this.#link = link;
    this.#peers = new Map(Object.entries({ ...defaultPeers(), ...peers }));
  }

  /** The services as one life sees them. */
  connect(owner: Incarnation): Services {
    return { call: (request) => this.#call(owner, request) };
  }

  #call(owner: Incarnation, request: ServiceRequest): Promise<ServiceResponse> {
    const { service, operation, timeoutMicros, responseBytesMax } = request;
    const host = this.#host;
    return new Promise((resolve, reject) => {
      if (!owner.alive) return;
      let settled = false;
      const settle = (outcome: string, act: () => void): void => {
        if (settled) return;
        settled = true;
        deadline.cancel();
        host.tell(owner, { type: 'service', service, operation, outcome });
        act();
      };
      const fail = (code: ServiceErrorCode, message: string): void =>
        settle(code, () => reject(new ServiceError(code, `${service} ${operation}: ${message}`)));
      const received = (answer: Answer): void => {
        if (typeof answer === 'string') fail(answer, WHY[answer]);
        else if (answer.body.length > responseBytesMax) {
          fail('too-large', `response of more than the ${responseBytesMax} bytes that the caller takes`);
        } else settle(`status ${answer.status}`, () => resolve(answer));
      };

      const wrong = wrongBound(request);
      if (wrong !== undefined) {
        host.after(0, owner, 'service', () => reject(new PortError('invalid-argument', `${service} ${operation}: ${wrong}`)));
        return;
      }
      const course = courseOf(this.#ask(owner, request), responseBytesMax);
      const deadline = host.after(timeoutMicros, owner, 'service timeout', () => fail('timeout', `no answer within ${timeoutMicros} µs`));
      const address = serviceAddress(service);
      // The caller may use its buffer again while the request travels.
      const arriving: PeerRequest = { operation, body: new Uint8Array(request.body), headers: { ...request.headers } };
      const random = this.#randomOf(owner, service);
      this.#link.send({
        from: owner.node,
        to: address,
        bytes: HEAD_BYTES + arriving.body.length,
        sender: owner,
        receiver: undefined,
        broken: () => fail('reset', 'the connection broke on the way'),
        arrived: () =>
          this.#serve(owner, service, arriving, course, random, (answer) =>
            this.#link.send({
              from: address,
              to: owner.node,
              // A caller stops reading at its bound.
              bytes: HEAD_BYTES + (typeof answer === 'string' ? 0 : Math.min(answer.body.length, responseBytesMax)),
              sender: undefined,
              receiver: owner,
              arrived: () => received(answer),
              // The peer has nobody to tell; the caller's time-out finds out.
              broken: () => {},
            }),
          ),
      });
    });
  }

  #serve(
    caller: Incarnation,
    service: string,
    request: PeerRequest,
    course: Course,
    random: Random,
    answer: (answer: Answer) => void,
  ): void {
    const host = this.#host;
    const peer = this.#peers.get(service);
    if (peer === undefined) {
      answer('refused');
      return;
    }
    const workMicros = course.acts > 0 ? peer.latencyMicros(random) : 0;
    host.after(workMicros + course.delayMicros, undefined, 'service', () => {
      const peerAnswer = course.acts > 0 ? peer.handle(request, random) : undefined;
      const back = course.answer(peerAnswer, random);
      if (back !== undefined) answer(typeof back === 'string' ? back : { ...back, body: new Uint8Array(back.body) });
      if (course.acts < 2) return;
      host.after(peer.latencyMicros(random), undefined, 'service', () => {
        peer.handle(request, random);
        host.tell(undefined, { type: 'service', service, operation: request.operation, outcome: `acted twice for ${caller.node}` });
      });
    });
  }

  #ask(owner: Incarnation, { service, operation }: ServiceRequest): ServiceVerdict | undefined {
    const { judge } = this.#host;
    if (!judge.active('service')) return undefined;
    return judge.ask({ seam: 'service', node: owner.node, service, operation });
  }

  #randomOf(owner: Incarnation, service: string): Random {
    const key = `${service}/${owner.node}`;
    const call = (this.#calls.get(key) ?? 0) + 1;
    this.#calls.set(key, call);
    return this.#host.random(`service/${key}/${call}`);
  }
}

const WHY: Readonly<Record<ServiceErrorCode, string>> = {
  timeout: 'no answer in time',
  refused: 'nobody listens there',
  reset: 'the peer dropped the connection',
  truncated: 'the response ended before its length',
  'too-large': 'the response is larger than the caller takes',
};

function wrongBound({ timeoutMicros, responseBytesMax }: ServiceRequest): string | undefined {
  if (!Number.isSafeInteger(timeoutMicros) || timeoutMicros < 1) {
    return `timeoutMicros must be an integer from 1, not ${timeoutMicros}`;
  }
  if (!Number.isSafeInteger(responseBytesMax) || responseBytesMax < 0) {
    return `responseBytesMax must be an integer from 0, not ${responseBytesMax}`;
  }
  return undefined;
}

function courseOf(verdict: ServiceVerdict | undefined, bytesMax: number): Course {
  const asIs = (answer: ServiceResponse | undefined): Answer | undefined => answer;
  switch (verdict?.kind) {
    case undefined:
      return { acts: 1, delayMicros: 0, answer: asIs };
    case 'delay':
      return { acts: 1, delayMicros: verdict.micros, answer: asIs };
    case 'duplicate':
      return { acts: 2, delayMicros: 0, answer: asIs };
    case 'fail': {
      const { code, acted } = verdict;
      if (code === 'refused' && acted) {
        throw new Error("a fault answered 'refused' with acted: true; who refuses a connection cannot have acted on the request");
      }
      return { acts: acted ? 1 : 0, delayMicros: 0, answer: () => (code === 'timeout' ? undefined : code) };
    }
    case 'status': {
      const { status, headers, acted } = verdict;
      const body = new TextEncoder().encode(JSON.stringify({ error: `status ${status}` }));
      return { acts: acted ? 1 : 0, delayMicros: 0, answer: () => ({ status, headers, body }) };
    }
    case 'answer': {
      const body = new TextEncoder().encode(JSON.stringify(verdict.body));
      return { acts: 1, delayMicros: 0, answer: () => ({ status: 200, headers: {}, body }) };
    }
    case 'garble':
      return { acts: 1, delayMicros: 0, answer: (answer, random) => answer && { ...answer, body: garbled(answer.body, random) } };
    case 'inflate':
      return { acts: 1, delayMicros: 0, answer: (answer) => answer && { ...answer, body: inflated(answer.body, verdict.bytes, bytesMax) } };
  }
}

/** A body that ends early in a byte that no text has. */
function garbled(body: Bytes, random: Random): Bytes {
  const kept = body.length === 0 ? 0 : random.int(body.length);
  const result = new Uint8Array(kept + 1);
  result.set(body.subarray(0, kept));
  result[kept] = 0xff;
  return result;
}

/**
 * A body with this many spaces more behind it, which say nothing and are to be read all the same. What a caller never reads is not made:
 * one byte over its bound is enough.
 */
function inflated(body: Bytes, bytes: number, bytesMax: number): Bytes {
  const result = new Uint8Array(Math.max(body.length, Math.min(body.length + bytes, bytesMax + 1))).fill(0x20);
  result.set(body);
  return result;
}
