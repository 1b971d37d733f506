/** The largest message, in bytes. It is as large as the largest JSON body. */
const MAX_MESSAGE_BYTES = 32 * 1024 * 1024;

/** Each fragment takes about 200 bytes of memory beside its content. */
const MAX_FRAGMENTS = 2_048;

/** A side has so long to answer that the WebSocket is to be closed. */
const CLOSE_MS = 5_000;

/**
 * The options of both sides. Messages are not compressed: that takes up to 300 KB for each socket, and a small message
 * could grow to a large one. Most messages of a model are a few words.
 */
export const SOCKET_OPTIONS = {
  maxPayload: MAX_MESSAGE_BYTES,
  maxFragments: MAX_FRAGMENTS,
  perMessageDeflate: false,
  closeTimeout: CLOSE_MS,
} as const;
