import { describe, expect, test } from 'vitest';
import { type ClusterOptions, type Rehearsed, rehearse, type Stage, type Told } from '../../../runner/fixtures/simulated-cluster.js';
import type { Platform } from '../../ports.js';
import type { PacketEvent } from '../../sim/seams.js';
import type { ActorType } from '../actor.js';
import { KelpieClient } from '../client.js';
import type { KelpieConfig } from '../config.js';
import { actorRef } from '../ids.js';
import { KelpieNode } from '../node.js';
import { correctParts, type KelpieParts } from '../parts.js';
import { MEMBER_CHANGES, MEMBER_STATES, type MemberState } from './members.js';
import { Membership } from './membership.js';

const SECOND = 1_000_000;

const CONFIG: Partial<KelpieConfig> = {
  leaseMicros: 6 * SECOND,
  leaseRenewMicros: SECOND,
  leaseGraceMicros: 500_000,
  leaseSkewMicros: 300_000,
  heartbeatMicros: 300_000,
  forwardMicros: 2 * SECOND,
  nodeListMicros: SECOND,
};

const counter: ActorType<{ n: number }> = {
  namespace: 'counter',
  create: () => ({
    initialState: () => ({ n: 0 }),
    invoke(ctx) {
      ctx.state.n += 1;
      return ctx.state.n;
    },
  }),
};

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `n${i + 1}`);

const serveWith =
  (parts: KelpieParts, nodes: number, config: Partial<KelpieConfig>): ClusterOptions<unknown>['serve'] =>
  (platform: Platform) =>
    new KelpieNode(platform, {
      config: { ...CONFIG, ...config },
      parts,
      actors: [counter as ActorType],
      services: [new Membership({ seeds: names(nodes) })],
    }).run();

interface Act extends Stage {
  readonly client: KelpieClient;
  sleep(seconds: number): Promise<void>;
}

interface Play {
  readonly nodes?: number;
  readonly seed?: number;
  readonly parts?: KelpieParts;
  readonly config?: Partial<KelpieConfig>;
}

const play = <T>(
  script: (act: Act) => Promise<T>,
  { nodes = 3, seed = 1, parts = correctParts, config = {} }: Play = {},
): Promise<Rehearsed<T>> =>
  rehearse({
    nodes,
    seed,
    serve: serveWith(parts, nodes, config),
    script: (stage) =>
      script({
        ...stage,
        client: new KelpieClient(stage.platform, { nodes: names(nodes), attemptMicros: 2 * SECOND }),
        sleep: (seconds) => stage.platform.clock.sleep(seconds * SECOND),
      }),
  });

type Body<Type extends Told['body']['type']> = Extract<Told['body'], { readonly type: Type }>;

const told = <Type extends Told['body']['type']>(story: readonly Told[], type: Type): readonly (Body<Type> & { readonly node: string })[] =>
  story.filter(({ body }) => body.type === type).map(({ body, node }) => ({ ...(body as Body<Type>), node }));

/** The state of each member and the primary, from the committed changes in the order of their versions. */
function folded(story: readonly Told[]): {
  readonly states: Readonly<Record<string, string>>;
  readonly primary: { readonly node: string; readonly term: number } | undefined;
} {
  const steps = story
    .filter(({ body }) => body.type === 'member.state' || body.type === 'primary.elect' || body.type === 'primary.stepdown')
    .map(({ body, node }) => ({ node, body: body as Body<'member.state'> | Body<'primary.elect'> | Body<'primary.stepdown'> }))
    .filter(({ body }) => body.version >= 0)
    .sort((a, b) => a.body.version - b.body.version);
  const states: Record<string, string> = {};
  let primary: { node: string; term: number } | undefined;
  for (const { node, body } of steps) {
    if (body.type === 'member.state') states[body.member] = body.to;
    else if (body.type === 'primary.elect') primary = { node, term: body.term };
    else if (primary?.term === body.term) primary = undefined;
  }
  return { states, primary };
}

/** What must hold in every story: allowed changes only, one primary a term, growing terms, majorities, failures by the primary alone. */
function expectSafe(story: readonly Told[]): void {
  for (const { from, to } of told(story, 'member.state')) expect(MEMBER_CHANGES[from as MemberState]).toContain(to);
  const elections = [...told(story, 'primary.elect')].sort((a, b) => a.version - b.version);
  elections.forEach(({ term, reached, voters }, index) => {
    expect(term).toBeGreaterThan(elections[index - 1]?.term ?? 0);
    expect(reached * 2).toBeGreaterThan(voters);
  });
  for (const failure of told(story, 'failover.plan')) {
    const before = elections.filter(({ version }) => version < failure.version);
    expect(before[before.length - 1]).toMatchObject({ node: failure.node, term: failure.term });
  }
  // No invocation begins under an older token once a newer one has been told.
  const newest = new Map<string, number>();
  for (const { body } of story) {
    if (body.type === 'claim.commit') newest.set(body.actor, Math.max(body.token, newest.get(body.actor) ?? 0));
    if (body.type === 'invoke.start') expect(body.token).toBeGreaterThanOrEqual(newest.get(body.actor) ?? 0);
  }
}

const between = ({ from, to }: PacketEvent, side: ReadonlySet<string>): boolean => side.has(from) !== side.has(to);
const amongServers = ({ from, to }: PacketEvent): boolean => from.startsWith('n') && to.startsWith('n');

describe('joining', () => {
  test('the first node founds the cluster, the others are let in, and one is elected', async () => {
    const { story } = await play(({ sleep }) => sleep(5), { nodes: 5 });
    expectSafe(story);
    const { states, primary } = folded(story);
    expect(states).toEqual(Object.fromEntries(names(5).map((node) => [node, 'active'])));
    expect(told(story, 'member.join').filter(({ how }) => how === 'founded')).toHaveLength(1);
    expect(told(story, 'member.join').filter(({ how, seed }) => how === 'accepted' && seed !== null)).toHaveLength(4);
    expect(primary).toBeDefined();
  });
});

describe('a primary that is killed', () => {
  test('is failed and replaced, and its actors are served by others', async () => {
    const actor = actorRef('counter', 'a');
    const { story, result } = await play(async ({ client, world, sleep, story: sofar }) => {
      await sleep(4);
      const primary = folded(sofar).primary?.node ?? 'none';
      await client.invoke(actor, 'add', null);
      world.kill(primary, 'test');
      await sleep(20);
      return { primary, answer: await client.invoke(actor, 'add', null), down: folded(sofar) };
    });
    expectSafe(story);
    expect(result.answer).toEqual({ kind: 'ok', result: 2 });
    expect(result.down.states[result.primary]).toBe('failed');
    expect(result.down.primary?.node).not.toBe(result.primary);
    expect(told(story, 'failover.done').map(({ member }) => member)).toEqual([result.primary]);
  });
});
