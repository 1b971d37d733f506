import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clientResolver } from '../../src/http/client-address.ts';

const untrusting = clientResolver([], true);
const trusting = clientResolver(['127.0.0.1', '10.0.0.0/8', 'fd00::/8', '::1'], true);

describe('without trusted proxies', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::', '2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80::1', 'fe80:0:0:0::/64'],
  ])('%s is %s and counts as %s', (peer, address, lockoutKey) => {
    expect(untrusting(peer, '198.51.100.1')).toEqual({ address, lockoutKey });
  });

  test.each([undefined, '', 'unix:', '127.1', '0x7f.0.0.1', '017.0.0.1', '1.2.3.4.5'])(
    '%j is unknown, and counted as one',
    (peer) => {
      expect(untrusting(peer, undefined)).toEqual({ address: 'unknown', lockoutKey: 'unknown' });
    },
  );
});

describe('with trusted proxies', () => {
  test.each<[string, string | undefined, string, string | undefined]>([
    ['127.0.0.1', '192.0.2.1', '192.0.2.1', '192.0.2.1'],
    ['::ffff:127.0.0.1', '192.0.2.1', '192.0.2.1', '192.0.2.1'],
    ['::1', ' 2001:db8::1 ', '2001:db8::1', '2001:db8:0:0::/64'],
    ['127.0.0.1', '192.0.2.1, 10.1.2.3', '192.0.2.1', '192.0.2.1'],
    ['127.0.0.1', '203.0.113.9, 192.0.2.1', '192.0.2.1', '192.0.2.1'],
    ['127.0.0.1', undefined, '127.0.0.1', undefined],
    ['127.0.0.1', '10.0.0.1, 10.0.0.2', '10.0.0.1', undefined],
    ['127.0.0.1', '192.0.2.1,', 'unknown', 'unknown'],
    ['127.0.0.1', '192.0.2.1:4711', '192.0.2.1', '192.0.2.1'],
    ['127.0.0.1', '[2001:db8::1]:4711', '2001:db8::1', '2001:db8:0:0::/64'],
    ['127.0.0.1', '192.0.2.1:4711:1', 'unknown', 'unknown'],
    ['192.0.2.9', '10.0.0.1', '192.0.2.9', '192.0.2.9'],
  ])('from %s with %j it is %s', (peer, forwardedFor, address, lockoutKey) => {
    expect(trusting(peer, forwardedFor)).toEqual({ address, lockoutKey });
  });

  test('whatever a client writes before the entry of its proxy, it is known by that entry', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.ipV4().filter((ip) => !/^(10|127)\./.test(ip)),
        (written, real) => {
          expect(trusting('10.0.0.1', `${written}, ${real}`)).toEqual({ address: real, lockoutKey: real });
        },
      ),
    );
  });
});

test('all addresses of one IPv6 /64 count as one, and no others', () => {
  const hex = fc.integer({ min: 0, max: 0xffff }).map((part) => part.toString(16));
  const half = fc.tuple(hex, hex, hex, hex);
  fc.assert(
    fc.property(half, half, half, (network, host, otherHost) => {
      fc.pre(network.some((part) => part !== '0'));
      const key = (parts: string[]) => untrusting(parts.join(':'), undefined).lockoutKey;
      expect(key([...network, ...host])).toBe(key([...network, ...otherHost]));
      const neighbour = [...network.slice(0, 3), (Number.parseInt(network[3], 16) ^ 1).toString(16)];
      expect(key([...network, ...host])).not.toBe(key([...neighbour, ...host]));
    }),
  );
});

test('any way to write an address gives the same client', () => {
  fc.assert(
    fc.property(fc.ipV4(), (ip) => {
      expect(untrusting(`::ffff:${ip}`, undefined)).toEqual(untrusting(ip, undefined));
    }),
  );
  fc.assert(
    fc.property(fc.ipV6(), (ip) => {
      expect(untrusting(ip.toUpperCase(), undefined)).toEqual(untrusting(ip.toLowerCase(), undefined));
    }),
  );
});

test('without a lockout nothing is counted, and the address is still known', () => {
  expect(clientResolver([], false)('192.0.2.1', undefined)).toEqual({
    address: '192.0.2.1',
    lockoutKey: undefined,
  });
});
