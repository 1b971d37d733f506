import { hash } from 'node:crypto';
import type { RequestListener } from 'node:http';

/** The same little work for threads and for processes: a digest of a header, and JSON. */
export const handler: RequestListener = (request, response) => {
  const digest = hash('sha256', String(request.headers['x-api-key']), 'base64');
  const body = JSON.stringify({ valid: true, key: { id: 1, digest } });
  response
    .writeHead(200, ['Content-Type', 'application/json', 'Content-Length', String(body.length)])
    .end(body);
};
