/**
 * The standard peers of a simulated world: a language model that follows a script in the conversation, a tool server in the
 * style of MCP, and an HTTP-like key-value resource. They speak JSON, and refuse what is none with status 400.
 */
import type { Bytes, Micros, Random, ServiceResponse, TraceValue } from '../ports.js';
import type { Peer, PeerRequest } from './services.js';

type Json = TraceValue;
type JsonObject = { readonly [key: string]: Json };

/** Entries and answers that the stateful peers remember; above it they answer 507 or forget the oldest. */
const ENTRIES_MAX = 10_000;

/** Fresh peers for one run. */
export function defaultPeers(): Record<'model' | 'tools' | 'http', Peer> {
  return { model: modelPeer(), tools: toolsPeer(), http: httpPeer() };
}

/**
 * A scripted language model. It takes `{messages: [{role, content}], tools: [{name}]}` and answers either
 * `{type: 'text', text}` or `{type: 'tool-call', id, name, arguments}`. Lines `use NAME {JSON}` of the latest user message are
 * its script: one call each, in order, a tool message after each, then text. Without a script it answers with text.
 */
function modelPeer(): Peer {
  return {
    // Most answers come soon enough that the next step meets the faults too; some take as long as the timeouts are about.
    latencyMicros: (random) => (random.chance(1, 8) ? random.between(500_000, 3_000_000) : random.between(20_000, 300_000)),
    handle: (request) =>
      withObject(request, ({ messages, tools }) => {
        if (!Array.isArray(messages)) return refusal('messages must be a list');
        const turns = messages.filter(isObject);
        const asked = turns.findLastIndex(({ role }) => role === 'user');
        const content = asked === -1 ? '' : textOf(turns[asked]?.['content']);
        const script = content.split('\n').filter((line) => line.startsWith('use '));
        const results = turns.slice(asked + 1).filter(({ role }) => role === 'tool');
        const line = script[results.length];
        if (line === undefined) {
          const last = results.at(-1);
          const text = last === undefined ? `You said: ${content}` : `The last of ${results.length} results: ${textOf(last['content'])}`;
          return answer(200, { type: 'text', text });
        }
        const [, name = '', rest = '{}'] = /^use (\S+)\s*(.*)$/.exec(line) ?? [];
        const offered = Array.isArray(tools) && tools.some((tool) => isObject(tool) && tool['name'] === name);
        if (!offered) return answer(200, { type: 'text', text: `I have no tool ${name}.` });
        return answer(200, { type: 'tool-call', id: `call-${asked}-${results.length}`, name, arguments: parse(rest) ?? {} });
      }),
  };
}

const TOOLS: readonly { readonly name: string; readonly description: string }[] = [
  { name: 'echo', description: 'returns its arguments' },
  { name: 'add', description: 'adds the integers a and b' },
  { name: 'count', description: 'adds one to the counter of this name and returns it; doing it twice shows' },
  { name: 'fail', description: 'always fails' },
];

/** `list` answers `{tools}`; `call` takes `{name, arguments}` and answers `{content, isError}`. */
function toolsPeer(): Peer {
  const counters = new Map<string, number>();
  const result = (content: Json, isError = false): ServiceResponse => answer(200, { content, isError });
  const call = (name: Json | undefined, args: JsonObject): ServiceResponse => {
    switch (name) {
      case 'echo':
        return result(args);
      case 'add': {
        const { a, b } = args;
        return Number.isSafeInteger(a) && Number.isSafeInteger(b)
          ? result(Number(a) + Number(b))
          : result('a and b must be integers', true);
      }
      case 'count': {
        const counter = textOf(args['name']);
        if (!counters.has(counter) && counters.size >= ENTRIES_MAX) return result(`more than ${ENTRIES_MAX} counters`, true);
        const next = (counters.get(counter) ?? 0) + 1;
        counters.set(counter, next);
        return result(next);
      }
      case 'fail':
        return result('this tool always fails', true);
      default:
        return result(`no tool ${textOf(name)}`, true);
    }
  };
  return {
    latencyMicros: quick,
    handle: (request) => {
      if (request.operation === 'list') return answer(200, { tools: TOOLS });
      if (request.operation !== 'call') return answer(404, { error: `no operation ${request.operation}; there are list and call` });
      return withObject(request, ({ name, arguments: args }) => call(name, isObject(args) ? args : {}));
    },
  };
}

/**
 * `echo` returns its body. `put {key, value}`, `get {key}` and `delete {key}` act on a resource; a change with the header
 * `idempotency-key` is done once, answered alike when repeated, and 422 with another body.
 */
function httpPeer(): Peer {
  const entries = new Map<string, Json>();
  const answered = new Map<string, { readonly request: string; readonly response: ServiceResponse }>();
  const act = (operation: string, { key, value }: JsonObject): ServiceResponse => {
    if (typeof key !== 'string') return refusal('key must be a string');
    switch (operation) {
      case 'put': {
        if (!entries.has(key) && entries.size >= ENTRIES_MAX) return answer(507, { error: `more than ${ENTRIES_MAX} entries` });
        const created = !entries.has(key);
        entries.set(key, value ?? null);
        return answer(created ? 201 : 200, { key, value: value ?? null });
      }
      case 'get': {
        const found = entries.get(key);
        return found === undefined ? answer(404, { error: `no entry ${key}` }) : answer(200, { key, value: found });
      }
      case 'delete':
        return entries.delete(key) ? answer(200, { key }) : answer(404, { error: `no entry ${key}` });
      default:
        return answer(404, { error: `no operation ${operation}; there are echo, put, get and delete` });
    }
  };
  return {
    latencyMicros: quick,
    handle: (request) => {
      const { operation, body, headers } = request;
      if (operation === 'echo') return { status: 200, headers: JSON_TYPE, body };
      const key = headers['idempotency-key'];
      const text = `${operation} ${decode(body) ?? ''}`;
      const before = key === undefined ? undefined : answered.get(key);
      if (before !== undefined) {
        return before.request === text ? before.response : answer(422, { error: `idempotency key ${key} came with another request` });
      }
      const response = withObject(request, (fields) => act(operation, fields));
      if (key !== undefined) {
        answered.set(key, { request: text, response });
        const oldest = answered.keys().next();
        if (answered.size > ENTRIES_MAX && oldest.done !== true) answered.delete(oldest.value);
      }
      return response;
    },
  };
}

const JSON_TYPE = { 'content-type': 'application/json' } as const;

const quick = (random: Random): Micros => random.between(2_000, 60_000);

const answer = (status: number, body: Json): ServiceResponse => ({
  status,
  headers: JSON_TYPE,
  body: new TextEncoder().encode(JSON.stringify(body)),
});

const refusal = (error: string): ServiceResponse => answer(400, { error });

function withObject(request: PeerRequest, act: (fields: JsonObject) => ServiceResponse): ServiceResponse {
  const text = decode(request.body);
  const value = text === undefined ? undefined : parse(text);
  return isObject(value) ? act(value) : refusal('the body must be a JSON object');
}

const isObject = (value: Json | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Text as it is, nothing for nothing, and any other value as JSON. */
const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value));

function decode(body: Bytes): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    return undefined;
  }
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
