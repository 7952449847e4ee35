/**
 * What clients do to several actors, step by step, can be put in one order that respects real time. Each step commits on one actor and
 * leaves a mark there, and a reading shows all marks of one actor, so it is known what must have come before what (Adya, 1999; Kingsbury
 * and Alvaro's Elle, 2020): a mark before the reading that shows it, a reading before the mark that it lacks, an earlier mark before a
 * later one, the first step of an operation before the next, and what was answered before what was asked for afterwards. A cycle in that
 * is an anomaly, and shows also where each actor alone looks right: money that was seen to arrive and was not seen to have left.
 */
import { type ClientOperation, endOf, HISTORY_TYPES, judgedAtEnd, mayHaveEffect } from './bookkeeping/client-history.js';
import { type Edge, OrderGraph } from './bookkeeping/order-graph.js';
import { type Breach, breachAt, type Invariant } from './invariant.js';

/** One step of an operation: a commit on one actor, or a reading of it. */
interface Step {
  readonly of: ClientOperation;
  readonly target: string;
}

class Steps {
  readonly graph = new OrderGraph();
  /** By node; undefined for the moments between them. */
  readonly #steps = new Map<number, Step>();
  readonly #evidence = new Map<string, ClientOperation>();

  add(of: ClientOperation, target: string): number {
    const node = this.graph.add();
    this.#steps.set(node, { of, target });
    return node;
  }

  /** Links on the evidence of a reading. */
  link(from: number, to: number, why: string, reading: ClientOperation): void {
    this.graph.link(from, to, why);
    this.#evidence.set(why, reading);
  }

  /** The reading that a reason rests on, if it rests on one. */
  evidenceOf(why: string): ClientOperation | undefined {
    return this.#evidence.get(why);
  }

  at(node: number): Step | undefined {
    return this.#steps.get(node);
  }

  /** What was answered came before what was asked for afterwards. */
  orderByTime(): void {
    const times = [...this.#steps].flatMap(([node, { of }]) => {
      const end = endOf(of);
      return [{ at: of.call, node, isEnd: false }, ...(end === undefined ? [] : [{ at: end, node, isEnd: true }])];
    });
    times.sort((a, b) => a.at - b.at);
    // A chain of moments stands for the edges between every two of them.
    let moment = this.graph.add();
    for (const { node, isEnd } of times) {
      if (!isEnd) {
        this.graph.link(moment, node);
        continue;
      }
      const next = this.graph.add();
      this.graph.link(moment, next);
      this.graph.link(node, next);
      moment = next;
    }
  }
}

function stepsOf(operations: readonly ClientOperation[]): Steps {
  const steps = new Steps();
  /** The steps that leave a mark on each target, by mark. */
  const writers = new Map<string, Map<string, number>>();
  const readings: {
    readonly node: number;
    readonly by: ClientOperation;
    readonly target: string;
    readonly marks: readonly string[];
    readonly inOrder: boolean;
  }[] = [];
  for (const operation of operations.filter(mayHaveEffect)) {
    const { op, writes } = operation.asked;
    let before: number | undefined;
    for (const target of writes) {
      const node = steps.add(operation, target);
      if (before !== undefined) steps.graph.link(before, node, `${op} marks ${writes.join(' before ')}`);
      before = node;
      const marks = writers.get(target) ?? new Map<string, number>();
      writers.set(target, marks.set(op, node));
    }
    const shows = operation.answer?.type === 'op.ok' ? operation.answer.shows : undefined;
    if (shows === undefined) continue;
    const { target, marks, inOrder = false } = shows;
    readings.push({ node: steps.add(operation, target), by: operation, target, marks, inOrder });
  }
  const seen = new Set(readings.flatMap(({ target, marks }) => marks.map((mark) => `${target} ${mark}`)));
  for (const { node, by, target, marks, inOrder } of readings) {
    const own = writers.get(target) ?? new Map<string, number>();
    const shown = new Set(marks);
    const reader = by.asked.op;
    for (const [mark, writer] of own) {
      if (shown.has(mark)) steps.link(writer, node, `${reader} shows ${mark} on ${target}`, by);
      // What nobody has seen and nobody was told is done may not have been done.
      else if (seen.has(`${target} ${mark}`) || steps.at(writer)?.of.answer?.type === 'op.ok') {
        steps.link(node, writer, `${reader} does not show ${mark} on ${target}`, by);
      }
    }
    if (!inOrder) continue;
    const known = marks.filter((mark) => own.has(mark));
    for (const [i, mark] of known.entries()) {
      const [from, to] = [own.get(known[i - 1] ?? ''), own.get(mark)];
      if (from !== undefined && to !== undefined) steps.link(from, to, `${reader} shows ${known[i - 1]} before ${mark} on ${target}`, by);
    }
  }
  steps.orderByTime();
  return steps;
}

function breachOf(cycle: readonly (Edge & { readonly from: number })[], steps: Steps): Breach {
  // Begins at a step, so that a way over moments lies between two steps.
  const start = cycle.findIndex(({ from }) => steps.at(from) !== undefined);
  const turned = [...cycle.slice(start), ...cycle.slice(0, start)];
  const reasons: string[] = [];
  let earlier: Step | undefined;
  for (const { from, to, why } of turned) {
    earlier = steps.at(from) ?? earlier;
    const later = steps.at(to);
    if (why !== undefined) reasons.push(why);
    else if (later !== undefined && earlier !== undefined) {
      reasons.push(`${later.of.asked.op} was asked for after ${earlier.of.asked.op} had been answered`);
    }
  }
  // Every cycle rests on a reading: without one, steps follow the order in which they were asked for.
  const [first, ...others] = turned.flatMap(({ why }) => (why === undefined ? undefined : steps.evidenceOf(why))?.answered ?? []);
  if (first === undefined) throw new Error('a cycle of steps rests on no reading');
  const last = others.reduce((latest, event) => (event.index > latest.index ? event : latest), first);
  return breachAt(last, 'the steps of all operations can be put in one order that respects real time', `a cycle: ${reasons.join('; ')}`);
}

export const strictSerializability: Invariant = {
  id: 'strict-serializability',
  promise: 'The steps of all operations, over all actors, can be put in one order that respects real time and explains what was read.',
  kind: 'always',
  hears: HISTORY_TYPES,
  start: () =>
    judgedAtEnd((history) => {
      const steps = stepsOf(history.all());
      const cycle = steps.graph.cycle();
      return cycle === undefined ? undefined : breachOf(cycle, steps);
    }),
};
