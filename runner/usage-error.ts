/** The caller's mistake, not a bug of the program under test: the command prints the message alone and ends with exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
