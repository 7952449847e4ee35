import { diskContract } from '../contract/disk-contract.js';
import type { Disk } from '../ports.js';
import { inOneLife, Rig } from './disk/rig.js';

for (const seed of [1, 2, 3]) {
  diskContract(`the simulated disk (seed ${seed})`, () => {
    const rig = new Rig({ seed, strategy: { kind: 'random' } });
    let current: Disk | undefined;
    // The disk of the life that runs, whichever it is: bodies get it before the kernel starts.
    const disk = new Proxy({} as Disk, { get: (_, method) => Reflect.get(current as Disk, method).bind(current) });
    return Promise.resolve({
      disk,
      run: (body) =>
        inOneLife(rig, (attached) => {
          current = attached;
          return body();
        }),
      close: () => Promise.resolve(),
    });
  });
}
