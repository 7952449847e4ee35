import { type PeerAnswer, type PeerRequest, servicesContract } from '../contract/services-contract.js';
import type { Clock, ServiceResponse, Services } from '../ports.js';
import { inOneLife, Rig } from './disk/rig.js';
import { Network } from './network.js';
import type { SeamEvent, ServiceVerdict } from './seams.js';
import { SimServices } from './services.js';

const SHAPE = { latencyMicrosMin: 200, latencyMicrosMax: 2_000, jitterMicros: 100, tailOneIn: 0, tailMicros: 0, bytesPerSecond: 0 };

/** What scripts of the contract do beside answering, as the verdict of a fault. The contract's peers do it whatever they are asked. */
function verdictOf(answer: PeerAnswer): ServiceVerdict | undefined {
  switch (answer.do) {
    case 'answer':
      return undefined;
    case 'hang':
      return { kind: 'fail', code: 'timeout', acted: true };
    case 'reset':
      return { kind: 'fail', code: 'reset', acted: true };
    case 'truncate':
      return { kind: 'fail', code: 'truncated', acted: true };
  }
}

servicesContract('the simulated services', {
  make: (script: (request: PeerRequest) => PeerAnswer) => {
    const judge = {
      seam: 'service' as const,
      answer: (event: SeamEvent) =>
        event.seam === 'service' && event.service === 'peer'
          ? verdictOf(script({ operation: event.operation, headers: {}, body: new Uint8Array(0) }))
          : undefined,
    };
    const rig = new Rig({ judge, strategy: { kind: 'random' } });
    const peer = {
      latencyMicros: () => 1_000,
      handle: (request: PeerRequest): ServiceResponse => {
        const answer = script(request);
        return answer.do === 'answer' ? { headers: {}, ...answer } : { status: 200, headers: {}, body: new Uint8Array(0) };
      },
    };
    const simulated = new SimServices(rig.kernel, new Network(rig.kernel, SHAPE), { peer });
    let connected: Services | undefined;
    // The body gets its services before the life that they belong to begins.
    const services: Services = {
      call: (request) => connected?.call(request) ?? Promise.reject(new Error('called before the life began')),
    };
    const clock: Clock = {
      wallMicros: () => rig.kernel.now(),
      monotonicMicros: () => rig.kernel.now(),
      sleep: (micros) => new Promise((resolve) => void rig.kernel.after(micros, undefined, 'sleep', resolve)),
      after: (micros, callback) => rig.kernel.after(micros, undefined, 'timer', callback),
    };
    return Promise.resolve({
      services,
      clock,
      run: (body) =>
        inOneLife(rig, (_disk, process) => {
          connected = simulated.connect(process);
          return body();
        }),
      close: () => Promise.resolve(),
    });
  },
});
