/**
 * An auditor of the database: reads everything that Kelpie keeps there at one version and tells it, record by record. No node takes part and
 * nothing is written, so it may run beside a cluster at work. What it tells is what is stored; whether that should be so is for others to say.
 */
import { type Bytes, DatabaseError, type KeyValue, type Micros, type NodeId, type Platform } from '../ports.js';
import type { AuditEvent, StoredValue } from '../story.js';
import { KelpieError } from './errors.js';
import { parseActorKey } from './ids.js';
import { utf8 } from './json.js';
import { ActorKeys, join, span } from './keys.js';
import { EMPTY_HEAD, headRecord, leaseRecord, nodeRecord, placementRecord } from './records.js';
import { chunkCount, chunkKey, storedChecksum, unseal } from './sealed.js';
import { readRange } from './store.js';
import { Teller } from './tell.js';

/** A larger database is not audited: all of it is read at one version, before that is too old. */
const AUDIT_KEYS_MAX = 20_000;
const AUDIT_RETRIES_MAX = 4;
const AUDIT_MICROS: Micros = 20_000_000;
/** Of what is out of place, so many names are told. */
const MISPLACED_MAX = 20;

const ALL = span(utf8('kelpie/'));
/** Not told: the view of the cluster, which its primary tells, and the lists of agents. */
const PASSED_OVER = /^kelpie\/(registry\/(members\/|failovers\/|cluster$)|agents\/)/;
const NODE_KEY = /^kelpie\/registry\/nodes\/([^/]+)$/;
const REGISTRY_KEY = /^kelpie\/registry\/(actors|leases)\/([^/]+)$/;
const HELD_KEY = /^kelpie\/registry\/held\/([^/]+)\/([^/]+)$/;
const ACTOR_KEY = /^kelpie\/actor\/([^/]+)\/(head$|state$|kv\/|chunks\/|done\/)/;
/** Chunks of an outcome follow its key and a zero byte. */
const OUTCOME_KEY = /^kelpie\/actor\/[^/]+\/done\/(\d+)\/([^\0]+)(\0[^]*)?$/;

/** A value of an actor, and where its chunks would be. */
interface Value {
  readonly what: 'state' | 'key' | 'outcome';
  /** The actor's own name of it; the request of an outcome. */
  readonly name: string;
  readonly stored: Bytes;
  readonly chunks: Bytes;
}

/** What is stored of one actor. */
class ActorFacts {
  readonly keys: ActorKeys;
  placement: Bytes | undefined;
  lease: Bytes | undefined;
  head: Bytes | undefined;
  readonly heldBy: NodeId[] = [];
  readonly values: Value[] = [];
  readonly epochs = new Set<number>();
  /** By the text of their keys. */
  readonly chunks = new Map<string, Bytes>();

  constructor(readonly actor: string) {
    this.keys = new ActorKeys(parseActorKey(actor).key);
  }
}

/**
 * Tells what the database holds, a node and an actor at a time, and then that this was all of it (`audit.end`); that last word alone, and
 * that it is not complete, where there is too much to be read or the database does not answer. Errors: none.
 */
export async function auditDatabase({ database, tracer }: Pick<Platform, 'database' | 'tracer'>): Promise<void> {
  const teller = new Teller(tracer);
  const transaction = database.transaction({ retryLimit: AUDIT_RETRIES_MAX, timeoutMicros: AUDIT_MICROS });
  for (;;) {
    try {
      const readVersion = await transaction.getReadVersion();
      const items = await readRange(transaction.snapshot, ALL.begin, ALL.end, AUDIT_KEYS_MAX + 1);
      if (items.length > AUDIT_KEYS_MAX) break;
      for (const event of await eventsOf(items, readVersion)) teller.tell(event);
      return;
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      try {
        await transaction.onError(error);
      } catch {
        break;
      }
    }
  }
  teller.tell({ type: 'audit.end', complete: false, misplaced: [] });
}

/** Keys hold any bytes. As texts of one unit a byte they can be looked up, and the names in them are ASCII. */
function textOf(bytes: Bytes): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

async function eventsOf(items: readonly KeyValue[], readVersion: number): Promise<readonly AuditEvent[]> {
  const nodes: AuditEvent[] = [];
  const actors = new Map<string, ActorFacts>();
  const misplaced: string[] = [];
  for (const item of items) {
    const text = textOf(item.key);
    if (PASSED_OVER.test(text)) continue;
    try {
      const node = nodeOf(text, item);
      if (node !== undefined) nodes.push(node);
      else if (!takeIn(actors, text, item)) misplaced.push(text);
    } catch (error) {
      if (!(error instanceof KelpieError)) throw error;
      misplaced.push(text);
    }
  }
  const sorted = [...actors.values()].sort((a, b) => (a.actor < b.actor ? -1 : 1));
  const told: AuditEvent[] = [];
  for (const facts of sorted) told.push(await actorOf(facts, readVersion));
  return [...nodes, ...told, { type: 'audit.end', complete: true, misplaced: misplaced.slice(0, MISPLACED_MAX) }];
}

