/** Messages of a migration between its source and its target, and of operators. Checked field by field when they come from the wire. */
import { isKelpieErrorCode, KelpieError } from '../errors.js';
import { type ActorRef, nodeId, parseActorKey } from '../ids.js';
import type { Json } from '../json.js';
import type { Reply } from '../rpc.js';

export const MIGRATE_PREPARE = 'migrate-prepare';
export const MIGRATE_TRANSFER = 'migrate-transfer';
export const MIGRATE_COMPLETE = 'migrate-complete';
export const MIGRATE_ABORT = 'migrate-abort';
export const ADMIN = 'admin';

export type Fields = Readonly<Record<string, unknown>>;

export const fieldsOf = (body: unknown): Fields => (typeof body === 'object' && body !== null ? (body as Fields) : {});

/** Errors: `invalid-argument`. */
export function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string' || value.length === 0 || value.length > 1_000) {
    throw new KelpieError('invalid-argument', `${name} must be a text of 1 to 1000 characters`);
  }
  return value;
}

/** Errors: `invalid-argument`. */
export function count(fields: Fields, name: string): number {
  const value = fields[name];
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    throw new KelpieError('invalid-argument', `${name} must be an integer from 0, is ${String(value)}`);
  }
  return value as number; // checked above
}

export const succeeded = (fields: { readonly [name: string]: Json } = {}): Json => ({ ok: true, ...fields });

export function failed(error: unknown): Json {
  const { code, message, unsure } = KelpieError.from(error);
  return { ok: false, code, message, ...(unsure ? { unsure } : {}) };
}

/** The fields of a good answer. Errors: the one that was answered; `timeout`, `node-unavailable` where none was. */
export function expectSuccess(reply: Reply, from: string): Fields {
  if (reply.kind === 'timeout') throw new KelpieError('timeout', `node ${from} did not answer in time`);
  if (reply.kind === 'unsendable') throw new KelpieError('node-unavailable', `nothing can be sent to node ${from}: ${reply.error.message}`);
  const fields = fieldsOf(reply.body);
  if (fields.ok === true) return fields;
  const { code, message, unsure } = fields;
  if (typeof code === 'string' && isKelpieErrorCode(code)) throw new KelpieError(code, String(message), { unsure: unsure === true });
  throw new KelpieError('node-unavailable', `the answer of node ${from} makes no sense`);
}

/** An operator asks that an actor be moved. */
export interface MigrateOrder {
  readonly actor: ActorRef;
  readonly to: string;
  /** It was passed on to the holder of the actor already. */
  readonly passedOn: boolean;
  /** It was given before, and may have been carried out: an actor that is at its target has come there by it. */
  readonly again: boolean;
}

export const encodeOrder = ({ actor, to, passedOn, again }: MigrateOrder): Json => ({
  operation: 'migrate',
  actor: actor.key,
  to,
  passedOn,
  again,
});

/** Errors: `invalid-argument`, `too-large`. */
export function decodeOrder(body: unknown): MigrateOrder {
  const fields = fieldsOf(body);
  if (fields.operation !== 'migrate') {
    throw new KelpieError('invalid-argument', `operation must be migrate, is ${JSON.stringify(fields.operation)}`);
  }
  return { actor: parseActorKey(fields.actor), to: nodeId(fields.to), passedOn: fields.passedOn === true, again: fields.again === true };
}
