/** The file system is mounted read-only after an error, as ext4 does: reads go on, everything that changes it is EROFS, opening to write too. */
import type { DiskEvent, DiskOperation } from '../../src/sim/seams.js';
import { judging } from '../fault.js';
import { LONG_EPISODE, parameters, servers } from '../parameters.js';

const CHANGES: ReadonlySet<DiskOperation> = new Set<DiskOperation>(['write', 'truncate', 'rename', 'remove', 'make-directory']);

const changes = ({ operation, mode = 'read' }: DiskEvent): boolean => CHANGES.has(operation) || (operation === 'open' && mode !== 'read');

export const readOnly = judging('disk', {
  id: 'disk/read-only',
  summary: 'disks become read-only (EROFS)',
  needs: ['disk'],
  core: true,
  ...parameters({ nodes: servers() }, LONG_EPISODE),
  judge: (event, params) => (changes(event) && params.nodes.includes(event.node) ? { kind: 'fail', code: 'EROFS' } : undefined),
});
