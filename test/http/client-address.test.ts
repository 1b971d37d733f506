import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clientResolver } from '../../src/http/client-address.ts';
import { createProxyWarnings } from '../../src/http/proxy-warnings.ts';
import { createLogger } from '../../src/lib/logger.ts';
import { bootstrapped } from '../support/keyhearth.ts';
import { noWarnings } from '../support/no-warnings.ts';

const untrusting = clientResolver([], noWarnings);
const trusting = clientResolver(['127.0.0.1', '10.0.0.0/8', 'fd00::/8', '::1'], noWarnings);

describe('without trusted proxies', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::', '2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80::1', 'fe80:0:0:0::/64'],
  ])('%s is %s and counts as %s', (peer, address, lockoutKey) => {
    expect(untrusting({ peer, forwardedFor: '198.51.100.1' })).toMatchObject({ address, lockoutKey });
  });

  test.each([undefined, '', 'unix:', '127.1', '0x7f.0.0.1', '017.0.0.1', '1.2.3.4.5'])(
    '%j is unknown, and counted as one',
    (peer) => {
      expect(untrusting({ peer })).toEqual({ address: 'unknown', lockoutKey: 'unknown', ip: undefined });
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
    ['127.0.0.1', '192.0.2.1,', 'unknown', undefined],
    ['127.0.0.1', '192.0.2.1, rubbish', 'unknown', undefined],
    ['127.0.0.1', '', 'unknown', undefined],
    ['127.0.0.1', ',', 'unknown', undefined],
    ['127.0.0.1', ',192.0.2.1', '192.0.2.1', '192.0.2.1'],
    ['127.0.0.1', '192.0.2.1:4711', '192.0.2.1', '192.0.2.1'],
    ['127.0.0.1', '[2001:db8::1]:4711', '2001:db8::1', '2001:db8:0:0::/64'],
    ['127.0.0.1', '192.0.2.1:4711:1', 'unknown', undefined],
    ['192.0.2.9', '10.0.0.1', '192.0.2.9', '192.0.2.9'],
  ])('from %s with %j it is %s', (peer, forwardedFor, address, lockoutKey) => {
    expect(trusting({ peer, forwardedFor })).toMatchObject({ address, lockoutKey });
  });

  test('whatever a client writes before the entry of its proxy, it is known by that entry', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.ipV4().filter((ip) => !/^(10|127)\./.test(ip)),
        (written, real) => {
          expect(trusting({ peer: '10.0.0.1', forwardedFor: `${written}, ${real}` })).toMatchObject({
            address: real,
            lockoutKey: real,
          });
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
      const key = (parts: string[]) => untrusting({ peer: parts.join(':') }).lockoutKey;
      expect(key([...network, ...host])).toBe(key([...network, ...otherHost]));
      const neighbour = [...network.slice(0, 3), (Number.parseInt(network[3], 16) ^ 1).toString(16)];
      expect(key([...network, ...host])).not.toBe(key([...neighbour, ...host]));
    }),
  );
});

test('any way to write an address gives the same client', () => {
  fc.assert(
    fc.property(fc.ipV4(), (ip) => {
      expect(untrusting({ peer: `::ffff:${ip}` })).toEqual(untrusting({ peer: ip }));
    }),
  );
  fc.assert(
    fc.property(fc.ipV6(), (ip) => {
      expect(untrusting({ peer: ip.toUpperCase() })).toEqual(untrusting({ peer: ip.toLowerCase() }));
    }),
  );
});

describe('warnings', () => {
  function logged(trustedProxies: readonly string[]) {
    const lines: Record<string, unknown>[] = [];
    const logger = createLogger('info', { write: (line) => lines.push(JSON.parse(line)) });
    return { resolve: clientResolver(trustedProxies, createProxyWarnings(logger)), lines };
  }

  test('a peer that is not trusted and sends X-Forwarded-For is logged once', () => {
    const { resolve, lines } = logged([]);
    for (let i = 0; i < 100; i++) resolve({ peer: '::ffff:192.0.2.1', forwardedFor: `198.51.100.${i}` });
    expect(lines).toMatchObject([{ level: 'warn', peer: '192.0.2.1' }]);
    expect(lines[0]?.msg).toContain(
      '192.0.2.1 sends X-Forwarded-For, but KEYHEARTH_TRUSTED_PROXIES does not list it',
    );
  });

  test('also where other proxies are trusted', () => {
    const { resolve, lines } = logged(['10.0.0.1']);
    resolve({ peer: '10.0.0.1', forwardedFor: '198.51.100.1' });
    expect(lines).toEqual([]);
    resolve({ peer: '10.0.0.2', forwardedFor: '198.51.100.1' });
    expect(lines).toMatchObject([{ peer: '10.0.0.2' }]);
  });

  test('a peer that sends no X-Forwarded-For is not', () => {
    const { resolve, lines } = logged([]);
    resolve({ peer: '192.0.2.1' });
    expect(lines).toEqual([]);
  });

  test('a trusted proxy that does not name its client is logged once', () => {
    const { resolve, lines } = logged(['10.0.0.1', '10.0.0.2']);
    for (const hop of ['unknown', '', '_hidden', '198.51.100.1, unknown', 'unknown, 10.0.0.2'])
      resolve({ peer: '10.0.0.1', forwardedFor: hop });
    expect(lines).toMatchObject([
      { level: 'warn', peer: '10.0.0.1' },
      { level: 'warn', peer: '10.0.0.2' },
    ]);
    expect(lines[0]?.msg).toContain('The trusted proxy 10.0.0.1 sends an X-Forwarded-For');
  });

  test('clients that come from many addresses fill no log', () => {
    const { resolve, lines } = logged([]);
    for (let i = 0; i < 1_000; i++) resolve({ peer: `192.0.${i >> 8}.${i & 255}`, forwardedFor: 'x' });
    expect(lines).toHaveLength(10);
  });

  test('the service writes them', async () => {
    const { send, log } = await bootstrapped();
    for (let i = 0; i < 3; i++)
      await send({ path: '/auth/verify', headers: { 'X-Forwarded-For': '192.0.2.1' } });
    const warnings = log.filter(({ level }) => level === 'warn');
    expect(warnings).toMatchObject([
      { peer: '127.0.0.1', msg: expect.stringContaining('KEYHEARTH_TRUSTED_PROXIES') },
    ]);
  });
});
