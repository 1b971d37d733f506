import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { followCertificate, readKeyPair } from '../../../src/http/server/certificate.ts';
import { allocateNews, isNews } from '../../../src/lib/news.ts';
import { type Pem, selfSigned } from '../../support/certificate.ts';
import { temporaryDirectory } from '../../support/keyhearth.ts';

function directory(pair: Pem) {
  const path = temporaryDirectory();
  const files = { cert: join(path, 'cert.pem'), key: join(path, 'key.pem') };
  const write = ({ cert, key }: Partial<Pem>) => {
    if (cert !== undefined) writeFileSync(files.cert, cert);
    if (key !== undefined) writeFileSync(files.key, key);
  };
  write(pair);
  return { files, write };
}

/** Follows the files, and counts its checks. */
async function follow(files: { cert: string; key: string }) {
  const changes: string[] = [];
  const problems: string[] = [];
  let checks = 0;
  const following = followCertificate(await readKeyPair(files), {
    files: () => {
      checks++;
      return files;
    },
    onChange: ({ cert }) => void changes.push(String(cert)),
    onProblem: (sentence) => void problems.push(sentence),
    everyMs: 5,
  });
  onTestFinished(following.close);
  const untilChecked = async (times: number) => {
    const enough = checks + times;
    await expect.poll(() => checks).toBeGreaterThan(enough);
  };
  return { changes, problems, untilChecked };
}

test('a problem is reported once, and a later certificate is used', async () => {
  const { files, write } = directory(selfSigned('first'));
  const { changes, problems, untilChecked } = await follow(files);
  write({ key: selfSigned('other').key });
  await expect.poll(() => problems).toHaveLength(1);
  await untilChecked(10);
  expect(problems).toEqual([expect.stringContaining('does not belong to the certificate')]);
  expect(changes).toEqual([]);

  const second = selfSigned('second');
  write(second);
  await expect.poll(() => changes).toEqual([second.cert]);
  await untilChecked(10);
  expect(changes).toHaveLength(1);
});

test('whatever is in the files, the last good certificate stays, and a sentence names the file', async () => {
  const first = selfSigned('first');
  const { files, write } = directory(first);
  const changes: string[] = [];
  const problems: string[] = [];
  const following = followCertificate(await readKeyPair(files), {
    files: () => files,
    onChange: ({ cert }) => void changes.push(String(cert)),
    onProblem: (sentence) => void problems.push(sentence),
    everyMs: 3_600_000,
  });
  onTestFinished(following.close);
  const half = (pem: string) => pem.slice(0, pem.length / 2);
  const encrypted = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'a' },
  }).privateKey;
  const bad: Partial<Pem>[] = [
    ...[{ cert: '' }, { cert: 'no certificate' }, { cert: '\0'.repeat(10_000) }, { cert: half(first.cert) }],
    ...[
      { cert: first.key },
      { cert: `${first.cert}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n` },
    ],
    ...[{ key: '' }, { key: half(first.key) }, { key: first.cert }, { key: encrypted }],
  ];
  for (const pair of bad) {
    write({ ...first, ...pair });
    await following.reload();
    expect(problems.splice(0), JSON.stringify(pair).slice(0, 60)).toEqual([
      expect.stringContaining(pair.cert === undefined ? files.key : files.cert),
    ]);
  }
  write(first);
  rmSync(files.key);
  await following.reload();
  mkdirSync(files.key);
  await following.reload();
  expect(problems.splice(0)).toEqual([
    expect.stringContaining('cannot be read (ENOENT)'),
    expect.stringContaining('cannot be read (EISDIR)'),
  ]);
  expect(changes).toEqual([]);

  rmSync(files.key, { recursive: true });
  const second = selfSigned('second');
  write(second);
  await following.reload();
  expect(changes).toEqual([second.cert]);
  expect(problems).toEqual([]);
});

test('the same content, written again, is no change', async () => {
  const pair = selfSigned('first');
  const { files, write } = directory(pair);
  const { changes, problems, untilChecked } = await follow(files);
  write(pair);
  await untilChecked(10);
  expect([changes, problems]).toEqual([[], []]);
});

test('of several threads that see the same thing, one says it', () => {
  const said = allocateNews();
  expect(isNews(said, 'reloaded')).toBe(true);
  expect(isNews(said, 'reloaded')).toBe(false);
  expect(isNews(said, 'broken')).toBe(true);
  expect(isNews(said, 'reloaded')).toBe(true);
});
