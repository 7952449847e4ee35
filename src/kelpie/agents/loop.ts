/**
 * The agent's side of its loop. A message is worked on in steps: a call of the model, a call of a tool, a pause, a question to another
 * agent. The agent hands a step out, a driver does it outside of the actor, and brings the outcome back in a new invocation, which
 * records it and hands out the next. Everything is in the database between two steps, so any driver can go on with any of them; the
 * first outcome of a step counts, and a later one finds the step past.
 */
import { type ActorKey, type ActorRef } from '../ids.js';
import { KelpieError } from '../errors.js';
import { type Json, utf8 } from '../json.js';
import {
  AGENT_ITERATIONS_MAX,
  AGENT_PAUSE_MICROS_MAX,
  AGENT_TURNS_KEPT,
  type AgentProfile,
  type AgentState,
  type AgentWork,
  agentKeys,
  agentRef,
  type Driver,
  type Fields,
  fieldsOf,
  NOBODY,
  numberField,
  textField,
} from './agent-state.js';
import { MEMORY_TOOL_NAMES, useMemoryTool } from './memory-tools.js';
import { type AgentAccess, type AgentOperation, existing, type MessageRecord, readProfile } from './operations.js';

/** What is to be done in a step. */
export type Todo =
  | { readonly kind: 'model' }
  | {
      readonly kind: 'tool';
      readonly service: 'tools' | 'http';
      readonly operation: string;
      readonly body: Json;
      /** It may be asked again although it may have been done. */
      readonly repeatable: boolean;
    }
  | {
      readonly kind: 'pause';
      readonly micros: number;
      /** By the wall clock of whoever handed it out; a driver that comes later waits the rest, and never longer than `micros`. */
      readonly untilMicros: number;
    }
  /** `chain` ends with the agent that asks. */
  | { readonly kind: 'ask'; readonly agent: string; readonly text: string; readonly chain: readonly ActorKey[] };

/** What a driver is to do now. `busy`: another one has the step. `past`: the step it did is over already. */
export type Next =
  | { readonly kind: 'idle' | 'busy' | 'past' }
  | {
      readonly kind: 'step';
      readonly incarnation: string;
      readonly message: number;
      readonly step: number;
      /** It was handed out before, and may have been done. */
      readonly resumed: boolean;
      readonly todo: Todo;
    };

/** What became of a step. */
export type Outcome =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'tool-call'; readonly name: string; readonly arguments: Json }
  | { readonly kind: 'result'; readonly content: string }
  /** The message fails. */
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

export type Turn = { readonly role: 'user' | 'assistant' | 'tool'; readonly content: string };

export type ModelRequest = { readonly messages: readonly Json[]; readonly tools: readonly Json[] };

export interface AgentLoop {
  /** Asks for the step that is under way, or to be begun. */
  readonly begin: AgentOperation;
  /** Brings the outcome of a step and asks for the next, unless it is the driver's last. */
  readonly advance: AgentOperation;
  /** Gives a step back that was not done, or may have been. */
  readonly release: AgentOperation;
  /** What the model is to be asked in a step. */
  readonly context: AgentOperation;
}

const OTHER_TOOLS: readonly string[] = ['http_get', 'http_put', 'http_delete', 'pause_heartbeats', 'ask_agent'];
/** The newest turns that the model sees, as far as they fit. */
const CONTEXT_TURNS_MAX = 32;
const CONTEXT_BYTES_MAX = 400_000;

