/** The body of `invoke` messages and their answers, checked field by field when they come from the wire. */
import type { Micros } from '../ports.js';
import type { Answer, Call } from './call.js';
import { isKelpieErrorCode, KelpieError, type KelpieErrorData } from './errors.js';
import { type ActorKey, operationName, parseActorKey, requestId } from './ids.js';
import { checkTextBytes, type Json } from './json.js';
import { CALL_DEPTH_MAX, HOPS_MAX, INVOCATION_MICROS_MAX, MESSAGE_BYTES_MAX } from './limits.js';

export const INVOKE = 'invoke';

/** `timeoutMicros`: how long the sender still waits, since nodes share no clock. */
export function encodeCall(call: Call, timeoutMicros: Micros): Json {
  return {
    actor: call.actor.key,
    request: call.request,
    operation: call.operation,
    payload: call.payload,
    chain: call.chain,
    hops: call.hops,
    timeoutMicros,
    mayRepeat: call.mayRepeat,
    place: call.place,
  };
}

/** Errors: `invalid-argument` with the field, `too-large`. */
export function decodeCall(body: unknown, fresh: boolean, nowMicros: Micros): Call {
  if (typeof body !== 'object' || body === null) throw new KelpieError('invalid-argument', 'an invoke message must be an object');
  const { actor, request, operation, payload, chain, hops, timeoutMicros, mayRepeat, place } = body as Readonly<Record<string, unknown>>;
  if (!Array.isArray(chain) || chain.length > CALL_DEPTH_MAX) {
    throw new KelpieError('invalid-argument', `chain must be a list of at most ${CALL_DEPTH_MAX} actors`);
  }
  const wait = integer('timeoutMicros', timeoutMicros, INVOCATION_MICROS_MAX);
  return {
    actor: parseActorKey(actor),
    request: requestId(request),
    operation: operationName(operation),
    payload: (payload === undefined ? null : payload) as Json,
    chain: chain.map((waiting): ActorKey => parseActorKey(waiting).key),
    hops: integer('hops', hops, HOPS_MAX),
    deadlineMicros: nowMicros + wait,
    mayRepeat: mayRepeat !== false || !fresh,
    place: place === true,
  };
}

function integer(field: string, value: unknown, max: number): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0 || value > max) {
    throw new KelpieError('invalid-argument', `${field} must be an integer from 0 to ${max}, is ${String(value)}`);
  }
  return value;
}

export const encodeAnswer = (answer: Answer): Json =>
  answer.ok ? { ok: true, result: answer.result, durable: answer.durable } : { ok: false, error: encodeError(answer.error) };

const encodeError = ({ code, message, chain, unsure }: KelpieErrorData): Json => ({
  code,
  message,
  ...(chain === undefined ? {} : { chain }),
  ...(unsure === undefined ? {} : { unsure }),
});

/** A body that is no answer is an error of its own, after which the call may have taken effect. */
export function decodeAnswer(body: unknown): Answer {
  const answer = typeof body === 'object' && body !== null ? (body as Readonly<Record<string, unknown>>) : {};
  if (answer.ok === true) {
    return { ok: true, result: (answer.result === undefined ? null : answer.result) as Json, durable: answer.durable === true };
  }
  const error = (typeof answer.error === 'object' && answer.error !== null ? answer.error : {}) as Readonly<Record<string, unknown>>;
  const { code, message, chain, unsure } = error;
  if (answer.ok !== false || typeof code !== 'string' || !isKelpieErrorCode(code) || typeof message !== 'string') {
    return { ok: false, error: { code: 'node-unavailable', message: 'the answer of the node makes no sense', unsure: true } };
  }
  return {
    ok: false,
    error: {
      code,
      message,
      ...(Array.isArray(chain) ? { chain: chain.filter((actor): actor is ActorKey => typeof actor === 'string') } : {}),
      ...(unsure === true ? { unsure: true } : {}),
    },
  };
}

/** Errors: `too-large`. */
export const checkPayload = (text: string): void => checkTextBytes(text, MESSAGE_BYTES_MAX, 'the payload');
