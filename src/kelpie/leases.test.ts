import { expect, test } from 'vitest';
import { lab, labActor } from '../../runner/fixtures/lab.js';
import { kelpieConfig } from './config.js';
import { Deadlines } from './deadlines.js';
import { ActorKeys } from './keys.js';
import { HeldLeases } from './leases.js';
import { LEASES_PER_RENEWAL_MAX } from './limits.js';
import { correctParts } from './parts.js';
import type { HeldClaim } from './registry.js';
import type { Runtime } from './runtime.js';

test('many leases are renewed in several transactions, of which none is larger than it may be', async () => {
  const batches: string[][] = [];
  const names = Array.from({ length: 2 * LEASES_PER_RENEWAL_MAX + 1 }, (_, i) => `lab:a${i}`);
  await lab({
    nodes: 1,
    script: async ({ platform, sleep }) => {
      const config = kelpieConfig();
      const renew: Runtime['parts']['renew'] = async (_, claims) => {
        batches.push(claims.map(({ actor }) => actor.key));
        return claims.map(() => ({ kind: 'renewed' }));
      };
      const runtime = { platform, config, parts: { ...correctParts, renew }, deadlines: new Deadlines(platform.clock) };
      const leases = new HeldLeases(runtime as unknown as Runtime);
      for (const name of names) {
        const actor = labActor(name.slice('lab:'.length));
        const untilMicros = platform.clock.monotonicMicros() + config.leaseMicros;
        const held: HeldClaim = { actor, keys: new ActorKeys(actor.key), claim: 'c', token: 1, placement: new Uint8Array(0), untilMicros };
        leases.add(held, () => undefined);
      }
      await sleep(config.leaseRenewMicros + 1_000_000);
      leases.close();
    },
  });
  expect(batches.map(({ length }) => length)).toEqual([LEASES_PER_RENEWAL_MAX, LEASES_PER_RENEWAL_MAX, 1]);
  expect(batches.flat()).toEqual(names);
});
