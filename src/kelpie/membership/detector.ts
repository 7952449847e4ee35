/**
 * Counts heartbeats that a member did not acknowledge. Only acknowledgements count, since they show both directions to work, and
 * only heartbeats that were really sent are missed: a node that was paused accuses nobody when it wakes up.
 */
import type { NodeId } from '../../ports.js';
import { isCurrent, type Member, type View } from './members.js';

interface Peer {
  readonly life: number;
  /** The newest heartbeat that it has acknowledged; where counting began before it acknowledged any. */
  acknowledged: number;
  answered: boolean;
  suspected: boolean;
}

export class Detector {
  readonly #peers = new Map<NodeId, Peer>();
  #sequence = 0;

  /** The number of the newest heartbeat. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Begins a round. Returns the number of its heartbeats. */
  next(): number {
    this.#sequence += 1;
    return this.#sequence;
  }

  /** Watches these members, apart from one's own node, and forgets all others. */
  watch(view: View, self: NodeId): void {
    const current = new Map(view.members.filter(isCurrent).map((member) => [member.node, member.life]));
    current.delete(self);
    for (const [node, { life }] of this.#peers) if (current.get(node) !== life) this.#peers.delete(node);
    for (const [node, life] of current) {
      if (this.#peers.has(node)) continue;
      this.#peers.set(node, { life, acknowledged: this.#sequence, answered: false, suspected: false });
    }
  }

  acknowledge(node: NodeId, life: number, sequence: number): void {
    const peer = this.#peers.get(node);
    if (peer?.life !== life || sequence > this.#sequence || sequence < peer.acknowledged) return;
    peer.acknowledged = sequence;
    peer.answered = true;
  }

  /** Heartbeats in a row that this life of the node has not acknowledged, without the one of the round that goes on. */
  missed({ node, life }: Pick<Member, 'node' | 'life'>): number {
    const peer = this.#peers.get(node);
    return peer?.life === life ? Math.max(0, this.#sequence - 1 - peer.acknowledged) : 0;
  }

  /** Whether it has ever acknowledged, and not missed so many since. */
  reaches(member: Pick<Member, 'node' | 'life'>, missedMax: number): boolean {
    const peer = this.#peers.get(member.node);
    return peer?.life === member.life && peer.answered && this.missed(member) < missedMax;
  }

  /** Notes whether the member is suspected. Answers whether that is new. */
  suspect({ node, life }: Pick<Member, 'node' | 'life'>, suspected: boolean): boolean {
    const peer = this.#peers.get(node);
    if (peer?.life !== life || peer.suspected === suspected) return false;
    peer.suspected = suspected;
    return true;
  }
}
