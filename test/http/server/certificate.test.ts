import { writeFileSync } from 'node:fs';
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
