/** The simulated database keeps the contract of the Database port, like every other implementation. */
import { databaseContract } from '../../contract/database-contract.js';
import { SimCluster } from './cluster.js';
import { FakeHost, FakeProcess } from './fake-host.js';

databaseContract('simulated', {
  historyRounds: 60,
  make: async () => {
    const host = new FakeHost({ fate: (_, random) => ({ kind: 'arrive', micros: random.between(50, 2_000) }) });
    const owner = new FakeProcess('n1');
    const database = new SimCluster(host, host).connect(owner);
    return {
      database,
      clock: {
        wallMicros: () => host.now(),
        monotonicMicros: () => host.now(),
        sleep: (micros) => host.sleep(micros),
        after: (micros, callback) => host.after(micros, undefined, 'timer', callback),
      },
      run: (body) => host.run(body),
      close: () => database.close(),
    };
  },
});
