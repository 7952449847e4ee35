/** What TLC prints in tool mode (`-tool`): messages `@!@!@STARTMSG code:class @!@!@` ... `@!@!@ENDMSG code @!@!@`, and text between. */
import { parseValue, type TlaState } from './tla-value.js';

/** Codes of TLC's `EC.java` that say something here. */
export const TLC_CODE = {
  unexpected: 1000,
  outOfMemory: 1001,
  invariantViolatedInitially: 2107,
  invariantViolated: 2110,
  deadlock: 2114,
  temporalViolated: 2116,
  backToState: 2122,
  success: 2193,
  searchDepth: 2194,
  stats: 2199,
  state: 2217,
  stuttering: 2218,
  version: 2262,
  parseFailed: 3002,
} as const;

/** A message of this class is an error. */
const ERROR_CLASS = 1;

export interface TlcMessage {
  readonly code: number;
  readonly isError: boolean;
  readonly text: string;
}

export interface TlcOutput {
  readonly messages: readonly TlcMessage[];
  /** What stood outside of all messages: the parser's complaints. */
  readonly loose: string;
}

const START = /^(.*)@!@!@STARTMSG (\d+):(\d+) @!@!@$/;
const END = /^@!@!@ENDMSG (\d+) @!@!@$/;

/** Messages may stand in each other; an inner one comes first, and what stands in an error is one. */
export function parseOutput(output: string): TlcOutput {
  const messages: TlcMessage[] = [];
  const loose: string[] = [];
  const open: { readonly code: number; readonly isError: boolean; readonly lines: string[] }[] = [];
  for (const line of output.split(/\r?\n/)) {
    const start = START.exec(line);
    if (start !== null) {
      const [, before = '', code, kind] = start;
      if (before !== '') (open.at(-1)?.lines ?? loose).push(before);
      open.push({ code: Number(code), isError: Number(kind) === ERROR_CLASS || open.at(-1)?.isError === true, lines: [] });
    } else if (END.test(line)) {
      const ended = open.pop();
      if (ended !== undefined) messages.push({ code: ended.code, isError: ended.isError, text: ended.lines.join('\n') });
    } else {
      (open.at(-1)?.lines ?? loose).push(line);
    }
  }
  return { messages, loose: loose.join('\n') };
}

export const messageOf = ({ messages }: TlcOutput, code: number): TlcMessage | undefined => messages.find((one) => one.code === code);

/** The text of a state, one `/\ variable = value` after the other; a value may take several lines. */
export function parseState(text: string): TlaState {
  const conjuncts = text.trim().split(/^\/\\ /m);
  return Object.fromEntries(
    conjuncts
      .filter((conjunct) => conjunct.trim() !== '')
      .map((conjunct) => {
        const [, name = '', value = ''] = /^(\w+) = ([\s\S]*)$/.exec(conjunct.trim()) ?? [];
        return [name, parseValue(value)];
      }),
  );
}

export interface TlcStep {
  /** The definition that made the step, with arguments where this TLC tells them; undefined for an initial state. */
  readonly label: string | undefined;
  readonly state: TlaState;
}

/** The states of the error trace. */
export function traceOf(output: TlcOutput): TlcStep[] {
  const steps: TlcStep[] = [];
  for (const { code, text } of output.messages) {
    if (code !== TLC_CODE.state) continue;
    const at = text.indexOf('\n');
    const [, label] = /^\d+: <(.*?)(?: line \d+, col \d+ .*)?>$/.exec(text.slice(0, at)) ?? [];
    steps.push({ label: label === 'Initial predicate' ? undefined : label, state: parseState(text.slice(at + 1)) });
  }
  return steps;
}

/** Where and why a module does not parse, as `:line:column: reason`; the reason alone where no place is told. */
export function parseFailure({ loose }: TlcOutput): string {
  const text = loose.replaceAll(/^(?:Parsing file|Semantic processing of module|Starting|SANY).*$/gm, '').trim();
  const syntax = /(Encountered [\s\S]*?|Was expecting [\s\S]*?) at line (\d+), column (\d+)( and token [^\n]*)?/.exec(text);
  if (syntax !== null) return `:${syntax[2]}:${syntax[3]}: ${oneLine(`${syntax[1]}${syntax[4] ?? ''}`)}`;
  const lexical = /Lexical error at line (\d+), column (\d+)\.\s*([^\n]*)/.exec(text);
  if (lexical !== null) return `:${lexical[1]}:${lexical[2]}: ${oneLine(lexical[3] ?? '')}`;
  const semantic = /line (\d+), col (\d+) to line \d+, col \d+ of module \w+\s*\n\s*\n?([\s\S]*?)(?:\n\s*\n|$)/.exec(text);
  if (semantic !== null) return `:${semantic[1]}:${semantic[2]}: ${oneLine(semantic[3] ?? '')}`;
  return `: ${oneLine(text)}`;
}

export const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();