/** Errors: `corrupted`. */
function nodeOf(text: string, { value }: KeyValue): AuditEvent | undefined {
  const [, node] = NODE_KEY.exec(text) ?? [];
  const record = node === undefined ? undefined : nodeRecord.decode(value, node);
  if (record === undefined) return undefined;
  return { type: 'audit.node', member: record.node, nodeLife: record.life, status: record.status, count: record.count };
}

/** Answers whether it is a key of an actor. Errors: `invalid-argument`, `too-large` for a name that no actor has. */
function takeIn(actors: Map<string, ActorFacts>, text: string, { key, value }: KeyValue): boolean {
  const of = (actor: string): ActorFacts => {
    const facts = actors.get(actor) ?? new ActorFacts(actor);
    actors.set(actor, facts);
    return facts;
  };
  const [, record, placed] = REGISTRY_KEY.exec(text) ?? [];
  if (placed !== undefined) {
    if (record === 'actors') of(placed).placement = value;
    else of(placed).lease = value;
    return true;
  }
  const [, holder, held] = HELD_KEY.exec(text) ?? [];
  if (holder !== undefined && held !== undefined) {
    of(held).heldBy.push(holder);
    return true;
  }
  const [, actor, place] = ACTOR_KEY.exec(text) ?? [];
  if (actor === undefined) return false;
  const facts = of(actor);
  const { keys } = facts;
  switch (place) {
    case 'head':
      facts.head = value;
      return true;
    case 'state':
      facts.values.push({ what: 'state', name: '', stored: value, chunks: keys.stateChunks });
      return true;
    case 'kv/': {
      const name = keys.kvName(key);
      facts.values.push({ what: 'key', name, stored: value, chunks: keys.kvChunksOf(name) });
      return true;
    }
    case 'done/': {
      const [, epoch, request, chunk] = OUTCOME_KEY.exec(text) ?? [];
      if (request === undefined) return false;
      facts.epochs.add(Number(epoch));
      if (chunk !== undefined) facts.chunks.set(text, value);
      else facts.values.push({ what: 'outcome', name: request, stored: value, chunks: join(key, Uint8Array.of(0)) });
      return true;
    }
    default:
      facts.chunks.set(text, value);
      return true;
  }
}

async function actorOf(facts: ActorFacts, readVersion: number): Promise<AuditEvent> {
  const { actor, keys } = facts;
  const damaged: string[] = [];
  // What exactly is wrong with it is worded by the engine, and so has no place in a trace.
  const note = (what: string, error: unknown): undefined => {
    if (!(error instanceof KelpieError)) throw error;
    damaged.push(what);
  };
  const whole = <T>(what: string, decode: () => T): T | undefined => {
    try {
      return decode();
    } catch (error) {
      return note(what, error);
    }
  };
  const placement = whole('placement', () => placementRecord.decode(facts.placement, keys.actor));
  const lease = whole('lease', () => leaseRecord.decode(facts.lease, keys.actor));
  const head = whole('head', () => headRecord.decode(facts.head, keys.actor)) ?? EMPTY_HEAD;
  let state: number | null = null;
  const values: StoredValue[] = [];
  const left = new Map(facts.chunks);
  for (const { what, name, stored, chunks } of facts.values) {
    const title = what === 'state' ? what : `${what} ${name}`;
    const count = whole(title, () => chunkCount(stored, title));
    if (count === undefined) continue;
    const own = Array.from({ length: count }, (_, index) => textOf(chunkKey(chunks, index)));
    await unseal(stored, title, async (index) => facts.chunks.get(own[index] ?? '')).catch((error: unknown) => note(title, error));
    for (const chunk of own) left.delete(chunk);
    if (what === 'state') state = storedChecksum(stored, title);
    if (what === 'key') values.push({ key: name, value: storedChecksum(stored, title) });
  }
  return {
    type: 'audit.actor',
    actor,
    readVersion,
    placement: placement === undefined ? null : { node: placement.node, nodeLife: placement.life, token: placement.generation },
    lease: lease === undefined ? null : { holder: lease.holder, nodeLife: lease.life, token: lease.token },
    heldBy: facts.heldBy,
    stateVersion: head.version,
    state,
    values,
    epoch: head.epoch,
    outcomeEpochs: [...facts.epochs].sort((a, b) => a - b),
    strayChunks: left.size,
    damaged,
  };
}
