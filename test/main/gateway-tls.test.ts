import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Pem, selfSigned } from '../support/certificate.ts';
import { gatewayFile, gatewayProcess } from '../support/gateway.ts';
import { spawnProcess, temporaryDirectory } from '../support/keyhearth.ts';
import { answerOver, MANY, namesAt, openTls as open, writePair } from '../support/tls.ts';

const tlsSection = (directory: string) =>
  `tls: { enable: true, cert: "${join(directory, 'cert.pem')}", key: "${join(directory, 'key.pem')}" }\n`;

async function start(pair: Pem, env: Record<string, string> = {}) {
  const directory = temporaryDirectory();
  writePair(directory, pair);
  const running = await gatewayProcess(tlsSection(directory), env);
  const linesWith = (text: string) =>
    running
      .stdout()
      .split('\n')
      .filter((line) => line.includes(text));
  return { ...running, directory, linesWith };
}

test('the gateway serves over TLS, and follows its certificate on each worker without closing a connection', async () => {
  const [first, second] = [selfSigned('first'), selfSigned('second')];
  const { gatewayOrigin, directory, linesWith, child, ended } = await start(first, {
    KEYHEARTH_WORKERS: '2',
  });
  expect(gatewayOrigin).toMatch(/^https:/);
  const sockets = await Promise.all(Array.from({ length: MANY }, () => open(gatewayOrigin, first)));
  for (const socket of sockets) expect(await answerOver(socket)).toMatch(/^HTTP\/1\.1 404 /);

  writePair(directory, second);
  await expect.poll(() => namesAt(gatewayOrigin)).toEqual(['second']);
  for (const socket of sockets) expect(await answerOver(socket)).toMatch(/^HTTP\/1\.1 404 /);
  expect(await answerOver(await open(gatewayOrigin, second))).toMatch(/^HTTP\/1\.1 404 /);
  child.kill('SIGTERM');
  await ended;
  expect(linesWith('was reloaded')).toHaveLength(1);
});

test('a symbolic link that leads elsewhere is a new certificate, as in Kubernetes', async () => {
  const directory = temporaryDirectory();
  for (const name of ['first', 'second']) {
    mkdirSync(join(directory, name));
    writePair(join(directory, name), selfSigned(name));
  }
  symlinkSync('first', join(directory, '..data'));
  for (const name of ['cert.pem', 'key.pem']) symlinkSync(`..data/${name}`, join(directory, name));
  const { gatewayOrigin } = await gatewayProcess(tlsSection(directory));
  expect(await namesAt(gatewayOrigin)).toEqual(['first']);
  symlinkSync('second', join(directory, '..data_tmp'));
  renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
  await expect.poll(() => namesAt(gatewayOrigin)).toEqual(['second']);
});

test('a broken certificate leaves the last one in force, and the log says so once', async () => {
  const running = await start(selfSigned('first'), { KEYHEARTH_WORKERS: '2' });
  const { gatewayOrigin, directory, linesWith, child, ended } = running;
  const { cert } = selfSigned('other');
  writeFileSync(join(directory, 'cert.pem'), cert);
  await expect.poll(() => linesWith('does not belong to the certificate')).toHaveLength(1);
  expect(await namesAt(gatewayOrigin)).toEqual(['first']);
  writePair(directory, selfSigned('second'));
  await expect.poll(() => namesAt(gatewayOrigin)).toEqual(['second']);
  child.kill('SIGTERM');
  await ended;
  expect(linesWith('was not reloaded')).toHaveLength(1);
});

test('a stop answers over TLS, and waits for no client that asks nothing', async () => {
  const pair = selfSigned('first');
  const { gatewayOrigin, child, ended, stdout } = await start(pair);
  const port = Number(new URL(gatewayOrigin).port);
  const silent = connectPlain(port, '127.0.0.1');
  onTestFinished(() => void silent.destroy());
  await open(gatewayOrigin, pair);
  const used = await open(gatewayOrigin, pair);
  await answerOver(used);
  const signalled = performance.now();
  child.kill('SIGTERM');
  await expect.poll(stdout).toContain('finishing the requests in flight');
  expect(await answerOver(used)).toContain('Connection: close');
  expect(await ended).toBe(0);
  expect(performance.now() - signalled).toBeLessThan(9_000);
});

test.each<[string, Partial<Pem>, RegExp]>([
  ['no certificate', { cert: 'nothing' }, /cert\.pem is not a certificate in PEM format/],
  ['no key', { key: 'nothing' }, /key\.pem is not a private key in PEM format/],
  ['the key of another', { key: selfSigned('other').key }, /key\.pem does not belong to the certificate in/],
])('a certificate that cannot be used stops the start in a sentence: %s', async (_, change, sentence) => {
  const directory = temporaryDirectory();
  writePair(directory, { ...selfSigned('first'), ...change });
  expect(await refusalOf(directory)).toMatch(sentence);
});

test('so does a file that is missing', async () => {
  expect(await refusalOf(temporaryDirectory())).toMatch(
    /cert\.pem cannot be read \(ENOENT\); correct the path/,
  );
});

async function refusalOf(directory: string): Promise<string> {
  const file = gatewayFile(tlsSection(directory));
  const { ended, stderr } = spawnProcess({
    KEYHEARTH_DATA_DIR: temporaryDirectory(),
    KEYHEARTH_GATEWAY_CONFIG: file,
  });
  expect(await ended).toBe(1);
  expect(stderr()).toMatch(/^keyhearth: [^\n]+\n$/);
  expect(stderr()).toContain(`tls in ${file}: `);
  return stderr();
}
