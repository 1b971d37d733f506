import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { gatewayService } from '../../support/gateway.ts';
import { service } from '../../support/keyhearth.ts';

const SECRET = 'client-key-of-this-test';

test('the health says what is wrong with the file of the gateway, and stays 200', async () => {
  const { send, file } = await gatewayService(`api-keys: ["${SECRET}"]\n`);
  const health = async () => (await send('/health')).json;
  expect(await health()).toEqual({ status: 'ok', gateway: { status: 'ok' } });

  writeFileSync(file, `port: 0\napi-keys: ["${SECRET}"]\nws-auth: perhaps\n`);
  await expect.poll(async () => (await health()).gateway.status).toBe('invalid_file');
  const { status, gateway } = await health();
  expect(status).toBe('ok');
  expect(gateway.error).toMatch(/\b3\b.*ws-auth/);
  expect(gateway.error).not.toMatch(/perhaps|client-key/);

  writeFileSync(file, `port: 0\napi-keys: ["${SECRET}"]\nws-auth: false\n`);
  await expect.poll(health).toEqual({ status: 'ok', gateway: { status: 'ok' } });
});

test('without a gateway it says nothing of one', async () => {
  const { send } = await service();
  expect((await send('/health')).json).toEqual({ status: 'ok' });
});
