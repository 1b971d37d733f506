import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** A certificate that signs itself, and its key. */
export type Pem = { cert: string; key: string };

const DAY_MS = 86_400_000;

/** A value of DER (X.690): its tag, its length and its content. */
function der(tag: number, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const lengthBytes = length < 128 ? [length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...lengthBytes]), content]);
}

const sequence = (...parts: Uint8Array[]) => der(0x30, ...parts);
const hex = (tag: number, bytes: string) => der(tag, Buffer.from(bytes, 'hex'));
const text = (tag: number, value: string) => der(tag, Buffer.from(value));

/** Object identifiers. */
const ECDSA_WITH_SHA256 = sequence(hex(0x06, '2a8648ce3d040302'));
const COMMON_NAME = hex(0x06, '550403');
const SUBJECT_ALTERNATIVE_NAME = hex(0x06, '551d11');

/** Such as 261127080000Z. */
const utcTime = (ms: number) =>
  text(0x17, `${new Date(ms).toISOString().slice(2, 19).replaceAll(/[-:T]/g, '')}Z`);

/** Makes a certificate for `localhost` and 127.0.0.1 (RFC 5280). It needs no program beside Node. */
export function selfSigned(name: string): Pem {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const subject = sequence(der(0x31, sequence(COMMON_NAME, text(0x0c, name))));
  const names = sequence(text(0x82, 'localhost'), hex(0x87, '7f000001'));
  const serial = createHash('sha256').update(randomBytes(16)).digest().subarray(0, 8);
  const content = sequence(
    der(0xa0, hex(0x02, '02')),
    der(0x02, Buffer.from([0x01]), serial),
    ECDSA_WITH_SHA256,
    subject,
    sequence(utcTime(Date.now() - DAY_MS), utcTime(Date.now() + 30 * DAY_MS)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(sequence(SUBJECT_ALTERNATIVE_NAME, der(0x04, names)))),
  );
  const signature = der(0x03, Buffer.from([0]), sign('sha256', content, privateKey));
  const base64 = sequence(content, ECDSA_WITH_SHA256, signature).toString('base64');
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}
