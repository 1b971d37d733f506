import { DomainError } from '../../lib/failure.ts';
import { createGrowingBuffer, type GrowingBuffer } from '../../lib/growing-buffer.ts';
import type { Reservation } from './byte-budget.ts';

/** So much of a body is held until its model is found. */
export const HELD_BYTES = 32 * 1024 * 1024;
/** A body up to this size is read as a whole. Then it can be sent again, and needs one write. */
export const WHOLE_BYTES = 64 * 1024;

/** What is held of one body. */
export type Hold = GrowingBuffer & Readonly<{ drop(): void }>;

/**
 * Opens what keeps a body. Short bodies are free of the budget, so that long ones cannot keep them out.
 * A hold throws `overloaded` when the budget has no place.
 */
export function openHold(reservation: Reservation): Hold {
  let isOver = false;
  const open = () =>
    createGrowingBuffer(HELD_BYTES, (capacity) => {
      if (capacity > 2 * WHOLE_BYTES && !reservation.resize(capacity))
        throw new DomainError({ code: 'overloaded', reason: 'bodies', retryAfter: 5 });
    });
  let buffer = open();
  return {
    add(piece) {
      if (!isOver) buffer.add(piece);
    },
    bytes: () => buffer.bytes(),
    drop() {
      isOver = true;
      reservation.resize(0);
      buffer = open();
    },
  };
}
