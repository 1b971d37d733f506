import type { IncomingMessage } from 'node:http';
import type { Failure } from '../../lib/failure.ts';

/** What a client asks for when it opens a WebSocket. */
export type Handshake = Readonly<{ protocols: readonly string[] }>;

export type BadHandshake = Readonly<{ failure: Failure; headers?: Readonly<Record<string, string>> }>;

const KEY = /^[+/\da-z]{22}==$/i;
const TOKEN = /^[!#$%&'*+\-.^_`|~\w]+$/;

/** Some pages carry the key of the client in a subprotocol, since a browser sends no other header. */
const CARRIES_KEY = /^openai-insecure-api-key\./;

/** Checks the request for a WebSocket (RFC 6455, section 4.2.1). @returns what to answer when it is not valid */
export function readHandshake({ method, headers }: IncomingMessage): Handshake | BadHandshake {
  if (method !== 'GET') return { failure: { code: 'method_not_allowed', allow: ['GET'] } };
  if (headers['sec-websocket-version'] !== '13')
    return { failure: { code: 'http_error', status: 426 }, headers: { 'Sec-WebSocket-Version': '13' } };
  const protocols = (headers['sec-websocket-protocol']?.split(',') ?? []).map((each) => each.trim());
  const isValid = protocols.every((each) => TOKEN.test(each)) && new Set(protocols).size === protocols.length;
  if (!KEY.test(headers['sec-websocket-key'] ?? '') || !isValid)
    return { failure: { code: 'http_error', status: 400 } };
  return { protocols: protocols.filter((each) => !CARRIES_KEY.test(each)) };
}
