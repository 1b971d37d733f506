/** The settings of one key fit several times. */
export const MAX_LINE_BYTES = 64 * 1024;

const NEWLINE = 0x0a;

/** A line without its end; undefined when it is too long. */
export type Line = Readonly<{ number: number; bytes: Buffer | undefined }>;

/** Splits a stream at its newlines. It holds one line at most, however long the lines are. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  let number = 1;
  let kept: Buffer[] = [];
  let length = 0;

  function keep(part: Buffer): void {
    length += part.length;
    if (length <= MAX_LINE_BYTES) kept.push(part);
    else kept = [];
  }

  function finish(): Line {
    const bytes = length > MAX_LINE_BYTES ? undefined : Buffer.concat(kept);
    const line = { number: number++, bytes };
    kept = [];
    length = 0;
    return line;
  }

  for await (const chunk of chunks) {
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    for (;;) {
      const end = buffer.indexOf(NEWLINE, start);
      if (end === -1) break;
      keep(buffer.subarray(start, end));
      yield finish();
      start = end + 1;
    }
    // A chunk may be used again by its stream.
    if (start < buffer.length) keep(Buffer.from(buffer.subarray(start)));
  }
  if (length > 0) yield finish();
}
