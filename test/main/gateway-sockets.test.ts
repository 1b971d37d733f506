import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { serve } from '../../src/serve.ts';
import { selfSigned } from '../support/certificate.ts';
import { gatewayFile, gatewayProcess } from '../support/gateway.ts';
import { temporaryDirectory } from '../support/keyhearth.ts';
import { openSocket, refusalOf, socketUpstream } from '../support/websockets.ts';

const KEY = 'declared-key-of-the-tests-0123456789';
const withKey = { headers: { Authorization: `Bearer ${KEY}` } };
/** Sockets, so that each worker gets some. */
const MANY = 12;

const fileFor = (upstream: string, key = KEY) =>
  `api-keys: [${key}]\ncodex-api-key: [{ api-key: upstream-key-0123456789, base-url: "${upstream}" }]\n`;

test('with two workers and TLS, sockets are passed on, and a key that leaves the file closes all of its own', async () => {
  const { cert, key } = selfSigned('gateway');
  const directory = temporaryDirectory();
  const paths = { cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem') };
  writeFileSync(paths.cert, cert);
  writeFileSync(paths.key, key);
  const tls = `tls: { enable: true, cert: "${paths.cert}", key: "${paths.key}" }\n`;
  const upstream = await socketUpstream();
  const { gatewayOrigin, file } = await gatewayProcess(`${tls}${fileFor(upstream.origin)}`, {
    KEYHEARTH_WORKERS: '2',
  });
  const options = { ca: cert };
  expect((await refusalOf(openSocket(gatewayOrigin, '/v1/ws', options))).status).toBe(401);
  const open = () => openSocket(gatewayOrigin, '/v1/ws', { ...withKey, ...options });
  const sockets = await Promise.all(Array.from({ length: MANY }, open));
  for (const { socket } of sockets) socket.send('hello');
  for (const { next } of sockets) expect(String((await next()).data)).toBe('hello');

  writeFileSync(file, `port: 0\n${tls}${fileFor(upstream.origin, 'another-key-of-the-tests-0123456789')}`);
  for (const { closed } of sockets) expect(await closed).toMatchObject({ code: 1008 });
});

test('a stop gives open sockets the time of requests in flight, and then closes them with 1001', async () => {
  const upstream = await socketUpstream();
  const env = {
    PORT: '0',
    KEYHEARTH_DATA_DIR: temporaryDirectory(),
    KEYHEARTH_GATEWAY_CONFIG: gatewayFile(fileFor(upstream.origin)),
  };
  const running = await serve(parseConfig(env), createLogger('silent', { write: () => undefined }));
  const { socket, next, closed } = await openSocket(running.gatewayAddress ?? '', '/v1/ws', withKey);
  const stopped = running.stop(3_000);
  socket.send('in time');
  expect(String((await next()).data)).toBe('in time');
  expect(await closed).toEqual({ code: 1001, reason: 'The gateway stops.' });
  await stopped;
});
