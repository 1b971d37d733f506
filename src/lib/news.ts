import { createHash } from 'node:crypto';

/** Memory in which threads that see the same thing agree which of them logs it. */
export type News = Int32Array<SharedArrayBuffer>;

export const allocateNews = (): News => new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

/** Whether no thread has said this since another thing was said. */
export function isNews(said: News, text: string): boolean {
  const digest = createHash('sha256').update(text).digest().readInt32LE();
  return Atomics.exchange(said, 0, digest) !== digest;
}

/** Lets the next text be news, also when it is the last one again. */
export const forgetNews = (said: News): void => {
  Atomics.store(said, 0, 0);
};
