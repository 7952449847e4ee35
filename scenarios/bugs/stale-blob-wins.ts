/**
 * Deactivation saves the state as a blob beside what invocations commit, and activation prefers the blob: after a crash, which writes
 * none, the one of an earlier deactivation wins over everything that was committed since.
 */
import type { SaveOnDeactivate } from '../../src/kelpie/activation.js';
import type { ActorKey } from '../../src/kelpie/ids.js';
import { fromUtf8, utf8 } from '../../src/kelpie/json.js';
import { type LoadActor, sealState } from '../../src/kelpie/memory.js';
import { readSealed, writeSealed } from '../../src/kelpie/sealed.js';
import { inTransaction } from '../../src/kelpie/store.js';
import type { Bytes } from '../../src/ports.js';
import { kelpieBug } from './bug.js';

const blobKey = (actor: ActorKey): Bytes => utf8(`kelpie/blobs/${actor}`);
const blobChunks = (actor: ActorKey): Bytes => utf8(`kelpie/blobs-chunks/${actor}/`);

const savingBlobs =
  (deactivate: SaveOnDeactivate): SaveOnDeactivate =>
  async (access) => {
    const outcome = await deactivate(access);
    const { runtime, held, memory } = access;
    const { key } = held.actor;
    const { committed } = memory;
    if (committed === undefined) return outcome;
    try {
      await inTransaction(runtime, `blob of ${key}`, async (transaction) =>
        writeSealed(transaction, blobKey(key), () => blobChunks(key), sealState(committed), true),
      );
    } catch {
      // The state is committed already.
    }
    return outcome;
  };

const preferringBlobs =
  (load: LoadActor): LoadActor =>
  async (runtime, held) => {
    const loaded = await load(runtime, held);
    const { key } = held.actor;
    const { value: blob } = await inTransaction(runtime, `blob of ${key}`, (transaction) =>
      readSealed(transaction, runtime.parts.readValue, blobKey(key), () => blobChunks(key), `blob of ${key}`),
    );
    return blob === undefined ? loaded : { head: loaded.head, text: fromUtf8(blob.value), checksum: blob.checksum };
  };

export const staleBlobWins = kelpieBug({
  id: 'stale-blob-wins',
  summary: 'after a crash the blob of an old deactivation overrides newer state',
  parts: ({ load, deactivate }) => ({ load: preferringBlobs(load), deactivate: savingBlobs(deactivate) }),
});
