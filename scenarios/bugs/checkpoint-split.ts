/** A checkpoint gets its name before its data are on the disk: a crash in between leaves a pointer to something that is not whole. */
import type { CheckpointParts } from '../../src/kelpie/checkpoint.js';
import { writeFully } from '../../src/ports.js';
import { kelpieBug } from './bug.js';

const nameThenSync: CheckpointParts['publish'] = async (disk, directory, path, bytes) => {
  const draft = `${path}.draft`;
  const file = await disk.open(draft, 'write');
  try {
    await file.truncate(0);
    await writeFully(file, 0, bytes);
    await disk.rename(draft, path);
    await disk.syncDirectory(directory);
    await file.sync();
  } finally {
    await file.close();
  }
};

export const checkpointSplit = kelpieBug({
  id: 'checkpoint-split',
  summary: 'pointer and data of a checkpoint become visible in two steps',
  spec: { module: 'KelpieCheckpoint', config: 'SplitCheckpoint' },
  parts: ({ checkpoint }) => ({ checkpoint: { ...checkpoint, publish: nameThenSync } }),
});
