/**
 * The primary is the choice of a majority, and only the primary of a term decides in it. A node that was deposed and does not know it
 * yet gets nothing done: the database knows who is primary.
 */
import { type Breach, breachAt, type Invariant, told } from './invariant.js';

interface Election {
  readonly term: number;
  readonly node: string;
  readonly version: number;
}

interface Deed {
  readonly term: number;
  readonly node: string;
  readonly version: number;
  readonly what: string;
}

export const noSplitBrain: Invariant = {
  id: 'no-split-brain',
  promise: 'The smaller side of a partition never makes a primary of its own, and nobody but the newest primary fails members.',
  kind: 'always',
  spec: 'KelpieClusterMembership!NoSplitBrain',
  hears: ['primary.elect', 'member.state', 'failover.plan', 'failover.done'],
  start() {
    const elections: Election[] = [];
    const deeds: Deed[] = [];
    return {
      observe(event): Breach | undefined {
        const body = told(event);
        const judge = (deed: Deed): Breach | undefined => {
          const own = elections.filter(({ term }) => term === deed.term);
          const other = own.length > 0 && !own.some(({ node }) => node === deed.node) ? own[0] : undefined;
          const newer = elections.find(({ term, version }) => term > deed.term && version >= 0 && version < deed.version);
          const primary = newer ?? other;
          if (primary === undefined) return undefined;
          return breachAt(
            event,
            `only ${primary.node}, which was elected in term ${primary.term}, decides for the cluster`,
            `${deed.node} ${deed.what} in term ${deed.term}, at version ${deed.version}`,
            [deed.node, primary.node],
          );
        };
        const done = (term: number, version: number, what: string): Breach | undefined => {
          if (version < 0) return undefined;
          const deed = { term, node: event.node, version, what };
          deeds.push(deed);
          return judge(deed);
        };
        switch (body.type) {
          case 'primary.elect': {
            elections.push({ term: body.term, node: event.node, version: body.version });
            if (2 * body.reached <= body.voters) {
              return breachAt(
                event,
                `${event.node} is elected when more than half of ${body.voters} members answer it`,
                `${body.reached} did`,
              );
            }
            for (const deed of deeds) {
              const breach = judge(deed);
              if (breach !== undefined) return breach;
            }
            return undefined;
          }
          case 'member.state':
            // A node that comes back gives up its own earlier life.
            if (body.to !== 'failed' || body.by === body.member) return undefined;
            return done(body.term, body.version, `fails ${body.member}`);
          case 'failover.plan':
            return done(body.term, body.version, `plans the failover of ${body.member}`);
          case 'failover.done':
            return done(body.term, body.version, `ends the failover of ${body.member}`);
          default:
            return undefined;
        }
      },
    };
  },
};
