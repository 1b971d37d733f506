import { createReadStream, statSync } from 'node:fs';
import { errorCode } from '../lib/error-code.ts';
import { missingFile, UnreadableFile } from './record.ts';

const CHUNK_BYTES = 256 * 1024;

export type OpenFile = Readonly<{
  /** @throws UnreadableFile */
  chunks: AsyncIterable<Uint8Array>;
  /** In bytes; undefined when the size says nothing about what can be read, as with a pipe. */
  size: number | undefined;
  /** Whether other users of the machine can read it. */
  isOpenToOthers: boolean;
}>;

/** @throws UnreadableFile */
export function openFile(path: string): OpenFile {
  try {
    const status = statSync(path);
    if (status.isDirectory()) throw new UnreadableFile('It is a directory.');
    return {
      chunks: chunksOf(path),
      size: status.isFile() ? status.size : undefined,
      isOpenToOthers: status.isFile() && (status.mode & 0o077) !== 0,
    };
  } catch (error) {
    throw asUnreadable(error);
  }
}

async function* chunksOf(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>;
  } catch (error) {
    throw asUnreadable(error);
  }
}

function asUnreadable(error: unknown): unknown {
  const code = errorCode(error);
  if (code === 'ENOENT') return missingFile();
  return code === undefined ? error : new UnreadableFile(`The file cannot be read (${code}).`);
}
