import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { onTestFinished } from 'vitest';
import type { Pem } from './certificate.ts';

const GET = 'GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n';

/** Connections, so that each worker gets some. */
export const MANY = 12;

/** Writes `cert.pem` and `key.pem` as a program that renews them does. */
export function writePair(directory: string, { cert, key }: Pem): void {
  for (const [name, content] of Object.entries({ 'cert.pem': cert, 'key.pem': key })) {
    writeFileSync(join(directory, `${name}.new`), content);
    renameSync(join(directory, `${name}.new`), join(directory, name));
  }
}

/** A connection to a server with this certificate. */
export async function openTls(origin: string, trusted: Pem): Promise<TLSSocket> {
  const socket = connect({ port: Number(new URL(origin).port), host: '127.0.0.1', ca: trusted.cert });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

/** The answer to a request for a path that does not exist. */
export async function answerOver(socket: TLSSocket): Promise<string> {
  socket.write(GET);
  const [chunk] = await once(socket, 'data');
  return String(chunk);
}

/** The names of the certificates that many new connections see. */
export async function namesAt(origin: string): Promise<string[]> {
  const names = new Set<string>();
  for (let i = 0; i < MANY; i++) {
    const options = { port: Number(new URL(origin).port), host: '127.0.0.1', rejectUnauthorized: false };
    const socket = connect(options);
    await once(socket, 'secureConnect');
    names.add(String(socket.getPeerCertificate().subject.CN));
    socket.destroy();
  }
  return [...names].sort();
}
