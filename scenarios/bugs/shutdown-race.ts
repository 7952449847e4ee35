/** Closing the intake does not wait for the calls that are in it: the node goes on stopping, and what it has accepted gets no answer. */
import { CountingIntake } from '../../src/kelpie/intake.js';
import { kelpieBug } from './bug.js';

class HastyIntake extends CountingIntake {
  override close(): Promise<void> {
    void super.close();
    return Promise.resolve();
  }
}

export const shutdownRace = kelpieBug({
  id: 'shutdown-race',
  summary: 'a call accepted before a shutdown is neither run nor refused',
  spec: { module: 'KelpieActorLifecycle', config: 'DeactivateWithPending' },
  parts: () => ({ intake: (config) => new HastyIntake(config.mailbox) }),
});
