/** Events as a table of fixed columns: time, then one column a node, so that who did what when is seen at a glance. */
import type { NodeId } from '../src/ports.js';
import type { TraceEvent } from '../src/trace.js';
import { clockTime, fieldsOf, printable } from './text.js';

/** Lines of its column that one event may take. */
const CELL_LINES_MAX = 4;
const WIDTH_MAX = 160;
const TIME_WIDTH = 13;
const CELL_WIDTH_MIN = 20;
const CELL_WIDTH_MAX = 48;
/** Column of what happens to the world at large. */
const WORLD = 'world';

/** Lines of the table; the event of index `marked` bears a `>`. An event may take several lines of its column. */
export function eventLog(shown: readonly TraceEvent[], marked: number): readonly string[] {
  const nodes = [...new Set(shown.map(columnOf))].sort(byKindAndNumber);
  const width = Math.max(CELL_WIDTH_MIN, Math.min(CELL_WIDTH_MAX, Math.floor((WIDTH_MAX - TIME_WIDTH - 2) / Math.max(1, nodes.length))));
  const row = (mark: string, time: string, cells: readonly string[]): string =>
    `${mark} ${time.padStart(TIME_WIDTH)} ${cells.map((cell) => ` ${cell.padEnd(width - 1)}`).join('')}`.trimEnd();
  const lines = [row(' ', 'seconds', nodes)];
  for (const event of shown) {
    const column = columnOf(event);
    for (const [index, text] of folded(describe(event), width - 1).entries()) {
      const cells = nodes.map((node) => (node === column ? text : ''));
      lines.push(index === 0 ? row(event.index === marked ? '>' : ' ', clockTime(event.at), cells) : row(' ', '', cells));
    }
  }
  return lines;
}

const columnOf = (event: TraceEvent): NodeId => (event.node === '' ? WORLD : event.node);

function describe({ body }: TraceEvent): string {
  return printable(`${body.type} ${fieldsOf(body, ['type'])}`.trimEnd());
}

/** Breaks at spaces, and inside of words that are too long, and cuts with `~` what would take too many lines. */
function folded(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    // What goes on from the line above is indented.
    const indent = lines.length > 0 && line === '' ? '  ' : line === '' ? '' : ' ';
    line = `${line}${indent}${word}`;
    while (line.length > width) {
      lines.push(line.slice(0, width));
      line = `  ${line.slice(width)}`;
    }
  }
  lines.push(line);
  if (lines.length <= CELL_LINES_MAX) return lines;
  const last = lines[CELL_LINES_MAX - 1] ?? '';
  return [...lines.slice(0, CELL_LINES_MAX - 1), `${last.slice(0, width - 1)}~`];
}

/** The world first, then servers, then clients, then the rest; `n2` before `n10`. */
function byKindAndNumber(a: NodeId, b: NodeId): number {
  const key = (node: NodeId): readonly [number, string, number] => {
    const [, letters = node, digits = '0'] = /^(\D*)(\d*)$/.exec(node) ?? [];
    const rank = [WORLD, 'n', 'c'].indexOf(letters);
    return [rank === -1 ? 3 : rank, letters, Number(digits)];
  };
  const [rankA, lettersA, numberA] = key(a);
  const [rankB, lettersB, numberB] = key(b);
  if (rankA !== rankB) return rankA - rankB;
  if (lettersA !== lettersB) return lettersA < lettersB ? -1 : 1;
  return numberA - numberB;
}
