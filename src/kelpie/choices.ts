/**
 * Where the runtime has a rare and legal way to go beside the usual one: nothing that it promises depends on which it takes. In production
 * it never takes them (`noChoices`); a simulation does, so that paths which need an unlikely world are taken in ordinary ones too.
 */
import type { Micros, Platform } from '../ports.js';

/** Every site, and what happens there when the rare way is taken. */
export const CHOICE_SITES = {
  'activation/wait': 'a moment passes between the claim of an actor and the first read',
  'actor/idle-now': 'an actor without calls counts as idle at once',
  'commit/conflict': 'an invocation is undone and run again, as after a conflict',
  'commit/doubt': 'the answer to a commit that was applied is not believed but looked up',
  'commit/wait': 'a moment passes before a commit is sent',
  'dispatch/forget-route': 'a remembered owner is not believed: the registry is asked',
  'dispatch/elsewhere': 'an actor that is nowhere is sent to another node instead of claimed here',
  'heartbeat/late-answer': 'a heartbeat is acknowledged one heartbeat later',
  'invoke/look-up': 'the outcome of a request is looked for although it has not come before',
  'kv/short-page': 'a scan of stored keys reads a page of one key',
  'lease/give-up': 'a lease is given up long before it ends',
  'lease/renew-early': 'leases are renewed in a quarter of the time',
  'migration/forget': 'a target has forgotten the actor that it agreed to take when it is told what it must find',
  'nodes/read-again': 'the list of nodes is read although it is fresh',
  'release/wait': 'a claim is given back a second later',
  'rpc/lose-answer': 'the answer to a request that was handled is not sent',
  'wal/new-segment': 'the log begins a new segment before the last one is full',
  'wal/one-by-one': 'one record of those that wait is written and synced alone',
} as const satisfies Readonly<Record<string, string>>;
export type ChoiceSite = keyof typeof CHOICE_SITES;

/** Longer than most steps within a data centre, shorter than every time-out. */
const MOMENT_MICROS: Micros = 20_000;

/** Whether to take the rare way at this site, this time. */
export const chooses = (platform: Pick<Platform, 'choices'>, site: ChoiceSite): boolean => platform.choices.choose(site);

/** Lets a moment pass where the site chooses to. */
export async function mayWait(platform: Pick<Platform, 'choices' | 'clock'>, site: ChoiceSite): Promise<void> {
  if (chooses(platform, site)) await platform.clock.sleep(MOMENT_MICROS);
}
