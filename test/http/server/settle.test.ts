import { expect, test } from 'vitest';
import { listen } from '../../../src/http/server/listen.ts';
import { createLogger } from '../../../src/lib/logger.ts';
import { connectRaw } from '../../support/raw.ts';

test('a stop waits for the handler of a request whose connection it cuts off', async () => {
  const steps: string[] = [];
  const begun = Promise.withResolvers<void>();
  const finished = Promise.withResolvers<void>();
  const application = {
    requestLog: { answered: () => undefined, close: () => undefined },
    resolveClient: () => ({ address: 'unknown', lockoutKey: undefined, ip: undefined }),
    fast: () => false,
    async fetch() {
      begun.resolve();
      await finished.promise;
      steps.push('the handler');
      return new Response('late');
    },
  };
  const logger = createLogger('silent', { write: () => undefined });
  const server = await listen(application, { host: '127.0.0.1', port: 0, isShared: false }, logger);
  const raw = await connectRaw(`http://127.0.0.1:${server.address.port}`);
  raw.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await begun.promise;
  const stopped = server.stop(0).then(() => steps.push('the stop'));
  await raw.closed;
  setTimeout(finished.resolve, 50);
  await stopped;
  expect(steps).toEqual(['the handler', 'the stop']);
});
