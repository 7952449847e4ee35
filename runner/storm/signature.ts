/** What makes two failures the same failure: the broken promise and what was seen, without what differs from seed to seed. */
import type { Run } from '../../src/run.js';

/** A program can put anything into a reason. */
const LENGTH_MAX = 160;

/** One line that failures of one cause share: invariant and what was seen, or verdict and reason, with numbers and ids left out. */
export function signatureOf({ verdict, violations, reason }: Pick<Run, 'verdict' | 'violations' | 'reason'>): string {
  const [first] = violations;
  return first === undefined ? told(verdict, reason ?? '') : told(first.invariant, first.seen);
}

function told(what: string, details: string): string {
  const [line = ''] = details.split('\n');
  const bare = abstracted(line);
  return bare === '' ? what : `${what}: ${bare}`.slice(0, LENGTH_MAX);
}

/** Ids of nodes, requests, actors and keys all have digits; a list of them is as good as one. */
function abstracted(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ')
    .replace(/[\w.-]*\d[\w.-]*/g, '#')
    .replace(/#(?:, ?#)+/g, '#')
    .replace(/\bon the world\b/g, 'on #')
    .trim();
}
