import { createServer } from 'node:http';
import { VERIFIED } from './answer.ts';

/** The most that Node can do: one constant answer. */

const body = JSON.stringify(VERIFIED);
const headers = ['Content-Type', 'application/json', 'Content-Length', String(Buffer.byteLength(body))];

createServer((_request, response) => {
  response.writeHead(200, headers).end(body);
}).listen(Number(process.env.PORT), '127.0.0.1');
