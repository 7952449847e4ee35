/** The contract of every invariant: it lets a good run pass, names what is wrong with a bad one, and keeps nothing between runs. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { TraceEvent } from '../src/trace.js';
import { actorLifecycle } from './fixtures/actor-lifecycle.js';
import { actorState } from './fixtures/actor-state.js';
import { agentService } from './fixtures/agent-service.js';
import { audits } from './fixtures/audits.js';
import { clients } from './fixtures/clients.js';
import { clusterMembership } from './fixtures/cluster-membership.js';
import type { Examples, Line } from './fixtures/example.js';
import { fdbTransaction } from './fixtures/fdb-transaction.js';
import { histories } from './fixtures/histories.js';
import { lease } from './fixtures/lease.js';
import { migration } from './fixtures/migration.js';
import { nodes } from './fixtures/nodes.js';
import { promises } from './fixtures/promises.js';
import { registry } from './fixtures/registry.js';
import { singleActivation } from './fixtures/single-activation.js';
import { success } from './fixtures/success.js';
import { checkpoint, wal } from './fixtures/wal.js';
import { invariants } from './index.js';
import type { Breach, Invariant, Told } from './invariant.js';

const EXAMPLES: Examples = {
  ...actorLifecycle,
  ...actorState,
  ...agentService,
  ...audits,
  ...checkpoint,
  ...clients,
  ...clusterMembership,
  ...fdbTransaction,
  ...histories,
  ...lease,
  ...migration,
  ...nodes,
  ...promises,
  ...registry,
  ...singleActivation,
  ...success,
  ...wal,
};

/** Ten microseconds pass from line to line, and as many as a number says. */
function traceOf(lines: readonly Line[]): TraceEvent[] {
  const trace: TraceEvent[] = [];
  let at = 0;
  for (const line of lines) {
    if (typeof line === 'number') {
      at += line;
      continue;
    }
    const [node, life, body] = !Array.isArray(line) ? ['n1', 1, line] : line.length === 2 ? [line[0], 1, line[1]] : line;
    const index = trace.length;
    trace.push({ index, at, node, life, cause: index - 1, body });
    at += 10;
  }
  return trace;
}

/** What a run with these events is told. */
function judge({ hears, start }: Invariant, lines: readonly Line[]): Breach | 'unknown' | undefined {
  const fold = start();
  for (const event of traceOf(lines)) {
    if (hears !== undefined && !(hears as readonly string[]).includes(event.body.type)) continue;
    const breach = fold.observe(event);
    if (breach !== undefined) return breach;
  }
  return fold.finish?.();
}

it('every file of the folder is registered, and every invariant has examples', () => {
  const folder = fileURLToPath(new URL('.', import.meta.url));
  const files = readdirSync(folder).filter((file) => /^(?!index|invariant\.).*(?<!\.test)\.ts$/.test(file));
  expect(invariants.map(({ id }) => `${id}.ts`).sort()).toEqual(files.sort());
  expect(Object.keys(EXAMPLES).sort()).toEqual(invariants.map(({ id }) => id).sort());
});

describe.each(invariants.map((invariant) => [invariant.id, invariant] as const))('%s', (id, invariant) => {
  const { good, bad, undecided: open = {} } = EXAMPLES[id] ?? { good: {}, bad: {} };
  const goods = Object.entries(good);
  const bads = Object.entries(bad);

  it('has a promise in words and names its spec operator in full', () => {
    expect(invariant.promise).toMatch(/^[A-Z].{40,300}\.$/);
    if (invariant.spec !== undefined) expect(invariant.spec).toMatch(/^Kelpie\w+!\w+$/);
    expect(goods.length).toBeGreaterThan(0);
    expect(bads.length).toBeGreaterThan(0);
  });

  it.each(goods)('holds for %s', (_, lines) => {
    expect(judge(invariant, lines)).toBeUndefined();
  });

  it.each(bads)('is broken by %s', (_, [seen, lines]) => {
    const breach = judge(invariant, lines);
    expect(breach).toMatchObject({ seen: expect.stringMatching(seen), expected: expect.stringMatching(/.{10,}/) });
    expect((breach as Breach).nodes.length).toBeGreaterThan(0);
  });

  it.each(Object.entries(open))('is undecided for %s', (_, lines) => {
    expect(judge(invariant, lines)).toBe('unknown');
  });

  it('keeps nothing from one run to the next', () => {
    for (const [, [, lines]] of bads) judge(invariant, lines);
    for (const [, lines] of goods) expect(judge(invariant, lines)).toBeUndefined();
  });

  it('passes over the stories of other programs', () => {
    const others = [
      { type: 'peer.hello', actor: 'ledger:a' },
      { type: 'boot', reason: 'start' },
    ] as unknown as Told[];
    const [[, lines] = ['', []]] = goods;
    expect(
      judge(
        invariant,
        lines.flatMap((line) => [...others, line]),
      ),
    ).toBeUndefined();
  });
});
