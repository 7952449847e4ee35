/** An activation that cannot read its actor begins with a fresh one. The next commit writes that over the real state. */
import { KelpieError } from '../../src/kelpie/errors.js';
import { EMPTY_HEAD } from '../../src/kelpie/records.js';
import { kelpieBug } from './bug.js';

export const defaultStateOnReadError = kelpieBug({
  id: 'default-state-on-read-error',
  summary: 'an activation whose read fails goes on with a default state',
  spec: { module: 'KelpieAgentService', config: 'DefaultOnReadError' },
  parts: ({ load }) => ({
    async load(runtime, held) {
      try {
        return await load(runtime, held);
      } catch (error) {
        if (!(error instanceof KelpieError) || error.code === 'corrupted') throw error;
        return { head: EMPTY_HEAD, text: undefined, checksum: null };
      }
    },
  }),
});
