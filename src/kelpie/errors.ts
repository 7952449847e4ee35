/** One family of errors, with a code that callers switch on and a word on whether trying again can help. */
import type { ActorKey } from './ids.js';

/**
 * `already-exists`, `idempotency-mismatch` (the key was used with another body; HTTP would say 422) and `in-progress` (the request of
 * this key is under way; 409) are the agent service's. `actor-error` (the actor's own code threw), `reentrant` (a call chain came back to an actor that waits in it) and
 * `store-unavailable` (the database did not answer in time) complete the list of the design.
 */
export const KELPIE_ERROR_CODES = [
  'transaction-conflict',
  'commit-unknown',
  'node-unavailable',
  'store-unavailable',
  'timeout',
  'not-owner',
  'lease-lost',
  'overloaded',
  'actor-deactivated',
  'actor-error',
  'not-found',
  'already-exists',
  'idempotency-mismatch',
  'in-progress',
  'invalid-argument',
  'reentrant',
  'too-large',
  'corrupted',
  'shutting-down',
] as const;
export type KelpieErrorCode = (typeof KELPIE_ERROR_CODES)[number];

const RETRIABLE: ReadonlySet<KelpieErrorCode> = new Set<KelpieErrorCode>([
  'transaction-conflict',
  'commit-unknown',
  'node-unavailable',
  'store-unavailable',
  'timeout',
  'not-owner',
  'lease-lost',
  'overloaded',
  'actor-deactivated',
  'shutting-down',
]);

/** What travels over the wire. */
export interface KelpieErrorData {
  readonly code: KelpieErrorCode;
  readonly message: string;
  /** `reentrant`: who waits for whom, outermost first. */
  readonly chain?: readonly ActorKey[];
  /** The call may have taken effect although it failed, or may still. Without this word it has not and never will. */
  readonly unsure?: true;
}

export interface KelpieErrorOptions {
  readonly cause?: unknown;
  readonly chain?: readonly ActorKey[] | undefined;
  readonly unsure?: boolean | undefined;
}

export class KelpieError extends Error {
  override readonly name = 'KelpieError';
  readonly chain: readonly ActorKey[] | undefined;
  /** The call may have taken effect although it failed, or may still. */
  readonly unsure: boolean;

  constructor(
    readonly code: KelpieErrorCode,
    message: string,
    options: KelpieErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.chain = options.chain;
    this.unsure = options.unsure === true || code === 'commit-unknown';
  }

  /** The same request, with the same request id, may succeed later. */
  get retriable(): boolean {
    return RETRIABLE.has(this.code);
  }

  toData(): KelpieErrorData {
    return {
      code: this.code,
      message: this.message,
      ...(this.chain === undefined ? {} : { chain: this.chain }),
      ...(this.unsure ? { unsure: true } : {}),
    };
  }

  static fromData(data: KelpieErrorData): KelpieError {
    return new KelpieError(data.code, data.message, { chain: data.chain, unsure: data.unsure });
  }

  /** This failure of a call that may have taken effect all the same. */
  asUnsure(): KelpieError {
    return this.unsure ? this : new KelpieError(this.code, this.message, { cause: this.cause, chain: this.chain, unsure: true });
  }

  /** Any thrown thing as a member of the family; what is none becomes `actor-error`, since only actor code throws freely. */
  static from(error: unknown): KelpieError {
    if (error instanceof KelpieError) return error;
    return new KelpieError('actor-error', error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** Whether trying again with the same request id can help. */
export const isRetriable = (code: KelpieErrorCode): boolean => RETRIABLE.has(code);

const CODES: ReadonlySet<string> = new Set(KELPIE_ERROR_CODES);

/** Whether a text from the wire is a code. */
export const isKelpieErrorCode = (text: string): text is KelpieErrorCode => CODES.has(text);
