/**
 * Which events of a trace led to one of them. Every event names the one that it follows from, and that line is the spine of the story;
 * but what breaks a promise is mostly that line and another one that met the same thing. So what was told of the same actor belongs to
 * it, with what each of those followed from, and what the world did to the nodes on which all of that happened, however long before:
 * a crash shows late. Where all of that is more than a page, the page is shared: to the world, the subject and the spine in turn.
 */
import type { NodeId } from '../src/ports.js';
import type { TraceEvent } from '../src/trace.js';

/** Of what was told of the same thing, so many of the latest. */
const OF_THE_SUBJECT_MAX = 24;
/** Of the same kind on the same node: promises about a node are broken by what many actors did to it. */
const ALIKE_MAX = 8;
/** Steps back along what an event of the subject followed from: its request or its timer, not the history of the run. */
const STEPS_BACK_MAX = 6;
/** Steps back along the spine. */
const SPINE_MAX = 60;
const CLOCKS_MAX = 3;
/** What the world may take of a page, as a divisor. */
const SHARE_OF_THE_WORLD = 3;

/** Packets that arrive are the normal case, and so many that they would hide all else; a lost one is shown. */
const isNoise = ({ body }: TraceEvent): boolean => body.type === 'send' || body.type === 'deliver';

/** What the world does to a node changes what it can do; `fault` is told by the world itself, for no node. */
const OF_THE_WORLD: ReadonlySet<string> = new Set(['kill', 'crash', 'boot', 'stop', 'exit', 'pause', 'resume', 'clock']);

/** What a node asks of others goes on all the time, and a lost packet is one of many. */
const OF_ITS_SERVICES: ReadonlySet<string> = new Set(['database', 'disk', 'service', 'lose']);

/** Every node boots once, and clients come and go. */
const isRoutine = ({ body }: TraceEvent): boolean =>
  body.type === 'exit' || (body.type === 'boot' && 'reason' in body && body.reason === 'start');

/** Reads and repetitions, of which a long-lived actor has hundreds. */
const OF_LITTLE_WEIGHT: ReadonlySet<string> = new Set(['kv.read', 'kv.list', 'request.duplicate', 'client.attempt', 'lease.renew']);

/** The events that led to the one of index `upTo`, which is the last of them, in their order. `count` at most; packets are left out. */
export function leadingTo(trace: readonly TraceEvent[], upTo: number, count: number): readonly TraceEvent[] {
  const at = (index: number): TraceEvent | undefined => trace[index - (trace[0]?.index ?? 0)];
  const last = at(upTo);
  if (last === undefined) return [];
  /** The event and what it followed from, one after the other. */
  const back = (from: TraceEvent, steps: number): TraceEvent[] => {
    const line: TraceEvent[] = [];
    let event: TraceEvent | undefined = from;
    for (let step = 0; event !== undefined && step <= steps; step++) {
      if (event === last || !isNoise(event)) line.push(event);
      event = event.cause < 0 ? undefined : at(event.cause);
    }
    return line;
  };
  const spine = back(last, SPINE_MAX);
  const subject = subjectOf(last) ?? nearestSubject(spine);
  const own = subject === undefined ? [] : ofTheSubject(trace, upTo, subject);
  const behind = own.flatMap((event) => back(event, STEPS_BACK_MAX).slice(1));
  const nodes = new Set<NodeId>([last, ...own, ...behind, ...spine].map(({ node }) => node));
  const struck = withFewClocks(
    trace.filter((event) => event.index < upTo && OF_THE_WORLD.has(event.body.type) && nodes.has(event.node) && !isRoutine(event)),
  );
  const chosen = new Map([[last.index, last]]);
  const take = (events: readonly TraceEvent[], most: number): void => {
    for (const event of events) if (chosen.size < most) chosen.set(event.index, event);
  };
  // With what each followed from: the fault, or what the node was about when it was struck.
  take(
    newestFirst(struck).flatMap((event) => back(event, 1)),
    Math.max(1, Math.floor(count / SHARE_OF_THE_WORLD)),
  );
  take(newestFirst(own), count);
  take(newestFirst(alike(trace, last)), count);
  take(newestFirst([...spine, ...behind]), count);
  return [...chosen.values()].sort((a, b) => a.index - b.index);
}

/**
 * What was last told of what has not come to its end, as the sentences name it: the actors, and of the nodes what is about the node
 * itself, with what the world did to it. Where the sentences name nothing of the trace, what the last operation names that has no
 * answer; empty where there is none.
 */
