import { describe, expect, it } from 'vitest';
import type { TraceEvent } from '../trace.js';
import { Audience, type JudgedInvariant, Promises } from './promises.js';

const event = (type: string, index = 0): TraceEvent => ({ index, at: index, node: 'n1', life: 1, cause: -1, body: { type } });

describe('who looks at an event', () => {
  it('is whoever hears its type, and whoever hears all, in their order', () => {
    const audience = new Audience([
      { name: 'a', hears: ['x'] },
      { name: 'b', hears: undefined },
      { name: 'c', hears: ['y', 'x'] },
    ]);
    const names = (type: string): string[] => audience.of(type).map(({ name }) => name);
    expect([names('x'), names('y'), names('z'), names('x')]).toEqual([['a', 'b', 'c'], ['b', 'c'], ['b'], ['a', 'b', 'c']]);
  });
});

describe('promises', () => {
  const seenBy: string[] = [];
  const invariant = (id: string, hears?: readonly string[]): JudgedInvariant => ({
    id,
    promise: `${id} sees nothing bad`,
    kind: 'always',
    ...(hears === undefined ? {} : { hears }),
    start: () => ({
      observe({ body, at }) {
        seenBy.push(`${id} ${body.type}`);
        return body.type === 'bad' ? { expected: 'good', seen: 'bad', atMicros: at, nodes: ['n1'], event: 0 } : undefined;
      },
    }),
  });

  it('are shown what they hear, and nothing more once they are broken', () => {
    const promises = new Promises([invariant('all'), invariant('some', ['bad'])], {});
    for (const type of ['good', 'bad', 'bad']) promises.observe(event(type));
    expect(seenBy).toEqual(['all good', 'all bad', 'some bad']);
    expect(promises.violations.map((violation) => violation.invariant)).toEqual(['all', 'some']);
    expect(promises.judgements()).toEqual({ all: 'violated', some: 'violated' });
  });
});
