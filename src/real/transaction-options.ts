/** Options of a transaction, checked before anything is done with them. */
import { DatabaseError, databaseErrorCode, type TransactionOptions } from '../ports.js';

/** Throws 2006 for an option that is out of range. */
export function checkedOptions(options: TransactionOptions): TransactionOptions {
  const check = (name: keyof TransactionOptions, min: number): void => {
    const value = options[name];
    if (value === undefined || (Number.isSafeInteger(value) && value >= min)) return;
    throw new DatabaseError(databaseErrorCode.invalidOptionValue, `transaction option ${name} is an integer from ${min}, not ${value}`);
  };
  check('timeoutMicros', 0);
  check('retryLimit', -1);
  check('retryDelayMicrosMax', 0);
  check('sizeLimit', 32);
  return options;
}
