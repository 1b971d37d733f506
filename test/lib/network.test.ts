import { BlockList, isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contains, isTooWide, parseAddress, parseNetwork } from '../../src/lib/network.ts';

/** Node's own parsers decide what is right. */

/** Zeros are frequent, since they decide how an address is written. */
const groups = fc.array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 });
const bytes = fc.array(fc.nat(255), { minLength: 4, maxLength: 4 });

const hex = (parts: readonly number[]) => parts.map((part) => part.toString(16)).join(':');
const dotted = (parts: readonly number[]) => parts.join('.');

describe('parseAddress', () => {
  test('writes an IPv6 address as RFC 5952 does, and reads it back', () => {
    fc.assert(
      fc.property(groups, fc.boolean(), (parts, isUpper) => {
        fc.pre(!isMapped(parts));
        const written = hex(parts);
        const canonical = new URL(`http://[${written}]`).hostname.slice(1, -1);
        for (const text of [written, canonical]) {
          const parsed = parseAddress(isUpper ? text.toUpperCase() : text);
          expect(parsed).toEqual({ text: canonical, groups: parts });
        }
      }),
    );
  });

  test.each([
    ['0:0:0:0:0:0:0:0', '::'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['1:0:0:2:3:0:0:4', '1::2:3:0:0:4'],
    ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
    ['0:0:1:2:3:4:5:6', '::1:2:3:4:5:6'],
    ['1:2:3:4:5:6:0:0', '1:2:3:4:5:6::'],
    ['::1.2.3.4', '::102:304'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['::FFFF:1.2.3.4', '1.2.3.4'],
    ['0:0:0:0:0:ffff:0102:0304', '1.2.3.4'],
    ['FE80::1%eth0', 'fe80::1'],
    ['255.255.255.255', '255.255.255.255'],
  ])('%s is %s', (text, canonical) => expect(parseAddress(text)?.text).toBe(canonical));

  test('takes what Node takes for an address, and nothing else', () => {
    const character = fc.constantFrom(...'0123456789abcf:.::..%/ ');
    const text = fc.oneof(
      fc.string(),
      fc.array(character, { maxLength: 24 }).map((characters) => characters.join('')),
      fc.ipV4Extended(),
    );
    fc.assert(
      fc.property(text, (written) => {
        const withoutZone = written.replace(/%.*$/s, '');
        expect(parseAddress(written) !== undefined).toBe(isIPv4(withoutZone) || isIPv6(withoutZone));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('a network', () => {
  test.each([
    { family: 'ipv4', parts: bytes, bitsEach: 8, textOf: dotted },
    { family: 'ipv6', parts: groups, bitsEach: 16, textOf: hex },
  ] as const)(
    'contains the addresses that it contains for Node: $family',
    ({ family, parts, bitsEach, textOf }) => {
      const bits = family === 'ipv4' ? 32 : 128;
      fc.assert(
        fc.property(parts, fc.nat(bits - 1), fc.nat(bits), (ofNetwork, bit, prefix) => {
          const flipped = 1 << (bitsEach - 1 - (bit % bitsEach));
          const ofOther = ofNetwork.map((part, i) =>
            i === Math.floor(bit / bitsEach) ? part ^ flipped : part,
          );
          fc.pre(!isMapped(ofNetwork) && !isMapped(ofOther));
          const list = new BlockList();
          list.addSubnet(textOf(ofNetwork), prefix, family);
          const network = parseNetwork(`${textOf(ofNetwork)}/${prefix}`);
          const other = parseAddress(textOf(ofOther));
          expect(network && other && contains(network, other)).toBe(list.check(textOf(ofOther), family));
        }),
        { numRuns: 500 },
      );
    },
  );

  test.each([
    ['0.0.0.0/0', '1.2.3.4', true],
    ['0.0.0.0/0', '::ffff:1.2.3.4', true],
    ['0.0.0.0/0', '::1', false],
    ['::/0', '::1', true],
    ['::/0', '1.2.3.4', false],
    ['::/0', '::ffff:1.2.3.4', false],
  ])('of one version holds no address of the other: %s, %s', (text, written, expected) => {
    const [network, address] = [parseNetwork(text), parseAddress(written)];
    expect(network && address && contains(network, address)).toBe(expected);
  });

  test.each([
    ['1.2.3.4', '1.2.3.4', 32],
    ['2001:db8::', '2001:db8::', 128],
    ['::ffff:10.0.0.0/104', '10.0.0.0', 8],
    ['::ffff:10.0.0.0/8', '10.0.0.0', 0],
    ['::ffff:10.0.0.1', '10.0.0.1', 32],
  ])('%s is %s with a prefix of %d', (text, address, prefix) => {
    expect(parseNetwork(text)).toMatchObject({ address: { text: address }, prefix });
  });

  test.each([
    '',
    '/8',
    '1.2.3.4/33',
    '::/129',
    '1.2.3.4/',
    '1.2.3/8',
    'fe80::1%eth0/64',
    '::1/1/1',
    '1.2.3.4/-1',
  ])('%j is not one', (text) => expect(parseNetwork(text)).toBeUndefined());

  test.each([
    ['10.0.0.0/8', false],
    ['10.0.0.0/7', true],
    ['fc00::/7', false],
    ['fe80::/10', false],
    ['2001::/16', false],
    ['2001::/15', true],
    ['::/0', true],
  ])('%s is wider than any owner has: %s', (text, expected) => {
    const network = parseNetwork(text);
    expect(network && isTooWide(network)).toBe(expected);
  });
});

const isMapped = (parts: readonly number[]) =>
  parts.slice(0, 5).every((part) => part === 0) && parts[5] === 0xffff;
