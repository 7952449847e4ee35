/**
 * Where everything is in the database. Names of actors and nodes hold neither `/` nor `:`, so a prefix that ends in `/` covers
 * exactly one of them. No key holds a byte `0xFF` (keys of actors are UTF-8), so a prefix is followed by everything under it and
 * then by the prefix with `0xFF`.
 *
 *     kelpie/registry/nodes/{node}           NodeRecord
 *     kelpie/registry/actors/{actor}         Placement
 *     kelpie/registry/leases/{actor}         Lease; stays after a release, so that its token never falls
 *     kelpie/registry/held/{node}/{actor}    index of placements by node
 *     kelpie/actor/{actor}/head              Head: last commit and versions
 *     kelpie/actor/{actor}/state             state, sealed
 *     kelpie/actor/{actor}/kv/{key}          key-value space, sealed
 *     kelpie/actor/{actor}/chunks/state/{index}
 *     kelpie/actor/{actor}/chunks/kv/{length}{key}{index}
 *     kelpie/actor/{actor}/done/{epoch}/{request}       outcomes of requests, sealed
 */
import type { Bytes, NodeId } from '../ports.js';
import type { ActorKey, RequestId } from './ids.js';
import { fromUtf8, utf8 } from './json.js';

const NODES = 'kelpie/registry/nodes/';
const ACTORS = 'kelpie/registry/actors/';
const LEASES = 'kelpie/registry/leases/';
const HELD = 'kelpie/registry/held/';

/** Everything under a prefix: `[begin, end)`. */
export interface KeySpan {
  readonly begin: Bytes;
  readonly end: Bytes;
}

export const span = (prefix: Bytes): KeySpan => ({ begin: prefix, end: withByte(prefix, 0xff) });

/** The first key after this one. */
export const nextKey = (key: Bytes): Bytes => withByte(key, 0);

function withByte(key: Bytes, byte: number): Bytes {
  const longer = new Uint8Array(key.length + 1);
  longer.set(key);
  longer[key.length] = byte;
  return longer;
}

export function join(...parts: readonly Bytes[]): Bytes {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export const registryKeys = {
  node: (node: NodeId): Bytes => utf8(NODES + node),
  nodes: span(utf8(NODES)),
  placement: (actor: ActorKey): Bytes => utf8(ACTORS + actor),
  placements: span(utf8(ACTORS)),
  lease: (actor: ActorKey): Bytes => utf8(LEASES + actor),
  held: (node: NodeId, actor: ActorKey): Bytes => utf8(`${HELD}${node}/${actor}`),
  heldBy: (node: NodeId): KeySpan => span(utf8(`${HELD}${node}/`)),
} as const;

/** The part of a key in `heldBy` that names the actor. */
export const heldActorName = (key: string, node: NodeId): string => key.slice(HELD.length + node.length + 1);

/** The keys of one actor, made once and kept while it is active. */
export class ActorKeys {
  readonly placement: Bytes;
  readonly placementEnd: Bytes;
  readonly lease: Bytes;
  readonly head: Bytes;
  readonly headEnd: Bytes;
  readonly state: Bytes;
  /** Everything of the key-value space. */
  readonly kv: KeySpan;
  /** In front of the numbers of the state's chunks. */
  readonly stateChunks: Bytes;
  /** Chunks of every long value of the key-value space. */
  readonly kvChunks: KeySpan;
  /** Everything of the actor: state, key-value space, outcomes. */
  readonly all: KeySpan;
  readonly #prefix: string;

  constructor(readonly actor: ActorKey) {
    this.#prefix = `kelpie/actor/${actor}/`;
    this.placement = registryKeys.placement(actor);
    this.placementEnd = nextKey(this.placement);
    this.lease = registryKeys.lease(actor);
    this.head = utf8(`${this.#prefix}head`);
    this.headEnd = nextKey(this.head);
    this.state = utf8(`${this.#prefix}state`);
    this.kv = span(utf8(`${this.#prefix}kv/`));
    this.stateChunks = utf8(`${this.#prefix}chunks/state/`);
    this.kvChunks = span(utf8(`${this.#prefix}chunks/kv/`));
    this.all = span(utf8(this.#prefix));
  }

  kvKey(key: string): Bytes {
    return utf8(`${this.#prefix}kv/${key}`);
  }

  /** The actor's own name of a key in its key-value space. */
  kvName(key: Bytes): string {
    return fromUtf8(key.subarray(this.kv.begin.length));
  }

  /** In front of the numbers of a value's chunks. The length keeps the chunks of one key apart from those of any other. */
  kvChunksOf(key: string): Bytes {
    const bytes = utf8(key);
    return join(this.kvChunks.begin, Uint8Array.of(bytes.length >> 8, bytes.length & 255), bytes);
  }

  outcome(epoch: number, request: RequestId): Bytes {
    return utf8(`${this.#prefix}done/${epoch}/${request}`);
  }

  outcomes(epoch: number): KeySpan {
    return span(utf8(`${this.#prefix}done/${epoch}/`));
  }
}
