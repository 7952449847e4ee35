/** Messages between members, checked field by field when they come from the wire. */
import type { NodeId } from '../../ports.js';
import type { Json } from '../json.js';
import { NODES_MAX } from '../limits.js';
import type { View } from './members.js';

export const HEARTBEAT = 'heartbeat';
export const HEARTBEAT_ACK = 'heartbeat-ack';
export const JOIN = 'join';
export const LEAVE = 'leave';
export const CLUSTER_STATE = 'cluster-state';

/** A member that its accuser believes to be gone. */
export interface Accusation {
  readonly node: NodeId;
  readonly life: number;
}

export interface Heartbeat {
  readonly sequence: number;
  readonly life: number;
  /** Of the view that the sender has. */
  readonly version: number;
  readonly gone: readonly Accusation[];
}

export interface HeartbeatAck {
  readonly sequence: number;
  /** Of who answers. */
  readonly life: number;
  readonly version: number;
  /** The life that sent the heartbeat. */
  readonly to: number;
}

type Fields = Readonly<Record<string, unknown>>;

const fieldsOf = (body: unknown): Fields => (typeof body === 'object' && body !== null ? (body as Fields) : {});
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Undefined for what is no heartbeat. */
export function decodeHeartbeat(body: unknown): Heartbeat | undefined {
  const { sequence, life, version, gone } = fieldsOf(body);
  if (!isCount(sequence) || !isCount(life) || !isCount(version) || !Array.isArray(gone) || gone.length > NODES_MAX) return undefined;
  const accusations: Accusation[] = [];
  for (const item of gone) {
    const { node, life: goneLife } = fieldsOf(item);
    if (typeof node !== 'string' || !isCount(goneLife)) return undefined;
    accusations.push({ node, life: goneLife });
  }
  return { sequence, life, version, gone: accusations };
}

/** Undefined for what is none. */
export function decodeAck(body: unknown): HeartbeatAck | undefined {
  const { sequence, life, version, to } = fieldsOf(body);
  return isCount(sequence) && isCount(life) && isCount(version) && isCount(to) ? { sequence, life, version, to } : undefined;
}

/** The life of the node that asks to be let in; undefined for what is no such question. */
export function decodeJoin(body: unknown): number | undefined {
  const { life } = fieldsOf(body);
  return isCount(life) ? life : undefined;
}

export const wasAccepted = (body: unknown): boolean => fieldsOf(body).accepted === true;

export const encodeView = ({ cluster, members }: View): Json => ({
  version: cluster.version,
  term: cluster.term,
  primary: cluster.primary === '' ? null : cluster.primary,
  members: members.map(({ node, life, state }) => ({ node, life, state })),
});
