/**
 * The Services port on HTTP: a call is one POST of the body to the service's base URL plus the operation. Nothing is tried again and
 * no redirect is followed here: whether that is safe only the caller knows.
 */
import {
  type Clock,
  PortError,
  ServiceError,
  type ServiceErrorCode,
  type ServiceRequest,
  type ServiceResponse,
  type Services,
} from '../ports.js';

export interface HttpService {
  /** `http:` or `https:`; the operation is appended as path. */
  readonly baseUrl: string;
  /** Sent with every call, before those of the call itself. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface HttpServicesOptions {
  readonly services: ReadonlyMap<string, HttpService>;
  readonly clock: Clock;
  /** Calls under way at once; one more is `refused`. 1,000 by default. */
  readonly callsInFlightMax?: number;
}

const CALLS_IN_FLIGHT_MAX = 1_000;

/** Causes after which the request surely was not sent. */
const NOT_SENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
]);
/** How the names of failed TLS handshakes begin. */
const TLS_FAILURE = /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO)/;

export class HttpServices implements Services {
  readonly #options: HttpServicesOptions;
  #inFlight = 0;

  constructor(options: HttpServicesOptions) {
    this.#options = options;
  }

  async call(request: ServiceRequest): Promise<ServiceResponse> {
    checkRequest(request);
    const service = this.#options.services.get(request.service);
    if (service === undefined) {
      throw new ServiceError('refused', `no service ${request.service} is configured; give it a URL under \`services\``);
    }
    const most = this.#options.callsInFlightMax ?? CALLS_IN_FLIGHT_MAX;
    if (this.#inFlight >= most) throw new ServiceError('refused', `${most} calls are under way already`);

    const stop = new AbortController();
    const timer = this.#options.clock.after(request.timeoutMicros, () => stop.abort());
    this.#inFlight++;
    try {
      return await this.#exchange(request, service, stop);
    } catch (error) {
      if (stop.signal.aborted && !(error instanceof ServiceError)) {
        throw new ServiceError('timeout', `${nameOf(request)} took longer than ${request.timeoutMicros} µs`);
      }
      throw error;
    } finally {
      this.#inFlight--;
      timer.cancel();
    }
  }

  async #exchange(request: ServiceRequest, service: HttpService, stop: AbortController): Promise<ServiceResponse> {
    const url = urlOf(service, request.operation);
    let response: Response;
    try {
      response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream', ...service.headers, ...request.headers },
        body: request.body,
        redirect: 'manual',
        signal: stop.signal,
      });
    } catch (error) {
      if (stop.signal.aborted) throw error;
      throw failure(request, error, 'reset');
    }
    const body = await readBody(request, response, stop);
    return { status: response.status, headers: Object.fromEntries(response.headers), body };
  }
}

async function readBody(request: ServiceRequest, response: Response, stop: AbortController): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let got = 0;
  const refuseLarge = (size: number): void => {
    if (size <= request.responseBytesMax) return;
    stop.abort();
    throw new ServiceError('too-large', `${nameOf(request)} answered ${size} bytes or more, the bound is ${request.responseBytesMax}`);
  };
  refuseLarge(Number(response.headers.get('content-length') ?? 0));
  try {
    for await (const part of response.body ?? []) {
      parts.push(part);
      got += part.length;
      refuseLarge(got);
    }
  } catch (error) {
    if (stop.signal.aborted || error instanceof ServiceError) throw error;
    throw failure(request, error, 'truncated');
  }
  const body = new Uint8Array(got);
  let at = 0;
  for (const part of parts) {
    body.set(part, at);
    at += part.length;
  }
  return body;
}

function checkRequest({ timeoutMicros, responseBytesMax }: ServiceRequest): void {
  const check = (field: string, value: number, min: number): void => {
    if (Number.isSafeInteger(value) && value >= min) return;
    throw new PortError('invalid-argument', `${field} of a service request is an integer from ${min}, not ${value}`);
  };
  check('timeoutMicros', timeoutMicros, 1);
  check('responseBytesMax', responseBytesMax, 0);
}

/** Each part of the operation is escaped, so that it cannot leave the base URL. */
function urlOf({ baseUrl }: HttpService, operation: string): string {
  const path = operation.split('/').map(encodeURIComponent);
  if (path.some((part) => part === '.' || part === '..')) {
    throw new PortError('invalid-argument', `an operation has no part . or .., as ${JSON.stringify(operation)} has`);
  }
  return `${baseUrl.replace(/\/+$/, '')}/${path.join('/')}`;
}

function failure(request: ServiceRequest, error: unknown, otherwise: ServiceErrorCode): ServiceError {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const reason = cause instanceof Error ? cause.message || code : String(cause);
  // fetch never sends to the ports that browsers block; it tells so without a code.
  const notSent = NOT_SENT.has(code) || TLS_FAILURE.test(code) || reason === 'bad port';
  const kind = notSent ? 'refused' : code.endsWith('_TIMEOUT') ? 'timeout' : otherwise;
  return new ServiceError(kind, `${nameOf(request)}: ${reason}`);
}

const nameOf = ({ service, operation }: ServiceRequest): string => `call of ${service} (${operation})`;
