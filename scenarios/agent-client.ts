/**
 * A user of agents. Some agents stay: every change of one adds a block to its memory under the name of the operation, so that whoever
 * looks sees which changes are there. Others come and go.
 */
import { type AgentResult, AgentService, type AgentView, type MessageOutcome } from '../src/kelpie/agents/agent-service.js';
import type { KelpieClient } from '../src/kelpie/client.js';
import type { Clock, Micros, TraceValue } from '../src/ports.js';
import type { Operation } from '../src/run.js';
import type { Worker } from './kelpie-scenario.js';
import { type Asked, type History, newsOf, type Outcome, PATIENCE_MICROS } from './history.js';

export const AGENT_ACTIONS = ['remember', 'look', 'message', 'create', 'delete', 'list'] as const;
export type AgentAction = (typeof AGENT_ACTIONS)[number] | 'touch' | 'visit';

/** How one request under an idempotency key is asked: several times at once, or under the key of another one. */
export interface Repetition {
  readonly times: number;
  /** Its own name when absent. */
  readonly key?: string;
}

export type AgentOperation = Operation & {
  readonly kind: 'agent';
  readonly op: string;
  readonly deadlineMicros: Micros;
  readonly action: AgentAction;
  readonly agent: string;
  /** What a message says. */
  readonly text: string;
};

/** What messages say: nothing to do, tools that can be repeated, tools whose repetition shows, a question to an agent, perhaps to itself. */
export const MESSAGES: readonly string[] = [
  'hello',
  'use echo {"a":1}\nuse add {"a":1,"b":2}',
  'use count {"name":"c"}',
  'use http_put {"key":"k","value":1}\nuse working_count {"key":"n","by":1}',
  'use ask_agent {"agent":"g1","text":"use add {\\"a\\":1,\\"b\\":2}"}',
];

const SPEC = { tools: [{ name: 'echo', repeatable: true }, { name: 'add', repeatable: true }, { name: 'count' }] };

/** An agent that no case draws. */
const NEWCOMER = 'newcomer';
/** Of agents that come and go. */
const ABSENT = ['not-found'];
/** An agent may think for longer than its user waits. */
const THINKING = ['timeout'];

export class AgentClient implements Worker<AgentOperation> {
  readonly #service: AgentService;
  readonly #history: History;

  constructor(client: KelpieClient, clock: Clock, history: History) {
    this.#service = new AgentService(client, clock);
    this.#history = history;
  }

