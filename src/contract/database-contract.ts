/**
 * What every `Database` must do, whoever implements it: the embedded store, FoundationDB itself, the simulated one. The rules
 * are FoundationDB's (its developer guide and API reference). The last part runs random transactions at once and demands that
 * they equal some order of running them alone that respects real time, judged by the model in `database-model.ts`.
 */
import { describe } from 'vitest';
import { conflictPromises } from './database/conflicts.js';
import { historyPromises } from './database/histories.js';
import { isolationPromises } from './database/isolation.js';
import { lifePromises } from './database/life.js';
import { limitPromises } from './database/limits.js';
import { mutationPromises } from './database/mutations.js';
import { type DatabaseContractOptions, promiser } from './database/promised.js';
import { readPromises } from './database/reads.js';
import { watchPromises } from './database/watches.js';

/** The contract; call it at the top of a test file. */
export function databaseContract(name: string, options: DatabaseContractOptions): void {
  const promise = promiser(options);
  describe(`${name} keeps the Database contract`, () => {
    readPromises(promise);
    isolationPromises(promise);
    conflictPromises(promise);
    mutationPromises(promise);
    watchPromises(promise);
    limitPromises(promise);
    lifePromises(promise);
    historyPromises(options);
  });
}
