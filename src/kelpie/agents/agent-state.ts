/** What is stored of an agent, its limits, and the checks of what callers give. */
import type { Micros } from '../../ports.js';
import type { ActorRef } from '../ids.js';
import { KelpieError } from '../errors.js';
import { actorRef } from '../ids.js';
import { checkTextBytes, type Json } from '../json.js';

export const AGENTS = 'agents';

/** Shorter than other actor ids, so that the names of an agent's steps fit into an idempotency key. */
const AGENT_ID_BYTES_MAX = 128;
const AGENT_NAME_BYTES_MAX = 256;
/** A system prompt, a message, an answer of the model, a result of a tool. */
export const AGENT_TEXT_BYTES_MAX = 16_384;
const AGENT_TOOLS_MAX = 32;
const TOOL_NAME_BYTES_MAX = 64;
/** Blocks that one create or update may name. */
const AGENT_BLOCKS_MAX = 32;
/** Messages accepted by one agent and not answered. */
export const AGENT_QUEUE_MAX = 100;
/** Messages whose outcome is kept, and turns of the conversation. */
export const AGENT_MESSAGES_KEPT = 500;
export const AGENT_TURNS_KEPT = 500;
/** Calls of the model for one message. */
export const AGENT_ITERATIONS_MAX = 5;
export const AGENT_PAUSE_MICROS_MAX: Micros = 600_000_000;
export const AGENT_LIST_MAX = 1_000;

/** A tool of the tool server that the agent may use. */
export type AgentTool = {
  readonly name: string;
  /** Doing it twice for one call does no harm, because it only reads or because the server keeps idempotency keys. */
  readonly repeatable: boolean;
};

export type AgentProfile = { readonly name: string; readonly system: string; readonly tools: readonly AgentTool[] };

/** Which life of which node drives an agent's work. */
export type Driver = { readonly node: string; readonly life: number };

/** Stands for a driver that was given a step, may have done it, and has given it back. */
export const NOBODY: Driver = { node: '', life: 0 };

export type StepKind = 'model' | 'tool' | 'pause' | 'ask';

/** The message that is being worked on, and its step that is under way. */
export type AgentWork = {
  readonly message: number;
  /** Counts the steps of a message from 1. */
  readonly step: number;
  /** Counts its calls of the model from 1. */
  readonly iteration: number;
  readonly kind: StepKind;
  /** Who was given the step; null when nobody was yet. */
  readonly driver: Driver | null;
};

/** The state of the actor: small, since every step writes it. Texts are under keys of their own. */
export type AgentState = {
  /** Names this agent among all that ever had its id. */
  readonly incarnation: string;
  /** Counts its changes from 1. */
  readonly version: number;
  /** The number of the last turn of its conversation. */
  readonly turns: number;
  /** The number of its last message. */
  readonly messages: number;
  /** Messages that are not answered, oldest first. */
  readonly queue: readonly number[];
  readonly work: AgentWork | null;
};

/** Where an agent keeps what, in its own key-value space. */
export const agentKeys = {
  profile: 'profile',
  /** The incarnation that was deleted last, for as long as its idempotency keys are kept. */
  tombstone: 'idempotency/deleted',
  /** What is to be done in the step that is under way. */
  todo: 'todo',
  message: (number: number): string => `messages/${pad(number)}`,
  turn: (number: number): string => `turns/${pad(number)}`,
} as const;

const pad = (number: number): string => String(number).padStart(12, '0');

/** What a caller gives to make an agent. */
export interface AgentSpec {
  readonly name: string;
  readonly system?: string;
  readonly tools?: readonly { readonly name: string; readonly repeatable?: boolean }[];
  /** Core memory, in this order. */
  readonly blocks?: readonly { readonly label: string; readonly text: string }[];
}

/** What a caller gives to change one; what is absent stays. */
export interface AgentChanges {
  readonly name?: string;
  readonly system?: string;
  readonly tools?: AgentSpec['tools'];
  /** Blocks are added or replaced; null removes one. */
  readonly blocks?: readonly { readonly label: string; readonly text: string | null }[];
}

/** Errors: `invalid-argument`, `too-large`. */
export function agentRef(agent: string): ActorRef {
  const ref = actorRef(AGENTS, agent);
  checkTextBytes(agent, AGENT_ID_BYTES_MAX, 'the id of an agent');
  return ref;
}

export type Fields = { readonly [field: string]: Json };

/** Errors: `invalid-argument`. */
export function fieldsOf(payload: Json | undefined, what: string): Fields {
  if (typeof payload === 'object' && payload !== null && !Array.isArray(payload)) return payload as Fields;
  throw new KelpieError('invalid-argument', `${what} must be an object`);
}

/** Errors: `invalid-argument`, `too-large`. */
export function textField(fields: Fields, field: string, bytesMax: number = AGENT_TEXT_BYTES_MAX): string {
  const value = fields[field];
  if (typeof value !== 'string') throw new KelpieError('invalid-argument', `${field} must be a text, is ${kindOf(value)}`);
  checkTextBytes(value, bytesMax, field);
  return value;
}

/** Errors: `invalid-argument`. */
export function numberField(fields: Fields, field: string, min: number, max: number): number {
  const value = fields[field];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
    throw new KelpieError('invalid-argument', `${field} must be an integer from ${min} to ${max}, is ${JSON.stringify(value)}`);
  }
  return value;
}

/** The profile with the changes. Errors: `invalid-argument`, `too-large`. */
export function changedProfile(profile: AgentProfile | undefined, fields: Fields): AgentProfile {
  const name = fields['name'] === undefined && profile !== undefined ? profile.name : textField(fields, 'name', AGENT_NAME_BYTES_MAX);
  const system = fields['system'] === undefined ? (profile?.system ?? '') : textField(fields, 'system');
  const tools = fields['tools'] === undefined ? (profile?.tools ?? []) : toolsOf(fields['tools']);
  return { name, system, tools };
}

function toolsOf(value: Json): readonly AgentTool[] {
  const tools = listOf(value, 'tools', AGENT_TOOLS_MAX).map((item): AgentTool => {
    const fields = fieldsOf(item, 'a tool');
    const { repeatable = false } = fields;
    if (typeof repeatable !== 'boolean')
      throw new KelpieError('invalid-argument', `repeatable must be true or false, is ${kindOf(repeatable)}`);
    return { name: textField(fields, 'name', TOOL_NAME_BYTES_MAX), repeatable };
  });
  if (new Set(tools.map(({ name }) => name)).size < tools.length)
    throw new KelpieError('invalid-argument', 'tools must have different names');
  return tools;
}

export type BlockChange = { readonly label: string; readonly text: string | null };

/** Sizes are the core memory's to judge. Errors: `invalid-argument`. */
export function blocksOf(value: Json | undefined): readonly BlockChange[] {
  if (value === undefined) return [];
  return listOf(value, 'blocks', AGENT_BLOCKS_MAX).map((item) => {
    const fields = fieldsOf(item, 'a block');
    return { label: textField(fields, 'label'), text: fields['text'] === null ? null : textField(fields, 'text') };
  });
}

function listOf(value: Json, what: string, max: number): readonly Json[] {
  if (!Array.isArray(value) || value.length > max) throw new KelpieError('invalid-argument', `${what} must be a list of at most ${max}`);
  return value as readonly Json[];
}

const kindOf = (value: Json | undefined): string => (value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value);