  /** Remembers under a key that is used more than once. */
  async rememberRepeatedly(op: string, agent: string, deadlineMicros: Micros, { times, key = op }: Repetition): Promise<void> {
    const ask = (): Promise<Outcome<TraceValue>> =>
      told(this.#service.update(agent, { blocks: [{ label: op, text: agent }] }, { key, deadlineMicros }));
    // Whoever comes first has the key.
    const asked = { op, kind: 'agent remember', args: { agent, key, times }, writes: [agent], refusals: ['idempotency-mismatch'] };
    await this.#history.tell(asked, async () => newsOf(await Promise.all(Array.from({ length: times }, ask))));
  }

  /** Performs one drawn operation; whatever comes of it is told, and never thrown. */
  async perform({ op, action, agent, text, deadlineMicros }: AgentOperation): Promise<void> {
    const service = this.#service;
    const options = { key: op, deadlineMicros };
    const asked = { op, kind: `agent ${action}`, args: { agent, key: op } };
    switch (action) {
      case 'remember':
        await this.#history.tell({ ...asked, writes: [agent] }, () =>
          twice(() => service.update(agent, { blocks: [{ label: op, text }] }, options)),
        );
        return;
      case 'look':
        await this.#history.tell(askedToLook(op, agent), () => told(service.get(agent, { deadlineMicros })));
        return;
      case 'message':
        await this.#history.tell({ ...asked, args: { agent, key: op, text }, refusals: [...ABSENT, ...THINKING] }, () =>
          twice(() => service.sendMessage(agent, text, options)),
        );
        return;
      case 'create':
        await this.#history.tell({ ...asked, refusals: ['already-exists'] }, () =>
          twice(() => service.create(agent, { name: agent, ...SPEC }, options)),
        );
        return;
      case 'delete':
        await this.#history.tell({ ...asked, refusals: ABSENT }, () => twice(() => service.delete(agent, options)));
        return;
      case 'touch':
        await this.#history.tell({ ...asked, refusals: ABSENT }, () => twice(() => service.update(agent, { name: op }, options)));
        return;
      case 'visit':
        await this.#history.tell({ ...asked, refusals: ABSENT }, () => told(service.get(agent, { deadlineMicros })));
        return;
      case 'list':
        await this.#history.tell(asked, () => told(service.list({}, { deadlineMicros })));
        return;
    }
  }

  /** Creates an agent that stays, however long it takes. */
  async settle(agent: string): Promise<void> {
    // One key over all tries: whoever comes second is told what the first did.
    const key = `settle-${agent}`;
    const options = { key, deadlineMicros: PATIENCE_MICROS };
    await this.#history.untilDone(
      (op) => ({ op, kind: 'agent create', args: { agent, key } }),
      () => told(this.#service.create(agent, { name: agent, ...SPEC }, options)),
    );
  }

  /** Changes an agent that stays, and makes one that nobody has known before. */
  async workOn(agent: string | undefined): Promise<void> {
    if (agent === undefined) return;
    await Promise.all([this.#change(agent), this.#make()]);
  }

  /** The one that was made works on a message. */
  async talk(): Promise<void> {
    const op = this.#history.nextName();
    const text = MESSAGES[0] ?? '';
    await this.#history.tell({ op, kind: 'agent message', args: { agent: NEWCOMER, key: op, text } }, async () =>
      answered(await this.#service.sendMessage(NEWCOMER, text, { key: op, deadlineMicros: PATIENCE_MICROS })),
    );
  }

  async #change(agent: string): Promise<void> {
    const change = this.#history.nextName();
    const asked = { op: change, kind: 'agent remember', args: { agent, key: change }, writes: [agent] };
    await this.#history.tell(asked, () =>
      told(this.#service.update(agent, { blocks: [{ label: change, text: agent }] }, { key: change, deadlineMicros: PATIENCE_MICROS })),
    );
  }

  async #make(): Promise<void> {
    const key = this.#history.nextName();
    await this.#history.tell({ op: key, kind: 'agent create', args: { agent: NEWCOMER, key } }, () =>
      told(this.#service.create(NEWCOMER, { name: NEWCOMER, ...SPEC }, { key, deadlineMicros: PATIENCE_MICROS })),
    );
  }

  /** Looks at an agent that stays, however long it takes. */
  async lookUntilSeen(agent: string): Promise<void> {
    await this.#history.untilDone(
      (op) => askedToLook(op, agent),
      () => told(this.#service.get(agent, { deadlineMicros: PATIENCE_MICROS })),
    );
  }
}

const askedToLook = (op: string, agent: string): Asked<TraceValue> => ({
  op,
  kind: 'agent look',
  args: { agent },
  shows: (view) => ({ target: agent, marks: (view as unknown as AgentView).blocks.map(({ label }) => label) }),
});

/** Who does not know sends the same request again under its key. Only a success is news then: the first one may still be under way. */
async function twice<T>(request: () => Promise<AgentResult<T>>): Promise<Outcome<TraceValue>> {
  const first = await told(request());
  if (first.kind !== 'unknown') return first;
  const second = await told(request());
  return second.kind === 'ok' ? second : first;
}

/** A message on which the agent has failed is none that it has answered. */
function answered(result: AgentResult<MessageOutcome>): Outcome<TraceValue> {
  if (result.kind !== 'ok' || result.result.status === 'done') return result as Outcome<TraceValue>;
  return { kind: 'unknown', error: result.result.error ?? { code: 'actor-error' } };
}

/** Answers of agents are plain data. */
const told = <T>(result: Promise<AgentResult<T>>): Promise<Outcome<TraceValue>> => result as Promise<Outcome<TraceValue>>;
