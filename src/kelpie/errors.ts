/** One family of errors, with a code that callers switch on and a word on whether trying again can help. */
import type { ActorKey } from './ids.js';

/**
 * `actor-error` (the actor's own code threw), `reentrant` (a call chain came back to an actor that waits in it) and
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

/** After these the call may have taken effect, or may still. After all others it has not, and this attempt never will. */
const INDETERMINATE: ReadonlySet<KelpieErrorCode> = new Set<KelpieErrorCode>(['commit-unknown', 'timeout']);

/** What travels over the wire. */
export interface KelpieErrorData {
  readonly code: KelpieErrorCode;
  readonly message: string;
  /** `reentrant`: who waits for whom, outermost first. */
  readonly chain?: readonly ActorKey[];
}

export class KelpieError extends Error {
  override readonly name = 'KelpieError';
  readonly chain: readonly ActorKey[] | undefined;

  constructor(
    readonly code: KelpieErrorCode,
    message: string,
    options?: { readonly cause?: unknown; readonly chain?: readonly ActorKey[] },
  ) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.chain = options?.chain;
  }

  /** The same request, with the same request id, may succeed later. */
  get retriable(): boolean {
    return RETRIABLE.has(this.code);
  }

  /** The call may have taken effect although it failed. */
  get indeterminate(): boolean {
    return INDETERMINATE.has(this.code);
  }

  toData(): KelpieErrorData {
    return this.chain === undefined
      ? { code: this.code, message: this.message }
      : { code: this.code, message: this.message, chain: this.chain };
  }

  static fromData(data: KelpieErrorData): KelpieError {
    return new KelpieError(data.code, data.message, data.chain === undefined ? undefined : { chain: data.chain });
  }
}

/** Whether trying again with the same request id can help. */
export const isRetriable = (code: KelpieErrorCode): boolean => RETRIABLE.has(code);

/** Whether the call may have taken effect. */
export const isIndeterminate = (code: KelpieErrorCode): boolean => INDETERMINATE.has(code);

const CODES: ReadonlySet<string> = new Set(KELPIE_ERROR_CODES);

/** Whether a text from the wire is a code. */
export const isKelpieErrorCode = (text: string): text is KelpieErrorCode => CODES.has(text);
