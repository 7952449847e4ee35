/** FoundationDB's errors with their words, so that each reads the same wherever it comes from. */
import { DatabaseError, databaseErrorCode as code } from '../../ports.js';

/** A program asked for the versionstamp of a commit that failed. Nothing switches on it, so the port does not name it. */
export const TRANSACTION_INVALID_VERSION = 2020;

const WORDS: Readonly<Record<number, string>> = {
  [code.transactionTooOld]: 'the read version is more than five seconds old, so its data is gone',
  [code.futureVersion]: 'the read version is ahead of the database',
  [code.notCommitted]: 'not committed, because another transaction wrote what this one read',
  [code.commitUnknownResult]: 'the connection was lost during the commit, which may or may not have happened',
  [code.transactionCancelled]: 'the transaction was cancelled or reset',
  [code.transactionTimedOut]: 'the transaction took longer than its time-out; a commit under way may still happen',
  [code.tooManyWatches]: 'too many watches; cancel some first',
  [code.accessedUnreadable]: 'the key waits for its versionstamp and cannot be read before the commit',
  [code.processBehind]: 'the storage process has fallen behind',
  [code.databaseLocked]: 'the database is locked',
  [code.clusterVersionChanged]: 'the cluster has been upgraded',
  [code.operationCancelled]: 'the watch was cancelled',
  [code.tagThrottled]: 'the transaction is throttled',
  [code.clientInvalidOperation]: 'an invalid operation',
  [code.keyOutsideLegalRange]: 'a key outside the ordinary key space, which ends before 0xFF',
  [code.invertedRange]: 'a range whose begin is above its end',
  [code.invalidOptionValue]: 'an option with an impossible value',
  [code.usedDuringCommit]: 'the transaction was used while or after it committed; reset it first',
  [code.transactionTooLarge]: 'the transaction is above its size limit',
  [code.keyTooLarge]: 'a key above 10,000 bytes',
  [code.valueTooLarge]: 'a value above 100,000 bytes',
  [code.exactModeWithoutLimits]: 'streaming mode exact needs a limit',
  [code.readVersionAlreadySet]: 'the transaction has a read version already',
  [TRANSACTION_INVALID_VERSION]: 'the transaction did not commit, so it has no versionstamp',
  [code.noCommitVersion]: 'the transaction wrote nothing, so it has no versionstamp',
};

/** The error of this code; `detail` says what in particular was wrong. */
export function databaseError(number: number, detail?: string): DatabaseError {
  const words = WORDS[number] ?? 'the database failed';
  return new DatabaseError(number, detail === undefined ? words : `${words}: ${detail}`);
}

/** The same, made when somebody asks for it: most tries are given up when nobody waits for them any more, and an error costs a stack. */
export class LateError {
  readonly #number: number;
  readonly #detail: string | undefined;
  #error: DatabaseError | undefined;

  constructor(number: number, detail?: string) {
    this.#number = number;
    this.#detail = detail;
  }

  get error(): DatabaseError {
    this.#error ??= databaseError(this.#number, this.#detail);
    return this.#error;
  }
}
