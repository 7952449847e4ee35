/**
 * `console` stays allowed: it is how a reader of a failing run looks inside. What it needs of the real world (timestamps of
 * `console.time`, a test runner's relay of the output) passes while it prints; nothing of that comes back to the program.
 */
import { functionKeys, globalObject, type Rule, ruled, through, unguarded } from './gate.js';
import type { Section } from './swap.js';

const printing: Rule = {
  kind: 'allowed',
  api: 'console',
  remedy: 'use platform.tracer.emit',
  serve: ({ original, receiver, args, newTarget }) => unguarded(() => through(original, receiver, args, newTarget)),
};

export const consoleSection: Section = {
  name: 'console',
  locate: () => globalObject('console'),
  entries: (target) => functionKeys(target).map((key) => ruled(target, key, printing)),
};
