/** Configurations of TLC: what is checked, and what this project says beside it in comments. */
import { ModelCheckError } from './model-checker.js';

export interface TlaConfig {
  readonly specification?: string;
  readonly init?: string;
  readonly next?: string;
  readonly invariants: readonly string[];
  readonly properties: readonly string[];
  /** Each as written, `Bug = "None"`. */
  readonly constants: readonly string[];
  readonly checkDeadlock: boolean;
  /** `\* expects: Name`: the invariant that must be violated. */
  readonly expects?: string;
  /** `\* engine: tlc`: only TLC can check it. */
  readonly engine?: string;
}

const SECTION =
  /^(SPECIFICATION|INIT|NEXT|INVARIANTS?|PROPERT(?:Y|IES)|CONSTANTS?|CHECK_DEADLOCK|SYMMETRY|CONSTRAINTS?|ACTION_CONSTRAINTS?|VIEW|ALIAS|POSTCONDITION)\b/;

/** Reads a configuration. Rejects constraints, views and symmetry: with them a graph would not be the whole of the model. */
export function parseConfig(text: string, name: string): TlaConfig {
  const bare = text.replaceAll(/\(\*[\s\S]*?\*\)/g, ' ').replaceAll(/\\\*.*$/gm, '');
  const sections = new Map<string, string[]>();
  let current: string[] | undefined;
  for (const line of bare.split('\n')) {
    let rest = line.trim();
    const keyword = SECTION.exec(rest)?.[1];
    if (keyword !== undefined) {
      const section = keyword.replace(/^PROPERTIES$/, 'PROPERTY').replace(/^(INVARIANT|CONSTANT)S$/, '$1');
      current = sections.get(section) ?? [];
      sections.set(section, current);
      rest = rest.slice(keyword.length).trim();
    }
    if (rest === '') continue;
    if (current === undefined)
      throw new ModelCheckError('config', `${name} begins with '${rest}' instead of a keyword such as SPECIFICATION`);
    current.push(rest);
  }
  for (const section of sections.keys()) {
    if (/^(SYMMETRY|VIEW|ALIAS|POSTCONDITION|(ACTION_)?CONSTRAINTS?)$/.test(section)) {
      throw new ModelCheckError('unsupported', `${name} has ${section}: models here are finite by nature and checked whole; take it out`);
    }
  }
  const words = (section: string): string[] => (sections.get(section) ?? []).flatMap((line) => line.split(/[\s,]+/));
  const one = (section: string): string | undefined => words(section)[0];
  const tag = (word: string): string | undefined => new RegExp(`^\\\\\\*\\s*${word}:\\s*(\\S+)\\s*$`, 'm').exec(text)?.[1];
  return {
    ...defined('specification', one('SPECIFICATION')),
    ...defined('init', one('INIT')),
    ...defined('next', one('NEXT')),
    invariants: words('INVARIANT'),
    properties: words('PROPERTY'),
    constants: sections.get('CONSTANT') ?? [],
    checkDeadlock: one('CHECK_DEADLOCK') !== 'FALSE',
    ...defined('expects', tag('expects')),
    ...defined('engine', tag('engine')),
  };
}

function defined<Key extends string>(key: Key, value: string | undefined): { readonly [K in Key]?: string } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [K in Key]?: string });
}
