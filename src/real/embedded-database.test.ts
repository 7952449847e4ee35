import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { databaseContract } from '../contract/database-contract.js';
import { openEmbeddedDatabase } from './embedded-database.js';
import { HurriedClock } from './fixtures/clocks.js';
import { RealRandom } from './random.js';

databaseContract('the embedded store', {
  make: async () => {
    const directory = await mkdtemp(join(tmpdir(), 'kelpie-embedded-'));
    const clock = new HurriedClock();
    const database = openEmbeddedDatabase({ directory, clock, random: new RealRandom() });
    return {
      database,
      clock,
      run: (body) => body(),
      close: async () => {
        await database.close();
        await rm(directory, { recursive: true });
      },
    };
  },
});
