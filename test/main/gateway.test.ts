import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { gatewayFile, gatewayProcess } from '../support/gateway.ts';
import { spawnProcess, startProcess, temporaryDirectory } from '../support/keyhearth.ts';
import { connectRaw } from '../support/raw.ts';

const GET = 'GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n';

async function takenPort(): Promise<number> {
  const occupant = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void occupant.close());
  await once(occupant, 'listening');
  return (occupant.address() as AddressInfo).port;
}

async function refusalOf(file: string, env: Record<string, string> = {}): Promise<string> {
  const { ended, stderr } = spawnProcess({
    KEYHEARTH_DATA_DIR: temporaryDirectory(),
    ...env,
    KEYHEARTH_GATEWAY_CONFIG: file,
  });
  expect(await ended).toBe(1);
  expect(stderr()).toMatch(/^keyhearth: [^\n]+\n$/);
  return stderr();
}

describe.each(['1', '2'])('with KEYHEARTH_WORKERS=%s, a start that fails', (workers) => {
  test('leaves the keys of the running gateway alone', async () => {
    const key = 'team-a-key-abc123-0123456789abcdef';
    const dataDir = temporaryDirectory();
    const running = await gatewayProcess(`api-keys: [${key}]\n`, { KEYHEARTH_DATA_DIR: dataDir });
    const refusal = await refusalOf(gatewayFile('api-keys: [another-key-0123456789abcdefghij]\n'), {
      ...{ KEYHEARTH_DATA_DIR: dataDir, KEYHEARTH_WORKERS: workers },
      PORT: new URL(running.origin).port,
    });
    expect(refusal).toContain('is in use');
    expect((await running.ask({ path: '/v1/models', key })).status).toBe(200);
  });
});

describe.each([
  ['one worker', { KEYHEARTH_WORKERS: '1' }],
  ['two workers', { KEYHEARTH_WORKERS: '2' }],
])('with %s', (_, env) => {
  test('the gateway has a port of its own, which the log names', async () => {
    const { ask, send, stdout, gatewayOrigin } = await gatewayProcess('', env);
    expect(stdout()).toContain(`The gateway listens on ${gatewayOrigin}`);
    const alone = { Connection: 'close' };
    for (let i = 0; i < 10; i++) {
      const answer = await ask({ path: '/auth/keys', headers: alone });
      expect(answer).toMatchObject({ status: 404, json: { error: { code: 'not_found' } } });
      expect((await send({ path: '/health', headers: alone })).status).toBe(200);
    }
  });

  test('a stop answers the requests at both ports', async () => {
    const process = await gatewayProcess('', env);
    const connections = await Promise.all(
      [process.origin, process.gatewayOrigin].map((at) => connectRaw(at)),
    );
    for (const raw of connections) {
      raw.write(GET);
      await raw.untilAnswers(1);
    }
    process.child.kill('SIGTERM');
    await expect.poll(process.stdout).toContain('finishing the requests in flight');
    for (const raw of connections) raw.write(GET);
    for (const raw of connections) {
      expect((await raw.untilAnswers(2))[1]).toMatchObject({ headers: { connection: 'close' } });
      expect(await raw.closed).toBeUndefined();
    }
    expect(await process.ended).toBe(0);
  });

  test('a port that is taken stops the start in a sentence that names the file', async () => {
    const file = gatewayFile();
    const port = await takenPort();
    writeFileSync(file, `port: ${port}\n`);
    const sentence = await refusalOf(file, env);
    expect(sentence).toContain(`Port ${port} on 127.0.0.1 is in use`);
    expect(sentence).toContain(`set port in ${file} to another`);
  });

  test('with an empty host, it listens on all addresses', async () => {
    const { gatewayOrigin } = await gatewayProcess(
      'host: ""\napi-keys: [client-key-of-this-test-with-32-characters]\n',
      env,
    );
    expect(gatewayOrigin).toMatch(/^http:\/\/0\.0\.0\.0:\d+$/);
    const local = gatewayOrigin.replace('0.0.0.0', '127.0.0.1');
    expect((await fetch(`${local}/v1/models`)).status).toBe(401);
  });

  test('an address that is not one of this machine stops it likewise', async () => {
    const file = gatewayFile('host: 192.0.2.1\nallow-unauthenticated-remote: true\n');
    expect(await refusalOf(file, env)).toContain(`set host in ${file} to one that is`);
  });
});

test('without the file there is no gateway, and its variables are a warning', async () => {
  const { stdout } = await startProcess({
    KEYHEARTH_DATA_DIR: temporaryDirectory(),
    KEYHEARTH_GATEWAY_NAME: 'other',
    MANAGEMENT_PASSWORD: 'of-another-program',
  });
  expect(stdout()).not.toContain('The gateway listens');
  expect(stdout()).toContain('KEYHEARTH_GATEWAY_NAME has no effect without KEYHEARTH_GATEWAY_CONFIG');
  expect(stdout()).not.toContain('MANAGEMENT_PASSWORD');
});

test('a new port in the file takes effect at the next start, and the log says so once', async () => {
  const { file, ask, stdout, child, ended } = await gatewayProcess('', { KEYHEARTH_WORKERS: '2' });
  const warning = `a change of port in ${file} takes effect at the next start`;
  writeFileSync(file, 'port: 8317\n');
  await expect.poll(stdout).toContain(warning);
  expect((await ask('/nowhere')).status).toBe(404);
  child.kill('SIGTERM');
  await ended;
  expect(stdout().split(warning)).toHaveLength(2);
});