export const agentLoop: AgentLoop = {
  async begin(access, fields) {
    const { ctx } = access;
    const driver = driverOf(fields);
    const { state } = ctx;
    if (state === null || state === undefined) return { kind: 'idle' };
    const { work } = state;
    if (work === null) return beginNext(access, state, driver);
    if (!mayDrive(work, driver, state, fields['takeOver'])) return { kind: 'busy' };
    return handOut(access, { ...state, work: { ...work, driver } }, await readTodo(access), work.driver !== null);
  },

  async advance(access, fields) {
    const at = atStep(access, fields);
    if (at === undefined) return { kind: 'past' };
    const { state, work } = at;
    const driver = fields['last'] === true ? null : driverOf(fields);
    const outcome = fieldsOf(fields['outcome'], 'the outcome of a step') as unknown as Outcome;
    switch (outcome.kind) {
      case 'text': {
        const told = await addTurn(access, state, { role: 'assistant', content: outcome.text });
        return finish(access, told, work, { status: 'done', answer: outcome.text, error: null }, driver);
      }
      case 'failed': {
        const error = { code: outcome.code, message: outcome.message };
        return finish(access, state, work, { status: 'failed', answer: null, error }, driver);
      }
      case 'result':
        return afterResult(access, state, work, outcome.content, driver);
      case 'tool-call':
        return afterToolCall(access, state, work, outcome, driver);
      default:
        throw new KelpieError('invalid-argument', `a step has no outcome ${JSON.stringify(fields['outcome'])}`);
    }
  },

  async release(access, fields) {
    const { ctx } = access;
    const driver = driverOf(fields);
    const at = atStep(access, fields);
    if (at === undefined || at.work.driver?.node !== driver.node || at.work.driver.life !== driver.life) return { kind: 'past' };
    const { state, work } = at;
    const begun = fields['begun'] === true;
    ctx.state = { ...state, work: { ...work, driver: begun ? NOBODY : null } };
    access.tell({
      type: 'message.release',
      actor: ctx.actor.key,
      request: ctx.request,
      incarnation: state.incarnation,
      message: work.message,
      step: work.step,
      driver: driver.node,
      begun,
    });
    return { kind: 'idle' };
  },

  async context(access, fields) {
    const { ctx, memory } = access;
    const state = existing(access);
    if (state.incarnation !== fields['incarnation'] || state.work?.message !== fields['message'] || state.work?.step !== fields['step']) {
      throw new KelpieError('not-found', `agent ${ctx.actor.id} is past this step`);
    }
    const { system, tools } = await readProfile(access);
    const blocks = await memory.core.blocks();
    const core = blocks.map(({ label, text }) => `${label}: ${text}`).join('\n');
    const messages: Json[] = [];
    let bytes = 0;
    const turns = await ctx.kv.range(agentKeys.turn(0), agentKeys.turn(state.turns + 1), { limit: CONTEXT_TURNS_MAX, reverse: true });
    for (const { value } of turns) {
      bytes += utf8(JSON.stringify(value)).length;
      if (bytes > CONTEXT_BYTES_MAX && messages.length > 0) break;
      messages.unshift(value);
    }
    const names = [...tools.map(({ name }) => name), ...MEMORY_TOOL_NAMES, ...OTHER_TOOLS];
    const request: ModelRequest = {
      messages: [{ role: 'system', content: core === '' ? system : `${system}\n\n${core}` }, ...messages],
      tools: names.map((name) => ({ name })),
    };
    return request;
  },
};

/** The agent and its work, when it is at this very step. */
function atStep({ ctx }: AgentAccess, fields: Fields): { readonly state: AgentState; readonly work: AgentWork } | undefined {
  const { state } = ctx;
  const work = state?.work ?? null;
  if (state === null || state === undefined || work === null) return undefined;
  const same = state.incarnation === fields['incarnation'] && work.message === fields['message'] && work.step === fields['step'];
  return same ? { state, work } : undefined;
}

/** Whether this driver may do a step that another one was given. */
function mayDrive(work: AgentWork, driver: Driver, state: AgentState, takeOver: Json | undefined): boolean {
  if (work.driver === null || work.driver.node === NOBODY.node) return true;
  // A node that asks again has lost the step, and an earlier life of it is gone for certain.
  if (work.driver.node === driver.node) return work.driver.life <= driver.life;
  if (takeOver === undefined) return false;
  const { incarnation, message, step } = fieldsOf(takeOver, 'takeOver');
  return state.incarnation === incarnation && work.message === message && work.step === step;
}

function driverOf(fields: Fields): Driver {
  const driver = fieldsOf(fields['driver'], 'driver');
  return { node: textField(driver, 'node'), life: numberField(driver, 'life', 0, Number.MAX_SAFE_INTEGER) };
}

async function readTodo({ ctx }: AgentAccess): Promise<Todo> {
  const todo = await ctx.kv.get(agentKeys.todo);
  if (todo === undefined)
    throw new KelpieError('corrupted', `agent ${ctx.actor.id} has a step under way and nothing to do in it; it was left as it is`);
  return todo as unknown as Todo;
}

async function readMessage({ ctx }: AgentAccess, number: number): Promise<MessageRecord> {
  const message = await ctx.kv.get(agentKeys.message(number));
  if (message === undefined) throw new KelpieError('corrupted', `message ${number} of agent ${ctx.actor.id} waits and is not there`);
  return message as MessageRecord;
}

/** Takes the oldest message up, or leaves it to the next driver when this one stops. */
async function beginNext(access: AgentAccess, state: AgentState, driver: Driver | null): Promise<Json> {
  const first = state.queue[0];
  if (first === undefined || driver === null) {
    access.ctx.state = { ...state, work: null };
    return { kind: 'idle' };
  }
  const { text } = await readMessage(access, first);
  const told = await addTurn(access, state, { role: 'user', content: text });
  const work: AgentWork = { message: first, step: 1, iteration: 1, kind: 'model', driver };
  await access.ctx.kv.set(agentKeys.todo, { kind: 'model' });
  return handOut(access, { ...told, work }, { kind: 'model' }, false);
}

async function nextStep(access: AgentAccess, state: AgentState, work: AgentWork, todo: Todo, driver: Driver | null): Promise<Json> {
  const next: AgentWork = {
    message: work.message,
    step: work.step + 1,
    iteration: todo.kind === 'model' ? work.iteration + 1 : work.iteration,
    kind: todo.kind,
    driver,
  };
  await access.ctx.kv.set(agentKeys.todo, todo);
  if (driver !== null) return handOut(access, { ...state, work: next }, todo, false);
  access.ctx.state = { ...state, work: next };
  return { kind: 'idle' };
}

