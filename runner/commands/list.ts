/** `list`: the catalogues. */
import type { CommandModule } from 'yargs';
import { checked } from '../../faults/checked.js';
import { catalogue, nearest } from '../catalogue.js';
import { readSpecs } from '../tla/spec-catalogue.js';
import { UsageError } from '../usage-error.js';

interface Row {
  readonly id: string;
  readonly summary: string;
  /** What states the same in TLA+. */
  readonly spec?: string;
  readonly core?: boolean;
  /** In how many seeds of the last check it fired, and in how many of a few it mattered. */
  readonly fired?: number;
  readonly potent?: number;
}

/** What a line shows. */
const COLUMNS: Readonly<Record<string, readonly (keyof Row)[]>> = {
  bugs: ['id', 'summary', 'spec'],
  faults: ['id', 'core', 'fired', 'potent', 'summary'],
  invariants: ['id', 'summary', 'spec'],
};
const COLUMNS_DEFAULT: readonly (keyof Row)[] = ['id', 'summary'];

const CATALOGUES: Readonly<Record<string, () => readonly Row[]>> = {
  scenarios: () => catalogue.scenarios.map(({ id, summary, offers }) => ({ id, summary, offers })),
  faults: () =>
    catalogue.faults.map(({ id, summary, core, needs, beyondBudget = false, scripted = false }) => ({
      id,
      summary,
      family: id.slice(0, id.indexOf('/')),
      core,
      needs,
      beyondBudget,
      // Written into cases by `explore`, never drawn, so it has no figures.
      scripted,
      // A fault that was added since has no figures until the next check.
      ...(checked[id] ?? { fired: 0, potent: 0 }),
    })),
  invariants: () =>
    catalogue.invariants.map(({ id, promise, kind, spec }) => ({
      id,
      summary: promise,
      kind,
      ...(spec === undefined ? {} : { spec }),
    })),
  specs: () =>
    readSpecs().map(({ module, summary, good, bugs }) => ({
      id: module,
      summary,
      invariants: good.parsed.invariants,
      bugConfigs: bugs.map(({ variant }) => variant),
    })),
  bugs: () =>
    catalogue.bugs.map(({ id, summary, spec }) => ({
      id,
      summary,
      ...(spec === undefined ? {} : { spec: `${spec.module}/${spec.config}` }),
    })),
};

export const LIST_FLAGS = {
  json: { type: 'boolean', default: false, describe: 'Print one JSON array' },
} as const;

interface ListArguments {
  readonly catalogue: string;
  readonly json: boolean;
}

export const listCommand: CommandModule<object, ListArguments> = {
  command: 'list <catalogue>',
  describe: `Show what there is: ${Object.keys(CATALOGUES).join(', ')}`,
  builder: (yargs) =>
    yargs
      .positional('catalogue', { type: 'string', demandOption: true, describe: Object.keys(CATALOGUES).join(', ') })
      .options(LIST_FLAGS)
      .example('$0 list faults', 'every fault that a seed may draw, one a line'),
  handler: (args) => {
    const rows = rowsOf(args.catalogue);
    process.stdout.write(args.json ? `${JSON.stringify(rows, undefined, 2)}\n` : table(rows, COLUMNS[args.catalogue] ?? COLUMNS_DEFAULT));
  },
};

function rowsOf(name: string): readonly Row[] {
  const rows = Object.hasOwn(CATALOGUES, name) ? CATALOGUES[name] : undefined;
  if (rows !== undefined) return rows();
  const names = Object.keys(CATALOGUES);
  const near = nearest(name, names);
  throw new UsageError(
    `there is no catalogue '${name}'${near === '' ? '' : `; did you mean ${near}?`}\nThe catalogues are ${names.join(', ')}`,
  );
}

/** A number or a yes needs the name of its column to be read. */
function cell(column: string, value: Row[keyof Row]): string {
  if (typeof value === 'number') return `${column} ${value}`;
  if (typeof value === 'boolean') return value ? column : '';
  return value ?? '';
}

function table(rows: readonly Row[], columns: readonly (keyof Row)[]): string {
  const cells = rows.map((row) => columns.map((column) => cell(column, row[column])));
  const widths = columns.map((_, at) => Math.max(0, ...cells.map((texts) => texts[at]?.length ?? 0)));
  return cells
    .map(
      (texts) =>
        `${texts
          .map((text, at) => text.padEnd(widths[at] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
