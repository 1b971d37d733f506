import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { gatewayService } from '../support/gateway.ts';
import { temporaryDirectory } from '../support/keyhearth.ts';

const text = readFileSync(join(import.meta.dirname, '../../deploy/gateway/config.yaml'), 'utf8');

/** Without what a test must not touch: the port, and the directory of the home. */
const here = (file: string) =>
  file
    .replace(/^port: .*$/m, '')
    .replace(/^auth-dir: .*$/m, `auth-dir: ${JSON.stringify(temporaryDirectory())}`);

test('the gateway starts on deploy/gateway/config.yaml, and takes its key', async () => {
  const { ask, log } = await gatewayService(here(text));
  const key = /^ {2}- "(.*)" # laptop$/m.exec(text)?.[1];
  expect((await ask({ path: '/v1/models', key: key ?? '' })).json).toMatchObject({
    object: 'list',
    data: [],
  });
  expect((await ask({ path: '/v1/models', key: 'another-key-0123456789' })).status).toBe(401);
  expect(log.filter(({ level }) => Number(level) > 30)).toEqual([]);
});

test('the gateway takes the file with every comment removed', async () => {
  const examples = text.replaceAll(/^#( *(?:[a-z-]+:|- |api-keys).*)$/gm, '$1').replaceAll(/: \[\]$/gm, ':');
  const { send, ask } = await gatewayService(here(examples));
  expect((await send({ path: '/health' })).json).toMatchObject({ status: 'ok' });
  expect((await ask({ path: '/v1/models' })).status).toBe(401);
});