function handOut(access: AgentAccess, state: AgentState & { readonly work: AgentWork }, todo: Todo, resumed: boolean): Json {
  const { ctx } = access;
  const { incarnation, work } = state;
  ctx.state = state;
  access.tell({
    type: 'message.step',
    actor: ctx.actor.key,
    request: ctx.request,
    incarnation,
    message: work.message,
    step: work.step,
    iteration: work.iteration,
    kind: work.kind,
    how: resumed ? 'resumed' : 'new',
    driver: work.driver?.node ?? '',
    driverLife: work.driver?.life ?? 0,
  });
  const next: Next = { kind: 'step', incarnation, message: work.message, step: work.step, resumed, todo };
  return next;
}

async function addTurn({ ctx }: AgentAccess, state: AgentState, turn: Turn): Promise<AgentState> {
  const turns = state.turns + 1;
  await ctx.kv.set(agentKeys.turn(turns), turn);
  if (turns > AGENT_TURNS_KEPT) await ctx.kv.delete(agentKeys.turn(turns - AGENT_TURNS_KEPT));
  return { ...state, turns };
}

/** The message is over; the next one is taken up at once. */
async function finish(
  access: AgentAccess,
  state: AgentState,
  work: AgentWork,
  end: Pick<MessageRecord, 'answer' | 'error'> & { readonly status: 'done' | 'failed' },
  driver: Driver | null,
): Promise<Json> {
  const { ctx } = access;
  const record = await readMessage(access, work.message);
  await ctx.kv.set(agentKeys.message(work.message), { ...record, ...end, iterations: work.iteration } satisfies MessageRecord);
  await ctx.kv.delete(agentKeys.todo);
  access.tell({
    type: 'message.end',
    actor: ctx.actor.key,
    request: ctx.request,
    incarnation: state.incarnation,
    message: work.message,
    status: end.status,
    code: end.error?.code ?? null,
    iterations: work.iteration,
  });
  return beginNext(access, { ...state, queue: state.queue.slice(1), work: null }, driver);
}

async function afterResult(access: AgentAccess, state: AgentState, work: AgentWork, content: string, driver: Driver | null): Promise<Json> {
  const told = await addTurn(access, state, { role: 'tool', content });
  return nextStep(access, told, work, { kind: 'model' }, driver);
}

async function afterToolCall(
  access: AgentAccess,
  state: AgentState,
  work: AgentWork,
  call: Extract<Outcome, { readonly kind: 'tool-call' }>,
  driver: Driver | null,
): Promise<Json> {
  if (work.iteration >= AGENT_ITERATIONS_MAX) {
    const message = `the model asked for another tool after ${AGENT_ITERATIONS_MAX} iterations, which are all that a message may have`;
    return finish(access, state, work, { status: 'failed', answer: null, error: { code: 'iterations', message } }, driver);
  }
  const told = await addTurn(access, state, { role: 'assistant', content: JSON.stringify({ use: call.name, arguments: call.arguments }) });
  const todo = await todoOf(access, work, call);
  return typeof todo === 'string' ? afterResult(access, told, work, todo, driver) : nextStep(access, told, work, todo, driver);
}

/** What a call of a tool asks to be done; a text is its result already. */
async function todoOf(
  access: AgentAccess,
  work: AgentWork,
  { name, arguments: given }: { readonly name: string; readonly arguments: Json },
): Promise<Todo | string> {
  const { ctx } = access;
  let args: Fields;
  try {
    args = fieldsOf(given, `the arguments of ${name}`);
    switch (name) {
      case 'http_get':
      case 'http_put':
      case 'http_delete':
        // The resource keeps idempotency keys.
        return { kind: 'tool', service: 'http', operation: name.slice('http_'.length), body: args, repeatable: true };
      case 'pause_heartbeats': {
        const micros = 1_000_000 * numberField(args, 'seconds', 1, AGENT_PAUSE_MICROS_MAX / 1_000_000);
        return { kind: 'pause', micros, untilMicros: ctx.wallMicros() + micros };
      }
      case 'ask_agent': {
        const target: ActorRef = agentRef(textField(args, 'agent'));
        const { chain } = await readMessage(access, work.message);
        return { kind: 'ask', agent: target.id, text: textField(args, 'text'), chain: [...chain, ctx.actor.key] };
      }
    }
  } catch (error) {
    if (!(error instanceof KelpieError) || (error.code !== 'invalid-argument' && error.code !== 'too-large')) throw error;
    return `error: ${error.message}`;
  }
  const done = await useMemoryTool(access, name, args);
  if (done !== undefined) return done;
  const { tools }: AgentProfile = await readProfile(access);
  const tool = tools.find((one) => one.name === name);
  if (tool === undefined) return `error: this agent has no tool ${name}`;
  return { kind: 'tool', service: 'tools', operation: 'call', body: { name, arguments: args }, repeatable: tool.repeatable };
}
