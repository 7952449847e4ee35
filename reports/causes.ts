/**
 * Which events of a trace led to one of them. Every event names the one that it follows from, and that line is the spine of the story;
 * but what breaks a promise is mostly that line and another one that met the same thing. So what was told of the same actor belongs to
 * it, with what each of those followed from, and what the world did to the nodes on which all of that happened.
 */
import type { NodeId } from '../src/ports.js';
import type { TraceEvent } from '../src/trace.js';

/** Of what was told of the same thing, so many of the latest. */
const OF_THE_SUBJECT_MAX = 24;
/** Steps back along what an event of the subject followed from: its request or its timer, not the history of the run. */
const STEPS_BACK_MAX = 6;
/** Steps back along the spine. */
const SPINE_MAX = 60;

/** Packets that arrive are the normal case, and so many that they would hide all else; a lost one is shown. */
const isNoise = ({ body }: TraceEvent): boolean => body.type === 'send' || body.type === 'deliver';

/** What the world does to a node changes what it can do; `fault` is told by the world itself, for no node. */
const OF_THE_WORLD: ReadonlySet<string> = new Set(['kill', 'crash', 'boot', 'stop', 'exit', 'pause', 'resume', 'clock', 'lose']);

/** Reads and repetitions, of which a long-lived actor has hundreds. */
const OF_LITTLE_WEIGHT: ReadonlySet<string> = new Set(['kv.read', 'kv.list', 'request.duplicate', 'client.attempt', 'lease.renew']);

/** The events that led to the one of index `upTo`, which is the last of them, in their order. `count` at most; packets are left out. */
export function leadingTo(trace: readonly TraceEvent[], upTo: number, count: number): readonly TraceEvent[] {
  const at = (index: number): TraceEvent | undefined => trace[index - (trace[0]?.index ?? 0)];
  const last = at(upTo);
  if (last === undefined) return [];
  const chosen = new Map<number, TraceEvent>();
  const follow = (from: TraceEvent, steps: number): void => {
    let event: TraceEvent | undefined = from;
    for (let step = 0; event !== undefined && step <= steps && !(step > 0 && chosen.has(event.index)); step++) {
      if (event === last || !isNoise(event)) chosen.set(event.index, event);
      event = event.cause < 0 ? undefined : at(event.cause);
    }
  };
  follow(last, SPINE_MAX);
  const subject = subjectOf(last) ?? nearestSubject(chosen);
  if (subject !== undefined) {
    for (const event of ofTheSubject(trace, upTo, subject)) follow(event, STEPS_BACK_MAX);
  }
  const first = Math.min(...chosen.keys());
  const nodes = new Set<NodeId>([...chosen.values()].map(({ node }) => node));
  const struck: TraceEvent[] = [];
  for (let index = first; index < upTo; index++) {
    const event = at(index);
    if (event !== undefined && OF_THE_WORLD.has(event.body.type) && nodes.has(event.node)) struck.push(event);
  }
  for (const event of struck.slice(-Math.floor(count / 3))) chosen.set(event.index, event);
  return [...chosen.values()].sort((a, b) => a.index - b.index).slice(-count);
}

/** The actor that an event is about, or else the operation. */
function subjectOf({ body }: TraceEvent): string | undefined {
  const { actor, op } = body as { readonly actor?: unknown; readonly op?: unknown };
  if (typeof actor === 'string') return actor;
  return typeof op === 'string' ? op : undefined;
}

/** The subject of the latest event that has one. */
function nearestSubject(events: ReadonlyMap<number, TraceEvent>): string | undefined {
  for (const index of [...events.keys()].sort((a, b) => b - a)) {
    const event = events.get(index);
    const subject = event === undefined ? undefined : subjectOf(event);
    if (subject !== undefined) return subject;
  }
  return undefined;
}

/** The latest events of one subject, the weighty ones first. */
function ofTheSubject(trace: readonly TraceEvent[], upTo: number, subject: string): readonly TraceEvent[] {
  const own = trace.filter((event) => event.index <= upTo && subjectOf(event) === subject);
  const weighty = own.filter(({ body }) => !OF_LITTLE_WEIGHT.has(body.type)).slice(-OF_THE_SUBJECT_MAX);
  const light = own.filter(({ body }) => OF_LITTLE_WEIGHT.has(body.type));
  return [...weighty, ...light.slice(-Math.max(0, OF_THE_SUBJECT_MAX - weighty.length))];
}
