/** The sequence of a checkpoint is claimed by an empty file of that number; the data come afterwards, or never. */
import type { CheckpointParts } from '../../src/kelpie/checkpoint.js';
import { kelpieBug } from './bug.js';

const claimTheNumber =
  (publish: CheckpointParts['publish']): CheckpointParts['publish'] =>
  async (disk, directory, path, bytes) => {
    await (await disk.open(path, 'write')).close();
    await disk.syncDirectory(directory);
    await publish(disk, directory, path, bytes);
  };

export const checkpointSequenceFirst = kelpieBug({
  id: 'checkpoint-sequence-first',
  summary: 'the sequence of a checkpoint advances before its data are stored',
  spec: { module: 'KelpieCheckpoint', config: 'SequenceFirst' },
  parts: ({ checkpoint }) => ({ checkpoint: { ...checkpoint, publish: claimTheNumber(checkpoint.publish) } }),
});
