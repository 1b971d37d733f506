import { allocateOutages } from './outages.ts';

/** What all threads that serve one database share about it. */
export type DatabaseMemory = Readonly<{
  /** For `createOutages`. */
  outages: SharedArrayBuffer;
  /** SQLite: the device and the inode of the file that the first thread opened. */
  file: SharedArrayBuffer;
}>;

export const databaseMemory = (): DatabaseMemory => ({
  outages: allocateOutages(),
  file: new SharedArrayBuffer(2 * BigInt64Array.BYTES_PER_ELEMENT),
});
