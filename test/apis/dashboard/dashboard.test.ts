import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { getRequestListener } from '@hono/node-server';
import { pino } from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';
import { dashboardApi } from '../../../src/apis/dashboard/dashboard-api.ts';
import { clientResolver } from '../../../src/http/client-address.ts';
import { createRequestLog } from '../../../src/http/request-log.ts';
import { createRoot } from '../../../src/http/root.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { createLockout } from '../../../src/lockout/lockout.ts';
import { client } from '../../support/http.ts';
import { service, temporaryDirectory } from '../../support/keyhearth.ts';
import { noCookies } from '../../support/no-cookies.ts';
import { noUsage } from '../../support/no-usage.ts';
import { noWarnings } from '../../support/no-warnings.ts';

const SCRIPT = 'console.log("the dashboard");'.repeat(50);
const STYLE = 'body { margin: 0; }';
const INDEX = `<!doctype html>
<link rel="stylesheet" crossorigin href="./assets/index-1.css">
<script type="module" crossorigin src="./assets/index-1.js"></script>
<div id="app"></div>
`;

/** What `npm run build` leaves, with a compressed form of the script alone. */
function built(folder = join(temporaryDirectory(), 'dist')): string {
  const assets = join(folder, 'assets');
  mkdirSync(assets, { recursive: true });
  writeFileSync(join(folder, 'index.html'), INDEX);
  writeFileSync(join(folder, 'secret.txt'), 'secret');
  writeFileSync(join(assets, 'index-1.css'), STYLE);
  writeFileSync(join(assets, 'index-1.js'), SCRIPT);
  writeFileSync(join(assets, 'index-1.js.br'), brotliCompressSync(SCRIPT));
  writeFileSync(join(assets, 'index-1.js.gz'), gzipSync(SCRIPT));
  writeFileSync(join(assets, 'font-1.woff2'), 'a font');
  return folder;
}

/** Serves a build. The folder of the service itself may have none while the tests run. */
async function serving(folder: string) {
  const logger = pino({ level: 'silent' });
  const lockout = createLockout({ attempts: 2, seconds: 300, by: 'address' }, systemClock);
  const root = createRoot(logger, createRequestLog(logger, 100), clientResolver([], noWarnings));
  const context = { lockout, usage: noUsage, isAllowedHost: () => true, cookies: noCookies, ownedPaths: [] };
  const { fetch: answer } = root.route('/', dashboardApi(context, folder));
  const server = createServer(getRequestListener(answer as never));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { origin, send: client(origin) };
}

const PAGES = [
  '/dashboard',
  '/dashboard/',
  '/dashboard/keys',
  '/dashboard/keys/7',
  '/dashboard/setup?from=log',
];

describe('the pages', () => {
  test.each(PAGES)('%s loads its files from below /dashboard, by relative URLs', async (path) => {
    const { send, origin } = await serving(built());
    const { status, text, headers } = await send(path);
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    const urls = [...text.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, url = '']) => url);
    expect(urls).toHaveLength(2);
    for (const prefix of ['', '/some/prefix']) {
      const files = urls.map((url) => new URL(url, `${origin}${prefix}${path}`).pathname);
      expect(files).toEqual([
        `${prefix}/dashboard/assets/index-1.css`,
        `${prefix}/dashboard/assets/index-1.js`,
      ]);
    }
    for (const url of urls) expect(url).toMatch(/^\.\//);
  });

  test('are asked for again each time, and sent once', async () => {
    const { send } = await serving(built());
    const { headers } = await send('/dashboard/keys');
    expect(headers).toMatchObject({ 'cache-control': 'no-cache', vary: 'Accept-Encoding' });
    const etag = String(headers.etag);
    for (const known of [etag, etag.replace('W/', ''), `"other", ${etag}`]) {
      const again = await send({ path: '/dashboard/keys', headers: { 'If-None-Match': known } });
      expect(again).toMatchObject({ status: 304, text: '', headers: { etag } });
    }
    const other = await send({ path: '/dashboard/keys', headers: { 'If-None-Match': '"other"' } });
    expect(other.status).toBe(200);
    const elsewhere = await send({ path: '/dashboard/keys/7', headers: { 'If-None-Match': etag } });
    expect(elsewhere.status).toBe(200);
  });

  test('answer HEAD without a body, and no other method', async () => {
    const { send } = await serving(built());
    expect(await send({ method: 'HEAD', path: '/dashboard' })).toMatchObject({ status: 200, text: '' });
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const answer = await send({ method, path: '/dashboard/keys' });
      expect(answer).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
    }
  });
});

