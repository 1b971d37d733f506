import { DomainError } from '../../lib/failure.ts';
import { createGrowingBuffer, type GrowingBuffer } from '../../lib/growing-buffer.ts';

/** So much of a body is held until its model is found. */
export const HELD_BYTES = 32 * 1024 * 1024;
/** A body up to this size is read as a whole. Then it can be sent again, and needs one write. */
export const WHOLE_BYTES = 64 * 1024;
/** So much is held of all bodies together. */
const ALL_HELD_BYTES = 256 * 1024 * 1024;

/** What is held of one body. */
export type Hold = GrowingBuffer & Readonly<{ drop(): void }>;

/**
 * Opens holds that share one budget. Short bodies are free of it, so that long ones cannot keep them out.
 * A hold throws `overloaded` when the budget is used up.
 */
export function createHolds(budget = ALL_HELD_BYTES): () => Hold {
  let taken = 0;
  return () => {
    let counted = 0;
    let isOver = false;
    const open = () =>
      createGrowingBuffer(HELD_BYTES, (capacity) => {
        if (capacity <= 2 * WHOLE_BYTES) return;
        const more = capacity - counted;
        if (taken + more > budget)
          throw new DomainError({ code: 'overloaded', reason: 'bodies', retryAfter: 5 });
        taken += more;
        counted = capacity;
      });
    let buffer = open();
    return {
      add(piece) {
        if (!isOver) buffer.add(piece);
      },
      bytes: () => buffer.bytes(),
      drop() {
        isOver = true;
        taken -= counted;
        counted = 0;
        buffer = open();
      },
    };
  };
}
