/** Branded names, checked once where they come in, so that the rest of the runtime can rely on them. */
import type { NodeId } from '../ports.js';
import { KelpieError } from './errors.js';
import { ACTOR_ID_BYTES_MAX, NAMESPACE_BYTES_MAX, NODE_ID_BYTES_MAX, OPERATION_BYTES_MAX, REQUEST_ID_BYTES_MAX } from './limits.js';

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type Namespace = Branded<'namespace'>;
export type ActorId = Branded<'actor id'>;
/** `namespace:id`; neither part can hold a colon or a slash. */
export type ActorKey = Branded<'actor key'>;
/** Names one request over all its attempts; the actor takes effect at most once for it. */
export type RequestId = Branded<'request id'>;
/** Names one commit of an actor: fencing token and a number within that claim. */
export type CommitId = Branded<'commit id'>;

/** Which actor. */
export interface ActorRef {
  readonly namespace: Namespace;
  readonly id: ActorId;
  readonly key: ActorKey;
}

const NAME = /^[A-Za-z0-9_.-]+$/;
const REQUEST = /^[A-Za-z0-9_.:/-]+$/;

/** The allowed characters are one byte each, so the length of the text is its length in bytes. */
function check(what: string, text: unknown, pattern: RegExp, characters: string, bytesMax: number): void {
  if (typeof text !== 'string') throw new KelpieError('invalid-argument', `${what} must be a string, not ${typeof text}`);
  if (text.length > bytesMax) throw new KelpieError('too-large', `${what} must have at most ${bytesMax} bytes, has ${text.length}`);
  if (!pattern.test(text)) {
    throw new KelpieError('invalid-argument', `${what} must be one or more of ${characters}, is ${JSON.stringify(text.slice(0, 80))}`);
  }
}

/** Errors: `invalid-argument`, `too-large`. */
export function actorRef(namespace: string, id: string): ActorRef {
  check('namespace', namespace, NAME, 'A-Za-z0-9-_.', NAMESPACE_BYTES_MAX);
  check('actor id', id, NAME, 'A-Za-z0-9-_.', ACTOR_ID_BYTES_MAX);
  return { namespace: namespace as Namespace, id: id as ActorId, key: `${namespace}:${id}` as ActorKey };
}

/** Reads `namespace:id`. Errors: `invalid-argument`, `too-large`. */
export function parseActorKey(text: unknown): ActorRef {
  const colon = typeof text === 'string' ? text.indexOf(':') : -1;
  if (typeof text !== 'string' || colon < 0) {
    throw new KelpieError('invalid-argument', `an actor must be named as namespace:id, is ${JSON.stringify(String(text).slice(0, 80))}`);
  }
  return actorRef(text.slice(0, colon), text.slice(colon + 1));
}

/** Errors: `invalid-argument`, `too-large`. */
export function requestId(text: unknown, bytesMax: number = REQUEST_ID_BYTES_MAX): RequestId {
  check('request id', text, REQUEST, 'A-Za-z0-9-_.:/', bytesMax);
  return text as RequestId;
}

/** Errors: `invalid-argument`, `too-large`. */
export function nodeId(text: unknown): NodeId {
  check('node id', text, NAME, 'A-Za-z0-9-_.', NODE_ID_BYTES_MAX);
  return text as NodeId;
}

/** Errors: `invalid-argument`, `too-large`. */
export function operationName(text: unknown): string {
  if (typeof text !== 'string' || text.length === 0)
    throw new KelpieError('invalid-argument', 'an operation must be a text of at least one character');
  if (text.length > OPERATION_BYTES_MAX) {
    throw new KelpieError('too-large', `an operation must have at most ${OPERATION_BYTES_MAX} characters, has ${text.length}`);
  }
  return text;
}

export const commitId = (token: number, sequence: number): CommitId => `${token}.${sequence}` as CommitId;
