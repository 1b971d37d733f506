import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Pem, selfSigned } from '../support/certificate.ts';
import { parseExposition } from '../support/exposition.ts';
import { client, sendRaw } from '../support/http.ts';
import { spawnProcess, startProcess, temporaryDirectory } from '../support/keyhearth.ts';
import { answerOver, MANY, namesAt, openTls, writePair } from '../support/tls.ts';

/** As test/support/certificate.ts makes them. */
const DAYS_VALID = 30;

const variables = (directory: string) => ({
  KEYHEARTH_DATA_DIR: temporaryDirectory(),
  KEYHEARTH_TLS_CERT: join(directory, 'cert.pem'),
  KEYHEARTH_TLS_KEY: join(directory, 'key.pem'),
});

async function start(pair: Pem, env: Record<string, string> = {}) {
  const directory = temporaryDirectory();
  writePair(directory, pair);
  return { ...(await startProcess({ ...variables(directory), ...env })), directory };
}

test('the main port serves over TLS, and follows its certificate on each worker without closing a connection', async () => {
  const [first, second] = [selfSigned('first'), selfSigned('second')];
  const { origin, directory, child, stdout, ended } = await start(first, {
    ...{ KEYHEARTH_WORKERS: '2', KEYHEARTH_METRICS_LISTEN: '127.0.0.1:0' },
  });
  expect(origin).toMatch(/^https:/);
  const sockets = await Promise.all(Array.from({ length: MANY }, () => openTls(origin, first)));
  for (const socket of sockets) expect(await answerOver(socket)).toMatch(/^HTTP\/1\.1 401 /);
  expect(await sendRaw(origin, 'GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n')).not.toContain(' 200 ');

  writePair(directory, second);
  await expect.poll(() => namesAt(origin)).toEqual(['second']);
  for (const socket of sockets) expect(await answerOver(socket)).toMatch(/^HTTP\/1\.1 401 /);
  const [, metrics = ''] = /"metrics":"([^"]+)"/.exec(stdout()) ?? [];
  const { samples } = parseExposition((await client(metrics)('/metrics')).text, false);
  const expiry = samples.get('keyhearth_certificate_expiry_timestamp_seconds{port="core"}') ?? 0;
  expect(Math.abs(expiry - Date.now() / 1_000 - DAYS_VALID * 86_400)).toBeLessThan(3_600);
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(stdout().split('the certificate was reloaded')).toHaveLength(2);
});

test('each SIGHUP reads the certificate at once, and says what is wrong with it; the last one stays', async () => {
  const { origin, directory, child, stdout } = await start(selfSigned('first'), { KEYHEARTH_WORKERS: '2' });
  writeFileSync(join(directory, 'cert.pem'), selfSigned('other').cert);
  const problems = () =>
    stdout().split('the certificate was not reloaded, and the last one stays').length - 1;
  for (const times of [1, 2]) {
    child.kill('SIGHUP');
    await expect.poll(problems).toBe(times);
  }
  expect(await namesAt(origin)).toEqual(['first']);
  writePair(directory, selfSigned('second'));
  child.kill('SIGHUP');
  await expect.poll(() => namesAt(origin)).toEqual(['second']);
});

async function refusalWith(env: Record<string, string>): Promise<string> {
  const { ended, stderr } = spawnProcess(env);
  expect(await ended).toBe(1);
  return stderr();
}

test('a certificate that cannot be used, and one without its key, stop the start in a sentence', async () => {
  const directory = temporaryDirectory();
  writePair(directory, { ...selfSigned('first'), key: selfSigned('other').key });
  const env = variables(directory);
  expect(await refusalWith(env)).toMatch(
    /^keyhearth: KEYHEARTH_TLS_CERT and KEYHEARTH_TLS_KEY: The key in .*key\.pem does not belong to/,
  );
  const { KEYHEARTH_TLS_KEY: _, ...withoutKey } = env;
  expect(await refusalWith(withoutKey)).toBe(
    'keyhearth: KEYHEARTH_TLS_CERT and KEYHEARTH_TLS_KEY belong together; set both or none.\n',
  );
});