export function lastOf(trace: readonly TraceEvent[], pending: readonly string[], count: number): readonly TraceEvent[] {
  const said = new Set(pending.flatMap((sentence) => sentence.split(/[\s,;]+/).map((word) => word.replace(/[.:]$/, ''))));
  const isSaid = trace.some((event) => said.has(event.node) || said.has(subjectOf(event) ?? ''));
  const words = isSaid ? said : namesIn(unanswered(trace));
  const isNamed = (event: TraceEvent): boolean => {
    const subject = subjectOf(event);
    return subject !== undefined && words.has(subject);
  };
  const onNamed = trace.filter((event) => words.has(event.node) && !isNoise(event));
  const struck = withFewClocks(onNamed.filter((event) => OF_THE_WORLD.has(event.body.type)));
  const own = trace.filter((event) => isNamed(event) && !OF_LITTLE_WEIGHT.has(event.body.type));
  const ofTheNode = onNamed.filter(({ body }) => !('actor' in body || 'op' in body || 'request' in body || OF_ITS_SERVICES.has(body.type)));
  const told = [...own, ...(ofTheNode.length > struck.length ? ofTheNode : onNamed)];
  const chosen = new Map<number, TraceEvent>();
  for (const event of newestFirst(struck).slice(0, Math.floor(count / SHARE_OF_THE_WORLD))) chosen.set(event.index, event);
  for (const event of newestFirst(told)) if (chosen.size < count) chosen.set(event.index, event);
  return [...chosen.values()].sort((a, b) => a.index - b.index);
}

/** A fault may turn a clock to and fro all the time. */
function withFewClocks(struck: readonly TraceEvent[]): readonly TraceEvent[] {
  const clocks = struck.filter(({ body }) => body.type === 'clock').slice(-CLOCKS_MAX);
  return struck.filter((event) => event.body.type !== 'clock' || clocks.includes(event));
}

/** The latest operation without an answer. */
function unanswered(trace: readonly TraceEvent[]): TraceEvent | undefined {
  const answered = new Set<unknown>();
  for (const event of newestFirst(trace)) {
    const { type } = event.body;
    if (!type.startsWith('op.') || !('op' in event.body)) continue;
    if (type === 'op.invoke' && !answered.has(event.body.op)) return event;
    answered.add(event.body.op);
  }
  return undefined;
}

/** Every string of an event, which may be the id of a node, an actor or an operation. */
function namesIn(event: TraceEvent | undefined): ReadonlySet<string> {
  const names = new Set<string>();
  const collect = (value: unknown): void => {
    if (typeof value === 'string') names.add(value);
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(collect);
  };
  collect(event?.body);
  return names;
}

const newestFirst = (events: readonly TraceEvent[]): TraceEvent[] => [...events].sort((a, b) => b.index - a.index);

/** The latest events of the same family (`claim.commit` and `claim.release`) on the same node. */
function alike(trace: readonly TraceEvent[], { index: upTo, node, body }: TraceEvent): readonly TraceEvent[] {
  const [family, member] = body.type.split('.');
  if (member === undefined || node === '') return [];
  const all = trace.filter((event) => event.index < upTo && event.node === node && event.body.type.startsWith(`${family}.`));
  return all.filter(({ body: { type } }) => !OF_LITTLE_WEIGHT.has(type)).slice(-ALIKE_MAX);
}

/** The actor that an event is about, or else the operation. */
function subjectOf({ body }: TraceEvent): string | undefined {
  const { actor, op } = body as { readonly actor?: unknown; readonly op?: unknown };
  if (typeof actor === 'string') return actor;
  return typeof op === 'string' ? op : undefined;
}

/** The subject of the latest event that has one. `events`: the latest first. */
function nearestSubject(events: readonly TraceEvent[]): string | undefined {
  return events.map(subjectOf).find((subject) => subject !== undefined);
}

/** The latest events of one subject, the weighty ones first. */
function ofTheSubject(trace: readonly TraceEvent[], upTo: number, subject: string): readonly TraceEvent[] {
  const own = trace.filter((event) => event.index <= upTo && subjectOf(event) === subject);
  const weighty = own.filter(({ body }) => !OF_LITTLE_WEIGHT.has(body.type)).slice(-OF_THE_SUBJECT_MAX);
  const light = own.filter(({ body }) => OF_LITTLE_WEIGHT.has(body.type));
  return [...weighty, ...light.slice(-Math.max(0, OF_THE_SUBJECT_MAX - weighty.length))];
}
