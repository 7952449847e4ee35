/** Whoever reads a key takes every failure of the database for the answer that there is no such key. */
import { DatabaseError } from '../../src/ports.js';
import { kelpieBug } from './bug.js';

export const readFaultAsAbsent = kelpieBug({
  id: 'read-fault-as-absent',
  summary: 'a failed read is taken for a key that does not exist',
  parts: ({ readValue }) => ({
    async readValue(transaction, key) {
      try {
        return await readValue(transaction, key);
      } catch (error) {
        if (error instanceof DatabaseError) return undefined;
        throw error;
      }
    },
  }),
});
