import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Reservation } from './byte-budget.ts';

/** A message up to this size is free of the budget, so that long ones cannot keep it out. */
const FREE_BYTES = 128 * 1024;
/** What a piece from the network takes beside its bytes. Without it, pieces of one byte would be nearly free. */
const PIECE_BYTES = 512;
/** A message has so long to arrive, and longer while it comes at this pace. */
const TOTAL_MS = 60_000;
const BYTES_PER_MS = 32;

/** The header of a ping or pong. The client sends a mask with it. */
const CONTROL_HEADER_BYTES = { client: 6, upstream: 2 };

/** Counts what one side of a WebSocket keeps in memory. */
export type Meter = Readonly<{
  /** A message is whole. It counts until the function that this returns is called. */
  hold(bytes: number): () => void;
  /** The message that arrives takes too long. */
  isLate(): boolean;
}>;

const nothing = () => undefined;

/**
 * Counts the bytes that arrive until their message is whole, because the WebSocket itself does not say how many it
 * keeps. Pings and pongs may come between, and belong to no message.
 * @param connection what the socket reads; it must have got its first listener from the socket
 * @param onFull is called when the budget has no place for what has arrived
 */
export function meter(
  from: keyof typeof CONTROL_HEADER_BYTES,
  socket: WebSocket,
  connection: Socket,
  reservation: Reservation,
  onFull: () => void,
): Meter {
  /** Of the message that arrives: its own bytes, and the memory with what came between. */
  let content = 0;
  let memory = 0;
  let start = 0;
  let control = 0;
  let hasEnded = false;
  /** Of whole messages that the other side has not taken. */
  let unsent = 0;

  const reserve = () => reservation.resize(unsent + (memory > FREE_BYTES ? memory : 0));

  function forget(): void {
    content = 0;
    memory = 0;
  }

  function count({ length }: Buffer): void {
    content += length - control;
    control = 0;
    // One piece may also have the beginning of the next message. That is at most 64 KiB, and is not counted.
    if (hasEnded || content <= 0) forget();
    else {
      if (memory === 0) start = performance.now();
      memory += length + PIECE_BYTES;
    }
    hasEnded = false;
    if (!reserve()) onFull();
  }

  const countControl = ({ length }: Buffer) => {
    control += CONTROL_HEADER_BYTES[from] + length;
  };
  socket.on('ping', countControl).on('pong', countControl);
  connection.on('data', count);
  socket.on('close', () => {
    connection.off('data', count);
    forget();
    reserve();
  });

  return {
    hold(bytes) {
      hasEnded = true;
      forget();
      const counted = bytes > FREE_BYTES ? bytes : 0;
      unsent += counted;
      reserve();
      if (counted === 0) return nothing;
      return () => {
        unsent -= counted;
        reserve();
      };
    },
    isLate: () => memory > 0 && performance.now() - start > TOTAL_MS + content / BYTES_PER_MS,
  };
}
