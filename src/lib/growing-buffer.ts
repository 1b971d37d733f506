/**
 * Collects pieces of bytes. Many small pieces take little more memory than their bytes: an object of its own for each
 * byte takes hundreds.
 */
export type GrowingBuffer = Readonly<{
  add(piece: Buffer): void;
  /** What was added so far. */
  bytes(): Buffer;
}>;

const SMALLEST = 4_096;

/**
 * @param limit how many bytes are added at most
 * @param onGrow gets the memory that the next buffer takes, and may throw
 */
export function createGrowingBuffer(
  limit: number,
  onGrow: (capacity: number) => void = () => undefined,
): GrowingBuffer {
  let buffer: Buffer | undefined;
  let size = 0;

  function growTo(needed: number, current: Buffer): Buffer {
    const capacity = Math.max(needed, Math.min(2 * needed, limit), Math.min(SMALLEST, limit));
    onGrow(capacity);
    const grown = Buffer.allocUnsafeSlow(capacity);
    current.copy(grown, 0, 0, size);
    return grown;
  }

  return {
    add(piece) {
      const needed = size + piece.length;
      // Most bodies are one piece, which needs no copy.
      if (!buffer) buffer = piece;
      else {
        if (needed > buffer.length) buffer = growTo(needed, buffer);
        piece.copy(buffer, size);
      }
      size = needed;
    },
    bytes: () => (buffer ? buffer.subarray(0, size) : Buffer.alloc(0)),
  };
}
