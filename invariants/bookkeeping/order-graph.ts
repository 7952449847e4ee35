/** What must have come before what, and why; a cycle in it means that no order explains everything. */

export interface Edge {
  readonly to: number;
  /** Why, in words; undefined where it needs none. */
  readonly why: string | undefined;
}

export class OrderGraph {
  readonly #edges: Edge[][] = [];

  add(): number {
    return this.#edges.push([]) - 1;
  }

  link(from: number, to: number, why?: string): void {
    this.#edges[from]?.push({ to, why });
  }

  /** A cycle with as few reasons as there can be, as its edges in order; undefined when there is none. */
  cycle(): readonly (Edge & { readonly from: number })[] | undefined {
    let shortest: readonly (Edge & { readonly from: number })[] | undefined;
    for (const start of this.#onCycles()) {
      const cycle = this.#backTo(start);
      const reasons = (edges: typeof cycle): number => edges.filter(({ why }) => why !== undefined).length;
      if (shortest === undefined || reasons(cycle) < reasons(shortest)) shortest = cycle;
    }
    return shortest;
  }

  /** The nodes that remain when those are taken away, again and again, before or after which nothing must come (Kahn, 1962). */
  #onCycles(): readonly number[] {
    const left = new Set(this.#edges.keys());
    const peel = (edges: readonly (readonly number[])[]): void => {
      const incoming = edges.map(() => 0);
      for (const from of left) for (const to of edges[from] ?? []) if (left.has(to)) incoming[to] = (incoming[to] ?? 0) + 1;
      const free = [...left].filter((node) => incoming[node] === 0);
      for (let node = free.pop(); node !== undefined; node = free.pop()) {
        left.delete(node);
        for (const to of edges[node] ?? []) {
          if (!left.has(to)) continue;
          incoming[to] = (incoming[to] ?? 0) - 1;
          if (incoming[to] === 0) free.push(to);
        }
      }
    };
    const forward = this.#edges.map((edges) => edges.map(({ to }) => to));
    const backward = this.#edges.map((): number[] => []);
    for (const [from, targets] of forward.entries()) for (const to of targets) backward[to]?.push(from);
    peel(forward);
    peel(backward);
    // A node between two cycles may be left too: it has a way to a cycle and none back.
    return [...left].filter((node) => this.#backTo(node).length > 0);
  }

  /** The way from a node back to itself with the fewest reasons; empty when there is none. Edges without a reason are free. */
  #backTo(start: number): readonly (Edge & { readonly from: number })[] {
    const arrived = new Map<number, Edge & { readonly from: number }>();
    let free: (Edge & { readonly from: number })[] = [];
    let later: (Edge & { readonly from: number })[] = [];
    const leave = (from: number): void => {
      for (const edge of this.#edges[from] ?? []) (edge.why === undefined ? free : later).push({ ...edge, from });
    };
    leave(start);
    while (free.length + later.length > 0) {
      const edge = free.pop();
      if (edge === undefined) {
        // All that can be reached with so many reasons is: now with one more.
        [free, later] = [later, free];
        continue;
      }
      if (arrived.has(edge.to)) continue;
      arrived.set(edge.to, edge);
      if (edge.to === start) return wayBack(arrived, start);
      leave(edge.to);
    }
    return [];
  }
}

function wayBack(
  arrived: ReadonlyMap<number, Edge & { readonly from: number }>,
  start: number,
): readonly (Edge & { readonly from: number })[] {
  const way: (Edge & { readonly from: number })[] = [];
  let node = start;
  do {
    const edge = arrived.get(node);
    if (edge === undefined) throw new Error(`node ${node} was arrived at from nowhere`);
    way.unshift(edge);
    node = edge.from;
  } while (node !== start);
  return way;
}
