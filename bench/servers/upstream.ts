import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

/** A model provider that answers at once: a chat of constant length, a stream of a second or a long one, a WebSocket. */

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
const SHORT = { events: 20, everyMs: 50 };
const LONG = { events: 120, everyMs: 1_000 };

const server = createServer((request, response) => {
  request.resume();
  if (!request.url?.endsWith('/stream')) {
    response.writeHead(200, headers).end(body);
    return;
  }
  const { events, everyMs } = request.url.includes('/long/') ? LONG : SHORT;
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  let left = events;
  const send = () => {
    response.write(EVENT);
    left--;
    if (left === 0) response.end();
  };
  const timer = setInterval(send, everyMs);
  response.on('close', () => clearInterval(timer));
  send();
});
new WebSocketServer({ server });
server.listen(Number(process.env.PORT), '127.0.0.1');
