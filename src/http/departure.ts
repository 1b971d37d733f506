import type { Socket } from 'node:net';

/** So much may arrive before it is time for it. */
const MAX_EARLY_BYTES = 64 * 1024;

/** Destroys a connection that Node still reads, when its client ends it. @returns stops the watch */
export function watchEnd(socket: Socket): () => void {
  const leave = () => void socket.destroy();
  if (socket.readableEnded) leave();
  socket.once('end', leave);
  socket.resume();
  return () => void socket.off('end', leave);
}

/**
 * Reads a connection that nothing else reads, because its end shows only then, and destroys it when its client ends it.
 * @returns stops the watch, and puts back what has arrived
 */
export function watchUnread(socket: Socket): () => void {
  const early: Buffer[] = [];
  let length = 0;
  const keep = (chunk: Buffer) => {
    early.push(chunk);
    length += chunk.length;
    if (length > MAX_EARLY_BYTES) socket.destroy();
  };
  socket.on('data', keep);
  // A connection that was paused would count as one that is read already.
  socket.push('');
  const stop = watchEnd(socket);
  return () => {
    stop();
    socket.off('data', keep).pause();
    const chunks = early.splice(0);
    if (chunks.length > 0 && !socket.destroyed) socket.unshift(Buffer.concat(chunks));
  };
}
