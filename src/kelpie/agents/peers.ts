/**
 * What a step asks of the world: the model, the tool server, an HTTP resource. Requests carry an idempotency key that names the step.
 * What may help is tried again, a bounded number of times: always what certainly was not done, and what may have been done only where
 * doing it twice does no harm.
 */
import { type Bytes, type Clock, type Micros, type Random, ServiceError, type ServiceResponse, type Services } from '../../ports.js';
import type { AgentEvent } from '../../story.js';
import { fromUtf8, type Json, toJsonText, utf8 } from '../json.js';
import { AGENT_TEXT_BYTES_MAX } from './agent-state.js';
import type { ModelRequest, Outcome, Todo } from './loop.js';

export interface PeerAccess {
  readonly services: Services;
  readonly clock: Clock;
  readonly random: Random;
  /** The agent on whose behalf it is. */
  readonly actor: string;
  /** Names the step; goes to the peer as the idempotency key. */
  readonly key: string;
  readonly peerMicros: Micros;
  readonly peerTries: number;
  tell(event: AgentEvent): void;
}

/** A response around a text of the longest kind. */
const RESPONSE_BYTES_MAX = 4 * AGENT_TEXT_BYTES_MAX;
const PAUSE_MICROS_MIN: Micros = 500_000;
const PAUSE_MICROS_MAX: Micros = 20_000_000;
/** Done, perhaps; what a peer of which nothing more is known may have made of a request. */
const UNSURE: ReadonlySet<string> = new Set(['timeout', 'reset', 'truncated', 'too-large']);

type Asked = { readonly kind: 'body'; readonly body: Bytes } | { readonly kind: 'failed'; readonly code: string; readonly message: string };

/** Asks the model. Never rejects for what the peer does. */
export async function askModel(access: PeerAccess, request: ModelRequest): Promise<Outcome> {
  const asked = await ask(access, 'model', 'chat', utf8(JSON.stringify(request)), true);
  if (asked.kind === 'failed') return asked;
  const answer = objectOf(asked.body);
  if (answer?.['type'] === 'text' && typeof answer['text'] === 'string') {
    return fits(answer['text'], 'model') ?? { kind: 'text', text: answer['text'] };
  }
  if (answer?.['type'] === 'tool-call' && typeof answer['name'] === 'string') {
    const args = answer['arguments'] ?? {};
    return fits(JSON.stringify(args), 'model') ?? { kind: 'tool-call', name: answer['name'].slice(0, 256), arguments: args };
  }
  return { kind: 'failed', code: 'model-malformed', message: 'the model answered neither a text nor a call of a tool' };
}

/** Asks a tool or an HTTP resource. Never rejects for what the peer does. */
export async function askTool(access: PeerAccess, todo: Extract<Todo, { readonly kind: 'tool' }>): Promise<Outcome> {
  const { service, operation, body, repeatable } = todo;
  const asked = await ask(access, service, operation, utf8(toJsonText(body, 'the arguments of a tool')), repeatable);
  if (asked.kind === 'failed') return asked;
  const answer = objectOf(asked.body);
  if (answer === undefined || (service === 'tools' && answer['content'] === undefined)) {
    return { kind: 'failed', code: `${service}-malformed`, message: `${service} answered ${operation} with something that is no result` };
  }
  const content = JSON.stringify(service === 'tools' ? answer['content'] : answer);
  const shown = answer['isError'] === true ? `error: ${content}` : content;
  return fits(shown, service) ?? { kind: 'result', content: shown };
}

async function ask(access: PeerAccess, service: string, operation: string, body: Bytes, repeatable: boolean): Promise<Asked> {
  const { services, clock, random, key, actor, peerMicros, peerTries, tell } = access;
  for (let attempt = 1; ; attempt++) {
    tell({ type: 'peer.call', actor, service, operation, key, attempt });
    let again: boolean;
    let outcome: string;
    let pause = Math.min(PAUSE_MICROS_MAX, PAUSE_MICROS_MIN * 2 ** (attempt - 1));
    try {
      const headers = { 'idempotency-key': key, 'content-type': 'application/json' };
      const request = { service, operation, body, headers, timeoutMicros: peerMicros, responseBytesMax: RESPONSE_BYTES_MAX };
      const response = await services.call(request);
      outcome = `status-${response.status}`;
      tell({ type: 'peer.answer', actor, service, key, attempt, outcome });
      if (response.status >= 200 && response.status < 300) return { kind: 'body', body: response.body };
      // Who has too much to do has not done it; a server that failed may have.
      again = response.status === 429 || (response.status >= 500 && repeatable);
      pause = Math.max(pause, retryAfterMicros(response));
      // A resource says what is wrong with a request, and the model is to know.
      if (service === 'http' && response.status === 404) return { kind: 'body', body: response.body };
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      outcome = error.code;
      tell({ type: 'peer.answer', actor, service, key, attempt, outcome });
      const mayHelp = error.code === 'refused' || error.code === 'reset' || error.code === 'timeout';
      again = mayHelp && (repeatable || !UNSURE.has(error.code));
    }
    if (!again || attempt >= peerTries) {
      const unsure = UNSURE.has(outcome) || outcome.startsWith('status-5');
      const word = unsure && !repeatable ? '; it may have been done all the same, and is not tried again' : '';
      return {
        kind: 'failed',
        code: `${service}-${outcome}`,
        message: `${service} ${operation} failed in ${attempt} tries: ${outcome}${word}`,
      };
    }
    // Half of the pause is chance, so that those who failed together do not come back together.
    await clock.sleep(Math.ceil(pause / 2) + random.int(Math.ceil(pause / 2)));
  }
}

/** The header has seconds; twice that, since half of a pause is certain. Bounded, for a step must end. */
function retryAfterMicros({ headers }: ServiceResponse): Micros {
  const seconds = Number(headers['retry-after'] ?? '0');
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(PAUSE_MICROS_MAX, Math.ceil(seconds * 2_000_000)) : 0;
}

function fits(text: string, service: string): Outcome | undefined {
  const bytes = utf8(text).length;
  if (bytes <= AGENT_TEXT_BYTES_MAX) return undefined;
  return {
    kind: 'failed',
    code: `${service}-too-large`,
    message: `${service} answered ${bytes} bytes, at most ${AGENT_TEXT_BYTES_MAX} are taken`,
  };
}

function objectOf(body: Bytes): { readonly [field: string]: Json } | undefined {
  try {
    const value = JSON.parse(fromUtf8(body)) as Json;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as { readonly [field: string]: Json }) : undefined;
  } catch {
    return undefined;
  }
}
