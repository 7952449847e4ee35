import { describe, expect, test } from 'vitest';
import type { Micros } from '../ports.js';
import { lab, labActor } from '../../runner/fixtures/lab.js';
import { kelpieConfig } from './config.js';
import { Deadlines } from './deadlines.js';
import { ActorKeys } from './keys.js';
import { HeldLeases } from './leases.js';
import { LEASES_PER_RENEWAL_MAX } from './limits.js';
import { correctParts } from './parts.js';
import type { HeldClaim } from './registry.js';
import type { Runtime } from './runtime.js';
import { Teller } from './tell.js';

const SECOND: Micros = 1_000_000;

/** Serving on a lease goes on for so long when it is renewed at once. */
const TERM_MICROS: Micros = 25 * SECOND;

interface Desk {
  readonly leases: HeldLeases;
  readonly sleep: (micros: Micros) => Promise<void>;
  /** Grants a lease of this actor with so much of its time left. */
  readonly grant: (id: string, leftMicros: Micros) => void;
}

interface Shown {
  /** Each with its time since the start, and the actors whose leases it renews. */
  readonly renewals: readonly (readonly [at: Micros, actors: string])[];
  readonly ended: readonly string[];
}

/** What the leases of a node, renewed every ten seconds in transactions of this length, show while the script runs. */
async function leasesShow(script: (desk: Desk) => Promise<void>, renewalTakes: Micros = 0): Promise<Shown> {
  const renewals: [Micros, string][] = [];
  const ended: string[] = [];
  await lab({
    nodes: 1,
    script: async ({ platform, sleep }) => {
      const { clock } = platform;
      const begun = clock.monotonicMicros();
      const renew: Runtime['parts']['renew'] = async (_, claims) => {
        const startMicros = clock.monotonicMicros();
        renewals.push([startMicros - begun, claims.map(({ actor }) => actor.id).join(' ')]);
        await sleep(renewalTakes);
        for (const claim of claims) claim.untilMicros = startMicros + TERM_MICROS;
        return claims.map(() => ({ kind: 'renewed' }));
      };
      const runtime = {
        platform,
        config: kelpieConfig(),
        parts: { ...correctParts, renew },
        deadlines: new Deadlines(clock),
        teller: new Teller(platform.tracer),
      };
      const leases = new HeldLeases(runtime as unknown as Runtime);
      const grant = (id: string, leftMicros: Micros): void => {
        const actor = labActor(id);
        const untilMicros = clock.monotonicMicros() + leftMicros;
        const held: HeldClaim = { actor, keys: new ActorKeys(actor.key), claim: 'c', token: 1, placement: new Uint8Array(0), untilMicros };
        leases.add(held, (why) => ended.push(`${id} ${why}`));
      };
      await script({ leases, sleep, grant });
      leases.close();
    },
  });
  return { renewals, ended };
}

describe('a lease', () => {
  test('with its time before it is renewed when its period is over', async () => {
    const { renewals, ended } = await leasesShow(async ({ grant, sleep }) => {
      grant('a', TERM_MICROS);
      await sleep(35 * SECOND);
    });
    expect(renewals.map(([at]) => at)).toEqual([10 * SECOND, 20 * SECOND, 30 * SECOND]);
    expect(ended).toEqual([]);
  });

  test('whose grant came so late that it ends within its period is renewed when half of what is left is over', async () => {
    const { renewals, ended } = await leasesShow(async ({ grant, sleep }) => {
      grant('a', 8 * SECOND);
      await sleep(15 * SECOND);
    });
    expect(renewals.map(([at]) => at)).toEqual([4 * SECOND, 14 * SECOND]);
    expect(ended).toEqual([]);
  });

  test('whose grant came late does not wait for the renewal of the others, which is done with its own', async () => {
    const { renewals, ended } = await leasesShow(async ({ grant, sleep }) => {
      grant('a', TERM_MICROS);
      await sleep(3 * SECOND);
      grant('b', 4 * SECOND);
      grant('c', TERM_MICROS);
      await sleep(8 * SECOND);
    });
    expect(renewals).toEqual([[5 * SECOND, 'a b c']]);
    expect(ended).toEqual([]);
  });

  test('whose renewal was slow is renewed again when half of what is left is over', async () => {
    const { renewals, ended } = await leasesShow(async ({ grant, sleep }) => {
      grant('a', TERM_MICROS);
      await sleep(31 * SECOND);
    }, 13 * SECOND);
    // The first one ends after 23 seconds and holds until second 35.
    expect(renewals.map(([at]) => at)).toEqual([10 * SECOND, 29 * SECOND]);
    expect(ended).toEqual([]);
  });

  test('whose grant came after its end is not renewed', async () => {
    const { renewals, ended } = await leasesShow(async ({ grant, sleep }) => {
      grant('a', 0);
      await sleep(15 * SECOND);
    });
    expect(renewals).toEqual([]);
    expect(ended).toEqual(['a lease-expired']);
  });
});

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
