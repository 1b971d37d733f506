import { createServer } from 'node:http';
import { Agent, type Dispatcher } from 'undici';

/** The same proxying in a few lines: no keys, no choice of an upstream, no limits, no log. */

const agent = new Agent({ allowH2: false });
const origin = process.env.BENCH_UPSTREAM ?? '';

createServer((request, response) => {
  if (request.method === 'GET' && request.url === '/') return void response.end('ready');
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { host: _, connection: __, 'content-length': ___, ...headers } = request.headers;
    agent.dispatch(
      {
        origin,
        path: request.url ?? '/',
        method: request.method as Dispatcher.HttpMethod,
        headers,
        body: Buffer.concat(chunks),
      },
      {
        onRequestStart(controller) {
          response.on('drain', () => controller.resume());
          response.on('close', () => {
            if (!response.writableFinished) controller.abort(new Error('the client went away'));
          });
        },
        onResponseStart(_controller, status, answered) {
          const { connection: _c, 'keep-alive': _k, 'transfer-encoding': _t, ...passed } = answered;
          response.writeHead(status, passed);
        },
        onResponseData(controller, chunk) {
          if (!response.write(chunk)) controller.pause();
        },
        onResponseEnd: () => void response.end(),
        onResponseError: () => void response.destroy(),
      },
    );
  });
}).listen(Number(process.env.PORT), '127.0.0.1');
