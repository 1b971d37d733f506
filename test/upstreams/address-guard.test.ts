import type { LookupAddress } from 'node:dns';
import { expect, test } from 'vitest';
import { isForbidden } from '../../src/lib/forbidden-address.ts';
import { guardedLookup } from '../../src/upstreams/address-guard.ts';
import { createAgent } from '../../src/upstreams/agent.ts';
import { startUpstream } from '../support/upstream.ts';

test.each([
  ...['169.254.169.254', '169.254.0.1', 'fe80::1', 'febf::1', 'fe80::1%eth0', '::ffff:169.254.169.254'],
  ...[
    '::169.254.169.254',
    '64:ff9b::169.254.169.254',
    '2002:a9fe:a9fe::1',
    'fd00:ec2::254',
    '100.100.100.200',
  ],
  ...['192.0.0.192', 'no address', 'fd00:ec2::23', 'fd00:ec2:1::1', 'fd20:ce::254'],
  // Translated addresses: each place of 169.254.169.254 that RFC 6052 allows, and another address.
  ...['64:ff9b:1:a9fe:a9:fe00::', '64:ff9b:1:a9:fe:a9fe::', '64:ff9b:1::a9:fea9:fe00:0'],
  ...['64:ff9b:1:2:3:4:a9fe:a9fe', '64:ff9b:1::100.100.100.200', '64:ff9b::100.100.100.200'],
  ...['2002:6464:64c8::1', '::192.0.0.192', '::ffff:0:169.254.169.254'],
])('no name leads to %s', (address) => {
  expect(isForbidden(address)).toBe(true);
});

test.each([
  '127.0.0.1',
  '::1',
  '10.0.0.1',
  '192.168.0.1',
  '169.253.0.1',
  '8.8.8.8',
  'fec0::1',
  'fd00:ec3::254',
  'fd20:ce::253',
  '64:ff9b::8.8.8.8',
  '64:ff9b:1::8.8.8.8',
  '64:ff9b:1:808:8:800::',
  '64:ff9b:2::169.254.169.254',
  '2001:db8::1',
])('a name may lead to %s', (address) => {
  expect(isForbidden(address)).toBe(false);
});

const lookUp = (addresses: LookupAddress[], all: boolean) =>
  new Promise((resolve) => {
    guardedLookup((_, __, done) => done(null, addresses))('name.example', { all }, (error, address) =>
      resolve(error ?? address),
    );
  });

test.each([true, false])('a look-up refuses when one of the addresses is forbidden, all: %s', async (all) => {
  const good = { address: '127.0.0.1', family: 4 };
  const bad = { address: '169.254.169.254', family: 4 };
  expect(await lookUp([good], all)).toEqual(all ? [good] : '127.0.0.1');
  expect(await lookUp([good, bad], all)).toMatchObject({ code: 'FORBIDDEN_ADDRESS' });
  expect(await lookUp([bad], all)).toMatchObject({ code: 'FORBIDDEN_ADDRESS' });
  expect(await lookUp([], all)).toBeInstanceOf(Error);
});

test('a name that leads to another address later is checked again', async () => {
  const { origin, received } = await startUpstream();
  const { port } = new URL(origin);
  const answers = ['127.0.0.1', '169.254.169.254'];
  const agent = createAgent(
    { connectMs: 1_000, firstByteMs: 1_000, idleMs: 1_000 },
    guardedLookup((_, __, done) => done(null, [{ address: answers.shift() ?? '', family: 4 }])),
  );
  const ask = () =>
    agent
      .request({ origin: `http://rebinding.example:${port}`, path: '/v1/x', method: 'GET', reset: true })
      .then(
        async ({ statusCode, body }) => {
          await body.dump();
          return statusCode;
        },
        (error) => error.code,
      );
  expect([await ask(), await ask()]).toEqual([200, 'FORBIDDEN_ADDRESS']);
  expect(received).toHaveLength(1);
  await agent.close();
});
