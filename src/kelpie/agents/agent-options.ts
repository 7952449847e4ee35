/** What an operator, or a simulation that draws knobs, may set of the agents of a node; checked as a whole before anything starts. */
import type { Micros } from '../../ports.js';
import { KelpieError } from '../errors.js';
import { OUTCOME_KEPT_MICROS, WAL_KEPT_MICROS } from '../limits.js';

export interface AgentOptions {
  /** How long idempotency keys are kept at least. */
  readonly keptMicros: Micros;
  /** How often a node looks for messages that nobody works on, and for keys of deleted agents whose time is over. */
  readonly sweepMicros: Micros;
  /** Agents that one such look takes in. */
  readonly sweepPage: number;
  /** A step that has not moved for this long is taken over by another node. Longer than any step takes. */
  readonly takeOverMicros: Micros;
  /** How long one request to the model, a tool or an HTTP resource may take. */
  readonly peerMicros: Micros;
  /** Requests to a peer for one step. */
  readonly peerTries: number;
  /** How long an agent waits for another one's answer. */
  readonly askMicros: Micros;
  /** How long a stopping node lets steps that are under way come to their end; what is left is handed over to other nodes. */
  readonly drainMicros: Micros;
  /** How long ended steps stay in the journal. */
  readonly journalKeptMicros: Micros;
  /** Size at which the journal begins another file; only whole files are dropped. */
  readonly journalSegmentBytes: number;
  /** Bound of the whole journal. Steps beyond it go on without it. */
  readonly journalBytesMax: number;
}

const AGENT_DEFAULTS: AgentOptions = {
  keptMicros: OUTCOME_KEPT_MICROS,
  sweepMicros: 10_000_000,
  sweepPage: 200,
  takeOverMicros: 180_000_000,
  peerMicros: 30_000_000,
  peerTries: 4,
  askMicros: 120_000_000,
  drainMicros: 10_000_000,
  journalKeptMicros: WAL_KEPT_MICROS,
  journalSegmentBytes: 1_000_000,
  journalBytesMax: 64_000_000,
};

const HOUR: Micros = 3_600_000_000;

/** Smallest and largest legal value of each. */
const RANGES: { readonly [Name in keyof AgentOptions]: readonly [number, number] } = {
  keptMicros: [1, OUTCOME_KEPT_MICROS],
  sweepMicros: [1_000, HOUR],
  sweepPage: [1, 10_000],
  takeOverMicros: [1_000, HOUR],
  peerMicros: [1, 120_000_000],
  peerTries: [1, 10],
  askMicros: [1, HOUR],
  drainMicros: [0, 120_000_000],
  journalKeptMicros: [0, WAL_KEPT_MICROS],
  journalSegmentBytes: [1_000, 64_000_000],
  journalBytesMax: [1_000, 1_000_000_000],
};

/** The defaults with these changes. Errors: `invalid-argument`, naming the field, what was given and what is legal. */
export function agentOptions(changes: Partial<AgentOptions> = {}): AgentOptions {
  for (const name of Object.keys(changes)) {
    if (!Object.hasOwn(AGENT_DEFAULTS, name)) throw new KelpieError('invalid-argument', `agents.${name}: there is no such field`);
  }
  const options: AgentOptions = { ...AGENT_DEFAULTS, ...changes };
  for (const name of Object.keys(RANGES) as (keyof AgentOptions)[]) {
    const [min, max] = RANGES[name];
    const value = options[name];
    if (!Number.isSafeInteger(value) || value < min || value > max) {
      throw new KelpieError('invalid-argument', `agents.${name} must be an integer from ${min} to ${max}, is ${String(value)}`);
    }
  }
  const { peerMicros, peerTries, takeOverMicros, journalSegmentBytes, journalBytesMax } = options;
  if (takeOverMicros < peerMicros * peerTries) {
    throw new KelpieError(
      'invalid-argument',
      `agents.takeOverMicros must be at least peerMicros * peerTries = ${peerMicros * peerTries}, is ${takeOverMicros}: ` +
        'a step would be taken from a driver that is still at it',
    );
  }
  if (journalBytesMax < journalSegmentBytes) {
    throw new KelpieError(
      'invalid-argument',
      `agents.journalBytesMax must be at least journalSegmentBytes = ${journalSegmentBytes}, is ${journalBytesMax}: ` +
        'the journal would be full before a file of it can be dropped',
    );
  }
  return options;
}
