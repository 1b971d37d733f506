import { createServer } from 'node:http';

/** A model provider that answers at once: a chat of constant length, or a stream whose events the client asks for. */

const body = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1_700_000_000,
  model: 'bench',
  choices: [
    { index: 0, message: { role: 'assistant', content: 'Hello. '.repeat(40) }, finish_reason: 'stop' },
  ],
  usage: { prompt_tokens: 80, completion_tokens: 80, total_tokens: 160 },
});
const headers = ['Content-Type', 'application/json', 'Content-Length', String(Buffer.byteLength(body))];

const EVENT = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'Hello' } }] })}\n\n`;
/** A stream is this long, and one event comes in this time. */
const EVENTS = Number(process.env.BENCH_EVENTS ?? 20);
const EVERY_MS = Number(process.env.BENCH_EVERY_MS ?? 50);

createServer((request, response) => {
  request.resume();
  if (!request.url?.endsWith('/stream')) return void response.writeHead(200, headers).end(body);
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  let left = EVENTS;
  const send = () => {
    response.write(EVENT);
    left--;
    if (left === 0) end();
  };
  const timer = setInterval(send, EVERY_MS);
  const end = () => {
    clearInterval(timer);
    response.end();
  };
  response.on('close', () => clearInterval(timer));
  send();
}).listen(Number(process.env.PORT), '127.0.0.1');
