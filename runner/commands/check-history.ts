/** `check-history`: whether a history that somebody else has recorded is linearizable. */
import { readFileSync, statSync } from 'node:fs';
import type { CommandModule, InferredOptionTypes } from 'yargs';
import { counted } from '../../reports/text.js';
import { EXIT } from '../../src/run.js';
import { JSON_FLAG, once, oneOf, wholeNumber } from '../flags.js';
import { HISTORY_BYTES_MAX, type Invocation, readInvocations } from '../history/history-file.js';
import { type Checked, checkHistory, HISTORY_MODELS } from '../history/history-models.js';
import { UsageError } from '../usage-error.js';

const STEPS_DEFAULT = 5_000_000;
const STEPS_MAX = 1_000_000_000;
/** The end of an order, which is what the reader needs; --json has all of it. */
const TAIL_TOLD = 10;

export const CHECK_HISTORY_FLAGS = {
  model: { type: 'string', describe: `What the operations were done to: ${HISTORY_MODELS.join(', ')}`, coerce: once('model') },
  steps: {
    type: 'string',
    describe: `Placements tried at most, before the answer is unknown; ${STEPS_DEFAULT} when left out`,
    coerce: once('steps'),
  },
  json: JSON_FLAG,
} as const;

type CheckHistoryArguments = InferredOptionTypes<typeof CHECK_HISTORY_FLAGS> & { file: string };

export const checkHistoryCommand: CommandModule<object, CheckHistoryArguments> = {
  command: 'check-history <file>',
  describe: 'Say whether a recorded history (EDN of Jepsen, or JSON) is linearizable',
  builder: (yargs) =>
    yargs
      .positional('file', { type: 'string', demandOption: true, describe: 'The history: one map a line, or a vector of them' })
      .options(CHECK_HISTORY_FLAGS)
      .example('$0 check-history history.edn --model cas', 'a history of a register with compare-and-set')
      .example('$0 check-history history.jsonl --model kv --json', 'keys and values, with the verdict as JSON'),
  handler: (args) => {
    process.exitCode = check(args);
  },
};

function check({ file, model, steps, json }: CheckHistoryArguments): number {
  if (model === undefined) throw new UsageError(`--model is missing; say what the operations were done to: ${HISTORY_MODELS.join(', ')}`);
  const name = oneOf('model', HISTORY_MODELS, model);
  const stepsMax = steps === undefined ? STEPS_DEFAULT : wholeNumber('steps', steps, 1, STEPS_MAX);
  const checked = checkHistory(name, file, readInvocations(file, read(file)), stepsMax);
  process.stdout.write(json ? `${JSON.stringify(asData(checked), undefined, 2)}\n` : inWords(file, checked, stepsMax));
  return checked.result.verdict === 'yes' ? EXIT.clean : EXIT.bug;
}

function read(file: string): string {
  try {
    const { size } = statSync(file);
    if (size > HISTORY_BYTES_MAX)
      throw new UsageError(`${file} has ${size} bytes, more than the ${HISTORY_BYTES_MAX} that are read; cut it by key`);
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${file} cannot be read (${String(error)}); give the path of a history`);
  }
}

const VERDICTS = { yes: 'linearizable', no: 'not linearizable', unknown: 'unknown' } as const;

function asData(checked: Checked): object {
  const { result, operations } = checked;
  const common = { verdict: VERDICTS[result.verdict], operations, steps: result.steps };
  if (result.verdict === 'yes') return common;
  if (result.verdict === 'unknown') return { ...common, part: result.part, reason: 'the bound of steps was reached' };
  const { part, prefix, stuck, states } = result;
  const told = (invocation: Invocation): object => ({
    line: invocation.call.line,
    process: invocation.call.process,
    f: invocation.call.f,
    value: invocation.call.value,
    answer:
      invocation.answer === undefined
        ? null
        : { line: invocation.answer.line, type: invocation.answer.type, value: invocation.answer.value },
  });
  return {
    ...common,
    part,
    prefix: prefix.map((operation) => told(checked.invocationOf(operation))),
    stuck: told(checked.invocationOf(stuck)),
    states,
  };
}

function inWords(file: string, checked: Checked, stepsMax: number): string {
  const { result, operations } = checked;
  const heading = `${file}: ${VERDICTS[result.verdict]} (${counted(operations, 'operation')}, ${counted(result.steps, 'placement')} tried)\n`;
  if (result.verdict === 'yes') return heading;
  const where = result.part === '' ? '' : ` of ${result.part}`;
  if (result.verdict === 'unknown') {
    return `${heading}  the operations${where} have more orders than ${stepsMax} placements can try; allow more by --steps\n`;
  }
  const { prefix, stuck, states } = result;
  const tail = prefix.slice(-TAIL_TOLD);
  const left = prefix.length - tail.length;
  return [
    heading,
    `  The longest order${where} that works has ${prefix.length} operations${left === 0 ? '' : `, the first ${left} of which are left out`}:\n`,
    ...tail.map((operation) => `    ${line(checked.invocationOf(operation))}\n`),
    `  The state was then ${states.join(' or ')}.\n`,
    `  This one had been answered and fits nowhere:\n    ${line(checked.invocationOf(stuck))}\n`,
  ].join('');
}

function line({ call, answer }: Invocation): string {
  const came = answer === undefined ? 'no answer' : `${answer.type} ${JSON.stringify(answer.value)} on line ${answer.line}`;
  return `line ${call.line}: process ${call.process} ${call.f} ${JSON.stringify(call.value)}, ${came}`;
}
