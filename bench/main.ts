/** `npm run bench [-- NAME...]`: prints each figure of ours beside its limit or peer. A figure below its aim is marked, never failed. */
import type { BenchRow } from './bench.js';
import { conformance } from './conformance.js';
import { databaseBench } from './database.js';
import { activation, failover, fullRun, invocations } from './kelpie.js';
import { linearizability } from './linearizability.js';
import { kernelAsync, kernelSync, peersTime, pingPong, seams } from './kernel.js';

const benches: Readonly<Record<string, () => Promise<BenchRow | readonly BenchRow[]>>> = {
  'kernel-sync': kernelSync,
  'kernel-async': kernelAsync,
  'peers-time': peersTime,
  'ping-pong': pingPong,
  seams,
  database: databaseBench,
  invocations,
  activation,
  failover,
  'full-run': fullRun,
  conformance,
  linearizability,
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in benches));
if (unknown.length > 0) {
  console.error(`no bench is called ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}`);
  process.exit(2);
}

const thousands = (n: number): string =>
  Math.round(n)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ' ');
const row = (...cells: readonly string[]): string =>
  cells.map((cell, i) => (i === 0 || i === 3 ? cell.padEnd(i === 0 ? 14 : 37) : cell.padStart(i === 2 ? 15 : i === 4 ? 12 : 13))).join(' ');

console.log(row('bench', 'ours', 'unit', 'against', 'theirs', 'ratio', 'aim'));
for (const [name, bench] of Object.entries(benches)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  for (const result of [await bench()].flat()) {
    const ratio = result.ours / result.theirs;
    const less = result.lessIsBetter === true;
    const reached = less ? ratio <= result.aim : ratio >= result.aim;
    const mark = reached ? '' : `  ${less ? 'above' : 'below'} its aim`;
    console.log(
      row(
        result.bench,
        thousands(result.ours),
        result.unit,
        result.against,
        thousands(result.theirs),
        `${ratio.toFixed(2)}x`,
        `${less ? '<=' : '>='} ${result.aim}x`,
      ) + mark,
    );
  }
}