describe('the files', () => {
  test.each([
    ['index-1.js', 'text/javascript; charset=utf-8', SCRIPT],
    ['index-1.css', 'text/css; charset=utf-8', STYLE],
    ['font-1.woff2', 'font/woff2', 'a font'],
  ])('%s has its type, and is kept for ever', async (name, type, content) => {
    const { send } = await serving(built());
    const { status, headers, text } = await send(`/dashboard/assets/${name}`);
    expect({ status, text }).toEqual({ status: 200, text: content });
    expect(headers).toMatchObject({
      'content-type': type,
      'cache-control': 'public, max-age=31536000, immutable',
      vary: 'Accept-Encoding',
    });
    expect(headers['content-encoding']).toBeUndefined();
  });

  test.each([
    ['gzip, deflate, br, zstd', 'br'],
    ['br;q=0.1, gzip', 'br'],
    ['gzip, deflate', 'gzip'],
    ['br;q=0, gzip', 'gzip'],
    ['br;q=0, gzip;q=0', undefined],
    ['identity', undefined],
  ])('a client that accepts "%s" gets the script as %s', async (accepted, encoding) => {
    const { send, origin } = await serving(built());
    const headers = { 'Accept-Encoding': accepted };
    const answer = await send({ path: '/dashboard/assets/index-1.js', headers });
    expect(answer.headers['content-encoding']).toBe(encoding);
    expect(Number(answer.headers['content-length']) < SCRIPT.length).toBe(encoding !== undefined);
    // Fetch decompresses it.
    const read = await fetch(`${origin}/dashboard/assets/index-1.js`, { headers });
    expect(await read.text()).toBe(SCRIPT);
  });

  test.each([
    '/dashboard/assets/',
    '/dashboard/assets/missing.js',
    '/dashboard/assets/index-1.js.br',
    '/dashboard/assets/index-1.js.gz',
    '/dashboard/assets/INDEX-1.JS',
    '/dashboard/assets/../secret.txt',
    '/dashboard/assets/..%2fsecret.txt',
    '/dashboard/assets/..%2Fsecret.txt',
    '/dashboard/assets/%2e%2e/secret.txt',
    '/dashboard/assets/%2e%2e%2fsecret.txt',
    '/dashboard/assets/..%252fsecret.txt',
    '/dashboard/assets/..%5csecret.txt',
    '/dashboard/assets/..\\secret.txt',
    '/dashboard/assets/%c0%ae%c0%ae%2fsecret.txt',
    '/dashboard/assets/./index-1.js/.',
    '/dashboard/assets//index-1.js',
    '/dashboard/assets/index-1.js%00',
    '/dashboard/assets/index-1.js%00.css',
    '/dashboard/assets/index-1.js%',
    '/dashboard/assets/index-1.js/',
    '/dashboard/assets/assets%2findex-1.js',
    '/dashboard/assets/__proto__',
    '/dashboard/assets/constructor',
    '/dashboard//secret.txt',
    '/dashboard/x/../../dist/secret.txt',
    '/dashboard/a/b/c',
  ])('%s shows no file', async (path) => {
    const { send } = await serving(built());
    const { status, text } = await send(path);
    expect(text).not.toMatch(/secret$|the dashboard"/);
    // A path that a URL parser shortens can become the one of a page.
    if (status !== 200) expect([400, 404]).toContain(status);
    else expect(text).toContain('<div id="app">');
  });

  test('come from one build, also when another one replaces it', async () => {
    const folder = built();
    const { send } = await serving(folder);
    expect((await send('/dashboard')).status).toBe(200);
    rmSync(folder, { recursive: true });
    expect((await send('/dashboard/assets/index-1.js')).text).toBe(SCRIPT);
  });
});

test('every answer has the strict policy, which allows nothing inline', async () => {
  const { send } = await serving(built());
  for (const path of [
    ...PAGES,
    '/dashboard/assets/index-1.js',
    '/dashboard/assets/missing.js',
    '/dashboard/a/b/c',
  ])
    expect((await send(path)).headers, path).toMatchObject({
      'content-security-policy':
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'permissions-policy': expect.stringMatching(/camera=\(\).*geolocation=\(\).*microphone=\(\)/),
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    });
});

describe('without a build', () => {
  test('each page is a 404 that says how to make one, and shows it as soon as there is one', async () => {
    const folder = join(temporaryDirectory(), 'dist');
    const { send } = await serving(folder);
    for (const path of PAGES) {
      const { status, headers, text } = await send(path);
      expect(status).toBe(404);
      expect(headers).toMatchObject({
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
      });
      expect(headers['content-security-policy']).toMatch(/default-src 'none'/);
      expect(text).toContain('npm run build');
    }
    expect((await send('/dashboard/assets/index-1.js')).status).toBe(404);
    built(folder);
    expect((await send('/dashboard')).status).toBe(200);
  });

  test('a page whose files are of another build is not sent', async () => {
    const folder = built();
    rmSync(join(folder, 'assets/index-1.css'));
    const { send } = await serving(folder);
    expect((await send('/dashboard')).status).toBe(404);
  });
});

test('the service owns every path below /dashboard, and none beside it', async () => {
  const { send } = await service();
  expect((await send('/dashboard/a/b/c')).status).toBe(404);
  expect((await send('/dashboards')).status).toBe(401);
  const { paths } = (await send('/openapi.json')).json;
  expect(Object.keys(paths).filter((path) => path.startsWith('/dashboard'))).toEqual([]);
});
