import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { sqlIn } from '../../support/keyhearth.ts';
import { proxyhat } from '../../support/proxyhat.ts';
import { connectRaw } from '../../support/raw.ts';

/** A body can take long to arrive. What a key or a token may do is decided again when the change is made. */
test.each([
  ['the key is deleted', 'delete from api_keys where label = $LABEL', 401],
  [
    'the key belongs to no account',
    'update api_keys set account_id = null, account_standing = null where label = $LABEL',
    403,
  ],
  ['the access token has ended', `delete from sessions where kind = 'access_token'`, 401],
])('a body that arrives after a change makes no key: %s', async (_, change, status) => {
  const { member, made, origin, dataDir } = await proxyhat();
  const call = await member('dev@example.com');
  const { plain_text_token: key } = await made(call, { name: 'acting' });
  const token = change.includes('sessions') ? call.token : key;

  const raw = await connectRaw(origin);
  const body = '{"name": "late"}';
  const head = ['POST /v1/profile/api-keys HTTP/1.1', 'Host: localhost', `Authorization: Bearer ${token}`];
  const rest = ['Content-Type: application/json', `Content-Length: ${body.length}`, 'Expect: 100-continue'];
  raw.write(`${[...head, ...rest].join('\r\n')}\r\n\r\n${body.slice(0, 5)}`);
  while (!raw.text().includes('100 Continue')) await nextTurn();
  await sqlIn(dataDir, change.replace('$LABEL', `'acting'`));
  raw.write(body.slice(5));
  while (!/HTTP\/1.1 [2-5]/.test(raw.text())) await nextTurn();
  expect(raw.text()).toContain(`HTTP/1.1 ${status} `);
  expect(await sqlIn(dataDir, `select id from api_keys where label = 'late'`)).toEqual([]);
});
