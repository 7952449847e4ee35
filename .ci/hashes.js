/** `node .ci/hashes.js FIRST LAST auto|fallback` prints a line for each seed: seed, verdict and trace hash of the default scenario. */
import { catalogue } from '../dist/runner/catalogue.js';
import { draw } from '../dist/runner/draw.js';
import { simulate } from '../dist/src/sim/simulate.js';

const [first, last, drain] = process.argv.slice(2);
const scenario = catalogue.scenarios.find(({ id }) => id === 'kelpie-cluster');
for (let seed = Number(first); seed <= Number(last); seed++) {
  const { run } = await simulate(draw(seed, scenario, catalogue), { scenario, faults: catalogue.faults, drain });
  console.log(`${seed} ${run.verdict} ${run.traceHash}`);
}
